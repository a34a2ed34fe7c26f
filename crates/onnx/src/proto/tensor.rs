//! Tensors that a file holds.

use sapwood_graph::{BF16, F16};

use super::{
    Damage, Fields, MOST_NUMBERS, data_type,
    field::tensor,
    message::{few_integers, text_pair},
};

/// A tensor, of which the values are decoded when they are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tensor<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: Vec<usize>,
    pub(crate) data_type: i64,
    pub(super) raw: Option<&'a [u8]>,
    /// Where the values lie, if they lie in another file.
    pub(crate) external: Option<Outside<'a>>,
    /// Whether it is one of the graph's own, and no operation's.
    pub(crate) listed: bool,
    pub(super) bytes: &'a [u8],
}

/// A place in another file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outside<'a> {
    pub(crate) file: &'a str,
    offset: u64,
    length: Option<u64>,
}

impl<'a> Tensor<'a> {
    /// More dimensions than a tensor has.
    pub(crate) const MOST_DIMS: usize = 16;

    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Damage> {
        let mut found = Self { bytes, ..Self::default() };
        let (mut dims, mut is_outside, mut outside) = (Vec::new(), false, Outside::default());
        for field in Fields(bytes) {
            match field? {
                (tensor::DIMS, wire) => few_integers(wire, &mut dims)?,
                (tensor::DATA_TYPE, wire) => found.data_type = wire.integer()?,
                (tensor::NAME, wire) => found.name = wire.text()?,
                (tensor::RAW_DATA, wire) => found.raw = Some(wire.bytes()?),
                (tensor::DATA_LOCATION, wire) => is_outside = wire.integer()? == 1,
                (tensor::EXTERNAL_DATA, wire) => {
                    let number = |text: &str| {
                        text.parse().map_err(|_| Damage(format!("`{text}` is no place in another file")))
                    };
                    match text_pair(wire.bytes()?)? {
                        ("location", location) => outside.file = location,
                        ("offset", offset) => outside.offset = number(offset)?,
                        ("length", length) => outside.length = Some(number(length)?),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        if Self::MOST_DIMS < dims.len() {
            return Err(found.damage("has too many dimensions"));
        }
        let shape = dims.iter().map(|dim| usize::try_from(*dim).ok()).collect::<Option<Vec<_>>>();
        found.shape = shape.ok_or_else(|| found.damage("has a negative dimension"))?;
        found.external = is_outside.then_some(outside);
        Ok(found)
    }

    /// The same as one of the graph's own.
    pub(crate) fn listed(self) -> Self {
        Self { listed: true, ..self }
    }

    /// The same with the values that lie in another file, of which these are the bytes.
    pub(crate) fn with_outside(self, file: &'a [u8]) -> Result<Self, Damage> {
        let Some(outside) = self.external else { return Ok(self) };
        let from = usize::try_from(outside.offset).ok().and_then(|offset| file.get(offset..));
        let bytes = match (from, outside.length.map(usize::try_from)) {
            (Some(from), Some(Ok(length))) => from.get(..length),
            (Some(from), None) => Some(from),
            _ => None,
        };
        let bytes =
            bytes.ok_or_else(|| self.damage(&format!("lies beyond the end of `{}`", outside.file)))?;
        Ok(Self { raw: Some(bytes), external: None, ..self })
    }

    /// The bytes of values in f32, where they lie in one piece.
    pub(crate) fn raw_floats(&self) -> Result<Option<&'a [[u8; 4]]>, Damage> {
        match (self.data_type, self.raw) {
            (data_type::FLOAT, Some(raw)) if raw.len() % 4 == 0 && raw.len() / 4 == self.len()? => {
                Ok(Some(raw.as_chunks().0))
            }
            _ => Ok(None),
        }
    }

    /// The number of values that the shape says.
    pub(crate) fn len(&self) -> Result<usize, Damage> {
        let len = self.shape.iter().try_fold(1usize, |len, dim| len.checked_mul(*dim));
        len.ok_or_else(|| self.damage("is larger than any memory"))
    }

    /// Whether the values are floating point.
    pub(crate) fn is_float(&self) -> bool {
        use data_type::{BFLOAT16, DOUBLE, FLOAT, FLOAT16};
        matches!(self.data_type, FLOAT | DOUBLE | FLOAT16 | BFLOAT16)
    }

    /// Whether the values are of a type that is not read at all.
    pub(crate) fn is_of_other_type(&self) -> bool {
        use data_type::{BOOL, INT32, INT64, UINT8};
        !self.is_float() && !matches!(self.data_type, BOOL | INT32 | INT64 | UINT8)
    }

    /// The values of a tensor in floating point, rounded to f32.
    pub(crate) fn floats(&self) -> Result<Vec<f32>, Damage> {
        let values: Vec<f32> = match self.data_type {
            data_type::FLOAT => self.fixed(tensor::FLOAT_DATA, f32::from_le_bytes)?,
            data_type::DOUBLE => self.fixed(tensor::DOUBLE_DATA, |bytes| f64::from_le_bytes(bytes) as f32)?,
            data_type::FLOAT16 => self.halves(|bits| F16::from_bits(bits).to_f32())?,
            data_type::BFLOAT16 => self.halves(|bits| BF16::from_bits(bits).to_f32())?,
            other => return Err(self.damage(&format!("is of the type {other}, which is no weight's"))),
        };
        self.of_length(values)
    }

    /// The values of a small tensor of integers.
    pub(crate) fn integers(&self) -> Result<Vec<i64>, Damage> {
        if MOST_NUMBERS < self.len()? {
            return Err(self.damage(&format!("has more than {MOST_NUMBERS} integers")));
        }
        let stored = |number| {
            let mut found = Vec::new();
            for field in Fields(self.bytes) {
                match field? {
                    (other, wire) if other == number => few_integers(wire, &mut found)?,
                    _ => {}
                }
            }
            Ok(found)
        };
        let values = match (self.data_type, self.raw) {
            (data_type::INT64, Some(raw)) => chunks(raw, i64::from_le_bytes),
            (data_type::INT32, Some(raw)) => chunks(raw, |bytes| i64::from(i32::from_le_bytes(bytes))),
            (data_type::BOOL, Some(raw)) => chunks(raw, |[byte]| i64::from(byte != 0)),
            (data_type::UINT8, Some(raw)) => chunks(raw, |[byte]| i64::from(byte)),
            (data_type::INT64, None) => stored(tensor::INT64_DATA)?,
            (data_type::INT32 | data_type::BOOL | data_type::UINT8, None) => stored(tensor::INT32_DATA)?,
            (other, _) => return Err(self.damage(&format!("is of the type {other}, which is not read"))),
        };
        self.of_length(values)
    }

    fn fixed<const N: usize>(&self, number: u64, value: fn([u8; N]) -> f32) -> Result<Vec<f32>, Damage> {
        if let Some(raw) = self.raw {
            return Ok(chunks(raw, value));
        }
        let mut found = Vec::new();
        for field in Fields(self.bytes) {
            match field? {
                (other, wire) if other == number => found.extend(chunks(wire.fixed()?, value)),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Half precision, which lies in integers where it does not lie as it is.
    fn halves(&self, value: fn(u16) -> f32) -> Result<Vec<f32>, Damage> {
        if let Some(raw) = self.raw {
            return Ok(raw.as_chunks().0.iter().map(|bytes| value(u16::from_le_bytes(*bytes))).collect());
        }
        let mut found = Vec::new();
        for field in Fields(self.bytes) {
            if let (tensor::INT32_DATA, wire) = field? {
                for bits in wire.integers() {
                    found.push(value(bits? as u16));
                }
            }
        }
        Ok(found)
    }

    fn of_length<T>(&self, values: Vec<T>) -> Result<Vec<T>, Damage> {
        match self.external.is_none() && values.len() == self.len()? {
            true => Ok(values),
            false => Err(self.damage(&format!("has {} values in the shape {:?}", values.len(), self.shape))),
        }
    }

    pub(super) fn damage(&self, problem: &str) -> Damage {
        Damage(format!("tensor `{}` {problem}", self.name))
    }
}

fn chunks<T, const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|chunk| value(*chunk)).collect()
}
