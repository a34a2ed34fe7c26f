//! Values that are rounded: `QuantizeLinear` and `DequantizeLinear`.

use std::collections::BTreeMap;

use sapwood_graph::{Activation, Array, Grid, Op, Per, Values};

use super::{
    call::{Call, Refusal, axis},
    coded::Coded,
    making::Making,
    signs::Signs,
    value::{Data, Stored, Value},
    whole::Whole,
};
use crate::proto::{bounds, data_type};

/// Integers that stand for what a node of the network makes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    /// The value in numbers, rounded.
    pub(super) data: Data,
    pub(super) grid: Grid,
}

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
    let key = (x.node, grid.scale().to_bits(), grid.zero_point(), grid.integers());
    if let Some(data) = making.rounding.made.get(&key) {
        return Ok(*data);
    }
    let [low, high] = grid.integers();
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

/// Scale and zero point as a node says them: of what type the integers are if no zero point says it.
struct Said {
    scale: Vec<f32>,
    points: Option<Vec<i64>>,
    bounds: [i32; 2],
}

impl Said {
    /// Of the inputs at these places.
    fn of(call: &Call<'_, '_>, scale: usize, point: usize, default: [i32; 2]) -> Result<Self, Refusal> {
        let scale = match call.input(scale) {
            Value::Stored(stored) => stored.floats()?,
            Value::Unknown => return Err(Refusal::Follows),
            Value::Absent => return Err(Refusal::Damaged("it lacks a scale".into())),
            _ => return Err(Refusal::Cannot("with a scale that is computed".into())),
        };
        let (points, bounds) = match call.input(point) {
            Value::Absent => (None, default),
            Value::Whole(whole) => (Some(whole.few()?), whole.bounds),
            Value::Unknown => return Err(Refusal::Follows),
            _ => return Err(Refusal::Cannot("with a zero point that is computed or of another type".into())),
        };
        Ok(Self { scale, points, bounds })
    }

    /// The grid of a value.
    fn grid(&self) -> Result<Grid, Refusal> {
        let (&[scale], point) = (&self.scale[..], self.points.as_deref().unwrap_or(&[0])) else {
            return Err(Refusal::Cannot(format!("of values with {} scales", self.scale.len())));
        };
        let &[point] = point else {
            return Err(Refusal::Cannot(format!("of values with {} zero points", point.len())));
        };
        let point =
            i32::try_from(point).map_err(|_| Refusal::Damaged("its zero point is no integer".into()))?;
        Grid::new(scale, point, self.bounds).map_err(|error| Refusal::misfit(error.to_string()))
    }
}

/// The grid that the inputs at these places are the scale and the zero point of.
pub(super) fn grid(call: &Call<'_, '_>, scale: usize, point: usize) -> Result<Grid, Refusal> {
    Said::of(call, scale, point, [0, 255])?.grid()
}

/// Which of a tensor's integers share a scale.
fn per(call: &Call<'_, '_>, shape: &[usize], scales: usize, default: i64) -> Result<Per, Refusal> {
    let (at, block) = (call.integer("axis", default)?, call.integer("block_size", 0)?);
    if scales == 1 && block == 0 {
        return Ok(Per::Tensor);
    }
    let axis = axis(at, shape.len())?;
    Ok(match super::windows::number(block)? {
        0 => Per::Axis(axis),
        size => Per::Group { axis, size },
    })
}

/// Numbers to integers.
pub(super) fn quantize<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    call.ignore(&["axis", "block_size", "saturate"]);
    call.only("precision", 0)?;
    let default = match call.integer("output_dtype", 0)? {
        0 => [0, 255],
        other => bounds(other).ok_or_else(|| Refusal::Cannot(format!("to the type {other}")))?,
    };
    let said = Said::of(call, 1, 2, default)?;
    match call.input(0) {
        Value::Stored(stored) => of_constant(making, call, &said, &stored.clone()).map(Value::Whole),
        _ => {
            let grid = said.grid()?;
            let data = call.data(0)?;
            Ok(Value::Levels(Levels { data: rounded(making, data, grid)?, grid }))
        }
    }
}

