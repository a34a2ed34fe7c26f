#!/usr/bin/env bash
# Kills: every kind of job is done once undisturbed, and then again and again by processes that are killed with SIGKILL after
# random times and started anew until the job is done. Then all files are compared, byte for byte.
#
#   experiments/kills.sh FOLDER [KILLS] [SEED] [KIND...]      1000 kills of all kinds, seed 1
#   SAPWOOD=PATH ...                                          the program `sapwood`; without it the one that `cargo build` made
#
# The kinds: train (ResNet, normalisation, momentum), best (a part held out, the best epoch, changed images), average (an average
# of the weights, masks that change), study (a study of pruning), supernet (nested networks in three phases), search (networks
# judged, and searched among), report (four forms of a study's report), two (two workers, killed each by itself), disk (training
# and a study on a file system in memory, full most of the time; needs the right to mount), clock (two workers while the clock jumps by
# up to ten days, and the times of their claims; needs Debian's package `faketime`). A kind that cannot be is said and left out.
#
# Not compared is what holds times by design: `ledger-N.json` and `ledger.csv` (what the work cost), `log.txt` (what happened when), and
# `claim-N` (who works at it) of a study; and `.sapwood-N` in the folder of a run that is done, which is a ledger that was being written:
# everywhere else such a file counts. The report is compared with one of the same study with the same ledgers.
set -uo pipefail
shopt -s nullglob
export SAPWOOD_CACHE=off LC_ALL=C
script=$(realpath "$0")

# --- What the jobs do, in the present folder; this script calls itself for it, so that a kill takes all of it. ---
net="--model resnet-20 --width 0.25 --data digits --examples 300 --batch-size 50 --lr 0.0237 --nesterov --weight-decay 1e-4"
job_train() { "$SAPWOOD" train $net --epochs 2 --warm-up 5it --checkpoint-every 3 --out run; }
job_best() {
  "$SAPWOOD" train $net --epochs 2 --hold-out 20% --augment crop=1,erase=0.3 --mix mixup=0.2 --clip 2 --checkpoint-every 2 --out run
}
job_average() {
  "$SAPWOOD" train --model lenet-300-100 --width 0.3 --data digits --batch-size 50 --epochs 5 --average 0.9 --gradual 0.9 \
    --gradual-score movement --masks-every 10it --optimizer adamw --checkpoint-every 7 --out run
}
job_study() { "$SAPWOOD" run study.toml --checkpoint-every 3; }
job_supernet() { "$SAPWOOD" supernet train nested.toml --checkpoint-every 2; }
job_search() {
  local weights="--weights nested/runs/nested/progressive-r0/weights.safetensors --data digits"
  "$SAPWOOD" supernet pairs $weights --calibration 200 --count 20 --out pairs.csv &&
    "$SAPWOOD" search --space resnet-tiny-image --pairs pairs.csv --evaluations 300 --max-macs 600k --front --history search.json >front.txt
}
job_report() {
  for form in html csv jsonl tensorboard; do "$SAPWOOD" report study --format $form || return; done
}
job_two() { # The moments at which each of them is killed.
  [ -f list ] || { "$SAPWOOD" run study.toml --workers 2 --launcher commands >list.new && mv list.new list; } || return
  timeout --foreground -s KILL "$1" "$SAPWOOD" worker runs/study --checkpoint-every 3 & local one=$!
  timeout --foreground -s KILL "$2" "$SAPWOOD" worker runs/study --checkpoint-every 3 & local other=$!
  wait $one; local a=$?
  wait $other; local b=$?
  # `timeout` may see its own clock jump.
  [ $a = 124 ] && a=137
  [ $b = 124 ] && b=137
  # A worker that ends of itself leaves nothing to do.
  [ $a = 0 ] || [ $b = 0 ] && { "$SAPWOOD" run study.toml; return; }
  [ $a = 137 ] && [ $b = 137 ] && { echo 2 >kills; return 137; }
  return $((a == 137 ? b : a))
}
job_clock() {
  echo +0 >clock
  (while :; do
    sleep 0.15
    printf '%+dd\n' $((RANDOM % 20 - 10)) >clock
    for claim in runs/study/*/r*/claim-*; do touch -d "$((RANDOM % 20 - 10)) days" "$claim"; done
  done) 2>/dev/null & local jumps=$!
  export FAKETIME_TIMESTAMP_FILE=$PWD/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
  LD_PRELOAD=$faketime job_two "$@"
  local code=$?
  kill $jumps
  return $code
}
job_disk() {
  "$SAPWOOD" train --model lenet-300-100 --width 0.3 --data digits --batch-size 50 --epochs 6 --checkpoint-every 5 --out run &&
    "$SAPWOOD" run study.toml --checkpoint-every 3
}
if [ "${1:-}" = --job ]; then
  "job_$2" "${@:3}"
  exit
