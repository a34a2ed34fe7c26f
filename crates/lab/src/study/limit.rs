//! How many runs a study may have.

use crate::Error;

/// The most runs of a study: few enough to be planned in little memory.
pub(super) const MOST_RUNS: usize = 20_000;

/// A setting that asks for more runs than that.
pub(super) fn too_many(key: &str, found: usize) -> Error {
    Error::setting(
        key,
        format!("`{key}`: expected at most {MOST_RUNS} runs in a study, found {found}: leave some out"),
    )
}
