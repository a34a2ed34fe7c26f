//! Numbers to integers and back: `QuantizeLinear` and `DequantizeLinear`.

use sapwood_graph::{Array, Grid, Per, Values};

use super::{
    call::{Call, axis},
    coded::Coded,
    making::Making,
    refusal::Refusal,
    rounding::rounded,
    value::{Levels, Stored, Value},
    whole::Whole,
};
use crate::proto::{bounds, data_type};

/// Scale and zero point as a node says them: of what type the integers are if no zero point says it.
struct Said {
    scale: Vec<f32>,
    points: Option<Vec<i64>>,
    bounds: [i32; 2],
}

impl Said {
    /// Of the inputs at these places. What is read again and again is paid for each time.
    fn of(
        making: &mut Making<'_>,
        call: &Call<'_, '_>,
        [scale, point]: [usize; 2],
        default: [i32; 2],
    ) -> Result<Self, Refusal> {
        let scale = match call.input(scale) {
            Value::Stored(stored) => {
                making.afford(stored.len())?;
                stored.floats()?
            }
            Value::Unknown => return Err(Refusal::Follows),
            Value::Absent => return Err(Refusal::Damaged("it lacks a scale".into())),
            _ => return Err(Refusal::Cannot("with a scale that is computed".into())),
        };
        let (points, bounds) = match call.input(point) {
            Value::Absent => (None, default),
            Value::Whole(whole) if ![1, scale.len()].contains(&whole.len()) => {
                let (points, scales) = (whole.len(), scale.len());
                return Err(Refusal::Cannot(format!("with {points} zero points for {scales} scales")));
            }
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
        Grid::new(scale, point, self.bounds).map_err(Refusal::unscaled)
    }
}

/// The grid that the inputs at these places are the scale and the zero point of.
pub(super) fn grid(
    making: &mut Making<'_>,
    call: &Call<'_, '_>,
    scale: usize,
    point: usize,
) -> Result<Grid, Refusal> {
    Said::of(making, call, [scale, point], [0, 255])?.grid()
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
    let said = Said::of(making, call, [1, 2], default)?;
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
    let expected: usize = per.scales(&stored.shape).map_err(Refusal::unscaled)?.iter().product();
    let count = said.points.as_ref().map_or(expected, Vec::len);
    if said.scale.len() != expected || count != expected {
        let (scales, shape) = (said.scale.len(), &stored.shape);
        return Err(Refusal::Cannot(format!("with {scales} scales for {shape:?}, which takes {expected}")));
    }
    making.afford(stored.len())?;
    let grids = said.scale.iter().enumerate().map(|(at, scale)| {
        let point = said.points.as_ref().map_or(0, |points| points[at]);
        Grid::new(*scale, point as i32, said.bounds).map_err(Refusal::unscaled)
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
pub(super) fn dequantize<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    call.only("output_dtype", data_type::FLOAT)?;
    call.ignore(&["axis", "block_size"]);
    numbers(making, call, [0, 1, 2], 1)
}

/// The numbers of integers with a scale and a zero point, the inputs at these places.
pub(super) fn numbers<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    [at, scale, point]: [usize; 3],
    default_axis: i64,
) -> Result<Value<'a>, Refusal> {
    match call.input(at) {
        Value::Levels(Levels { data, grid }) => {
            let found = Said::of(making, call, [scale, point], grid.integers())?.grid()?;
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
            let said = Said::of(making, call, [scale, point], whole.bounds)?;
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

/// A bias of integers, multiples of the products of the scales of the first two values: they are added to the sums of
/// products before `alpha` multiplies these.
pub(super) fn products<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    bias: Whole<'a>,
) -> Result<Stored<'a>, Refusal> {
    let [x, weight] = [1, 4].map(|at| Said::of(making, call, [at, at + 1], [0, 255]));
    let (x, weight) = (x?.grid()?, weight?);
    let alpha = call.float("alpha", 1.0)?;
    let scale: Vec<f32> = weight.scale.iter().map(|scale| alpha * (x.scale() * scale)).collect();
    let per = match scale.len() {
        1 => Per::Tensor,
        _ => Per::Axis(bias.shape.len().saturating_sub(1)),
    };
    Ok(Stored::coded(Coded::new(bias, per, scale, None)?))
}
