//! The bytes of a file.

use sapwood_graph::{Dims, Entry, Graph, Op};

use super::{
    options::Options,
    writing::{Tensor, Writing},
};
use crate::{
    CONTRIBUTED, PRODUCER,
    proto::{
        Message, data_type,
        field::{graph, model, pair, tensor},
    },
};

impl Writing<'_> {
    /// The file. Weights are copied once, into it.
    pub(super) fn into_file(self, network: &Graph, options: &Options) -> Vec<u8> {
        let mut before = Message::default();
        for node in &self.nodes {
            before = before.message(graph::NODE, node);
        }
        before = before.text(graph::NAME, "sapwood");
        let mut after = Message::default();
        let kinds = kinds(network, options);
        for (name, entry) in self.inputs.iter().zip(network.entries()) {
            let last = options.channels_last.contains(&entry.name);
            let dims = channels_last(&entry.dims).filter(|_| last).unwrap_or(entry.dims);
            after = after.message(graph::INPUT, &end(name, &dims, kind(entry, options)));
        }
        for (name, node) in self.outputs.iter().zip(network.ends()) {
            after = after.message(graph::OUTPUT, &end(name, &self.dims[*node], kinds[*node]));
        }
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
            Message::default().integer(model::IR_VERSION, form).text(model::PRODUCER_NAME, PRODUCER);
        top = top.message(model::OPSET_IMPORT, &opset);
        if self.contributed {
            let own = Message::default().text(pair::FIRST, CONTRIBUTED).integer(pair::SECOND, 1);
            top = top.message(model::OPSET_IMPORT, &own);
        }
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

/// The dimensions of images with their channels last.
pub(super) fn channels_last(images: &Dims) -> Option<Dims> {
    match *images.sizes() {
        [n, c, h, w] if images.batch() == Some(0) => Dims::with_batch(&[n, h, w, c], 0),
        _ => None,
    }
}

/// The type of an input.
fn kind(entry: &Entry, options: &Options) -> i64 {
    match entry.integers {
        true if options.int32.contains(&entry.name) => data_type::INT32,
        true => data_type::INT64,
        false => data_type::FLOAT,
    }
}

/// The type of each node's value: integers are those that come in, as they are moved.
fn kinds(network: &Graph, options: &Options) -> Vec<i64> {
    let mut entries = network.entries().iter().map(|entry| kind(entry, options));
    let mut found: Vec<i64> = Vec::with_capacity(network.nodes().len());
    for node in network.nodes() {
        let carried = node.inputs.first().filter(|_| node.op.is_carrier()).map(|input| found[*input]);
        let is_input = node.op == Op::Input;
        let kind = if is_input { entries.next() } else { carried };
        found.push(kind.unwrap_or(data_type::FLOAT));
    }
    found
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

/// An input or output, of any number of examples.
fn end(name: &str, dims: &Dims, kind: i64) -> Message {
    let mut shape = Message::default();
    for (at, size) in dims.sizes().iter().enumerate() {
        let dim = match dims.batch() == Some(at) {
            true if *size == 1 => Message::default().text(2, "N"),
            // A multiple has a name of its own.
            true => Message::default().text(2, &format!("{size}N")),
            false => Message::default().integer(1, *size as i64),
        };
        shape = shape.message(1, &dim);
    }
    let of_tensor = Message::default().integer(1, kind).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &of_tensor))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sapwood_graph::{Array, State};

    use super::*;
    use crate::{export, import, proto::Model};

    #[test]
    fn integers_that_go_through_go_out_as_integers() {
        let entry = Entry { name: "tokens".into(), dims: Dims::rows(7), integers: true };
        let mut g = Graph::builder_of(vec![entry]);
        let tokens = g.entry(0);
        let x = g.embedding("table", tokens, 9, 4);
        let network = g.finish_with(&[tokens, x]).unwrap();
        let table = Array::from_fn([9, 4], |at| at as f32);
        let state = State([("table.weight".into(), table)].into());
        let narrow = BTreeSet::from(["tokens".to_string()]);
        for (int32, integers) in [(BTreeSet::new(), data_type::INT64), (narrow, data_type::INT32)] {
            let options = Options { int32: int32.clone(), ..Options::default() };
            let bytes = export(&network, &state, &options).unwrap();
            let file = Model(&bytes).graph().unwrap().unwrap();
            let kinds = file.inputs().chain(file.outputs()).map(|end| end.unwrap().data_type.unwrap());
            assert_eq!(kinds.collect::<Vec<_>>(), [integers, integers, data_type::FLOAT]);
            let found = import(&bytes).unwrap();
            assert_eq!((found.graph, found.int32), (network.clone(), int32));
        }
    }
}
