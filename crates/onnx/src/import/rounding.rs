//! Where values of the network in the making are rounded.

use std::collections::BTreeMap;

use sapwood_graph::{Activation, Grid, Op};

use super::{making::Making, refusal::Refusal, value::Data};
use crate::signs::Signs;

/// Where values of the network in the making are rounded.
///
/// Each rounding is a node that does nothing, so that what is recognised in the order of operations is not recognised
/// across it. They leave when the network is made (`settle.rs`).
#[derive(Debug, Default)]
pub(super) struct Rounding {
    /// Their grids.
    pub(super) grids: BTreeMap<usize, Grid>,
    /// Those of each value, by what the grid is made of.
    made: BTreeMap<(usize, u32, i32, [i32; 2]), Data>,
    signs: Signs,
}

/// A value that is rounded to a grid. Where the least integer stands for 0 what lies below was cut off, by an activation
/// that quantisers leave out: the network has it.
pub(super) fn rounded(making: &mut Making<'_>, x: Data, grid: Grid) -> Result<Data, Refusal> {
    if making.rounding.grids.get(&x.node) == Some(&grid) {
        return Ok(x);
    }
    let [low, high] = grid.integers();
    if u32::from(u16::MAX) < high.abs_diff(low) {
        return Err(Refusal::Cannot("to integers of more than 16 bits".into()));
    }
    let key = (x.node, grid.scale().to_bits(), grid.zero_point(), grid.integers());
    if let Some(data) = making.rounding.made.get(&key) {
        return Ok(*data);
    }
    let mut value = x;
    if grid.zero_point() == low && making.rounding.signs.may_be_negative(&making.nodes, x.node) {
        let six = (grid.number(high) - 6.0).abs() <= 0.5 * grid.scale();
        let activation = if six { Activation::Relu6 } else { Activation::Relu };
        value = making.push(Op::Activation(activation), &[x])?;
    }
    let data = making.push(Op::Reshape(x.dims), &[value])?;
    making.rounding.grids.insert(data.node, grid);
    making.rounding.signs.is_positive(data.node, grid.zero_point() == low);
    making.rounding.made.insert(key, data);
    Ok(data)
}
