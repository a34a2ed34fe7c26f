#!/usr/bin/env bash
# Masks that are found on one task, used on another (Morcos et al. 2019): LeNet-300-100 learns MNIST and Fashion-MNIST from
# the same new weights, its largest 5 % of weights are kept, set back to the new ones, and trained on either task; beside
# masks of the same number of weights in each layer, drawn at random, and the whole network. Prints the right answers of the
# 10,000 test images.
#
#   experiments/ticket-transfer.sh FOLDER [SEED...]      seeds 0 1 2
#   SAPWOOD=PATH DATA=FOLDER SPARSITY=95% EPOCHS=4 ...
#
# What is done is not done again. docs/results-transfer.md has the outcome.
set -euo pipefail
out=${1:?a folder for the runs}
shift
seeds=${*:-0 1 2}
data=${DATA:-data}
run() { ${SAPWOOD:-cargo xtask} "$@" 2>>"$out/log.txt"; }
# The weights, the task, and the name of the run.
learn() {
  # The new weights have the names of MNIST's classes.
  local classes=""
  [ "$2" = mnist ] || classes=--new-classes
  # shellcheck disable=SC2086 # nothing or a word
  run train --weights "$1" $classes --data "$2" --data-root "$data" --epochs "${EPOCHS:-4}" --lr 0.05 --batch-size 64 \
    --seed "$seed" --out "$out/$3-$seed" >>"$out/log.txt"
  run eval --weights "$out/$3-$seed/weights.safetensors" --data "$2" --data-root "$data" --json |
    sed 's/.*"top1":\([0-9.]*\).*/\1/' | awk '{ printf "%.0f", 10000 * $1 }'
}
mkdir -p "$out"
for seed in $seeds; do
  new=$out/new-$seed/weights.safetensors
  run train --model lenet-300-100 --data mnist --data-root "$data" --until 0it --seed "$seed" --out "$out/new-$seed" \
    >>"$out/log.txt"
  for task in mnist fashion-mnist; do
    echo "seed $seed, $task: all weights $(learn "$new" "$task" "all-$task")"
    run prune --weights "$out/all-$task-$seed/weights.safetensors" --sparsity "${SPARSITY:-95%}" \
      --out "$out/mask-$task-$seed.safetensors" >>"$out/log.txt"
    run prune --weights "$out/all-$task-$seed/weights.safetensors" --sparsity "${SPARSITY:-95%}" --ablation shuffle \
      --seed "$seed" --out "$out/mask-$task-shuffled-$seed.safetensors" >>"$out/log.txt"
  done
  for task in mnist fashion-mnist; do
    for from in mnist fashion-mnist mnist-shuffled fashion-mnist-shuffled; do
      start=$out/start-$from-$seed.safetensors
      run prune --weights "$new" --masks-from "$out/mask-$from-$seed.safetensors" --out "$start" >>"$out/log.txt"
      echo "seed $seed, $task: mask of $from $(learn "$start" "$task" "$task-by-$from")"
    done
  done
done
