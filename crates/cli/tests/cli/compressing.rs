//! `compress`, as a user meets it.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, thread::sleep, time::Duration};

use sapwood_core::StateFile;

use crate::{
    child,
    own_images::{BLUE, GREEN, RED, images},
    workplace::{NET, Workplace, one_line_error},
};

pub(crate) const COMPRESS: &str = "compress --data digits --epochs 3";

/// A small conv-2, the file of which is `conv.safetensors`.
pub(crate) fn convolutional() -> Workplace {
    let place = Workplace::new();
    place.succeed("train --model conv-2 --width 0.2 --data digits --epochs 4 --out run");
    place.put("conv.safetensors", place.read("run/weights.safetensors"));
    place
}

/// The cells of the first row whose name is such a one, without that.
fn row_of(said: &str, is_it: impl Fn(&str) -> bool) -> Vec<String> {
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        cells.map(|cell| cell.replace(',', "")).collect()
    };
    let found = said.lines().map(cells).find(|cells| cells.first().is_some_and(|name| is_it(name)));
    found.unwrap_or_else(|| panic!("no such row in {said}"))[1..].to_vec()
}

/// The cells of the row of this name, which is without commas.
fn row(said: &str, name: &str) -> Vec<String> {
    row_of(said, |found| found == name)
}

/// Those of the integers, whatever is said of them.
pub(crate) fn integers(said: &str) -> Vec<String> {
    row_of(said, |found| found.starts_with("in int8"))
}

/// The number of a cell, without what may be missed of it.
fn number(cell: &str) -> f64 {
    cell.split(" ±").next().unwrap().parse().unwrap()
}

/// Everything in a folder that does not hold times.
fn results(place: &Workplace, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = place.files();
    let timed = |path: &PathBuf| path.ends_with("report.html") || path.to_string_lossy().contains("ledger");
    files.retain(|path, _| {
        path.starts_with(folder) && !timed(path) && !path.to_string_lossy().contains("checkpoint")
    });
    files.into_iter().map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_path_buf(), bytes)).collect()
}

#[test]
fn a_network_becomes_smaller_and_what_is_written_is_what_was_said() {
    let place = convolutional();
    let said =
        place.succeed(&format!("{COMPRESS} --weights conv.safetensors --drop 5 --macs 50% --out small"));
    let (given, last) = (row(&said, "as it came"), integers(&said));
    let macs = |cells: &[String]| number(&cells[0]);
    assert!(macs(&last) <= 0.5 * macs(&given), "{said}");
    let deciding = |cells: &[String]| number(&cells[2]);
    assert!(deciding(&given) - deciding(&last) <= 5.0, "{said}");
    assert!(said.contains("of 180 test examples"), "{said}");
    // Wilson's interval of as many of 180.
    let right = (1.8 * number(&given[3])).round() as usize;
    let found = sapwood_report::statistics::Proportion::new(right, 180).unwrap().interval;
    assert!(given[3].ends_with(&format!(" ± {:.2}", 50.0 * (found.high - found.low))), "{said}");
    for (file, row) in [("net", row(&said, "step 2")), ("net-int8", last)] {
        for ending in ["safetensors", "onnx"] {
            let json = place.succeed(&format!("eval --weights small/{file}.{ending} --data digits --json"));
            let top1 =
                json.split("\"top1\":").nth(1).unwrap().split(',').next().unwrap().parse::<f64>().unwrap();
            // Two halves of 180 examples.
            let halves = [2, 3].map(|at| number(&row[at]));
            assert!(
                (100.0 * top1 - halves.iter().sum::<f64>() / 2.0).abs() < 0.02,
                "{file}.{ending}: {said}"
            );
        }
        let bytes = place.read(&format!("small/{file}.safetensors")).len();
        assert_eq!(bytes.to_string(), *row.last().unwrap(), "{said}");
    }
    let described = place.succeed("describe --weights small/net.safetensors");
    assert!(described.contains(&format!("{} MACs", macs(&row(&said, "step 2")))), "{described}");
    let page = String::from_utf8(place.read("small/report.html")).unwrap();
    let command = "sapwood compress --data digits --epochs 3 --weights conv.safetensors";
    assert!(page.contains("Its layers") && page.contains(command), "{page}");
}

#[test]
fn what_loses_too_much_is_not_taken_and_no_file_of_integers_is_left_that_is_another_networks() {
    let place = convolutional();
    let line = format!("{COMPRESS} --weights conv.safetensors --step 90% --out small");
    place.succeed(&format!("{line} --drop 100 --macs 85%"));
    assert!(place.has("small/net-int8.onnx"));
    let steps = |place: &Workplace| place.names().iter().filter(|path| path.ends_with("record.json")).count();
    assert_eq!(steps(&place), 2, "the dense run, and one step");
    let said = place.succeed(&format!("{line} --drop 0 --macs 85% --no-integers"));
    assert!(said.contains("step 1, not taken"), "{said}");
    assert!(!place.has("small/net-int8.onnx") && !place.has("small/net-int8.safetensors"));
    // Half of the step was tried, and the first was there.
    let tried = said.lines().filter(|line| line.starts_with("step ")).count();
    assert_eq!(steps(&place), 1 + tried, "{said}");
    if said.lines().filter(|line| line.starts_with("step ")).all(|line| line.contains("not taken")) {
        place.succeed("eval --weights small/net.safetensors --data digits");
        assert_eq!(place.read("small/net.safetensors"), place.read("conv.safetensors"));
    }
}

