//! Tensors whose values are known while a file is read: the shapes and constants that exporters compute.

use super::{
    refusal::Refusal,
    value::{Numbers, Size, Stored, Value},
};
use crate::proto::Tensor;

/// Values in a shape, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) shape: Vec<usize>,
    pub(super) items: Items,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Items {
    Floats(Vec<f32>),
    Sizes(Vec<Size>),
}

impl Items {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Floats(all) => all.len(),
            Self::Sizes(all) => all.len(),
        }
    }

    /// For how many values this many of them are paid: an integer takes as much memory as four in f32.
    pub(super) fn price(&self, count: usize) -> usize {
        match self {
            Self::Floats(_) => count,
            Self::Sizes(_) => count.saturating_mul(4),
        }
    }

    fn pick(&self, places: &[usize]) -> Option<Self> {
        Some(match self {
            Self::Floats(all) => {
                Self::Floats(places.iter().map(|at| all.get(*at).copied()).collect::<Option<_>>()?)
            }
            Self::Sizes(all) => {
                Self::Sizes(places.iter().map(|at| all.get(*at).copied()).collect::<Option<_>>()?)
            }
        })
    }
}

impl Known {
    pub(super) fn of(value: &Value<'_>) -> Result<Self, Refusal> {
        match value {
            Value::Stored(stored) => {
                Ok(Self { shape: stored.shape.clone(), items: Items::Floats(stored.floats()?) })
            }
            Value::Numbers(Numbers { shape, all }) => {
                Ok(Self { shape: shape.clone(), items: Items::Sizes(all.clone()) })
            }
            Value::Unknown => Err(Refusal::Follows),
            Value::Absent => Err(Refusal::Damaged("it lacks an input".into())),
            Value::Whole(_) => Err(Refusal::Cannot("with integers of few bits".into())),
            Value::Data(_) | Value::Places(_) | Value::Truth(_) | Value::Levels(_) | Value::Sequence(_) => {
                Err(Refusal::Cannot("by values that depend on the input".into()))
            }
        }
    }

    pub(super) fn sizes(shape: Vec<usize>, all: Vec<Size>) -> Self {
        Self { shape, items: Items::Sizes(all) }
    }

    pub(super) fn floats(shape: Vec<usize>, all: Vec<f32>) -> Self {
        Self { shape, items: Items::Floats(all) }
    }

    pub(super) fn into_value<'a>(self) -> Value<'a> {
        match self.items {
            Items::Floats(values) => Value::Stored(Stored::made("", self.shape, values)),
            Items::Sizes(all) => Value::Numbers(Numbers { shape: self.shape, all }),
        }
    }

    /// The values at these places, in a shape of their number.
    fn picked(&self, shape: Vec<usize>, places: &[usize]) -> Result<Self, Refusal> {
        let items =
            self.items.pick(places).ok_or_else(|| Refusal::Damaged("it picks what is not there".into()))?;
        Ok(Self { shape, items })
    }

    pub(super) fn reshape(self, shape: Vec<usize>) -> Result<Self, Refusal> {
        match shape.iter().product::<usize>() == self.items.len() {
            true => Ok(Self { shape, ..self }),
            false => Err(Refusal::Damaged(format!("{} values do not fill {shape:?}", self.items.len()))),
        }
    }

