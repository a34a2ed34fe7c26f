//! How values are represented by integers.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::{DType, Error};

/// Which values share a scale and a zero point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Per {
    /// All of a tensor.
    #[default]
    Tensor,
    /// Those at one place of a dimension: 0 for each output channel of a weight that is `[out, in, ...]`.
    Axis(usize),
    /// Neighbours along a dimension; the last group may be smaller. ONNX calls it blocked.
    Group {
        /// The dimension.
        axis: usize,
        /// The most values of a group.
        size: usize,
    },
}

/// Where the integer that stands for 0 lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symmetry {
    /// In the middle: at 0 for signed integers, which are then used from `-n` to `n`.
    Symmetric,
    /// Where the values ask for it.
    Affine,
}

/// How the values of a tensor are to be represented: `x` is near `scale * (q - zero_point)` with an
/// integer `q` between two bounds (Jacob et al. 2018, section 2.1).
///
/// ```
/// use sapwood_graph::{DType, Scheme, Symmetry};
///
/// let weights = Scheme::new(DType::I8, Symmetry::Symmetric)?.per_axis(0);
/// assert_eq!(weights.integers(), -127..=127);
/// let three_bits = Scheme::new(DType::I4, Symmetry::Symmetric)?.within(-4..=3)?.groups(1, 128)?;
/// assert!(three_bits.within(-9..=3).is_err());
/// # Ok::<(), sapwood_graph::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Scheme {
    dtype: DType,
    symmetry: Symmetry,
    low: i64,
    high: i64,
    per: Per,
}

impl Scheme {
    /// Integers of a type, one scale for a tensor. Symmetric signed integers leave the lowest one out
    /// (-127 to 127); all others use what the type has.
    ///
    /// # Errors
    /// A floating-point type.
    pub fn new(dtype: DType, symmetry: Symmetry) -> Result<Self, Error> {
        let held = held(dtype)?;
        let low = match symmetry {
            Symmetry::Symmetric if *held.start() < 0 => -held.end(),
            _ => *held.start(),
        };
        Ok(Self { dtype, symmetry, low, high: *held.end(), per: Per::Tensor })
    }

    /// With these bounds: fewer levels than the type has.
    ///
    /// # Errors
    /// Bounds that the type does not hold, or with fewer than two integers between them.
    pub fn within(self, integers: RangeInclusive<i64>) -> Result<Self, Error> {
        let (dtype, held, (low, high)) = (self.dtype, held(self.dtype)?, integers.into_inner());
        if low < *held.start() || *held.end() < high || high <= low {
            return Err(Error::Quantization(format!(
                "expected at least two integers of {dtype}, {} to {}, found {low} to {high}",
                held.start(),
                held.end()
            )));
        }
        Ok(Self { low, high, ..self })
    }

    /// With a scale for each place of a dimension.
    pub fn per_axis(self, axis: usize) -> Self {
        Self { per: Per::Axis(axis), ..self }
    }

    /// With a scale for each `size` neighbours along a dimension.
    ///
    /// # Errors
    /// Groups of nothing.
    pub fn groups(self, axis: usize, size: usize) -> Result<Self, Error> {
        if size == 0 {
            return Err(Error::Quantization("expected groups of at least 1 value, found 0".into()));
        }
        Ok(Self { per: Per::Group { axis, size }, ..self })
    }

    /// The type of the integers.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where the integer that stands for 0 lies.
    pub fn symmetry(&self) -> Symmetry {
        self.symmetry
    }

    /// The integers that are used.
    pub fn integers(&self) -> RangeInclusive<i64> {
        self.low..=self.high
    }

    /// Which values share a scale.
    pub fn per(&self) -> Per {
        self.per
    }
}

fn held(dtype: DType) -> Result<RangeInclusive<i64>, Error> {
    dtype.integers().ok_or_else(|| Error::Quantization(format!("expected a type of integers, found {dtype}")))
}

/// A scheme as a file says it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    dtype: DType,
    symmetry: Symmetry,
    integers: [i64; 2],
    #[serde(default)]
    per: Per,
}

impl From<Scheme> for Written {
    fn from(Scheme { dtype, symmetry, low, high, per }: Scheme) -> Self {
        Self { dtype, symmetry, integers: [low, high], per }
    }
}

impl TryFrom<Written> for Scheme {
    type Error = Error;

    fn try_from(Written { dtype, symmetry, integers: [low, high], per }: Written) -> Result<Self, Error> {
        let scheme = Self::new(dtype, symmetry)?.within(low..=high)?;
        Ok(match per {
            Per::Tensor => scheme,
            Per::Axis(axis) => scheme.per_axis(axis),
            Per::Group { axis, size } => scheme.groups(axis, size)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_onnx_runtime() {
        for (dtype, symmetry, integers) in [
            (DType::I8, Symmetry::Symmetric, -127..=127),
            (DType::I8, Symmetry::Affine, -128..=127),
            (DType::U8, Symmetry::Symmetric, 0..=255),
            (DType::U8, Symmetry::Affine, 0..=255),
            (DType::I2, Symmetry::Symmetric, -1..=1),
        ] {
            assert_eq!(Scheme::new(dtype, symmetry).unwrap().integers(), integers, "{dtype} {symmetry:?}");
        }
        let error = Scheme::new(DType::F16, Symmetry::Affine).unwrap_err().to_string();
        assert_eq!(error, "quantisation: expected a type of integers, found f16");
    }

    #[test]
    fn what_is_written_is_what_is_read_and_is_checked_again() {
        let seven_bits = Scheme::new(DType::U8, Symmetry::Affine).unwrap().within(0..=127).unwrap();
        for scheme in [seven_bits, seven_bits.per_axis(1), seven_bits.groups(1, 32).unwrap()] {
            let text = serde_json::to_string(&scheme).unwrap();
            assert_eq!(serde_json::from_str::<Scheme>(&text).unwrap(), scheme, "{text}");
            let error = serde_json::from_str::<Scheme>(&text.replace("127", "256")).unwrap_err().to_string();
            assert!(
                error.contains("expected at least two integers of u8, 0 to 255, found 0 to 256"),
                "{error}"
            );
        }
        assert!(seven_bits.groups(0, 0).is_err() && seven_bits.within(5..=5).is_err());
    }
}
