//! The level of instructions, pinned: the same bytes on every processor that has it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn sapwood(folder: &Path, args: &[&str], level: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sapwood"));
    command.args(args).current_dir(folder).env_remove("SAPWOOD_LEVEL");
    if let Some(level) = level {
        command.env("SAPWOOD_LEVEL", level);
    }
    command.output().unwrap()
}

/// The levels of this machine, best first, as `devices` names them.
fn levels() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let out = said(&sapwood(folder.path(), &["devices", "--seconds", "0"], None));
    let line = out.lines().find_map(|line| line.strip_prefix("cpu: level ")).unwrap();
    let all = line.split_once(" of ").unwrap().1.split(';').next().unwrap();
    all.split(", ").map(String::from).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// The line of `curve.csv` that training leaves, at a level of the command line or of the environment.
fn curve(model: &[&str], level: &[&str], environment: Option<&str>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let fixed = ["train", "--data", "digits", "--epochs", "1", "--out", "run"];
    let args: Vec<&str> = fixed.iter().chain(model).chain(level).copied().collect();
    let output = sapwood(folder.path(), &args, environment);
    assert!(output.status.success(), "{}", said(&output));
    let text = fs::read_to_string(folder.path().join("run/curve.csv")).unwrap();
    text.lines().nth(1).unwrap_or_default().into()
}

/// Written by an emulated processor without AVX-512 (`qemu-x86_64 -cpu Haswell`), at no level and at
/// this one.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_pinned_level_gives_the_digits_of_a_machine_of_that_level() {
    if !levels().iter().any(|level| level == "avx2") {
        println!("skipped: this processor has no AVX2");
        return;
    }
    let dense = ["--model", "lenet-300-100", "--width", "0.2"];
    let expected =
        "1,23,0.00046570269818346777,2.2674063843161014,2.2282069025560887,0.2833333333333333,0.7,";
    assert_eq!(curve(&dense, &["--level", "avx2"], None), expected);
    assert_eq!(curve(&dense, &[], Some("avx2")), expected);
    // What is asked for here and now is more than what the environment says.
    assert_eq!(curve(&dense, &["--level", "avx2"], Some("portable")), expected);
    let residual = ["--model", "resnet-20", "--width", "0.25", "--batch-size", "100"];
    let expected = "1,15,0.0010926199633097156,1.6045067808905158,2.141631071760292,0.225,0.7,";
    assert_eq!(curve(&residual, &["--level", "avx2"], None), expected);
}

#[test]
fn a_level_that_is_none_or_not_there_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        sapwood(folder.path(), &["train", "--model", "lenet-5", "--data", "digits", "--level", "sse9"], None);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(said(&output), "error: unknown level `sse9`: expected one of avx512, avx2, neon, portable\n");
    let other = if cfg!(target_arch = "aarch64") { "avx512" } else { "neon" };
    let output = sapwood(folder.path(), &["devices", "--seconds", "0"], Some(other));
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).starts_with(&format!("error: this processor has no level `{other}`: it has ")));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn workers_of_one_study_at_several_levels_are_noticed() {
    let best = &levels()[0];
    if best == "portable" {
        println!("skipped: this processor has one level");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let study = "kind = \"prune\"\nreplicates = 2\nsparsities = [0.5]\n\n\
                 [data]\nname = \"digits\"\nexamples = 60\n\n\
                 [model]\nname = \"lenet-300-100\"\nwidth = 0.1\n\n\
                 [training]\nbatch_size = 20\nepochs = 1\noptimizer = { name = \"sgd\" }\nlearning_rate = 0.05\n\n\
                 [[methods]]\ncriterion = \"random\"\n";
    fs::write(folder.path().join("s.toml"), study).unwrap();
    let first = sapwood(folder.path(), &["run", "s.toml"], None);
    assert!(first.status.success() && !said(&first).contains("several levels"), "{}", said(&first));
    let mut entries = fs::read_dir(folder.path().join("runs/s")).unwrap().map(|entry| entry.unwrap().path());
    let run = entries.find(|path| path.join("r0/level.txt").exists()).unwrap().join("r0");
    let level = fs::read_to_string(run.join("level.txt")).unwrap();
    assert_eq!(level.trim(), best.as_str());
    let ledger = fs::read_to_string(run.join("ledger-0.json")).unwrap();
    assert!(ledger.contains(&format!("\"level\": \"{best}\"")), "{ledger}");
    fs::remove_dir_all(&run).unwrap();
    let second = sapwood(folder.path(), &["run", "s.toml", "--level", "portable"], None);
    let expected = format!("the runs of this study are computed at several levels: {best}, portable");
    assert!(second.status.success() && said(&second).contains(&expected), "{}", said(&second));
    assert!(said(&sapwood(folder.path(), &["status", "s"], None)).contains(&expected));
}
