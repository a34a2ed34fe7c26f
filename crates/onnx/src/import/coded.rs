//! Numbers that the file says in integers.

use std::sync::Arc;

use sapwood_graph::{Array, DType, Per, Quantized};

use super::{refusal::Refusal, whole::Whole};
use crate::proto::Damage;

/// Integers with their scales and zero points, of which nothing is decoded before it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Coded<'a> {
    pub(super) whole: Whole<'a>,
    scale: Arc<Vec<f32>>,
    points: Option<Arc<Vec<i64>>>,
    per: Per,
}

impl<'a> Coded<'a> {
    /// # Errors
    /// Integers that no weight has; scales or zero points of another number, that are not positive, or lie outside the
    /// integers.
    pub(super) fn new(
        whole: Whole<'a>,
        per: Per,
        scale: Vec<f32>,
        points: Option<Vec<i64>>,
    ) -> Result<Self, Refusal> {
        if whole.dtype().is_none() {
            return Err(Refusal::Cannot("of 16 bits".into()));
        }
        let expected: usize = per.scales(&whole.shape).map_err(Refusal::unscaled)?.iter().product();
        for (what, found) in [("scales", Some(scale.len())), ("zero points", points.as_ref().map(Vec::len))] {
            if let Some(found) = found.filter(|found| *found != expected) {
                let shape = &whole.shape;
                return Err(Refusal::Cannot(format!(
                    "with {found} {what} for {shape:?}, which takes {expected}"
                )));
            }
        }
        if let Some(scale) = scale.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
            return Err(Refusal::Cannot(format!("with the scale {scale}")));
        }
        let [low, high] = whole.bounds.map(i64::from);
        if let Some(point) = points.iter().flatten().find(|point| !(low..=high).contains(*point)) {
            return Err(Refusal::Cannot(format!("with the zero point {point} of integers {low} to {high}")));
        }
        let points = points.filter(|points| points.iter().any(|point| *point != 0)).map(Arc::new);
        Ok(Self { whole, scale: Arc::new(scale), points, per })
    }

    /// Whether another one stands for the same numbers, of the same integers.
    pub(super) fn is_said_as(&self, other: &Self) -> bool {
        self.whole.name == other.whole.name
            && self.per == other.per
            && self.scale == other.scale
            && self.points == other.points
    }

    /// The bits that one integer takes.
    pub(super) fn bits(&self) -> usize {
        self.whole.dtype().map_or(8, DType::bits)
    }

    /// Integers and scales. Unsigned ones around 128 are signed ones around 0, which stand for the same numbers.
    pub(super) fn quantized(&self) -> Result<Quantized, Damage> {
        let mut values = self.whole.array()?;
        let mut points = self.points.as_deref().cloned();
        let middle = points.as_ref().is_some_and(|points| points.iter().all(|point| *point == 128));
        if let Some(bytes) = values.as_slice::<u8>().filter(|_| middle) {
            let signed: Vec<i8> = bytes.iter().map(|byte| (byte ^ 0x80) as i8).collect();
            values = Array::new(values.shape(), signed).map_err(|error| Damage(error.to_string()))?;
            points = None;
        }
        let made = self.per.scales(values.shape()).and_then(|shape| {
            let scale = Array::new(shape.clone(), self.scale.to_vec())?;
            let points = points.map(|points| points.iter().map(|point| *point as i32).collect::<Vec<i32>>());
            let points = points.map(|points| Array::new(shape, points)).transpose()?;
            Quantized::new(values, self.per, scale, points)
        });
        made.map_err(|error| Damage(format!("tensor `{}`: {error}", self.whole.name)))
    }
}
