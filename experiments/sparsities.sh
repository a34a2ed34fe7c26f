#!/usr/bin/env bash
# From which sparsity on does a network gain from its zeros, and how much? Networks with new weights lose random ones, the
# same share of each layer but of the first and the last one; `profile` times each as it is and with all weights. A line:
# network, threads, pattern, percent removed, milliseconds, milliseconds with all weights, their ratio.
#
#   experiments/sparsities.sh FOLDER [NETWORK...]
#   PYTHON=PATH (with PyPI's torch) SAPWOOD=PATH SPARSITIES="40 50 60 70 80 90 95 99" PATTERNS="weight 2x1" THREADS=2 RUNS=100 ...
#
# Nothing else should run. docs/results-runtime.md has the outcome.
set -euo pipefail
out=${1:?a folder for the networks}
shift
networks=${*:-resnet-20 resnet-56 vgg-16 resnet-18-small resnet-18 resnet-50 mobilenet-v2}
run() { ${SAPWOOD:-cargo xtask} "$@" 2>>"$out/log.txt"; }
number() { sed "s/.*\"$1\": *\([0-9.e-]*\).*/\1/"; }
mkdir -p "$out"
for network in $networks; do
  # The first layer and the last one, and depthwise ones.
  case $network in
    mobilenet-v2) apart='re:features\.0\.0|features\.1\.conv\.0\.0|.*\.conv\.1\.0|classifier\.1' ;;
    *) apart='re:conv1|features\.0|fc|classifier' ;;
  esac
  new=$out/$network.safetensors
  [ -f "$new" ] || "${PYTHON:-python3}" "$(dirname "$0")/../benches/pytorch/random_weights.py" --model "$network" \
    --random-statistics --out "$new"
  for pattern in ${PATTERNS:-weight 2x1}; do
    for sparsity in ${SPARSITIES:-40 50 60 70 80 90 95 99}; do
      sparse=$out/$network-$pattern-$sparsity.safetensors
      run prune --weights "$new" --criterion random --allocation uniform --granularity "$pattern" --sparsity "$sparsity%" \
        --except "$apart" --out "$sparse" >>"$out/log.txt"
      found=$(run profile --weights "$sparse" --threads "${THREADS:-2}" --runs "${RUNS:-100}" --json | tr -d '\n')
      left=$(sed 's/"layers".*//' <<<"$found" | number seconds)
      all=$(sed 's/"layers".*//' <<<"$found" | grep -o '"seconds_with_zeros": *[0-9.e-]*' | number seconds_with_zeros || true)
      awk -v of="$network, ${THREADS:-2}, $pattern, $sparsity" -v left="$left" -v all="${all:-}" 'BEGIN {
        if (all == "") printf "%s, %.3f, -, -\n", of, 1e3 * left
        else printf "%s, %.3f, %.3f, %.2f\n", of, 1e3 * left, 1e3 * all, left / all }'
      rm -f "$sparse"
    done
  done
done
