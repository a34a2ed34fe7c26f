//! Less or more of a value: slices and padding.

use serde::{Deserialize, Serialize};

use crate::{Dims, Ranked};

/// Some places of one dimension: `start`, `start + step` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// The dimension.
    pub axis: usize,
    /// The first place.
    pub start: usize,
    /// The number of places.
    pub length: usize,
    /// The distance between them.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub step: usize,
}

impl Slice {
    pub(super) fn of(&self, x: &Dims) -> Result<Dims, String> {
        let Self { axis, start, length, step } = *self;
        let size = x.number(axis).ok_or_else(|| format!("there is no dimension {axis} to cut in {x}"))?;
        let end = length.checked_sub(1).and_then(|steps| steps.checked_mul(step)?.checked_add(start));
        match end.filter(|end| 0 < step && *end < size) {
            Some(_) => Ok(x.resized(axis, length)),
            None => Err(format!(
                "it takes {length} places from {start} in steps of {step} of a dimension of {size}"
            )),
        }
    }
}

/// Values added around each dimension.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    /// How many in front, for each dimension.
    pub before: Ranked<usize>,
    /// How many behind, for each dimension.
    pub after: Ranked<usize>,
    /// Which values.
    pub with: PadMode,
}

/// Which values are added around a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PadMode {
    /// This number.
    Constant(f64),
    /// Those at the same distance from the edge, mirrored at the edge value, which is not repeated.
    Reflect,
    /// The edge value.
    Edge,
    /// Those of the opposite edge.
    Wrap,
}

impl Pad {
    pub(super) fn of(&self, x: &Dims) -> Result<Dims, String> {
        if self.before.len() != x.rank() || self.after.len() != x.rank() {
            return Err(format!("it pads {} dimensions of {x}", self.before.len()));
        }
        let mut found = *x;
        for (dim, around) in self.before.iter().zip(self.after.iter()).enumerate() {
            let most = match (self.with, x.number(dim)) {
                (_, None) => 0,
                (PadMode::Constant(_), Some(_)) => usize::MAX / 2,
                (PadMode::Edge, Some(size)) => {
                    if size == 0 {
                        0
                    } else {
                        usize::MAX / 2
                    }
                }
                (PadMode::Reflect, Some(size)) => size.saturating_sub(1),
                (PadMode::Wrap, Some(size)) => size,
            };
            let (before, after) = around;
            if most < *before.max(after) {
                return Err(format!("it adds {before} and {after} places to dimension {dim} of {x}"));
            }
            found = found.resized(dim, x.sizes()[dim].saturating_add(*before).saturating_add(*after));
        }
        Ok(found)
    }
}

fn one() -> usize {
    1
}

fn is_one(n: &usize) -> bool {
    *n == 1
}
