//! No circle of files that is too large to hold in the head.

use std::{collections::BTreeSet, path::Path};

use crate::{
    files,
    manifests::members,
    modules::{Uses, uses},
    none_of, read, root,
};

/// Files that all reach each other can only be understood together.
const FILES: usize = 8;

/// All files that a file uses, and that these use.
fn reached(uses: &Uses, from: &str) -> BTreeSet<String> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from.to_string()]);
    while let Some(file) = open.pop() {
        for used in uses.get(&file).into_iter().flatten() {
            if seen.insert(used.clone()) {
                open.push(used.clone());
            }
        }
    }
    seen
}

/// Sets of files (or of packages), each of which reaches all of its set: strongly connected components.
pub(crate) fn circles(uses: &Uses) -> BTreeSet<BTreeSet<String>> {
    let reach: Vec<_> = uses.keys().map(|file| (file, reached(uses, file))).collect();
    let circle = |file: &String, reached: &BTreeSet<String>| -> BTreeSet<String> {
        let back = reach.iter().filter(|(other, their)| reached.contains(*other) && their.contains(file));
        back.map(|(other, _)| (*other).clone()).collect()
    };
    reach.iter().map(|(file, reached)| circle(file, reached)).filter(|circle| circle.len() > 1).collect()
}

/// What is wrong with the circles of one crate.
fn too_large(name: &str, uses: &Uses) -> Vec<String> {
    let large = circles(uses).into_iter().filter(|circle| circle.len() > FILES);
    large
        .map(|circle| {
            let within = |file: &String| -> Vec<&str> {
                uses[file].iter().filter(|used| circle.contains(*used)).map(String::as_str).collect()
            };
            let lines = circle.iter().map(|file| format!("\n    {file} uses {}", within(file).join(", ")));
            let lines: String = lines.collect();
            format!("{name}: a circle of {} files, more than {FILES}:{lines}", circle.len())
        })
        .collect()
}

#[test]
fn no_circle_of_modules_has_more_than_8_files() {
    let (mut problems, mut seen) = (Vec::new(), 0);
    for package in members() {
        let folder = Path::new(&package.manifest_path).parent().unwrap().strip_prefix(root()).unwrap();
        let src = format!("{}/src", folder.display());
        if !root().join(&src).is_dir() {
            continue;
        }
        let within = |path: &String| path.trim_start_matches(&src).trim_start_matches('/').to_string();
        let sources: Vec<_> = files(&[&src], ".rs").iter().map(|path| (within(path), read(path))).collect();
        let uses = uses(&sources);
        seen += uses.values().map(BTreeSet::len).sum::<usize>();
        for circle in circles(&uses) {
            println!("{}: {} files: {circle:?}", package.name, circle.len());
        }
        problems.extend(too_large(&package.name, &uses));
    }
    assert!(seen > 500, "only {seen} uses were seen");
    none_of(&problems);
}

#[test]
fn a_circle_is_found_through_a_re_export() {
    // The first names the second through the root, and so on; the last leads back.
    let count = FILES + 1;
    let source = |i: usize| format!("use crate::Type{}; pub struct Type{i};", (i + 1) % count);
    let mut sources: Vec<_> = (0..count).map(|i| (format!("file{i}.rs"), source(i))).collect();
    let root: String = (0..count).map(|i| format!("mod file{i}; pub use file{i}::Type{i};")).collect();
    sources.push(("lib.rs".into(), root));
    let problems = too_large("x", &uses(&sources));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("9 files") && problems[0].contains("file8.rs uses file0.rs"),
        "{problems:?}"
    );

    // Cut at one place there is none.
    sources[3].1 = "pub struct Type3;".into();
    assert!(circles(&uses(&sources)).is_empty());
}
