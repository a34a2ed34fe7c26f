//! Telling somebody how far a long task has come.

/// Whoever watches. Libraries never print: they tell a reporter, and the command
/// line's draws a bar.
pub trait Reporter: Sync {
    /// A task of `total` units begins; one that was going on has ended.
    fn begin(&self, label: &str, total: u64);

    /// `units` more are done.
    fn advance(&self, units: u64);

    /// Something worth a line.
    fn note(&self, line: &str);

    /// The task has ended.
    fn end(&self);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Reporter for Silent {
    fn begin(&self, _label: &str, _total: u64) {}

    fn advance(&self, _units: u64) {}

    fn note(&self, _line: &str) {}

    fn end(&self) {}
}
