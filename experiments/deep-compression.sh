#!/usr/bin/env bash
# Deep Compression of LeNet-300-100 and LeNet-5 on MNIST, end to end: train, prune and train in rounds (LeNet-5:
# while it is trained), share weights and train these, pack. Prints the errors and the size over 4 bytes a parameter.
#
#   experiments/deep-compression.sh FOLDER [SEED...]        both networks, seeds 0 1 2
#   SAPWOOD=PATH NETS=lenet-5 DATA=FOLDER ...               another program, one network, where the data sets are
#
# What is done is not done again. docs/results-compression.md has the outcome.
set -euo pipefail
out=${1:?a folder for the runs}
shift
seeds=${*:-0 1 2}
data=${DATA:-data}
run() { ${SAPWOOD:-cargo xtask} "$@" 2>>"$out/log.txt"; }
train() { run train --data mnist --data-root "$data" --batch-size 64 "$@" >>"$out/log.txt"; }
error() {
  run eval --data mnist --data-root "$data" --json --weights "$1" |
    sed 's/.*"top1":\([0-9.]*\).*/\1/' | awk '{ printf "%.2f", 100 * (1 - $1) }'
}
mkdir -p "$out"

for net in ${NETS:-lenet-300-100 lenet-5}; do
  case $net in
    lenet-300-100)
      dense="--epochs 40 --lr 0.05 --weight-decay 5e-4 --label-smoothing 0.1"
      again="--epochs 15 --lr 0.03 --weight-decay 1e-4 --label-smoothing 0.1"
      rounds="0.9 0.96" bits="--bits 5 --bias-bits 5" ;;
    lenet-5)
      dense="--epochs 16 --lr 0.02 --weight-decay 5e-4 --gradual 0.97"
      again="" rounds="" bits="--bits 5 --conv-bits 5 --bias-bits 5" ;;
  esac
  for seed in $seeds; do
    name=$out/$net-$seed
    # shellcheck disable=SC2086 # lists of words
    train --model "$net" $dense --seed "$seed" --out "$name"
    weights=$name/weights.safetensors
    line="$net seed $seed: trained $(error "$weights") % wrong"
    for sparsity in $rounds; do
      [ -f "$name-$sparsity.safetensors" ] ||
        run prune --weights "$weights" --sparsity "$sparsity" --out "$name-$sparsity.safetensors" >>"$out/log.txt"
      # shellcheck disable=SC2086
      train --weights "$name-$sparsity.safetensors" $again --seed "$seed" --out "$name-$sparsity"
      weights=$name-$sparsity/weights.safetensors
    done
    line="$line, pruned $(error "$weights") %"
    # shellcheck disable=SC2086
    [ -f "$name-shared.safetensors" ] ||
      run cluster --weights "$weights" $bits --data mnist --data-root "$data" --epochs 5 --seed "$seed" \
        --out "$name-shared.safetensors" >>"$out/log.txt"
    run pack "$name-shared.safetensors" --out "$name.sapwood" >"$name.txt"
    echo "$line, packed $(error "$name.sapwood") %; $(tail -n 1 "$name.txt")"
  done
done
