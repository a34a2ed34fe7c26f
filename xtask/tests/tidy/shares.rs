//! No crate becomes the place for everything.

use std::{collections::BTreeMap, path::Path};

use crate::{files, manifests::members, none_of, read, root};

/// A hundredth of all lines, in lines of a crate.
const PERCENT: usize = 18;

/// The crates with more than their share of all lines.
fn too_large(lines: &BTreeMap<String, usize>) -> Vec<String> {
    let all: usize = lines.values().sum();
    let large = lines.iter().filter(|(_, lines)| *lines * 100 > all * PERCENT);
    large.map(|(name, lines)| format!("{name} has {lines} of {all} lines, more than {PERCENT} %")).collect()
}

#[test]
fn no_crate_has_more_than_18_percent_of_the_lines() {
    let lines_of = |manifest: &str| -> usize {
        let folder = Path::new(manifest).parent().unwrap().strip_prefix(root()).unwrap();
        files(&[&folder.to_string_lossy()], ".rs").iter().map(|path| read(path).lines().count()).sum()
    };
    let lines: BTreeMap<_, _> =
        members().into_iter().map(|package| (package.name, lines_of(&package.manifest_path))).collect();
    for (name, lines) in &lines {
        println!("{lines:6} {name}");
    }
    none_of(&too_large(&lines));
}

#[test]
fn a_crate_that_holds_more_than_its_share_is_named() {
    let lines = |sizes: &[usize]| {
        let names = ["a", "b", "c", "d", "e", "f"].iter().map(ToString::to_string);
        names.zip(sizes.iter().copied()).collect()
    };
    assert!(too_large(&lines(&[18, 18, 16, 16, 16, 16])).is_empty());
    assert_eq!(too_large(&lines(&[19, 17, 16, 16, 16, 16])), ["a has 19 of 100 lines, more than 18 %"]);
}
