//! Arguments that were mistyped, or do not go together.

use crate::workplace::{NET, Workplace, one_line_error};

fn check(line: &str, expected: &[&str]) {
    Workplace::with_net().refuse(line, expected);
}

#[test]
fn weights_of_a_position_that_no_run_passes_are_refused() {
    let place = Workplace::new();
    let line = "train --model lenet-300-100 --width 0.1 --data digits --epochs 2";
    place.refuse(&format!("{line} --keep 1ep,5ep --out run"), &["weights of 5ep", "from 0it to 46it"]);
    place.refuse(&format!("{line} --start-at 1ep --keep 3it --out run"), &["weights of 3it", "from 23it"]);
    place.succeed(&format!("{line} --keep 1ep --out run"));
    assert!(place.has("run/weights-1ep.safetensors"));
    place.refuse(&format!("{line} --keep 1ep,30it --out run"), &["weights of 30it", "has passed that"]);
}

#[test]
fn files_that_no_run_has_left_are_not_written_over() {
    let place = Workplace::with_net();
    place.put("models/weights.safetensors", "mine");
    place.put("models/net.onnx", "mine");
    let refused = ["would be written over: choose another folder", "models"];
    place.refuse("train --model lenet-300-100 --data digits --out models", &refused);
    place.refuse(&format!("compress --weights {NET} --data digits --out models"), &refused);
}

#[test]
fn a_folder_is_no_file_of_weights_or_of_an_image() {
    let place = Workplace::with_net();
    place.succeed("train --model lenet-300-100 --width 0.1 --data digits --epochs 1 --out run");
    place.refuse("eval --weights run --data digits", &["found a folder: give run/weights.safetensors"]);
    place.refuse("eval --weights . --data digits", &["found a folder: give ./net.safetensors"]);
    place.put("empty/file", "");
    place.refuse("eval --weights empty --data digits", &["found a folder: give one in empty"]);
    place.refuse(
        &format!("predict --weights {NET} run"),
        &["found a folder: give those in it, as in run/*.png"],
    );
}

#[test]
fn inputs_that_are_made_otherwise_than_those_of_the_training_are_told() {
    let place = Workplace::new();
    place.succeed("train --model lenet-300-100 --width 0.1 --data digits --epochs 1 --out run");
    let told = |more: &str| place.run(&format!("eval --weights run/weights.safetensors {more}")).err;
    assert!(!told("--data digits").contains("trained with"));
    let other = told("--data digits --preprocess x/255");
    assert!(
        other.contains("the weights were trained with") && other.contains("with x/255, as was said"),
        "{other}"
    );
}

#[test]
fn an_unknown_name_brings_the_nearest_ones() {
    check("train --model lenet-300-10 --data digits", &["unknown model `lenet-300-10`", "lenet-300-100"]);
    check("train --model resnet-20 --data digit", &["unknown data set `digit`", "digits"]);
    check("train --model resnet-20 --data digits --init kaiming", &["unknown", "kaiming-normal"]);
    check(&format!("eval --weights {NET} --data digts"), &["did you mean digits"]);
    check(&format!("predict --weights {NET} --data digts x.png"), &["did you mean digits"]);
    check(
        &format!("prune --weights {NET} --criterion magnitud --sparsity 0.5 --out x"),
        &["did you mean magnitude"],
    );
    check(
        &format!("prune --weights {NET} --allocation unifrm --sparsity 0.5 --out x"),
        &["did you mean uniform"],
    );
    check("describe --model vgg16", &["vgg-16"]);
    check("data get minst", &["unknown data set `minst`", "mnist"]);
    check("data verify minst", &["mnist"]);
    check("list models resnet20", &["resnet-20"]);
    check("list model", &["'models'"]);
    check("trian", &["'train'"]);
    check("train --model resnet-20 --data digits --epoch 3", &["'--epochs'"]);
    check("train --model resnet-20 --data digits --optimizer adm", &["'adamw'"]);
}

