//! Networks of integers as operations on numbers between `QuantizeLinear` and `DequantizeLinear`.

use std::borrow::Cow;

use sapwood_graph::{Grid, Op, QuantizedNetwork};

use super::{lattice::Lattice, nodes, params::Params, whole, writing::Writing};

/// Writes a node, and rounds what it makes; the name of its value.
pub(super) fn write<'s>(
    to: &mut Writing<'s>,
    (network, lattice): (&'s QuantizedNetwork, &Lattice),
    at: usize,
    params: Params<'_, 's>,
) -> Result<String, String> {
    let node = &network.graph.nodes()[at];
    if node.op == Op::Input {
        let value = to.input();
        return rounded(to, value, lattice.grid(at).as_ref());
    }
    with_integers(to, (network, lattice), at, params)?;
    let value = nodes::write(to, node, params)?;
    // Where rounding does not do what the activation behind does, both are rounded.
    let reader = lattice.grid_behind(at).filter(|grid| grid.zero_point() != grid.integers()[0]);
    rounded(to, value, lattice.grid(at).or(reader).as_ref())
}

/// Makes the integers of a node's parameters known to what writes them.
///
/// # Errors
/// Inputs that are rounded row by row; integers of what is no layer's weight.
pub(super) fn with_integers<'s>(
    to: &mut Writing<'s>,
    (network, lattice): (&'s QuantizedNetwork, &Lattice),
    at: usize,
    params: Params<'_, 's>,
) -> Result<(), String> {
    let node = &network.graph.nodes()[at];
    if network.dynamic.contains(&node.name) {
        return Err("rounds what it reads row by row, which ONNX does not say".into());
    }
    to.integers.clear();
    // What a flattening in front of a layer carries.
    to.read = node.inputs.first().and_then(|input| lattice.grid(*input));
    let Some((path, _)) = params.first() else { return Ok(()) };
    let Some(weight) = network.weights.get(path.as_str()) else { return Ok(()) };
    if !matches!(node.op, Op::Conv(_) | Op::Linear { .. } | Op::Embedding { .. }) {
        return Err(
            "has integers for parameters that are no weights of a convolution or a linear layer".into()
        );
    }
    to.integers.insert(path.clone(), Cow::Borrowed(weight));
    // A bias of integers is added to integers.
    let added = matches!(node.op, Op::Linear { places: false, .. })
        || matches!(node.op, Op::Conv(spec) if spec.transposed.is_none());
    if let (Some((path, value)), Some(grid), true) =
        (params.get(1), to.read, added && whole::is_summed(weight))
    {
        to.integers.insert(path.clone(), Cow::Owned(whole::bias(value, &grid, weight)?));
    }
    Ok(())
}

/// A value on its grid.
fn rounded(to: &mut Writing<'_>, value: String, grid: Option<&Grid>) -> Result<String, String> {
    match grid {
        Some(grid) => {
            let integers = to.quantize(value, grid)?;
            to.dequantize(integers, grid)
        }
        None => Ok(value),
    }
}
