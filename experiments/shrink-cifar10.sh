#!/usr/bin/env bash
# Half of a trained network's multiply-accumulates taken out in four ways, and each trained again: channels with the
# smallest group norm of all (DepGraph), at random, the same share of each group, and the layers of the first with new
# weights (Liu et al. 2019). Prints the errors at once and after training.
#
#   experiments/shrink-cifar10.sh WEIGHTS FOLDER [SEED...]   seeds 0 1 2, one whole seed after the other
#   SAPWOOD=PATH DATA=FOLDER EPOCHS=6 MACS=50% NET=cifar10 ...
#
# What is done is not done again. docs/results-shrink.md has the outcome.
set -euo pipefail
weights=${1:?the trained network}
out=${2:?a folder for the runs}
shift 2
seeds=${*:-0 1 2}
data=${DATA:-data} epochs=${EPOCHS:-6} macs=${MACS:-50%} net=${NET:-cifar10}
run() { ${SAPWOOD:-cargo xtask} "$@" 2>>"$out/log.txt"; }
again() {
  run train --data "$net" --data-root "$data" --batch-size 128 --augment --epochs "$epochs" --warm-up 50it \
    --weight-decay 5e-4 --nesterov "$@" >>"$out/log.txt"
}
top1() {
  run eval --data "$net" --data-root "$data" --json --weights "$1" |
    sed 's/.*"top1":\([0-9.]*\).*/\1/' | awk '{ printf "%.2f", 100 * $1 }'
}
small() { # name, options of shrink
  local file=$out/$1.safetensors
  shift
  [ -f "$file" ] || run shrink --weights "$weights" --macs "$macs" --out "$file" "$@" >>"$out/log.txt"
  echo "$file"
}
mkdir -p "$out"
echo "the network: $(top1 "$weights") %"
for seed in $seeds; do
  file=$(small global --selection global)
  again --weights "$file" --lr 0.05 --seed "$seed" --out "$out/global-$seed"
  echo "seed $seed, group norm, all channels compared: $(top1 "$file") %, then $(top1 "$out/global-$seed/weights.safetensors") %"
  again --layers-of "$file" --lr 0.1 --seed "$seed" --out "$out/scratch-$seed"
  echo "seed $seed, these layers with new weights: $(top1 "$out/scratch-$seed/weights.safetensors") %"
  file=$(small "random-$seed" --criterion random --seed "$seed")
  again --weights "$file" --lr 0.05 --seed "$seed" --out "$out/random-$seed"
  echo "seed $seed, at random: $(top1 "$file") %, then $(top1 "$out/random-$seed/weights.safetensors") %"
  file=$(small uniform)
  again --weights "$file" --lr 0.05 --seed "$seed" --out "$out/uniform-$seed"
  echo "seed $seed, group norm, each group the same: $(top1 "$file") %, then $(top1 "$out/uniform-$seed/weights.safetensors") %"
done