#[test]
fn what_is_missing_is_named() {
    check("", &["expected a command", "--help"]);
    check("data", &["expected a command", "--help"]);
    check("list", &["models|spaces|data|criteria"]);
    check("train --data digits", &["expected `--model` or `--weights`"]);
    check("train --model lenet-5", &["--data"]);
    check("describe", &["--model"]);
    check(&format!("prune --weights {NET} --out x"), &["--sparsity"]);
    check(&format!("predict --weights {NET} --data digits"), &["<IMAGES>"]);
    check("train --model lenet-5 --data digits --schedule multi-step", &["--milestones"]);
    check(
        &format!("prune --weights {NET} --criterion snip --sparsity 0.5 --out x"),
        &["criterion `snip` needs examples", "--data"],
    );
}

#[test]
fn a_device_that_is_not_there_says_what_is() {
    for command in ["train --model lenet-5 --data digits", &format!("eval --weights {NET} --data digits")] {
        check(&format!("{command} --device gpu"), &["unknown device `gpu`", "cpu"]);
        check(&format!("{command} --device cpu:7"), &["device `cpu:7` was not found", "`cpu:0`"]);
        check(&format!("{command} --device metal:9"), &["device `metal:9`"]);
    }
}

#[test]
fn values_out_of_range_are_refused() {
    let train = "train --model lenet-300-100 --data digits --out run";
    for (option, expected) in [
        ("--epochs 0", "`epochs` must be at least 1"),
        ("--epochs 18446744073709551615", "`epochs`"),
        ("--epochs -1", "--epochs"),
        ("--batch-size 0", "batches of 0"),
        ("--examples 0", "no examples"),
        ("--lr 0", "`learning_rate` must be a finite number above 0"),
        ("--lr nan", "`learning_rate`"),
        ("--momentum 1", "momentum"),
        ("--weight-decay -1", "`weight_decay`"),
        ("--label-smoothing 1", "`label_smoothing`"),
        ("--clip 0", "`clip`"),
        ("--width 0", "`width`: expected a factor above 0"),
        ("--width nan", "`width`"),
        ("--warm-up 5", "`5` is no position in training: expected `10ep`"),
        ("--warm-up 11ep", "`warm_up` must be"),
        ("--warm-up 18446744073709551615ep", "`warm_up` must be"),
        ("--schedule multi-step --milestones 20ep", "milestones"),
        ("--milestones 2ep", "--schedule multi-step"),
        ("--gamma 0.5", "`--gamma` belongs to `--schedule multi-step`"),
        ("--optimizer adamw --momentum 0.9", "`--momentum` belongs to `--optimizer sgd`"),
        ("--optimizer adamw --nesterov", "`--nesterov` belongs to `--optimizer sgd`"),
        ("--image 1x16x16", "its examples are no photographs"),
        ("--checkpoint-every 0", "--checkpoint-every"),
        ("--decay-weights-only", "`--decay-weights-only` belongs to `--weight-decay`"),
        ("--augment", "no augmentation is customary"),
    ] {
        check(&format!("{train} {option}"), &[expected]);
    }
    check(
        "train --model mobilenet-v2 --width 0.1 --data digits --batch-size 1 --out run",
        &["sees a single value of each channel", "batches of 2 or more"],
    );
    check(
        "train --model life-net --data life --examples 32 --label-smoothing 0.1 --out run",
        &["smoothing of labels is for classes", "`life` has none"],
    );
    check(
        "describe --model life-net --overcompleteness 99999999999999",
        &["`overcompleteness`: expected 1 to 4096"],
    );
    // Options that would have no effect.
    check(&format!("shrink --weights {NET} --except fc1 --out x"), &["`--except` belongs to a target"]);
    check(&format!("shrink --weights {NET} --data digits --out x"), &["`--data` belongs to a target"]);
    for option in ["--input 1x8x8", "--precision f64", "--seed 0", "--allow-more-outputs"] {
        let name = option.split(' ').next().unwrap();
        let expected = format!("`{name}` belongs to a target");
        check(&format!("shrink --weights {NET} {option} --out x"), &[&expected]);
    }
    for option in ["--skip-bad", "--image 1x8x8"] {
        check(&format!("shrink --weights {NET} {option} --out x"), &["are for images of a data set"]);
    }
    check(
        &format!("train --layers-of {NET} --data digits --width 2 --out x"),
        &["`--width` belongs to `--model`"],
    );
    for command in ["prune --sparsity 0.5", "score --criterion magnitude"] {
        check(
            &format!("{command} --weights {NET} --allow-more-outputs --out x"),
            &["`--allow-more-outputs` is for the classes of a data set, and none is read: leave it out"],
        );
    }
    check(
        &format!("train --weights {NET} --data digits --probe 2ep --rate fc1=0.1 --out x"),
        &["`--rate` describes `fc1`", "add `--then`, or leave it out"],
    );
    check("plan study.toml --device nonsense", &["`--device`", "`--time`"]);
    check("search study.toml --max-latency 3", &["--max-latency", "EXPERIMENT"]);
    check(&format!("prune --weights {NET} --masks-from {NET} --seed 3 --out x"), &["--seed", "--masks-from"]);
    check("describe --model lenet-5 --classes 0", &["`classes`: expected 1 to"]);
    check(
        &format!("quantize --weights {NET} --data digits --calibrate 0 --out x"),
        &["--calibrate", "expected a number from 1 on"],
    );
    check("describe --model lenet-5 --classes 18446744073709551615", &["`classes`"]);
    check("describe --model resnet-20 --input 3x99999999999x99999999999", &["`input`"]);
    for input in ["3x32", "3x32x32x1", "0x8x8", "3x32xa", "-1x8x8", ""] {
        check(&format!("describe --model lenet-5 --input={input}"), &["as in 3x32x32"]);
    }
    for sparsity in ["1.5", "-0.1", "90", "101%", "half"] {
        check(&format!("prune --weights {NET} --sparsity={sparsity} --out x"), &["is no sparsity", "`90%`"]);
    }
    check(
        &format!("prune --weights {NET} --sparsity 0.5 --exclude fcx --out x"),
        &["`fcx` describes no layer: the nearest are fc1, fc2, fc3"],
    );
    for (exception, expected) in [
        ("type:dense", "`type:dense` is no type of a layer here: expected linear"),
        ("re:fc", "`re:fc` describes no layer's whole name: the nearest are fc1, fc2, fc3"),
        ("re:fc(", "`re:fc(` is no regular expression"),
        ("type:linear", "all of them are excluded"),
    ] {
        check(&format!("prune --weights {NET} --sparsity 0.5 --except {exception} --out x"), &[expected]);
    }
    check(
        &format!("prune --weights {NET} --sparsity 0.5 --exclude * --out x"),
        &["all of them are excluded"],
    );
    check(
        &format!("prune --weights {NET} --criterion snip --data digits --batches 0 --sparsity 0.5 --out x"),
        &["--batches"],
    );
    check("demo --replicates 0", &["--replicates"]);
    check("demo --epochs 0", &["--epochs"]);
}

