//! Shapes on the command line: `3x32x32`.

/// `CxHxW`, all at least 1.
pub(super) fn parse(text: &str) -> Result<[usize; 3], String> {
    let sizes = sizes(text).and_then(|sizes| <[usize; 3]>::try_from(sizes).ok());
    sizes.ok_or_else(|| "expected channels x height x width, as in 3x32x32".into())
}

/// The size of any example: `CxHxW`, `CxL` or a number of values.
pub(super) fn parse_any(text: &str) -> Result<[usize; 3], String> {
    match sizes(text).as_deref() {
        Some(&[c, h, w]) => Ok([c, h, w]),
        Some(&[c, l]) => Ok([c, 1, l]),
        Some(&[values]) => Ok([values, 1, 1]),
        _ => {
            Err("expected channels x height x width, channels x length or a number of values, as in 3x32x32"
                .into())
        }
    }
}

fn sizes(text: &str) -> Option<Vec<usize>> {
    text.split('x').map(|part| part.parse().ok().filter(|n| *n > 0)).collect()
}
