//! Places that depend on the number of examples: `offset + sum of step[d] index[d]`.
//!
//! PyTorch's default exporter writes a view of a mean over all places as a gathering by such places, which are those
//! of a reshape.

use sapwood_graph::{Dims, Op};

use super::{
    call::{Call, axis},
    making::Making,
    refusal::Refusal,
    value::{Affine, Data, Size, Value},
};

impl Affine {
    /// One for each example.
    pub(super) fn examples(multiple: i64) -> Self {
        Self { shape: vec![Size::Batch(multiple)], steps: vec![1], offset: 0 }
    }

    /// Known integers, if they lie at equal distances in each dimension.
    fn of(value: &Value<'_>) -> Option<Self> {
        let numbers = match value {
            Value::Places(found) => return Some(found.clone()),
            Value::Numbers(numbers) => numbers,
            _ => return None,
        };
        let all = numbers.all.iter().map(|size| match size {
            Size::Number(number) => Some(*number),
            Size::Batch(_) => None,
        });
        let all = all.collect::<Option<Vec<i64>>>()?;
        let offset = *all.first()?;
        let (mut steps, mut behind) = (vec![0; numbers.shape.len()], 1);
        for dim in (0..numbers.shape.len()).rev() {
            steps[dim] = if numbers.shape[dim] == 1 { 0 } else { all[behind].checked_sub(offset)? };
            behind *= numbers.shape[dim];
        }
        let expected = |mut at: usize| {
            numbers.shape.iter().zip(&steps).rev().try_fold(offset, |sum, (size, step)| {
                let index = (at % size) as i64;
                at /= size;
                sum.checked_add(index.checked_mul(*step)?)
            })
        };
        let shape = numbers.shape.iter().map(|size| Size::Number(*size as i64)).collect();
        all.iter().enumerate().all(|(at, value)| expected(at) == Some(*value)).then_some(Self {
            shape,
            steps,
            offset,
        })
    }

    fn unsqueeze(&self, axes: &[i64]) -> Result<Self, Refusal> {
        let rank = self.shape.len() + axes.len();
        let axes = axes.iter().map(|at| axis(*at, rank)).collect::<Result<Vec<_>, _>>()?;
        let mut found = Self { shape: Vec::new(), steps: Vec::new(), offset: self.offset };
        let mut old = self.shape.iter().zip(&self.steps);
        for at in 0..rank {
            let new = (&Size::Number(1), &0);
            let (size, step) = if axes.contains(&at) { new } else { old.next().unwrap_or(new) };
            found.shape.push(*size);
            found.steps.push(*step);
        }
        Ok(found)
    }

    fn add(&self, other: &Self) -> Option<Self> {
        let rank = self.shape.len().max(other.shape.len());
        let of = |one: &Self, back: usize| {
            one.shape
                .len()
                .checked_sub(back)
                .map_or((Size::Number(1), 0), |dim| (one.shape[dim], one.steps[dim]))
        };
        let mut found =
            Self { shape: Vec::new(), steps: Vec::new(), offset: self.offset.checked_add(other.offset)? };
        for back in (1..=rank).rev() {
            let ((a, p), (b, q)) = (of(self, back), of(other, back));
            found.shape.push(match (a, b) {
                (a, b) if a == b => a,
                (a, Size::Number(1)) => a,
                (Size::Number(1), b) => b,
                _ => return None,
            });
            found.steps.push(p.checked_add(q)?);
        }
        Some(found)
    }

    /// The dimensions of all values of a row that is a multiple of the batch, if these are all of its places in
    /// their order.
    fn reshape(&self, row: &Dims) -> Option<Dims> {
        let (mut sizes, mut batch) = (Vec::new(), None);
        for (at, size) in self.shape.iter().enumerate() {
            sizes.push(match size {
                Size::Number(size) => usize::try_from(*size).ok()?,
                Size::Batch(multiple) if batch.replace(at).is_none() => usize::try_from(*multiple).ok()?,
                Size::Batch(_) => return None,
            });
        }
        let dims = Dims::with_batch(&sizes, batch?)?;
        // Before the batch nothing but 1, since how far that reaches nobody knows.
        let mut behind = 1i64;
        for at in (0..sizes.len()).rev() {
            let one = sizes[at] == 1 && batch != Some(at);
            if !one && (self.steps[at] != behind || Some(at) < batch) {
                return None;
            }
            behind = behind.checked_mul(sizes[at] as i64)?;
        }
        let all = row.rank() == 1 && row.batch() == Some(0) && row.values() == dims.values();
        (self.offset == 0 && all).then_some(dims)
    }
}

/// The sum or the product of places and constants, if either is such.
pub(super) fn arithmetic<'a>(call: &Call<'a, '_>) -> Option<Result<Value<'a>, Refusal>> {
    let [a, b] = &call.inputs[..] else { return None };
    if !matches!(a, Value::Places(_)) && !matches!(b, Value::Places(_)) {
        return None;
    }
    let scaled = |places: &Affine, by: &Value<'_>| {
        let by = Affine::of(by).filter(|by| by.steps.iter().all(|step| *step == 0))?;
        let steps =
            places.steps.iter().map(|step| step.checked_mul(by.offset)).collect::<Option<Vec<_>>>()?;
        let offset = places.offset.checked_mul(by.offset)?;
        // The dimensions of a factor of one value are no others.
        (by.shape.len() <= places.shape.len()).then(|| Affine { shape: places.shape.clone(), steps, offset })
    };
    let found = match (call.node.op, a, b) {
        ("Mul", Value::Places(places), by) | ("Mul", by, Value::Places(places)) => scaled(places, by),
        ("Add", a, b) => Affine::of(a).zip(Affine::of(b)).and_then(|(a, b)| a.add(&b)),
        _ => None,
    };
    Some(found.map(Value::Places).ok_or_else(|| Refusal::Cannot("by the number of examples".into())))
}

pub(super) fn unsqueezed<'a>(places: &Affine, axes: &[i64]) -> Result<Value<'a>, Refusal> {
    places.unsqueeze(axes).map(Value::Places)
}

/// A gathering of all values of a row, which is the row in another form.
pub(super) fn gathered<'a>(making: &mut Making<'a>, x: Data, places: &Affine) -> Result<Value<'a>, Refusal> {
    let dims = places.reshape(&x.dims);
    let dims = dims.ok_or_else(|| Refusal::Cannot("by the number of examples".into()))?;
    making.push(Op::Reshape(dims), &[x]).map(Value::from)
}