#[test]
fn a_network_that_does_not_suit_the_data_says_why() {
    check(
        "train --model lenet-5 --data digits --out run",
        &["`lenet-5` does not take 1x8x8 inputs", "conv2"],
    );
    check(
        "train --model life-net --data digits --out run",
        &["`life-net` gives a board of 8x8", "10 classes"],
    );
    check(&format!("train --weights {NET} --data life --out run"), &["does not take 1x32x32", "64 values"]);
    check(&format!("eval --weights {NET} --data life"), &["`lenet-300-100` does not take 1x32x32 inputs"]);
    check(
        &format!("predict --weights {NET} --data cifar10 x.png"),
        &["trained on `0`, `1`", "not on `airplane`", "leave `--data` out"],
    );
    check(
        &format!("predict --weights {NET} --image 3x8x8 x.png"),
        &["`lenet-300-100` does not take 3x8x8 inputs"],
    );
    check(&format!("describe --weights {NET} --input 3x8x8"), &["does not take 3x8x8 inputs"]);
    check(&format!("describe --weights {NET} --classes 3"), &["'--classes <CLASSES>'"]);
    for option in ["--width 2", "--steps 2", "--boundary zero"] {
        check(
            &format!("train --weights {NET} --data digits {option}"),
            &["cannot be used with", option.split_once(' ').unwrap().0],
        );
    }
}

