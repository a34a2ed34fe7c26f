//! What every source file keeps to.

use crate::{files, none_of, read};

/// Past this there usually are two ideas in a file.
const LINES: usize = 500;
/// Past this it is worth asking.
const MANY_LINES: usize = 300;

fn sources() -> Vec<(String, String)> {
    let paths = files(&["crates", "xtask", "benches", "examples"], ".rs");
    assert!(paths.len() > 50, "found only {} source files", paths.len());
    paths.into_iter().map(|path| (path.clone(), read(path))).collect()
}

#[test]
fn every_source_file_says_first_what_it_is() {
    let silent = sources().into_iter().filter(|(_, text)| !text.starts_with("//! "));
    none_of(&silent.map(|(path, _)| format!("{path} does not begin with `//! `")).collect::<Vec<_>>());
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    let sizes: Vec<_> = sources().into_iter().map(|(path, text)| (text.lines().count(), path)).collect();
    for (lines, path) in sizes.iter().filter(|(lines, _)| MANY_LINES < *lines) {
        println!("long: {path} has {lines} lines");
    }
    let too_long = sizes.iter().filter(|(lines, _)| LINES < *lines);
    none_of(&too_long.map(|(lines, path)| format!("{path} has {lines} lines")).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    // In pieces, so that this file does not find itself.
    let words =
        [["to", "do!("], ["unimp", "lemented!("], ["db", "g!("], ["#[ign", "ore"]].map(|w| w.concat());
    let mut problems = Vec::new();
    for (path, text) in sources() {
        problems
            .extend(words.iter().filter(|w| text.contains(*w)).map(|word| format!("{path} has `{word}`")));
    }
    none_of(&problems);
}

#[test]
fn libraries_do_not_print() {
    let prints = ["println!(", "eprintln!(", "print!(", "eprint!("];
    let mut problems = Vec::new();
    // The command line is there to print.
    let silent = |path: &str| path.starts_with("crates/") && path.contains("/src/") && !path.contains("/cli");
    for (path, text) in sources().into_iter().filter(|(path, _)| silent(path)) {
        let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        let found = code.filter(|line| prints.iter().any(|print| line.contains(print)));
        problems.extend(found.map(|line| format!("{path}: {line}")));
    }
    none_of(&problems);
}

#[test]
fn only_the_kernels_are_unsafe() {
    const KERNELS: &str = "crates/kernels/src/lib.rs";
    let permission = ["unsafe", "_code"].concat();
    let permitted =
        sources().into_iter().filter(|(path, text)| path != KERNELS && text.contains(&permission));
    none_of(&permitted.map(|(path, _)| format!("{path} mentions `{permission}`")).collect::<Vec<_>>());
}