#[test]
fn half_of_what_was_tried_is_tried_next_where_less_than_a_step_is_left_to_go() {
    let place = convolutional();
    // At this rate nothing is learnt again, and what leaves is lost.
    let line = format!("{COMPRESS} --lr 1e-9 --criterion random --weights conv.safetensors --no-integers");
    let said = place.succeed(&format!("{line} --step 90% --macs 40% --drop 0 --out small"));
    let [first, second] = ["step 1 not taken", "step 2 not taken"].map(|name| number(&row(&said, name)[0]));
    let given = number(&row(&said, "as it came")[0]);
    assert!((0.55..=0.61).contains(&(first / given)) && (0.75..=0.81).contains(&(second / given)), "{said}");
}

#[test]
fn outputs_that_nobody_names_may_be_more_than_the_classes_where_that_is_allowed() {
    let place = Workplace::new();
    images(&place, "own", 8, &[("dark", BLUE), ("light", GREEN)]);
    place.succeed("train --model conv-2 --width 0.2 --data digits --epochs 1 --out run");
    let mut file = StateFile::from_bytes(&place.read("run/weights.safetensors")).unwrap();
    file.metadata.as_object_mut().unwrap().remove("trained_on").unwrap();
    place.put("conv.safetensors", file.to_bytes().unwrap());
    let line = "compress --weights conv.safetensors --data image-folder --data-root own --epochs 1 --batch-size 4 \
                --drop 100 --macs 20% --no-integers --out small";
    place.refuse(line, &["has 10 outputs", "`--allow-more-outputs`"]);
    let said = place.succeed(&format!("{line} --allow-more-outputs"));
    assert!(number(&row(&said, "step 1")[0]) > 0.0, "{said}");
}

#[test]
fn running_statistics_are_those_of_the_training_images_after_a_step() {
    let place = Workplace::new();
    images(&place, "own", 8, &[("dark", BLUE), ("light", GREEN)]);
    let data = "--data image-folder --data-root own --image 3x8x8 --batch-size 4 --epochs 1";
    place.succeed(&format!("train --model resnet-20 --width 0.25 {data} --lr 0.01 --out run"));
    let line =
        format!("compress --weights run/weights.safetensors {data} --drop 100 --macs 20% --no-integers");
    place.succeed(&format!("{line} --out small"));
    let line = format!("train --weights small/net.safetensors {data} --new-statistics --until 0it");
    place.succeed(&format!("{line} --out anew"));
    let running = |file: &str| -> Vec<Vec<u32>> {
        let file = StateFile::from_bytes(&place.read(file)).unwrap();
        let statistics = file.state.0.iter().filter(|(path, _)| path.to_string().contains("running"));
        statistics.map(|(_, array)| array.iter::<f32>().map(f32::to_bits).collect()).collect()
    };
    let found = running("small/net.safetensors");
    assert!(!found.is_empty() && found == running("anew/weights.safetensors"));
    let page = String::from_utf8(place.read("small/report.html")).unwrap();
    assert!(page.contains("taken anew after each step, of at most 1,024 training images"), "{page}");
}

#[test]
fn data_may_have_some_of_the_networks_classes() {
    let place = Workplace::new();
    images(&place, "all", 8, &[("ant", RED), ("bee", GREEN), ("cat", BLUE)]);
    images(&place, "some", 8, &[("bee", GREEN), ("cat", BLUE)]);
    let how = "--data image-folder --image 3x8x8 --batch-size 4 --epochs 1";
    place.succeed(&format!("train --model conv-2 --width 0.2 {how} --data-root all --out run"));
    let data = format!("--weights run/weights.safetensors {how} --data-root some");
    let said = place.succeed(&format!("compress {data} --drop 100 --macs 20% --no-integers --out small"));
    assert!(number(&row(&said, "step 1")[0]) > 0.0, "{said}");
    let taught = format!("train {data} --lr 0.01 --teacher run/weights.safetensors");
    place.succeed(&format!("{taught} --out taught"));
    place.put("names.txt", "cat\nbee\nant\n");
    let other = format!("{taught} --class-names names.txt --out other");
    place.refuse(&other, &["in another way than the student's"]);
}

#[test]
fn no_more_leave_once_the_time_is_reached() {
    let place = convolutional();
    let line = format!("{COMPRESS} --weights conv.safetensors --drop 100 --no-integers --out small");
    let said = place.succeed(&format!("{line} --milliseconds 1000"));
    assert_eq!(said.lines().filter(|line| line.starts_with("step ")).count(), 0, "{said}");
    let outcome = place.run(&format!("{line} --milliseconds 0.000001 --step 90%"));
    assert!(
        outcome.code == Some(0) && outcome.err.contains("note: 0.000001 ms were asked for"),
        "{outcome:?}"
    );
}

