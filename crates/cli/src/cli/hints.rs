//! What only the command line can add to an error: its own options.

use sapwood_lab::Error;

/// The error with the options that help, where there are some. The path stays at the end.
pub(super) fn with_hint(error: Error) -> Error {
    let Error::Data(sapwood_data::Error::Unreadable { path, .. }) = &error else { return error };
    let (text, path) = (error.to_string(), path.display());
    let said = text.strip_suffix(&format!(": {path}")).unwrap_or(&text);
    let hint = "`data verify image-folder` lists all such files, and `--skip-bad` leaves them out \
                (`skip_bad = true` in the `[data]` of a study)";
    Error::Usage(format!("{said}; {hint}: {path}"))
}
