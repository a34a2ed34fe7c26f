//! The bytes of a file.

use super::{
    Options,
    writing::{INPUT, OUTPUT, Tensor, Writing},
};
use crate::proto::{
    Message, data_type,
    field::{graph, model, pair, tensor},
};

impl Writing<'_> {
    /// The file. Weights are copied once, into it.
    pub(super) fn into_file(self, options: &Options, outputs: usize) -> Vec<u8> {
        let [c, h, w] = self.input.map(|size| size as i64);
        let mut before = Message::default();
        for node in &self.nodes {
            before = before.message(graph::NODE, node);
        }
        before = before.text(graph::NAME, "sapwood");
        let after = Message::default()
            .message(graph::INPUT, &end(INPUT, &[c, h, w]))
            .message(graph::OUTPUT, &end(OUTPUT, &[outputs as i64]));
        let heads: Vec<Message> = self.tensors.iter().map(head).collect();
        // A tensor is its head, the tag and length of its bytes, and these.
        let sizes = self.tensors.iter().zip(&heads).map(|(tensor, head)| head.len() + tensor.bytes.len());
        let sizes: Vec<usize> = sizes.collect();
        let tags = sizes.iter().map(|size| Message::prefix_len(graph::INITIALIZER, *size) + size);
        let size = before.len() + after.len() + tags.sum::<usize>();

        // Each opset has the version of the form that came with it.
        let form = match options.opset {
            ..=18 => 8,
            19 | 20 => 9,
            _ => 10,
        };
        let opset = Message::default().text(pair::FIRST, "").integer(pair::SECOND, options.opset);
        let mut top =
            Message::default().integer(model::IR_VERSION, form).text(model::PRODUCER_NAME, "sapwood");
        top = top.message(model::OPSET_IMPORT, &opset);
        for (key, value) in &options.metadata {
            let entry = Message::default().text(pair::FIRST, key).text(pair::SECOND, value);
            top = top.message(model::METADATA_PROPS, &entry);
        }
        let mut file = Vec::with_capacity(top.len() + Message::prefix_len(model::GRAPH, size) + size);
        file.extend(top.into_bytes());
        Message::prefix(&mut file, model::GRAPH, size);
        file.extend(before.into_bytes());
        for ((tensor, head), size) in self.tensors.iter().zip(heads).zip(sizes) {
            Message::prefix(&mut file, graph::INITIALIZER, size);
            file.extend(head.into_bytes());
            file.extend(tensor.bytes.as_ref());
        }
        file.extend(after.into_bytes());
        file
    }
}

/// A tensor without its bytes, which come last.
fn head(of: &Tensor<'_>) -> Message {
    let mut message = Message::default()
        .integers(tensor::DIMS, of.dims.iter().copied())
        .integer(tensor::DATA_TYPE, of.data_type)
        .text(tensor::NAME, &of.name);
    message.begin(tensor::RAW_DATA, of.bytes.len());
    message
}

/// An input or output in f32, of any number of examples.
fn end(name: &str, sizes: &[i64]) -> Message {
    let batch = Message::default().text(2, "N");
    let mut shape = Message::default().message(1, &batch);
    for size in sizes {
        shape = shape.message(1, &Message::default().integer(1, *size));
    }
    let of_tensor = Message::default().integer(1, data_type::FLOAT).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &of_tensor))
}
