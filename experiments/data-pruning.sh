#!/usr/bin/env bash
# Training sets that are made smaller: half and a quarter of MNIST and Fashion-MNIST, chosen in five ways, with all
# classes in equal shares and without, and LeNet-300-100 trained on them for as many steps as on all. Prints the right
# answers of the 10,000 test images.
#
#   experiments/data-pruning.sh FOLDER [SEED...]        both data sets, seeds 0 1 2
#   SAPWOOD=PATH DATA=FOLDER SETS=mnist ...
#
# What is done is not done again. docs/results-transfer.md has the outcome.
set -euo pipefail
out=${1:?a folder for the runs}
shift
seeds=${*:-0 1 2}
data=${DATA:-data}
run() { ${SAPWOOD:-cargo xtask} "$@" 2>>"$out/log.txt"; }
train() { run train --data-root "$data" --lr 0.05 --batch-size 64 "$@" >>"$out/log.txt"; }
right() {
  run eval --data "$1" --data-root "$data" --json --weights "$2/weights.safetensors" |
    sed 's/.*"top1":\([0-9.]*\).*/\1/' | awk '{ printf "%.0f", 10000 * $1 }'
}
mkdir -p "$out"
for set in ${SETS:-mnist fashion-mnist}; do
  # The networks that look at the examples: seeds of their own, three epochs.
  for judge in 100 101 102; do
    train --model lenet-300-100 --data "$set" --epochs 3 --keep 1ep,2ep --seed "$judge" --out "$out/$set-judge-$judge"
  done
  at() { echo "--weights $out/$set-judge-$1/weights$2.safetensors"; }
  ends="$(at 100 "") $(at 101 "") $(at 102 "")"
  for seed in $seeds; do
    train --model lenet-300-100 --data "$set" --epochs 4 --seed "$seed" --out "$out/$set-all-$seed"
    echo "$set, seed $seed: all examples, 4 epochs: $(right "$set" "$out/$set-all-$seed")"
    for keep in 50 25; do
      for method in random el2n grand forgetting k-centre; do
        for share in "" --balanced; do
          case $method in
            random) weights="" ;;
            el2n | grand) weights=$ends ;;
            forgetting) weights="$(at 100 -1ep) $(at 100 -2ep) $(at 100 "")" ;;
            k-centre) weights=$(at 100 "") ;;
          esac
          name=$out/$set-$method$share-$keep
          # Only chance and the first centre depend on the seed.
          case $method in random | k-centre) list=$name-$seed.json ;; *) list=$name.json ;; esac
          # shellcheck disable=SC2086 # lists of words
          [ -f "$list" ] || run data prune "$set" --data-root "$data" --method "$method" --keep "$keep%" $share $weights \
            --seed "$seed" --out "$list" >>"$out/log.txt"
          train --model lenet-300-100 --data "$set" --only "$list" --epochs $((400 / keep)) --seed "$seed" \
            --out "$name-$seed"
          echo "$set, seed $seed: $method $share $keep %: $(right "$set" "$name-$seed")"
        done
      done
    done
  done
done
