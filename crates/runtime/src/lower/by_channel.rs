//! Sums and products with a constant that has a number for each channel, such as the learnt scale of a block.

use sapwood_graph::{Binary, Dims, Graph, Op};

use crate::layer::Kind;

/// The value and the constant that a node adds, subtracts or multiplies, where the constant has a number for each of the
/// value's channels, or one for all. These are the value's last dimension, or the one behind the batch.
pub(crate) fn by_channel(graph: &Graph, dims: &[Dims], id: usize, are_last: bool) -> Option<[usize; 2]> {
    let node = &graph.nodes()[id];
    let [a, b] = node.inputs[..] else { return None };
    let is_constant = |id: usize| matches!(graph.nodes()[id].op, Op::Constant { .. });
    let [value, constant] = match node.op {
        Op::Add | Op::Binary(Binary::Mul) if is_constant(a) => [b, a],
        Op::Add | Op::Binary(Binary::Mul | Binary::Sub) => [a, b],
        _ => return None,
    };
    let (of_value, of_constant) = (&dims[value], &dims[constant]);
    let axis = if are_last { of_value.rank().checked_sub(1)? } else { 1 };
    let has_channels = match are_last {
        true => of_value.batch().is_some_and(|batch| batch < axis),
        false => of_value.example().is_some(),
    };
    let lacks = of_value.rank().checked_sub(of_constant.rank())?;
    let fits =
        |(own, size): (usize, &usize)| *size == 1 || own + lacks == axis && *size == of_value.sizes()[axis];
    let is_along = is_constant(constant) && of_constant.sizes().iter().enumerate().all(fits);
    (is_along && has_channels && dims[id] == *of_value).then_some([value, constant])
}

/// The line of each channel that such a node is, with the numbers of its constant.
pub(super) fn affine<'a>(op: &Op, numbers: &[f32], channels: usize) -> Kind<'a> {
    let each: Vec<f64> = (0..channels).map(|channel| numbers[channel % numbers.len()].into()).collect();
    let (scale, shift) = match op {
        Op::Binary(Binary::Mul) => (each, vec![0.0; channels]),
        Op::Binary(Binary::Sub) => (vec![1.0; channels], each.iter().map(|number| -number).collect()),
        _ => (vec![1.0; channels], each),
    };
    Kind::Affine { scale, shift }
}