    pub(super) fn transpose(&self, order: &[usize]) -> Result<Self, Refusal> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..self.shape.len()) {
            return Err(Refusal::Damaged(format!("{order:?} is no order of {:?}", self.shape)));
        }
        let from = strides(&self.shape);
        let shape: Vec<usize> = order.iter().map(|dim| self.shape[*dim]).collect();
        let steps: Vec<usize> = order.iter().map(|dim| from[*dim]).collect();
        self.picked(shape.clone(), &walk(&shape, &steps))
    }

    /// The same as often as a shape asks for, by the rules of broadcasting.
    pub(super) fn expand(&self, shape: &[usize]) -> Result<Self, Refusal> {
        let steps = spread(&self.shape, shape)
            .ok_or_else(|| Refusal::Damaged(format!("{:?} cannot become {shape:?}", self.shape)))?;
        self.picked(shape.to_vec(), &walk(shape, &steps))
    }

    /// Some places of a dimension, in any order.
    pub(super) fn gather(&self, axis: usize, at: &[usize], shape: &[usize]) -> Result<Self, Refusal> {
        let (before, size) = (self.shape[..axis].iter().product::<usize>(), self.shape[axis]);
        let after: usize = self.shape[axis + 1..].iter().product();
        if at.iter().any(|at| size <= *at) {
            return Err(Refusal::Damaged("it picks what is not there".into()));
        }
        let mut places = Vec::with_capacity(before * at.len() * after);
        for row in 0..before {
            for at in at {
                let first = (row * size + at) * after;
                places.extend(first..first + after);
            }
        }
        let shape = [&self.shape[..axis], shape, &self.shape[axis + 1..]].concat();
        self.picked(shape, &places)
    }

    pub(super) fn concat(parts: &[Self], axis: usize) -> Result<Self, Refusal> {
        let first = parts.first().ok_or_else(|| Refusal::Damaged("it joins nothing".into()))?;
        let mut shape = first.shape.clone();
        let alike = |part: &Self| {
            part.shape.len() == shape.len()
                && part.shape.iter().zip(&shape).enumerate().all(|(at, (a, b))| at == axis || a == b)
        };
        if shape.len() <= axis || !parts.iter().all(alike) {
            return Err(Refusal::Damaged("it joins different shapes".into()));
        }
        shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
        // Of what is empty one row is as good as all.
        let rows: usize = if shape.contains(&0) { 1 } else { shape[..axis].iter().product() };
        let mut all: Option<Items> = None;
        for row in 0..rows {
            for part in parts {
                let len = part.items.len() / rows;
                let range = row * len..(row + 1) * len;
                match (&mut all, &part.items) {
                    (None, Items::Floats(from)) => all = Some(Items::Floats(from[range].to_vec())),
                    (None, Items::Sizes(from)) => all = Some(Items::Sizes(from[range].to_vec())),
                    (Some(Items::Floats(to)), Items::Floats(from)) => to.extend(&from[range]),
                    (Some(Items::Sizes(to)), Items::Sizes(from)) => to.extend(&from[range]),
                    _ => return Err(Refusal::Damaged("it joins integers and floating point".into())),
                }
            }
        }
        let items = all.unwrap_or(Items::Sizes(vec![]));
        Self { shape: vec![items.len()], items }.reshape(shape)
    }
}

/// The values of a tensor of this shape, where a dimension of 0 counts as one: the others are walked along anyway.
pub(super) fn cost(shape: &[usize]) -> usize {
    shape.iter().fold(1, |cost, size| cost.saturating_mul((*size).max(1)))
}

/// Refuses a constant in a shape that no network has: the dimensions of all others may be multiplied by one another.
pub(super) fn checked(value: Value<'_>) -> Result<Value<'_>, Refusal> {
    const MOST: usize = 1 << 24;
    let shape = match &value {
        Value::Stored(stored) => &stored.shape,
        Value::Numbers(numbers) => &numbers.shape,
        Value::Whole(whole) => &whole.shape,
        _ => return Ok(value),
    };
    if Tensor::MOST_DIMS < shape.len() {
        let (most, found) = (Tensor::MOST_DIMS, shape.len());
        return Err(Refusal::Damaged(format!(
            "expected a constant of at most {most} dimensions, found {found}"
        )));
    }
    // Values lie in the file, or were paid for.
    if shape.contains(&0) && MOST < cost(shape) {
        return Err(Refusal::Damaged(format!(
            "{shape:?} is too large for a constant, though it has no values"
        )));
    }
    Ok(value)
}

/// How far the next index of each dimension lies.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for dim in (1..shape.len()).rev() {
        strides[dim - 1] = strides[dim] * shape[dim];
    }
    strides
}

/// How far the next index of each dimension of a broadcast shape lies in the old one.
pub(super) fn spread(from: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    let (old, missing) = (strides(from), to.len().checked_sub(from.len())?);
    (0..to.len())
        .map(|dim| match dim.checked_sub(missing) {
            None => Some(0),
            Some(at) if from[at] == to[dim] => Some(if from[at] == 1 { 0 } else { old[at] }),
            Some(at) if from[at] == 1 => Some(0),
            Some(_) => None,
        })
        .collect()
}

/// The shape of two that are joined by the rules of broadcasting.
pub(super) fn joined(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let of = |shape: &[usize], back: usize| shape.len().checked_sub(back).map_or(1, |dim| shape[dim]);
    (1..=rank)
        .rev()
        .map(|back| match (of(a, back), of(b, back)) {
            (one, other) if one == other => Some(one),
            (1, other) | (other, 1) => Some(other),
            _ => None,
        })
        .collect()
}

/// Where the values of a shape lie, row by row.
pub(super) fn walk(shape: &[usize], steps: &[usize]) -> Vec<usize> {
    let count = shape.iter().product();
    let mut places = Vec::with_capacity(count);
    let (mut index, mut at) = (vec![0; shape.len()], 0);
    for _ in 0..count {
        places.push(at);
        for dim in (0..shape.len()).rev() {
            index[dim] += 1;
            at += steps[dim];
            if index[dim] < shape[dim] {
                break;
            }
            at -= steps[dim] * shape[dim];
            index[dim] = 0;
        }
    }
    places
}
