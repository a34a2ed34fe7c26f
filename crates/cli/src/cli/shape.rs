//! Shapes on the command line: `3x32x32`.

/// `CxHxW`, all at least 1.
pub(super) fn parse(text: &str) -> Result<[usize; 3], String> {
    let sizes: Option<Vec<usize>> =
        text.split('x').map(|part| part.parse().ok().filter(|n| *n > 0)).collect();
    let sizes = sizes.and_then(|sizes| <[usize; 3]>::try_from(sizes).ok());
    sizes.ok_or_else(|| "expected channels x height x width, as in 3x32x32".into())
}