#[test]
fn boards_have_no_classes_that_could_be_lost() {
    let place = Workplace::new();
    place.succeed("train --model life-net --data life --examples 32 --epochs 1 --out run");
    let line = "compress --weights run/weights.safetensors --data life --examples 32 --out small";
    place.refuse(line, &["the data set has none", "name one with classes"]);
}

#[test]
fn a_compression_that_is_killed_ends_with_the_same_bytes() {
    let place = convolutional();
    let line = format!("{COMPRESS} --weights conv.safetensors --drop 4 --macs 60% --out");
    place.succeed(&format!("{line} whole"));
    let whole = results(&place, "whole");
    let line = format!("{line} killed");
    let words: Vec<&str> = line.split_whitespace().collect();
    for milliseconds in [300, 600, 900, 1200, 1500, 1800] {
        let mut child = child::command(place.path(), &words).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    place.succeed(&line);
    let killed = results(&place, "killed");
    assert_eq!(killed.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
    for (path, bytes) in whole {
        assert_eq!(killed[&path], bytes, "{}", path.display());
    }
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let place = Workplace::with_net();
    let refuse = |more: &str, expected: &[&str]| {
        place.refuse(&format!("compress --weights {NET} --data digits --out small {more}"), expected);
    };
    refuse("--drop -1", &["`--drop`", "0 to 100", "-1"]);
    refuse("--drop NaN", &["`--drop`", "NaN"]);
    refuse("--milliseconds 0", &["`--milliseconds`", "above 0"]);
    refuse("--criterion magnitud", &["magnitud", "magnitude"]);
    refuse("--step 0", &["--step"]);
    refuse("--epochs 0", &["epochs"]);
    refuse("--lr nan", &["learning"]);
    refuse("--clip 0", &["clip"]);
    refuse("--hold-out 2000", &["2000"]);
    refuse("--mix mixup=0.2", &["--mix"]);
    refuse("--except nowhere", &["nowhere"]);
    refuse("--average 2", &["average"]);
    refuse("--criterion bn-scale", &["batch norm"]);
    refuse("--round-to 0", &["1 to 4096, or auto"]);
    refuse("--threads 0", &["--threads"]);
    refuse("--optimizer adam", &["adam", "adamw"]);
    place.refuse(&format!("compress --weights {NET} --data digits"), &["--out"]);
    place.put("small/net.safetensors", place.read(NET));
    let said = ["would be written over", "small/net.safetensors"];
    place.refuse("compress --weights small/net.safetensors --data digits --out small", &said);
}

#[test]
fn a_folder_says_which_network_it_belongs_to() {
    let place = Workplace::with_net();
    let line = |weights: &str| {
        format!("{COMPRESS} --weights {weights} --drop 100 --macs 20% --no-integers --out small")
    };
    place.succeed(&line(NET));
    place.succeed(&format!("prune --weights {NET} --sparsity 0.5 --out other.safetensors"));
    let said = ["what became of another network, `net.safetensors`", "another with `--out`", ": small"];
    place.refuse(&line("other.safetensors"), &said);
    place.refuse(&format!("{} --plan", line("other.safetensors")), &said);
    // That it lies elsewhere by now changes nothing.
    place.put("moved.safetensors", place.read(NET));
    place.succeed(&line("moved.safetensors"));
    // What earlier versions left says the network alone.
    let config: serde_json::Value = serde_json::from_slice(&place.read("small/config.json")).unwrap();
    place.put("small/config.json", serde_json::json!({ "network": config["network"] }).to_string());
    place.refuse(&line("other.safetensors"), &["what became of another network: ", "`--out`"]);
    place.succeed(&line(NET));
}

#[test]
fn a_folder_of_a_training_is_none_of_a_compression_and_the_other_way_round() {
    let place = Workplace::with_net();
    let train = "train --model lenet-300-100 --width 0.1 --data digits --epochs 1 --out";
    place.succeed(&format!("{train} trained"));
    let compress = format!("{COMPRESS} --weights {NET} --drop 100 --macs 20% --no-integers --out");
    let said = ["the folder holds a training, not a compression", "`--out`", ": trained"];
    place.refuse(&format!("{compress} trained"), &said);
    place.refuse(&format!("{compress} trained --plan"), &said);
    place.succeed(&format!("{compress} small"));
    let said = ["the folder holds a compression, not a training", "`--out`", ": small"];
    place.refuse(&format!("{train} small"), &said);
}

#[test]
fn a_step_whose_training_diverges_names_the_option_that_helps() {
    let place = Workplace::with_net();
    let line = format!("{COMPRESS} --weights {NET} --out small --lr");
    let expected = ["the training of a step diverged, its ", " is ", "at iteration ", "lower `--lr`"];
    one_line_error(&line, &place.run(&format!("{line} 1e30")), &expected);
    // The folder is for another one.
    place.succeed(&format!("{line} 0.001 --drop 100 --macs 20% --no-integers"));
}
