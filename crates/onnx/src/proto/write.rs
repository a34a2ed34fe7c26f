//! Messages that are written.

/// A message in the making: fields are appended in the order in which they are called for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    pub(crate) fn integer(mut self, number: u64, value: i64) -> Self {
        varint(&mut self.0, number << 3);
        varint(&mut self.0, value as u64);
        self
    }

    pub(crate) fn float(mut self, number: u64, value: f32) -> Self {
        varint(&mut self.0, number << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn text(self, number: u64, value: &str) -> Self {
        self.bytes(number, value.as_bytes())
    }

    pub(crate) fn bytes(mut self, number: u64, value: &[u8]) -> Self {
        self.begin(number, value.len());
        self.0.extend(value);
        self
    }

    pub(crate) fn message(self, number: u64, value: &Self) -> Self {
        self.bytes(number, &value.0)
    }

    /// One field for each, as ONNX's schema has them: not packed.
    pub(crate) fn integers(self, number: u64, values: impl IntoIterator<Item = i64>) -> Self {
        values.into_iter().fold(self, |message, value| message.integer(number, value))
    }

    /// The tag and length of bytes that follow.
    pub(crate) fn begin(&mut self, number: u64, len: usize) {
        Self::prefix(&mut self.0, number, len);
    }

    pub(crate) fn prefix(bytes: &mut Vec<u8>, number: u64, len: usize) {
        varint(bytes, number << 3 | 2);
        varint(bytes, len as u64);
    }

    /// How many bytes [`Message::prefix`] takes.
    pub(crate) fn prefix_len(number: u64, len: usize) -> usize {
        let mut bytes = Vec::new();
        Self::prefix(&mut bytes, number, len);
        bytes.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while 0x80 <= value {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
