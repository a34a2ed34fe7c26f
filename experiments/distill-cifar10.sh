#!/usr/bin/env bash
# What does a teacher give? ResNet-20 at half width learns CIFAR-10 from its labels alone, beside the answers of a
# ResNet-20 at full width (KD), and beside these with the right class and the others apart (DKD). Prints the right
# answers of the test split in percent; students of one seed begin with the same weights and see the same batches.
#
#   experiments/distill-cifar10.sh FOLDER [SEED...]      seeds 0 1 2
#   SAPWOOD=PATH DATA=FOLDER EPOCHS=4 ...                epochs of a student; the teacher has 12
#
# What is done is not done again. docs/results-transfer.md has the outcome.
set -euo pipefail
out=${1:?a folder for the runs}
shift
seeds=${*:-0 1 2}
data=${DATA:-data}
epochs=${EPOCHS:-4}
run() { ${SAPWOOD:-cargo xtask} "$@" 2>>"$out/log.txt"; }
mkdir -p "$out"
learn() {
  run train --model resnet-20 --data cifar10 --data-root "$data" --augment --lr 0.2 --nesterov --schedule cosine \
    --batch-size 128 --weight-decay 5e-4 --decay-weights-only "$@" | grep 'top-1'
}
line=$(learn --epochs 12 --warm-up 3ep --out "$out/teacher")
echo "teacher: ${line#*: }"
for seed in $seeds; do
  for arm in none kd dkd; do
    case $arm in none) how="" ;; *) how="--teacher $out/teacher/weights.safetensors --distill $arm" ;; esac
    begin=$SECONDS
    # shellcheck disable=SC2086 # a list of words
    line=$(learn --width 0.5 --epochs "$epochs" --warm-up 1ep --seed "$seed" --out "$out/$arm-$seed" $how)
    echo "seed $seed, $arm: ${line#*: } $((SECONDS - begin)) s"
  done
done
