//! Who may use whom: the table of ARCHITECTURE.md against the manifests.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    manifests::{Package, members},
    none_of, read,
};

/// For each row, the rows that it may use.
type Table = BTreeMap<String, BTreeSet<String>>;

/// What tests may use, whatever they test.
const FOR_TESTS: &[&str] = &["unify", "conformance"];

/// One dependency within the workspace.
struct Edge {
    from: String,
    to: String,
    for_tests: bool,
}

/// The rows `| `crate` | purpose | may use | must never |` of the document.
fn table(document: &str) -> Table {
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(String::from).collect();
    let row = |line: &str| -> Option<(String, BTreeSet<String>)> {
        let cells: Vec<&str> = line.trim().strip_prefix("| `")?.split('|').map(str::trim).collect();
        let [name, _purpose, may_use, _never, ""] = cells[..] else { return None };
        Some((name.trim_matches('`').into(), quoted(may_use)))
    };
    let section = document.split("\n## ").find(|section| section.starts_with("The crates\n"));
    section.unwrap_or_default().lines().filter_map(row).collect()
}

/// The row that a package belongs to.
fn row(package: &Package) -> String {
    match package.manifest_path.contains("/examples/") {
        true => "examples".into(),
        false => package.name.strip_prefix("sapwood-").unwrap_or(&package.name).into(),
    }
}

fn forbidden(table: &Table, edges: &[Edge]) -> Vec<String> {
    let allowed = |edge: &&Edge| {
        table.get(&edge.from).is_some_and(|uses| uses.contains(&edge.to))
            || (edge.for_tests && FOR_TESTS.contains(&edge.to.as_str()))
    };
    let wrong = edges.iter().filter(|edge| !allowed(edge));
    wrong.map(|edge| format!("`{}` uses `{}`, which the table does not allow", edge.from, edge.to)).collect()
}

#[test]
fn crates_use_what_the_table_allows_and_nothing_else() {
    let members = members();
    let rows: BTreeMap<&str, String> =
        members.iter().map(|package| (package.name.as_str(), row(package))).collect();
    let edges: Vec<Edge> = members
        .iter()
        .flat_map(|package| package.dependencies.iter().map(move |dependency| (package, dependency)))
        .filter_map(|(package, dependency)| {
            let to = rows.get(dependency.name.as_str())?.clone();
            Some(Edge { from: row(package), to, for_tests: dependency.kind.as_deref() == Some("dev") })
        })
        .collect();
    none_of(&forbidden(&table(&read("ARCHITECTURE.md")), &edges));
}

#[test]
fn the_table_has_a_row_for_each_crate_and_no_other() {
    let table = table(&read("ARCHITECTURE.md"));
    let crates: BTreeSet<String> = members().iter().map(row).collect();
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), crates);
    let unknown = table.values().flatten().filter(|used| !crates.contains(*used));
    none_of(
        &unknown.map(|used| format!("the table allows `{used}`, which does not exist")).collect::<Vec<_>>(),
    );
}

#[test]
fn an_edge_that_the_table_lacks_is_noticed() {
    let table =
        table("# A\n\n## The crates\n\n| a | b | c | d |\n|---|---|---|---|\n| `x` | p | `y`, `z` | n |\n");
    let edge = |to: &str, for_tests| Edge { from: "x".into(), to: to.into(), for_tests };
    assert!(forbidden(&table, &[edge("y", false), edge("z", false), edge("unify", true)]).is_empty());
    assert_eq!(forbidden(&table, &[edge("w", true), edge("unify", false)]).len(), 2);
}
