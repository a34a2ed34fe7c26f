//! Operations that give their input's numbers, and so read integers as they are.

use sapwood_graph::Grid;

use super::{
    call::Call,
    making::Making,
    refusal::Refusal,
    rounding::rounded,
    value::{Levels, Stored, Value},
};

/// Their names, in the order of the alphabet.
const CARRIERS: &[&str] = &[
    "Concat",
    "DepthToSpace",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "MaxPool",
    "Pad",
    "Relu",
    "Reshape",
    "Resize",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
];

/// Puts numbers in the place of the integers that such an operation reads; their grid.
pub(super) fn lifted(call: &mut Call<'_, '_>) -> Option<Grid> {
    let grids: Vec<Grid> = call
        .inputs
        .iter()
        .filter_map(|input| match input {
            Value::Levels(levels) => Some(levels.grid),
            _ => None,
        })
        .collect();
    let grid = *grids.first()?;
    let is_own = matches!(call.node.domain, "" | "ai.onnx");
    if !is_own || CARRIERS.binary_search(&call.node.op).is_err() || grids.iter().any(|other| *other != grid) {
        return None;
    }
    // What is joined must all be integers, and the zero of a ReLU be that of the numbers.
    if call.node.op == "Concat" && grids.len() != call.inputs.len()
        || call.node.op == "Relu" && grid.zero_point() != 0
    {
        return None;
    }
    // Between pixels there are no integers.
    if call.node.op == "Resize" && call.text("mode", "nearest").ok() != Some("nearest") {
        return None;
    }
    if call.node.op == "Pad" {
        pad_with_numbers(call, &grid)?;
    }
    for input in &mut call.inputs {
        if let Value::Levels(levels) = input {
            *input = Value::Data(levels.data);
        }
    }
    Some(grid)
}

/// Makes what is put around integers a number too: 0 among them, if nobody says what.
fn pad_with_numbers(call: &mut Call<'_, '_>, grid: &Grid) -> Option<()> {
    let around = match call.input(2) {
        Value::Absent => 0,
        Value::Whole(whole) => i32::try_from(*whole.few().ok()?.first()?).ok()?,
        _ => return None,
    };
    // Of other modes it is what was there.
    let around = grid.number(around.clamp(grid.integers()[0], grid.integers()[1]));
    while call.inputs.len() < 3 {
        call.inputs.push(Value::Absent);
    }
    call.inputs[2] = Value::Stored(Stored::made("", vec![], vec![around]));
    Some(())
}

/// The values that an operation on lifted integers made, in integers.
pub(super) fn lowered<'a>(
    making: &mut Making<'a>,
    values: Vec<Value<'a>>,
    grid: Grid,
) -> Result<Vec<Value<'a>>, Refusal> {
    let lower = |value| match value {
        Value::Data(data) => Ok(Value::Levels(Levels { data: rounded(making, data, grid)?, grid })),
        value => Ok(value),
    };
    values.into_iter().map(lower).collect()
}
