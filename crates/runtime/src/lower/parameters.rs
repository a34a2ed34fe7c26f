//! The values of layers, as they lie in a state.

use std::borrow::Cow;

use sapwood_graph::{ParamPath, State};

use crate::Error;

/// A layer's parameter; without a name, what a constant is.
pub(super) fn parameter<'a>(
    state: &'a State,
    layer: &str,
    name: &str,
    shape: &[usize],
) -> Result<Cow<'a, [f32]>, Error> {
    let path = ParamPath::of(layer, name);
    let Some(array) = state.0.get(&path) else { return Err(Error::Missing(path)) };
    if array.shape() != shape {
        let (expected, found) = (shape.to_vec(), array.shape().to_vec());
        return Err(Error::Shape { path, expected, found });
    }
    Ok(match array.as_slice::<f32>() {
        Some(values) => Cow::Borrowed(values),
        None => Cow::Owned(array.iter().collect()),
    })
}
