//! What every source file keeps to.

use crate::{files, none_of, read};

/// Past this there usually are two ideas in a file.
const LINES: usize = 500;
/// Past this it is worth asking.
const MANY_LINES: usize = 300;

fn sources() -> Vec<(String, String)> {
    let paths = files(&["crates", "xtask", "benches", "examples", "web"], ".rs");
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
    let silent = |path: &str| {
        path.starts_with("crates/") && path.contains("/src/") && !path.starts_with("crates/cli/")
    };
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

/// The crates that also run in a browser.
const IN_A_BROWSER: &[&str] = &[
    "backend",
    "kernels",
    "codec",
    "graph",
    "onnx",
    "runtime",
    "core",
    "data",
    "models",
    "prune",
    "train",
    "supernet",
    "search",
    "shrink",
    "conformance",
];

/// What a browser traps on, and the files that may have it since they are not compiled for one.
const TRAPS: &[(&str, &[&str])] = &[
    ("time::Instant", &["crates/backend/src/timer.rs"]),
    ("SystemTime", &[]),
    (".into_data()", &[]),
    (".to_data()", &[]),
    (".into_scalar()", &[]),
    (".sync()", &["crates/backend/src/timer.rs"]),
    ("scope.spawn(", &[]),
    ("thread::spawn(", &["crates/data/src/acquire/download.rs"]),
];

/// Each line of a library's source that is neither a comment nor of a test, with those before it.
fn lines_of_libraries(mut see: impl FnMut(&str, &str, &[&str])) {
    let is_library = |path: &str| {
        IN_A_BROWSER.iter().any(|name| path.starts_with(&format!("crates/{name}/src/")))
            && !path.ends_with("tests.rs")
    };
    for (path, text) in sources().into_iter().filter(|(path, _)| is_library(path)) {
        // Tests stand at the end, whatever they are compiled for.
        let code = text.split("mod tests {").next().unwrap_or_default();
        let lines: Vec<&str> = code
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("//") && !line.starts_with("use "))
            .collect();
        for (at, line) in lines.iter().enumerate() {
            see(&path, line, &lines[..at]);
        }
    }
}

#[test]
fn libraries_wait_for_a_device_only_in_functions_that_no_browser_has() {
    let (mut problems, mut wrappers) = (Vec::new(), 0);
    lines_of_libraries(|path, line, before| {
        if !line.contains("block_on(") || line.contains("fn block_on") {
            return;
        }
        // The attribute stands in front of the function.
        let function = before.iter().rposition(|line| line.contains("fn ")).unwrap_or_default();
        match before[..function].last().is_some_and(|line| line.contains("not(target_family = \"wasm\")")) {
            true => wrappers += 1,
            false => problems.push(format!("{path}: {line}")),
        }
    });
    none_of(&problems);
    assert!(wrappers > 4, "only {wrappers} wrappers were seen");
}

#[test]
fn libraries_have_nothing_that_a_browser_traps_on() {
    let mut problems = Vec::new();
    lines_of_libraries(|path, line, _| {
        let trap = TRAPS.iter().find(|(trap, may)| line.contains(trap) && !may.contains(&path));
        problems.extend(trap.map(|(trap, _)| format!("{path} has `{trap}`: {line}")));
    });
    none_of(&problems);
}
