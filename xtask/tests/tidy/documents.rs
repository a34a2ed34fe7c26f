//! What the documents say is there.

use std::{collections::BTreeMap, path::Path, process::Command};

use crate::{files, none_of, read, root};

fn documents() -> Vec<(String, String)> {
    let mut paths = files(&["docs", "experiments", "benches"], ".md");
    paths.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(String::from));
    paths.into_iter().map(|path| (path.clone(), read(path))).collect()
}

/// The help of a command, or nothing where there is no such command.
fn help(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(command).arg("--help").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What follows each `cargo xtask` of a document, in code and between backticks,
/// with continued lines joined.
fn invocations(document: &str) -> Vec<Vec<String>> {
    let joined = document.replace("\\\n", " ");
    let after = |line: &str| -> Vec<Vec<String>> {
        let pieces = line.split("cargo xtask ").skip(1);
        let ends =
            |piece: &str| piece.split(['`', '#', '|', '(', ';']).next().unwrap_or_default().to_string();
        pieces.map(|piece| ends(piece).split_whitespace().map(String::from).collect()).collect()
    };
    joined.lines().flat_map(after).filter(|words| !words.is_empty()).collect()
}

#[test]
fn every_command_in_the_documents_is_one_that_exists() {
    let listed = |help: &str| -> Vec<String> {
        let rows = help.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        rows.filter_map(|line| line.split_whitespace().next()).map(String::from).collect()
    };
    let commands = listed(&help(&[]));
    let groups: BTreeMap<&str, Vec<String>> =
        ["data", "supernet", "latency"].into_iter().map(|group| (group, listed(&help(&[group])))).collect();
    let mut helps: BTreeMap<Vec<String>, String> = BTreeMap::new();
    let (mut problems, mut seen) = (Vec::new(), 0);
    for (path, text) in documents() {
        for words in invocations(&text) {
            seen += 1;
            let plain: Vec<&str> = words.iter().map(|word| word.trim_end_matches(['.', ',', ':'])).collect();
            if !commands.iter().any(|command| command == plain[0]) && !plain[0].starts_with('-') {
                problems.push(format!("{path}: there is no `cargo xtask {}`", plain[0]));
            }
            let depth = if groups.contains_key(plain[0]) { 2.min(plain.len()) } else { 1 };
            if depth == 2 && !groups[plain[0]].iter().any(|action| action == plain[1]) {
                problems.push(format!("{path}: there is no `cargo xtask {} {}`", plain[0], plain[1]));
            }
            let chore = ["ci", "test", "bench", "outside", "web"].contains(&plain[0]);
            for flag in plain.iter().filter(|word| word.starts_with("--") && !chore) {
                let command = &plain[..depth];
                let key = command.iter().map(ToString::to_string).collect();
                let known = helps.entry(key).or_insert_with(|| help(command));
                let same = |word: &str| word.trim_end_matches(['.', ',']) == *flag;
                if !known.split_whitespace().any(same) {
                    problems.push(format!("{path}: `cargo xtask {}` has no {flag}", command.join(" ")));
                }
            }
        }
    }
    assert!(seen > 20, "found only {seen} commands in the documents");
    none_of(&problems);
}

#[test]
fn the_readme_opens_with_its_two_commands() {
    let readme = read("README.md");
    let first: Vec<_> = invocations(&readme).into_iter().take(2).map(|words| words[0].clone()).collect();
    assert_eq!(first, ["demo", "test"]);
}

#[test]
fn every_link_within_the_documents_leads_somewhere() {
    let mut problems = Vec::new();
    for (path, text) in documents() {
        let folder = root().join(Path::new(&path).parent().unwrap());
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !folder.join(file).exists() {
                problems.push(format!("{path}: no file `{file}`"));
            }
        }
    }
    none_of(&problems);
}
