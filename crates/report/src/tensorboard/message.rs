//! Protobuf's wire format, as far as event files need it.
//!
//! Written by hand because two message types of six fields do not justify a
//! generator and its runtime. What it writes is what protobuf's own encoder writes:
//! fields in the order of their numbers (the caller's part), and none that holds the
//! value which a reader assumes anyway.

/// How a value is laid out, as the lowest three bits of a field's key say.
#[derive(Clone, Copy)]
enum Wire {
    /// Seven bits a byte, the least significant first.
    Varint = 0,
    /// Eight bytes, little-endian.
    Fixed64 = 1,
    /// A length as a varint, then as many bytes.
    Length = 2,
    /// Four bytes, little-endian.
    Fixed32 = 5,
}

/// A message that is being written.
#[derive(Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// A `double`, left out where it is zero.
    pub(super) fn double(self, field: u64, value: f64) -> Self {
        match value.to_bits() {
            0 => self,
            bits => self.key(field, Wire::Fixed64).raw(&bits.to_le_bytes()),
        }
    }

    /// An `int64` that is not negative, left out where it is zero.
    pub(super) fn int64(self, field: u64, value: u64) -> Self {
        match value {
            0 => self,
            value => self.key(field, Wire::Varint).varint(value),
        }
    }

    /// A `float` of a `oneof`: written also where it is zero, since that it is there
    /// says which of the alternatives is meant.
    pub(super) fn float(self, field: u64, value: f32) -> Self {
        self.key(field, Wire::Fixed32).raw(&value.to_le_bytes())
    }

    /// A `string`, left out where it is empty.
    pub(super) fn text(self, field: u64, value: &str) -> Self {
        if value.is_empty() { self } else { self.prefixed(field, value.as_bytes()) }
    }

    /// A message within the message, written also where it is empty.
    pub(super) fn message(self, field: u64, value: Self) -> Self {
        self.prefixed(field, &value.0)
    }

    /// The message as bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn prefixed(self, field: u64, value: &[u8]) -> Self {
        self.key(field, Wire::Length).varint(value.len() as u64).raw(value)
    }

    fn key(self, field: u64, wire: Wire) -> Self {
        self.varint(field << 3 | wire as u64)
    }

    fn varint(mut self, mut value: u64) -> Self {
        while 0x80 <= value {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_laid_out_as_the_encoding_guide_of_protobuf_says() {
        let int64 = |value| Message::default().int64(1, value).into_bytes();
        // 150 is the example of the guide.
        assert_eq!(int64(150), [0x08, 0x96, 0x01]);
        assert_eq!((int64(127), int64(128)), (vec![0x08, 0x7f], vec![0x08, 0x80, 0x01]));
        assert_eq!(int64(u64::MAX >> 1), [0x08, 255, 255, 255, 255, 255, 255, 255, 255, 0x7f]);
        assert_eq!(Message::default().float(2, -2.0).into_bytes(), [0x15, 0, 0, 0, 0xc0]);
        assert_eq!(Message::default().double(1, 1.0).into_bytes(), [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert_eq!(Message::default().text(16, "é").into_bytes(), [0x82, 0x01, 2, 0xc3, 0xa9]);
    }

    #[test]
    fn zero_is_left_out_but_where_its_presence_says_something() {
        let empty = Message::default().double(1, 0.0).int64(2, 0).text(3, "");
        assert!(empty.into_bytes().is_empty());
        assert_eq!(Message::default().float(2, 0.0).into_bytes(), [0x15, 0, 0, 0, 0]);
        assert_eq!(Message::default().message(5, Message::default()).into_bytes(), [0x2a, 0]);
    }
}
