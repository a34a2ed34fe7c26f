//! What `cargo package --workspace` asks of the manifests.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    circles::circles,
    manifests::{Dependency, Package, members},
    none_of,
};

impl Dependency {
    /// Whether it is of the workspace, and a package of its crate would still have it: a dependency of tests
    /// without a version is left out.
    fn is_packaged(&self) -> bool {
        self.path.is_some() && !(self.kind.as_deref() == Some("dev") && self.req == "*")
    }
}

/// What keeps members from being packaged.
fn unpackable(members: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let private: Vec<&str> = members
        .iter()
        .filter(|package| package.publish.is_some())
        .map(|package| package.name.as_str())
        .collect();
    for package in members {
        let name = &package.name;
        if package.description.is_none() || package.license.is_none() {
            problems.push(format!("{name} has no description, or no licence"));
        }
        for dependency in package.dependencies.iter().filter(|dependency| dependency.is_packaged()) {
            if dependency.req == "*" {
                problems.push(format!("{name} names no version of {}", dependency.name));
            }
            if package.publish.is_none() && private.contains(&dependency.name.as_str()) {
                problems.push(format!("{name} is published and uses {}, which is not", dependency.name));
            }
            uses.entry(name.clone()).or_default().insert(dependency.name.clone());
        }
    }
    for circle in circles(&uses) {
        problems.push(format!(
            "{circle:?} need each other: let one that only tests use have no version, as in the root manifest"
        ));
    }
    problems
}

#[test]
fn every_member_can_be_packaged() {
    none_of(&unpackable(&members()));
}

#[test]
fn what_keeps_a_member_from_being_packaged_is_named() {
    let dependency = |name: &str, req: &str, kind: &str| Dependency {
        name: name.into(),
        kind: (!kind.is_empty()).then(|| kind.into()),
        path: Some("/x".into()),
        req: req.into(),
        features: Vec::new(),
        uses_default_features: true,
    };
    let package = |name: &str, dependencies: Vec<Dependency>| Package {
        name: name.into(),
        manifest_path: String::new(),
        dependencies,
        features: BTreeMap::new(),
        description: Some("it".into()),
        license: Some("MIT".into()),
        publish: None,
    };
    let a = || package("a", vec![dependency("b", "^1", "")]);
    let b = |req: &str, kind: &str| package("b", vec![dependency("a", req, kind)]);
    assert!(unpackable(&[a(), b("*", "dev")]).is_empty());
    assert!(unpackable(&[a(), b("^1", "dev")])[0].contains("need each other"));
    assert!(unpackable(&[b("*", "")])[0].contains("b names no version of a"));
    assert!(unpackable(&[Package { description: None, ..a() }])[0].contains("no description"));
    let private = Package { publish: Some(Vec::new()), ..b("*", "dev") };
    assert!(unpackable(&[a(), private])[0].contains("a is published and uses b"));
}
