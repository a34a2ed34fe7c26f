//! `ci`: what can be said of the code without running it, cheapest first. The
//! rules of the house are ordinary tests, run here by name so that they fail early.

use crate::{
    cargo::cargo,
    outside,
    parts::{Kind, Parts},
};

pub(crate) fn passes() -> bool {
    let mut parts = Parts::default();
    let passed = all(&mut parts);
    eprint!("{}", parts.table());
    passed
}

fn all(parts: &mut Parts) -> bool {
    let mut step = |name, kind, args: &[&str]| parts.run(name, kind, || cargo(args));
    step("format", Kind::Run, &["fmt", "--all", "--check"])
        && step(
            "lints",
            Kind::Compile,
            &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"],
        )
        && step(
            "documentation",
            Kind::Compile,
            &["doc", "--workspace", "--no-deps", "--config", "build.rustdocflags=['--deny=warnings']"],
        )
        && step(
            "rules of the house",
            Kind::Compile,
            &["test", "--package", "xtask", "--test", "tidy", "--no-run"],
        )
        && step("rules of the house", Kind::Run, &["test", "--package", "xtask", "--test", "tidy"])
        && parts.run("outside", Kind::Compile, outside::compiles)
}
