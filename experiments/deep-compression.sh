#!/usr/bin/env bash
# Deep Compression of LeNet-300-100 and LeNet-5 on MNIST, end to end: train (images moved by a pixel), prune while
# training on, share weights and train these, pack. Prints the errors, the size over 4 bytes a parameter, and the
# size with Huffman codes in the place of the adaptive one.
#
#   experiments/deep-compression.sh FOLDER [SEED...]        both networks, seeds 0 1 2
#   SAPWOOD=PATH NETS=lenet-5 DATA=FOLDER ...               another program, one network, where the data sets are
#
# What is done is not done again. docs/results-pack.md has the outcome.
set -euo pipefail
out=${1:?a folder for the runs}
shift
seeds=${*:-0 1 2}
data=${DATA:-data}
run() { ${SAPWOOD:-cargo xtask} "$@" 2>>"$out/log.txt"; }
train() { run train --data mnist --data-root "$data" --augment "$@" >>"$out/log.txt"; }
error() {
  run eval --data mnist --data-root "$data" --json --weights "$1" |
    sed 's/.*"top1":\([0-9.]*\).*/\1/' | awk '{ printf "%.2f", 100 * (1 - $1) }'
}
mkdir -p "$out"

for net in ${NETS:-lenet-300-100 lenet-5}; do
  case $net in
    lenet-300-100)
      dense="--epochs 20 --lr 0.1 --weight-decay 1e-4"
      sparse="--epochs 20 --lr 0.05 --weight-decay 5e-5 --gradual 0.94 --masks-until 12ep"
      share="--bits 3 --bias-bits 4 --epochs 3" ;;
    lenet-5)
      dense="--epochs 4 --lr 0.05 --weight-decay 1e-4"
      sparse="--epochs 6 --lr 0.05 --weight-decay 5e-5 --gradual 0.975 --masks-until 4ep"
      share="--bits 3 --conv-bits 4 --bias-bits 4 --epochs 1" ;;
  esac
  for seed in $seeds; do
    name=$out/$net-$seed
    # shellcheck disable=SC2086 # lists of words
    train --model "$net" $dense --batch-size 64 --seed "$seed" --out "$name-dense"
    # shellcheck disable=SC2086
    train --weights "$name-dense/weights.safetensors" $sparse --batch-size 64 --seed "$seed" --out "$name-sparse"
    # shellcheck disable=SC2086
    [ -f "$name-shared.safetensors" ] ||
      run cluster --weights "$name-sparse/weights.safetensors" $share --augment --data mnist --data-root "$data" \
        --seed "$seed" --out "$name-shared.safetensors" >>"$out/log.txt"
    run pack "$name-shared.safetensors" --out "$name.sapwood" >"$name.txt"
    run pack "$name-shared.safetensors" --code huffman --out "$name.huffman" >"$name-huffman.txt"
    sizes=$(wc -c <"$name.sapwood" | tr -d ' ')
    huffman=$(wc -c <"$name.huffman" | tr -d ' ')
    less=$(awk -v a="$sizes" -v h="$huffman" 'BEGIN { printf "%.1f", 100 * (1 - a / h) }')
    echo "$net seed $seed: dense $(error "$name-dense/weights.safetensors") % wrong, sparse" \
      "$(error "$name-sparse/weights.safetensors") %, packed $(error "$name.sapwood") %;" \
      "$(tail -n 1 "$name.txt"); $less % below Huffman"
  done
done
