//! More around a value, or less.

use sapwood_graph::{Op, Pad, PadMode, Ranked, Slice};

use super::{
    call::{Call, axis},
    making::Making,
    refusal::Refusal,
    value::Value,
    windows::number,
};
use crate::decimal;

pub(super) fn pad<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let mode = call.text("mode", "constant")?;
    let value = call.float("value", 0.0)?;
    let value = match call.maybe_stored(2)? {
        Some(stored) if stored.len() == 0 => value,
        Some(stored) => stored.scalar()?.ok_or_else(|| Refusal::Damaged("its value is no number".into()))?,
        None => value,
    };
    let pads = call.either("pads", 1)?.unwrap_or_default();
    let axes = call.numbers(3)?;
    let mut x = making.any(call, 0)?;
    let rank = x.dims.rank();
    let axes = match axes {
        Some(axes) => axes.iter().map(|at| axis(*at, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(Refusal::Damaged(format!("{pads:?} are not both ends of {} dimensions", axes.len())));
    }
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (at, dim) in axes.iter().enumerate() {
        let [front, back] = [pads[at], pads[at + axes.len()]];
        // Less than nothing is taken off.
        if front < 0 || back < 0 {
            let size = x.dims.sizes()[*dim] as i64;
            let (start, end) = (front.min(0).saturating_neg(), size.saturating_add(back.min(0)));
            let length = end.checked_sub(start).filter(|length| 0 < *length && x.dims.batch() != Some(*dim));
            let length = length.ok_or_else(|| Refusal::Cannot(format!("by {pads:?}")))?;
            let slice = Slice { axis: *dim, start: start as usize, length: length as usize, step: 1 };
            x = making.push(Op::Slice(slice), &[x])?;
        }
        before[*dim] = number(front.max(0))?;
        after[*dim] = number(back.max(0))?;
    }
    if before.iter().chain(&after).all(|n| *n == 0) {
        return Ok(x.into());
    }
    // As an export here writes what is one operation.
    if let (Op::Subsample { stride, .. }, "", "constant", &[0, front, 0, 0], &[0, back, 0, 0]) =
        (making.nodes[x.node].op, call.node.name, mode, &before[..], &after[..])
        && value == 0.0
        && (back == front || back == front + 1)
    {
        let from = making.at(making.nodes[x.node].inputs[0]);
        let channels = x.dims.image()[0] + front + back;
        return making.push(Op::Subsample { stride, channels }, &[from]).map(Value::from);
    }
    if let ("wrap", &[0, 0, a, b], &[0, 0, c, d]) = (mode, &before[..], &after[..])
        && [b, c, d] == [a; 3]
    {
        return making.push(Op::Wrap { padding: a }, &[x]).map(Value::from);
    }
    let with = match mode {
        "constant" if value.is_nan() => return Err(Refusal::Damaged("its value is no number".into())),
        "constant" => PadMode::Constant(decimal(value.clamp(f32::MIN, f32::MAX))),
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        other => return Err(Refusal::Damaged(format!("there is no mode `{other}`"))),
    };
    let (Some(before), Some(after)) = (Ranked::new(&before), Ranked::new(&after)) else {
        return Err(Refusal::Cannot(format!("by {pads:?}")));
    };
    making.push(Op::Pad(Pad { before, after, with }), &[x]).map(Value::from)
}