#[test]
fn an_option_that_the_network_does_not_have_is_refused() {
    for (model, option) in [
        ("lenet-5", "--shortcut a"),
        ("resnet-18", "--shortcut b"),
        ("vgg-11", "--overcompleteness 2"),
        ("life-net", "--width 2"),
        ("resnet-20", "--steps 2"),
        ("conv-2", "--boundary zero"),
    ] {
        let name = option.split_once(' ').unwrap().0;
        let expected = format!("`{model}` has no option `{name}`");
        check(&format!("describe --model {model} {option}"), &[&expected, "leave it out"]);
        check(&format!("train --model {model} {option} --data digits"), &[&expected]);
    }
    let life = "--steps 2 --boundary zero";
    Workplace::new().succeed(&format!("describe --model life-net --overcompleteness 2 {life}"));
    check(&format!("train --model lenet-5 --width 0 --data life {life}"), &["`width`"]);
}

#[test]
fn fewer_outputs_than_classes_are_refused() {
    let place = Workplace::new();
    for class in ["a", "b"] {
        for split in ["train", "test"] {
            place.put(&format!("own/{split}/{class}/1.png"), crate::commands::PNG);
        }
    }
    let train =
        "train --model lenet-300-100 --width 0.1 --data image-folder --data-root own --epochs 1 --out run";
    place.succeed(train);
    place.refuse(
        "eval --weights run/weights.safetensors --data digits",
        &["does not take 1x8x8 inputs", "expected 1 values"],
    );
    for class in ["c", "d"] {
        place.put(&format!("own/train/{class}/1.png"), crate::commands::PNG);
    }
    place.refuse(
        "eval --weights run/weights.safetensors --data image-folder --data-root own",
        &["`lenet-300-100` gives 2 outputs, but data set `image-folder` asks for 4 classes"],
    );
}

#[test]
fn the_folder_of_one_data_set_is_not_that_of_all() {
    let place = Workplace::with_net();
    for file in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
        place.put(&format!("all/mnist/{file}-ubyte"), "");
        place.put(&format!("mnist/{file}-ubyte"), "");
    }
    let eval = format!("eval --weights {NET} --data mnist --data-root");
    for (root, said) in [("all/mnist", "all and not all/mnist: "), ("mnist", ". and not mnist: ")] {
        place.refuse(&format!("{eval} {root}"), &["`--data-root` is the folder around", said]);
    }
    place.put("none/mnist/notes.txt", "");
    place.refuse(&format!("{eval} none/mnist"), &["get it with `data get mnist`"]);
}

#[test]
fn a_loss_that_is_not_finite_ends_the_training_and_names_the_step() {
    let place = Workplace::new();
    let train = "train --model lenet-300-100 --data digits --out run --epochs";
    for (epochs, batch, expected) in [(3, 128, "at iteration "), (1, 1437, "the test loss is ")] {
        let line = format!("{train} {epochs} --batch-size {batch} --lr 1e38");
        let outcome = place.run(&line);
        one_line_error(&line, &outcome, &[expected, "counted from 0", "lower the learning rate"]);
        // The next one may be another.
        assert!(!place.has("run/config.json") && !place.has("run/record.json"));
    }
}
