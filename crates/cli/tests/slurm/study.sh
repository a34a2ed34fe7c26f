#!/usr/bin/env bash
# A study under a real Slurm, whose workers are killed and told to stop, ends with the bytes of one
# that ran undisturbed in a single process.
#
#   study.sh BINARY      the command line `sapwood`
#
# Exit codes: 0 the same; 77 "skipped: ..." where there is no Slurm to be had; 1 anything else.
set -euo pipefail

CLUSTER=$(dirname -- "$(realpath -- "$0")")/cluster.sh
[ $# -eq 1 ] || { echo "usage: study.sh BINARY" >&2; exit 1; }
SAPWOOD=$(realpath -- "$1")
# Of what a shell, Slurm's patterns and its options take for something else.
NAME="digits 100% \"q\" it's #1"
RUNS=12

# Not in TMPDIR, which may be longer than the names of Slurm's sockets allow.
PLACE=$(mktemp -d /tmp/sapwood-slurm.XXXXXX)
cd "$PLACE"
finish() {
  local code=$?
  bash "$CLUSTER" down "$PLACE/cluster" || true
  rm -rf "$PLACE"
  exit $code
}
trap finish EXIT
trap 'exit 1' INT TERM

die() {
  shopt -s nullglob
  {
    echo "study.sh: $*"
    squeue 2>&1 || true
    "$SAPWOOD" status "$NAME" --root slurm 2>&1 || true
    cat "slurm/$NAME/slurm.sh" || true
    tail -n 15 "slurm/$NAME"/logs/* "slurm/$NAME"/*/r*/failed.txt cluster/slurmctld.log cluster/slurmd.log || true
  } >&2
  exit 1
}

clock() { date +%s%3N; } # in milliseconds
since() { echo $(($(clock) - $1)); } # TIME
seconds() { printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100)); }

