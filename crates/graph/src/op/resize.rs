//! Planes in another size.

use serde::{Deserialize, Serialize};

use crate::Pair;

/// The input in another height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// Height and width that go out.
    #[serde(with = "sides")]
    pub size: Pair,
    /// What a pixel is made of.
    #[serde(default, skip_serializing_if = "is_default")]
    pub interpolation: Interpolation,
    /// Where in the input a pixel lies.
    #[serde(default, skip_serializing_if = "is_default")]
    pub places: Places,
}

/// What a pixel of another size is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// Of the four around its place, by their distances.
    #[default]
    Bilinear,
    /// Of the one at its place, rounded down.
    Nearest,
    /// Of the one nearest to its place, the left or upper of two that are equally near.
    NearestRound,
}

/// Where in the input the pixel `i` of the output lies, for `scale = output / input`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Places {
    /// `(i + 0.5) / scale - 0.5`: the centres of pixels lie over each other.
    #[default]
    HalfPixel,
    /// `i / scale`
    Asymmetric,
    /// `i (input - 1) / (output - 1)`: the outer pixels lie over each other.
    AlignCorners,
}

impl Resize {
    /// As PyTorch's `interpolate` with `bilinear` does.
    pub fn bilinear(size: impl Into<Pair>) -> Self {
        Self { size: size.into(), interpolation: Interpolation::Bilinear, places: Places::HalfPixel }
    }

    /// As PyTorch's `interpolate` with `nearest` does.
    pub fn nearest(size: impl Into<Pair>) -> Self {
        Self { size: size.into(), interpolation: Interpolation::Nearest, places: Places::Asymmetric }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Always two numbers.
mod sides {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::Pair;

    pub(super) fn serialize<S: Serializer>(pair: &Pair, serializer: S) -> Result<S::Ok, S::Error> {
        pair.hw().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pair, D::Error> {
        <[usize; 2]>::deserialize(deserializer).map(Pair::from)
    }
}
