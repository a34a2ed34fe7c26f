//! Protocol Buffers' encoding: a message is a row of numbered fields.

use std::str;

/// What is wrong with a message: a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage(pub(crate) String);

/// A field's value as it is encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wire<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// The fields of a message, in the order in which they lie. After damage there are no more.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u64, Wire<'a>), Damage> {
        let tag = varint(&mut self.0)?;
        let wire = match tag & 7 {
            0 => Wire::Varint(varint(&mut self.0)?),
            1 => Wire::Fixed64(chunk(&mut self.0)?),
            2 => {
                let length = varint(&mut self.0)?;
                let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
                let (bytes, rest) = split.ok_or_else(ends_early)?;
                self.0 = rest;
                Wire::Bytes(bytes)
            }
            5 => Wire::Fixed32(chunk(&mut self.0)?),
            _ => return Err(Damage("a field is of no kind that there is".into())),
        };
        Ok((tag >> 3, wire))
    }
}

impl<'a> Wire<'a> {
    pub(crate) fn bytes(self) -> Result<&'a [u8], Damage> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(Damage("a field holds a number where bytes are expected".into())),
        }
    }

    pub(crate) fn text(self) -> Result<&'a str, Damage> {
        str::from_utf8(self.bytes()?).map_err(|_| Damage("a name is no UTF-8".into()))
    }

    pub(crate) fn integer(self) -> Result<i64, Damage> {
        match self {
            Self::Varint(value) => Ok(value as i64),
            _ => Err(Damage("a field is no integer where one is expected".into())),
        }
    }

    pub(crate) fn float(self) -> Result<f32, Damage> {
        match self {
            Self::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(Damage("a field is no number in f32 where one is expected".into())),
        }
    }

    /// The integers of a repeated field, which lie alone or many in one.
    pub(crate) fn integers(self) -> Integers<'a> {
        match self {
            Self::Bytes(bytes) => Integers { packed: bytes, alone: None },
            wire => Integers { packed: &[], alone: Some(wire.integer()) },
        }
    }

    /// The bytes of a repeated field of numbers of fixed size, which lie alone or many in one.
    pub(crate) fn fixed(&self) -> Result<&[u8], Damage> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Fixed32(bytes) => Ok(bytes),
            Self::Fixed64(bytes) => Ok(bytes),
            Self::Varint(_) => Err(Damage("a field is an integer where floating point is expected".into())),
        }
    }
}

/// See [`Wire::integers`].
pub(crate) struct Integers<'a> {
    packed: &'a [u8],
    alone: Option<Result<i64, Damage>>,
}

impl Iterator for Integers<'_> {
    type Item = Result<i64, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(alone) = self.alone.take() {
            return Some(alone);
        }
        if self.packed.is_empty() {
            return None;
        }
        let value = varint(&mut self.packed);
        if value.is_err() {
            self.packed = &[];
        }
        Some(value.map(|value| value as i64))
    }
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Damage> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or_else(ends_early)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Damage("a number has more than 64 bits".into()))
}

fn chunk<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Damage> {
    let (chunk, rest) = bytes.split_first_chunk().ok_or_else(ends_early)?;
    *bytes = rest;
    Ok(*chunk)
}

fn ends_early() -> Damage {
    Damage("it ends too early, or a length in it is wrong".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, Damage> {
        Fields(bytes).collect()
    }

    #[test]
    fn fields_are_as_the_encoding_s_documentation_has_them() {
        // protobuf.dev/programming-guides/encoding: 150, "testing", and packed 3, 270, 86942.
        assert_eq!(all(&[0x08, 0x96, 0x01]).unwrap(), [(1, Wire::Varint(150))]);
        let text = all(b"\x12\x07testing").unwrap();
        assert_eq!(text[0].1.text(), Ok("testing"));
        let packed = [0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05];
        let (number, wire) = all(&packed).unwrap()[0];
        assert_eq!((number, wire.integers().collect::<Result<Vec<_>, _>>()), (6, Ok(vec![3, 270, 86942])));
        let negative = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(all(&negative).unwrap()[0].1.integer(), Ok(-1));
    }

    #[test]
    fn lengths_beyond_the_end_and_endless_numbers_are_damage() {
        for bytes in [&b"\x12\x08testing"[..], &[0x12, 0xff, 0xff, 0xff, 0xff, 0x7f], &[0x08], &[0x0d, 1, 2]]
        {
            assert_eq!(all(bytes), Err(ends_early()));
        }
        assert!(all(&[0xff; 12]).is_err() && all(&[0x0b]).is_err());
    }
}
