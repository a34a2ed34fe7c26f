#!/usr/bin/env bash
# What does a teacher give? A narrow ResNet-20 learns CIFAR-10 from its labels alone, from the answers of a ResNet-20 of
# twice its width too (KD), and from these with the right class and the others apart (DKD). Prints the right answers of the
# test split in percent; students of one seed begin with the same weights and see the same batches.
#
#   experiments/distill-cifar10.sh FOLDER [SEED...]      seeds 0 1 2
#   SAPWOOD=PATH DATA=FOLDER ...
#   EPOCHS=6 WIDTH=0.25          of a student
#   TEACHER=FILE                 the teacher; by default the network that is kept here, at half width
#
# What is done is not done again. docs/results-transfer.md has the outcome.
set -euo pipefail
out=${1:?a folder for the runs}
shift
seeds=${*:-0 1 2}
data=${DATA:-data}
epochs=${EPOCHS:-6}
teacher=${TEACHER:-$(dirname "$0")/cifar-reference/weights.safetensors}
run() { ${SAPWOOD:-cargo xtask} "$@" 2>>"$out/log.txt"; }
mkdir -p "$out"
learn() {
  run train --model resnet-20 --data cifar10 --data-root "$data" --augment --lr 0.2 --nesterov --schedule cosine \
    --batch-size 128 --weight-decay 5e-4 --decay-weights-only "$@" | grep 'top-1'
}
for seed in $seeds; do
  for arm in none kd dkd; do
    case $arm in none) how="" ;; *) how="--teacher $teacher --distill $arm" ;; esac
    begin=$SECONDS
    # shellcheck disable=SC2086 # a list of words
    line=$(learn --width "${WIDTH:-0.25}" --epochs "$epochs" --warm-up 1ep --seed "$seed" --out "$out/$arm-$seed" $how)
    echo "seed $seed, $arm: ${line#*: } $((SECONDS - begin)) s"
  done
done
