//! The integers by which exporters compute shapes.

use super::{
    call::{Call, Refusal},
    making::Making,
    value::{Numbers, Size, Stored, Value},
};
use crate::proto::MOST_NUMBERS;

impl Numbers {
    pub(super) fn row(all: Vec<Size>) -> Self {
        Self { all, rank: 1 }
    }

    /// The integers, none of which may be the number of examples.
    pub(super) fn plain(&self) -> Result<Vec<i64>, Refusal> {
        let plain = |size: &Size| match size {
            Size::Number(number) => Ok(*number),
            Size::Batch => Err(Refusal::Cannot("by the number of examples".into())),
        };
        self.all.iter().map(plain).collect()
    }
}

/// The integers of a value.
pub(super) fn of(value: &Value<'_>) -> Result<Numbers, Refusal> {
    match value {
        Value::Numbers(numbers) => Ok(numbers.clone()),
        Value::Stored(Stored { tensor, shape, .. }) if !tensor.is_float() && shape.len() < 2 => {
            let all = tensor.integers()?.into_iter().map(Size::Number).collect();
            Ok(Numbers { all, rank: shape.len() })
        }
        Value::Unknown => Err(Refusal::Follows),
        Value::Gelu(part) => Err(part.refuse()),
        Value::Data(_) => Err(Refusal::Cannot("by values that depend on the input".into())),
        Value::Stored(_) | Value::Absent => Err(Refusal::Cannot("without the integers that it needs".into())),
    }
}

/// Whether integers are computed: all inputs are, and none depends on the network's.
pub(super) fn are_all(call: &Call<'_, '_>) -> bool {
    let is = |value: &Value<'_>| match value {
        Value::Numbers(_) => true,
        Value::Stored(stored) => !stored.tensor.is_float(),
        _ => false,
    };
    !call.inputs.is_empty() && call.inputs.iter().all(is)
}

pub(super) fn shape<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (start, end) = (call.integer("start", 0)?, call.integer("end", i64::MAX)?);
    let all: Vec<Size> = match call.input(0) {
        Value::Stored(stored) => stored.shape.iter().map(|size| Size::Number(*size as i64)).collect(),
        _ => {
            let data = call.data(0)?;
            let sizes = data.shape.iter().take(data.rank - 1).map(|size| Size::Number(*size as i64));
            [Size::Batch].into_iter().chain(sizes).collect()
        }
    };
    let (start, end) = (bound(start, all.len()), bound(end, all.len()));
    Ok(Value::Numbers(Numbers::row(all.get(start..end).unwrap_or_default().to_vec())))
}

/// A bound that may count from the end.
fn bound(at: i64, len: usize) -> usize {
    let len = len as i64;
    (if at < 0 { at.saturating_add(len) } else { at }).clamp(0, len) as usize
}

pub(super) fn gather<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    call.only("axis", 0)?;
    let (from, at) = (of(call.input(0))?, of(call.input(1))?);
    let pick = |index: i64| {
        let index = if index < 0 { index.checked_add(from.all.len() as i64)? } else { index };
        from.all.get(usize::try_from(index).ok()?).copied()
    };
    let all = at.plain()?.into_iter().map(pick).collect::<Option<Vec<_>>>();
    let all = all.ok_or_else(|| Refusal::Damaged("it picks what is not there".into()))?;
    Ok(Value::Numbers(Numbers { all, rank: at.rank }))
}

/// Of integers only: images that are joined are refused.
pub(super) fn concat<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let axis = call.integer("axis", 0)?;
    if !are_all(call) {
        let refusals = call.inputs.iter().filter_map(|value| of(value).err());
        let follows =
            refusals.into_iter().find(|refusal| matches!(refusal, Refusal::Follows | Refusal::Other { .. }));
        return Err(follows.unwrap_or(Refusal::Unheard));
    }
    if !matches!(axis, 0 | -1) {
        return Err(Refusal::Cannot(format!("along axis {axis}")));
    }
    let mut all = Vec::new();
    for value in &call.inputs {
        all.extend(of(value)?.all);
        if MOST_NUMBERS < all.len() {
            return Err(Refusal::Damaged(format!("it makes more than {MOST_NUMBERS} integers")));
        }
    }
    Ok(Value::Numbers(Numbers::row(all)))
}

pub(super) fn slice<'a>(call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let from = of(call.input(0))?;
    let one = |name: &str, at: usize| {
        call.either(name, at).map(|found| found.and_then(|found| found.first().copied()))
    };
    let (starts, ends) = (one("starts", 1)?, one("ends", 2)?);
    let steps = one("steps", 4)?.unwrap_or(1);
    call.ignore("axes");
    let (start, end) = starts.zip(ends).ok_or_else(|| Refusal::Damaged("it lacks its bounds".into()))?;
    if steps != 1 {
        return Err(Refusal::Cannot(format!("with step {steps}")));
    }
    let (start, end) = (bound(start, from.all.len()), bound(end, from.all.len()));
    Ok(Value::Numbers(Numbers::row(from.all.get(start..end).unwrap_or_default().to_vec())))
}

/// Sums, products and quotients of shapes.
pub(super) fn arithmetic<'a>(call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (a, b) = (of(call.input(0))?, of(call.input(1))?);
    let (x, y) = (a.plain()?, b.plain()?);
    let len = if x.len() == 1 { y.len() } else { x.len() };
    if (x.len() != len && x.len() != 1) || (y.len() != len && y.len() != 1) {
        return Err(Refusal::Damaged(format!("{} integers do not fit {}", x.len(), y.len())));
    }
    let compute = |at: usize| {
        let (x, y) = (*x.get(at).or(x.first())?, *y.get(at).or(y.first())?);
        match call.node.op {
            "Add" => x.checked_add(y),
            "Sub" => x.checked_sub(y),
            "Mul" => x.checked_mul(y),
            _ => x.checked_div(y),
        }
    };
    let all = (0..len).map(|at| compute(at).map(Size::Number)).collect::<Option<Vec<_>>>();
    let all = all.ok_or_else(|| Refusal::Damaged("its result is no integer".into()))?;
    Ok(Value::Numbers(Numbers { all, rank: a.rank.max(b.rank) }))
}