/// Integers of what the file says in floating point.
fn of_constant<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    said: &Said,
    stored: &Stored<'a>,
) -> Result<Whole<'a>, Refusal> {
    let per = per(call, &stored.shape, said.scale.len(), 1)?;
    let expected: usize =
        per.scales(&stored.shape).map_err(|error| Refusal::misfit(error.to_string()))?.iter().product();
    let count = said.points.as_ref().map_or(expected, Vec::len);
    if said.scale.len() != expected || count != expected {
        let (scales, shape) = (said.scale.len(), &stored.shape);
        return Err(Refusal::Cannot(format!("with {scales} scales for {shape:?}, which takes {expected}")));
    }
    making.afford(stored.len())?;
    let grids = said.scale.iter().enumerate().map(|(at, scale)| {
        let point = said.points.as_ref().map_or(0, |points| points[at]);
        Grid::new(*scale, point as i32, said.bounds).map_err(|error| Refusal::misfit(error.to_string()))
    });
    let grids = grids.collect::<Result<Vec<Grid>, _>>()?;
    let place = per.places(&stored.shape);
    let whole = stored.floats()?.into_iter().enumerate().map(|(at, x)| grids[place(at)].nearest(x));
    let values: Values = match said.bounds {
        [0, 255] => whole.map(|q| q as u8).collect::<Vec<_>>().into(),
        [-128, 127] => whole.map(|q| q as i8).collect::<Vec<_>>().into(),
        _ => whole.collect::<Vec<i32>>().into(),
    };
    let values =
        Array::new(stored.shape.clone(), values).map_err(|error| Refusal::Damaged(error.to_string()))?;
    Ok(Whole::made(stored.name, said.bounds, values))
}

/// Integers to numbers.
pub(super) fn dequantize<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    call.only("output_dtype", data_type::FLOAT)?;
    call.ignore(&["axis", "block_size"]);
    numbers(call, [0, 1, 2], 1)
}

/// The numbers of integers with a scale and a zero point, the inputs at these places.
pub(super) fn numbers<'a>(
    call: &Call<'a, '_>,
    [at, scale, point]: [usize; 3],
    default_axis: i64,
) -> Result<Value<'a>, Refusal> {
    match call.input(at) {
        Value::Levels(Levels { data, grid }) => {
            let found = Said::of(call, scale, point, grid.integers())?.grid()?;
            match found == *grid {
                true => Ok(Value::Data(*data)),
                false => {
                    let said = |grid: &Grid| format!("{} and {}", grid.scale(), grid.zero_point());
                    let (read, made) = (said(&found), said(grid));
                    Err(Refusal::Cannot(format!("by scale and zero point {read} of integers made by {made}")))
                }
            }
        }
        Value::Whole(whole) => {
            let said = Said::of(call, scale, point, whole.bounds)?;
            if said.bounds != whole.bounds {
                return Err(Refusal::Cannot("with a zero point of another type than its integers".into()));
            }
            let per = per(call, &whole.shape, said.scale.len(), default_axis)?;
            Ok(Value::Stored(Stored::coded(Coded::new(whole.clone(), per, said.scale, said.points)?)))
        }
        Value::Unknown => Err(Refusal::Follows),
        Value::Absent => Err(Refusal::Damaged(format!("it lacks input {}", at + 1))),
        _ => Err(Refusal::Cannot("of what nothing made integers".into())),
    }
}

/// A bias of integers, multiples of the products of the scales of the first two values.
pub(super) fn products<'a>(call: &Call<'a, '_>, bias: Whole<'a>) -> Result<Stored<'a>, Refusal> {
    let [x, weight] = [1, 4].map(|at| Said::of(call, at, at + 1, [0, 255]));
    let (x, weight) = (x?.grid()?, weight?);
    let scale: Vec<f32> = weight.scale.iter().map(|scale| x.scale() * scale).collect();
    let per = match scale.len() {
        1 => Per::Tensor,
        _ => Per::Axis(bias.shape.len().saturating_sub(1)),
    };
    Ok(Stored::coded(Coded::new(bias, per, scale, None)?))
}

/// Operations that give their input's numbers, and so read integers as they are.
const CARRIERS: &[&str] = &[
    "Concat",
    "DepthToSpace",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "MaxPool",
    "Relu",
    "Reshape",
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
    for input in &mut call.inputs {
        if let Value::Levels(levels) = input {
            *input = Value::Data(levels.data);
        }
    }
    Some(grid)
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