fi

# --- The files that they begin with. ---
studied() {
  cat >study.toml <<'END'
kind = "prune"
title = "Kills"
sparsities = [0.9]
replicates = 1
data = { name = "digits", examples = 300 }
model = { name = "lenet-300-100", width = 0.1 }
training = { batch_size = 50, epochs = 3, optimizer = { name = "sgd", momentum = 0.9 }, learning_rate = 0.05 }
methods = [
  { criterion = "snip", ablation = ["none", "shuffle"] },
  { criterion = "magnitude", at = "end", retrain = { rewind = "1ep" } },
  { criterion = "random", during = { kind = "regrow", growth = "gradient", until = "2ep", every = "4it" } },
]
END
}
nested() {
  cat >nested.toml <<'END'
name = "nested"
kind = "supernet"
family = "resnet-tiny-image"
batch_size = 32
data = { name = "digits", examples = 320 }
recipe = { optimizer = { name = "sgd", momentum = 0.9, nesterov = true }, schedule = { kind = "cosine" } }
judging = { calibration = 200 }
[[method]]
name = "progressive"
phase = [
  { name = "largest", epochs = 1, learning_rate = 0.05 },
  { name = "depth", open = { d = [1] }, rule = { name = "random", subnets = 2 }, distillation = {}, epochs = 1, learning_rate = 0.02 },
  { name = "width", open = { e = [0.5, 0.75] }, rule = { name = "random", subnets = 2 }, distillation = {}, epochs = 1, learning_rate = 0.02 },
]
END
}
begin() { # KIND FOLDER
  mkdir -p "$2" && cd "$2" || exit 1
  case $1 in
    study | two | clock | disk) studied ;;
    supernet) nested ;;
    search) cp -r "$out/nested" nested ;;
    report) studied && mkdir runs && cp -r "$out/studied/runs/study" runs/study ;;
  esac
}

