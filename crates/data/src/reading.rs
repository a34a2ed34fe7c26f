//! How data are read: what it takes, and who watches.

use std::path::Path;

/// Receives the progress of reading many files, from several threads.
pub trait Watch: Sync {
    /// A task of some units begins.
    fn begin(&self, label: &str, total: u64);

    /// Some units more are done.
    fn advance(&self, units: u64);

    /// The task has ended.
    fn end(&self);
}

/// Nobody watches.
impl Watch for () {
    fn begin(&self, _label: &str, _total: u64) {}

    fn advance(&self, _units: u64) {}

    fn end(&self) {}
}

/// How a data set is read. Only `skip_bad` can change what comes out.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Whether images of an `image-folder` that cannot be read are left out; otherwise the first one
    /// is an error.
    pub skip_bad: bool,
    /// A folder in which resized images are kept for the next time; without it nothing is kept.
    pub cache: Option<&'a Path>,
    /// Who is told how far it has come.
    pub watch: &'a dyn Watch,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        Self { skip_bad: false, cache: None, watch: &() }
    }
}
