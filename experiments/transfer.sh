#!/usr/bin/env bash
# A network that was trained on something else learns a task of which there are few images of each class: the last
# layer alone on features (a probe), all layers behind a probe, all layers at once (naive), the same layers from
# new weights, and the recipe that the program takes by itself. A fifth of the images tells the best epoch. Prints the right answers of the test split in percent.
#
#   experiments/transfer.sh WEIGHTS DATASET FOLDER [SEED...]      seeds 0 1 2
#   SAPWOOD=PATH DATA=FOLDER IMAGE=3x96x96 SIZES="10 50 250" ARMS="probe tuned naive scratch recipe" ...
#   PROBE="--lr 0.05" ...   the learning rate of probes, which else is found by their features
#
# What is done is not done again. docs/results-transfer.md has the outcome.
set -euo pipefail
weights=${1:?the trained network}
set=${2:?the data set of the new task}
out=${3:?a folder for the runs}
shift 3
seeds=${*:-0 1 2}
data=${DATA:-data}
run() { ${SAPWOOD:-cargo xtask} "$@" 2>>"$out/log.txt"; }
mkdir -p "$out"
for size in ${SIZES:-10 50 250}; do
  few="--data $set --data-root $data --per-class $size --hold-out 20% ${IMAGE:+--image $IMAGE} ${MORE:-}"
  for seed in $seeds; do
    for arm in ${ARMS:-probe tuned naive scratch}; do
      case $arm in
        probe) how="--weights $weights --new-head --probe 30ep --batch-size 32 ${PROBE:-}" ;;
        tuned) how="--weights $weights --new-head --probe 30ep --then 10ep --batch-size 32 ${PROBE:-}" ;;
        naive) how="--weights $weights --new-head --epochs 10 --batch-size 32" ;;
        scratch) how="--layers-of $out/head-$seed/weights.safetensors --epochs 40 --lr 0.05 --batch-size 32" ;;
        recipe) how="--weights $weights --new-head" ;;
      esac
      if [ "$arm" = scratch ] && [ ! -d "$out/head-$seed" ]; then
        # shellcheck disable=SC2086 # lists of words
        run train --weights "$weights" --new-head $few --until 0it --out "$out/head-$seed" >>"$out/log.txt"
      fi
      name=$out/$set-$size-$arm-$seed
      begin=$SECONDS
      # shellcheck disable=SC2086
      line=$(run train $how $few --seed "$seed" --out "$name" | grep 'top-1') || line=": $(tail -n 1 "$out/log.txt")"
      echo "$set, $size of each class, seed $seed, $arm: ${line#*: } $((SECONDS - begin)) s"
    done
  done
done