# Waits until a command succeeds. A limit only ends what hangs: a build without optimisation, on a machine with
# other work, takes several times as long.
await() { # SECONDS WHAT COMMAND...
  local until=$((SECONDS + 5 * $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $until ] || die "not in time: $what"
    sleep 0.1
  done
}

task() { scontrol --oneliner show job "$1" 2>/dev/null | head -n 1; }
is() { [[ "$(task "$1") " == *" $2 "* ]]; } # TASK FIELD=VALUE
variable() { # PROCESS NAME
  { tr '\0' '\n' <"/proc/$1/environ" | sed -n "s/^$2=//p"; } 2>/dev/null
}
holder() { sed -n 's/.*"process":\([0-9]*\).*/\1/p' "$1" 2>/dev/null; } # CLAIM

# ---- the study -----------------------------------------------------------------------------

cat >"$NAME.toml" <<'END'
kind = "prune"
sparsities = [0.9]
replicates = 2

[data]
name = "digits"

[model]
name = "lenet-300-100"

[training]
batch_size = 64
epochs = 100
optimizer = { name = "sgd", momentum = 0.9 }
learning_rate = 0.05

[[methods]]
criterion = ["random", "magnitude", "snip"]

[[methods]]
criterion = "magnitude"
at = "end"
retrain = ["init", { rewind = "1ep" }]
END

# ---- under Slurm ---------------------------------------------------------------------------

code=0
said=$(bash "$CLUSTER" up "$PLACE/cluster") || code=$?
[ $code -eq 0 ] || { echo "$said"; exit $code; }
. "$PLACE/cluster/env.sh"

began=$(clock)
timeout 300 "$SAPWOOD" run "$NAME.toml" --root slurm --launcher slurm --workers 2 --checkpoint-every 100 >said.txt ||
  die "the study was not handed in"
JOB=$(sed -n 's/^job \([0-9]*\):.*/\1/p' said.txt)
[ -n "$JOB" ] || die "no number of a job: $(cat said.txt)"

# Finds a run that is going on and has a checkpoint: RUN, WORKER, and TASK, which may be prescribed.
begun() { # [TASK]
  local claim
  for claim in slurm/*/*/r*/claim-*; do
    RUN=${claim%/*}
    WORKER=$(holder "$claim") && [ -n "$WORKER" ] && ls "$RUN"/checkpoints/*.sapwood >/dev/null 2>&1 || continue
    TASK=$(variable "$WORKER" SLURM_ARRAY_JOB_ID)_$(variable "$WORKER" SLURM_ARRAY_TASK_ID)
    [ "$TASK" = "${1:-$TASK}" ] && [ ! -e "$RUN/record.json" ] && return
  done
  false
}

# One worker is killed.
await 60 "a run with a checkpoint" begun
[[ $TASK == "$JOB"_[01] ]] || die "process $WORKER, which holds $RUN, is no worker of job $JOB but $TASK"
[ "$(variable "$WORKER" RAYON_NUM_THREADS)" = 1 ] || die "the worker does not know its share of processors"
kill -9 "$WORKER"
killed=$(clock) LOST=$RUN DEAD=$TASK
[ ! -e "$LOST/record.json" ] || die "the worker was killed too late: $LOST is done"
await 30 "Slurm sees that $DEAD is dead" is "$DEAD" JobState=FAILED
scontrol requeue "$DEAD" || die "$DEAD cannot be put into the queue again"

# The other one is told that its time is over, as by --signal.
STOPPED=${JOB}_$((1 - ${DEAD#*_}))
await 30 "the other worker has a run with a checkpoint" begun "$STOPPED"
scancel --batch --signal=USR1 "$STOPPED" || die "no signal for $STOPPED"
await 30 "$STOPPED stops when it is told to" is "$STOPPED" JobState=COMPLETED
grep -q "stopped after" "slurm/$NAME/logs/slurm-$STOPPED.log" || die "$STOPPED did not stop in good order"
# It may just have been ready.
[ ! -e "$RUN/record.json" ] || RUN=$LOST
scontrol requeue "$STOPPED" || die "$STOPPED cannot be put into the queue again"

# Both come back.
taken= by=
all_done() {
  local process
  if [ -z "$taken" ] && process=$(holder "$LOST/claim-1") && [ -n "$process" ]; then
    taken=$(since $killed) by=${JOB}_$(variable "$process" SLURM_ARRAY_TASK_ID)
  fi
  # The row `all` has how many are done first.
  [ "$("$SAPWOOD" status "$NAME" --root slurm | awk '$1 == "all" { print $2 }')" = $RUNS ]
}
await 180 "$RUNS runs are done" all_done
slurm=$(since $began)
over() { [ -z "$(squeue --noheader 2>/dev/null)" ]; }
await 60 "the tasks end by themselves" over
for task in "$DEAD" "$STOPPED"; do
  is "$task" JobState=COMPLETED && is "$task" Restarts=1 || die "$task did not come back and end well: $(task "$task")"
done
for run in "$LOST" "$RUN"; do
  grep -q "continues from iteration" "$run/log.txt" || die "$run began anew: $(cat "$run/log.txt")"
done
! ls slurm/*/*/r*/claim-* 2>/dev/null || die "claims are left behind"

# ---- undisturbed ---------------------------------------------------------------------------

began=$(clock)
timeout 1500 "$SAPWOOD" run "$NAME.toml" --root alone --workers 1 >said.txt 2>&1 || die "alone: $(tail -n 5 said.txt)"
alone=$(since $began)

# ---- the same ------------------------------------------------------------------------------

for root in slurm alone; do
  "$SAPWOOD" report "$NAME" --root $root --format csv >/dev/null || die "no report of $root"
  (cd "$root/$NAME" && find . -path '*/r*/weights*.safetensors' -o -path '*/r*/record.json' -o -name results.csv | sort) >$root.txt
done
cmp slurm.txt alone.txt || die "not the same files: $(diff slurm.txt alone.txt)"
[ "$(grep -c '/record.json$' alone.txt)" = $RUNS ] || die "not $RUNS records: $(cat alone.txt)"
while read -r file; do
  cmp "slurm/$NAME/$file" "alone/$NAME/$file" || die "$file is not the same"
done <alone.txt

echo "$RUNS runs under Slurm in $(seconds $slurm), alone in $(seconds $alone): $(wc -l <alone.txt) files are the same." \
  "Worker $DEAD was killed; ${by:-one that nobody saw} went on with its run after $(seconds ${taken:-0})."
