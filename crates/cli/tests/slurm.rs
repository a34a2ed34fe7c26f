//! A study under a real Slurm, where one can be had: see the folder `slurm`.
#![cfg(target_os = "linux")]

use std::process::Command;

#[test]
fn a_study_under_slurm_whose_workers_are_killed_ends_like_an_undisturbed_one() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slurm/study.sh");
    let output = Command::new("bash").args([script, env!("CARGO_BIN_EXE_sapwood")]).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        // Also where the script skips: it says why.
        Some(0 | 77) => println!("{}", out.trim()),
        code => panic!("{code:?}: {out}{}", String::from_utf8_lossy(&output.stderr)),
    }
}