# --- Kills. ---
say() { printf '%s\n' "$*" | tee -a "$out/counts.txt"; }
moment() { # Up to this many milliseconds.
  local ms=$((20 + (RANDOM * 32768 + RANDOM) % $1))
  printf '%d.%03d' $((ms / 1000)) $((ms % 1000))
}
files() { # What is compared, with hidden files: nothing half-written may stay.
  (cd "$1" && find . -type f ! -name 'claim-*' ! -name 'ledger-*.json' ! -name log.txt ! -path './list*' ! -name clock ! -name kills \
    ! -path './nested/*' ! -path './runs/study/*/r*/.sapwood-*' ! -name ballast $2 | sort)
}
differing() { # Bytes in which two folders differ; a file that is only in one counts with all of its bytes, and one for its name.
  local except="" count=0 file n
  [ "$3" = report ] || except="! -name ledger.csv ! -name report.html"
  while read -r file; do
    if [ -f "$1/$file" ] && [ -f "$2/$file" ]; then
      n=$(cmp -l "$1/$file" "$2/$file" 2>/dev/null | wc -l)
      n=$((n + $(stat -c %s "$1/$file") - $(stat -c %s "$2/$file") > n ? n + $(stat -c %s "$1/$file") - $(stat -c %s "$2/$file") : n))
      cmp -s "$1/$file" "$2/$file" || { n=$((n > 0 ? n : 1)) && echo "$file differs in $n bytes: $2" >>"$out/log.txt"; }
    else
      n=$((1 + $(stat -c %s "$1/$file" 2>/dev/null || stat -c %s "$2/$file")))
      echo "$file is in one of both only: $1 $2" >>"$out/log.txt"
    fi
    count=$((count + n))
  done < <({ files "$1" "$except" && files "$2" "$except"; } | sort -u)
  echo $count
}
failed() { say "$kind: attempt ended with $1 in $PWD, which should not be: the end of $out/log.txt says how" && exit 1; }
killed() { # The job and all that it started, killed after this many seconds; waits until all of them are gone.
  setsid "$script" --job $kind & local job=$!
  { sleep "$1" && kill -KILL -- -$job; } 2>/dev/null & local killer=$!
  wait $job; local code=$?
  kill $killer 2>/dev/null
  wait $killer
  # Who is still dying still holds its locks.
  for _ in {1..500}; do kill -0 -- -$job || break; sleep 0.01; done 2>/dev/null
  return $code
}
attempt() { # The job, killed after up to this many milliseconds. 0: done, 1: not.
  local code
  if [ $kind = disk ]; then # Three of four times there is room for 400 KB at most.
    rm -f ballast
    [ $((RANDOM % 4)) = 0 ] || head -c $(($(df --output=avail -B1 . | tail -1) - RANDOM * 12)) /dev/zero >ballast
  fi
  rm -f kills
  case $kind in
    two | clock) "$script" --job $kind "$(moment "$1")" "$(moment "$1")" ;;
    *) killed "$(moment "$1")" ;;
  esac >"$out/said.txt" 2>&1
  code=$?
  { echo "--- $kind, $PWD: $code" && cat "$out/said.txt"; } >>"$out/log.txt"
  case $code in
    0) return 0 ;;
    137) kills=$((kills + $(cat kills 2>/dev/null || echo 1))) ;;
    2) [ $kind = disk ] && grep -q 'No space left' "$out/said.txt" && ! grep -q panicked "$out/said.txt" || failed $code
      refused=$((refused + 1)) ;;
    *) failed $code ;;
  esac
  return 1
}
out=$(mkdir -p "${1:?a folder for the work}" && realpath "$1") || exit
wanted=${2:-1000} seed=${3:-1}
shift $(($# < 3 ? $# : 3))
kinds=${*:-train best average study supernet search report two disk clock}
SAPWOOD=$(realpath "${SAPWOOD:-target/debug/sapwood}") || exit
faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -1)
export SAPWOOD faketime
RANDOM=$seed
of_each=$((wanted / $(wc -w <<<"$kinds"))) all=0 wrong=0
for kind in $kinds; do
  [ $kind = clock ] && [ -z "$faketime" ] && say "clock: left out, there is no faketime" && continue
  rm -rf "${out:?}/$kind" && mkdir -p "$out/$kind"
  # What search and report begin with.
  [ $kind = search ] && [ ! -d "$out/nested" ] && (nested_in=$out/nested.new && rm -rf "$nested_in" && mkdir "$nested_in" && cd "$nested_in" &&
    nested && job_supernet && mv "$nested_in" "$out/nested") >>"$out/log.txt" 2>&1
  [ $kind = report ] && [ ! -d "$out/studied" ] && (rm -rf "$out/studied.new" && mkdir "$out/studied.new" && cd "$out/studied.new" &&
    studied && job_study && mv "$out/studied.new" "$out/studied") >>"$out/log.txt" 2>&1
  start=$(date +%s%N)
  (begin $kind "$out/$kind/whole" && case $kind in two | clock) job_study ;; *) "job_$kind" ;; esac) >>"$out/log.txt" 2>&1 ||
    { say "$kind: the undisturbed job failed: see $out/log.txt" && exit 1; }
  took=$((($(date +%s%N) - start) / 1000000))
  kills=0 runs=0 bytes=0 refused=0
  while [ $kills -lt $of_each ]; do
    place=$out/$kind/again mounted=""
    rm -rf "$place" && mkdir "$place"
    if [ $kind = disk ]; then
      mount -t tmpfs -o size=8m tmpfs "$place" 2>/dev/null || { say "disk: left out, this user may not mount" && break; }
      mounted=yes
    fi
    here=$PWD limit=$((took * 2 / 5 + 100)) tries=0
    begin $kind "$place"
    until attempt $limit; do
      # What is killed again and again before it could begin gets more time.
      tries=$((tries + 1)) && [ $((tries % 12)) = 0 ] && limit=$((limit * 3 / 2))
    done
    rm -f ballast
    cd "$here" || exit
    found=$(differing "$out/$kind/whole" "$place" $kind)
    [ "$found" = 0 ] || { rm -rf "$out/$kind/differs-$runs" && cp -r "$place" "$out/$kind/differs-$runs"; }
    [ -z "$mounted" ] || umount "$place" || exit
    runs=$((runs + 1)) bytes=$((bytes + found))
  done
  say "$kind: $kills kills, $runs jobs done, $bytes bytes differ$([ $refused = 0 ] || echo ", $refused times the disk was full"); undisturbed $took ms"
  all=$((all + kills)) wrong=$((wrong + bytes))
done
say "all, seed $seed: $all kills, $wrong bytes differ"
[ $wrong = 0 ]
