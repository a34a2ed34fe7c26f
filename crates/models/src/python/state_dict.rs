//! A state dict in the form that `torch.save` writes: an archive of a pickle and of what lies in its tensors.

use std::{
    borrow::Cow,
    io::{Cursor, Write},
};

use sapwood_core::{Array, Graph, Mismatch, Op, State, graph::Error};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::numbers::numbers;
use crate::params::params;

/// The values of the parameters and buffers that the graph's layers have, in their order, but for single numbers that
/// nothing learns.
///
/// # Errors
/// Values that are missing or of another shape.
pub(super) fn write(graph: &Graph, state: &State) -> Result<Vec<u8>, Error> {
    let mut mismatch = Mismatch::default();
    let (mut tensors, numbers) = (Vec::new(), numbers(graph));
    for info in params(graph) {
        match state.0.get(&info.path) {
            Some(value) if value.shape() == info.shape && numbers.contains(info.path.as_str()) => {}
            Some(value) if value.shape() == info.shape => {
                tensors.push(Tensor::floats(info.path.to_string(), value));
            }
            Some(value) => mismatch.misshapen.push((info.path, info.shape, value.shape().to_vec())),
            None => mismatch.missing.push(info.path),
        }
    }
    if !mismatch.is_empty() {
        return Err(Error::Mismatch(mismatch));
    }
    let norms = graph.nodes().iter().filter(|node| matches!(node.op, Op::BatchNorm { .. }));
    tensors.extend(norms.map(|node| Tensor::zero(format!("{}.num_batches_tracked", node.name))));
    archive(&tensors).map_err(|error| Error::format_of("PyTorch file", error))
}

/// A tensor and how it is called.
struct Tensor<'s> {
    path: String,
    shape: Vec<usize>,
    class: &'static str,
    bytes: Cow<'s, [u8]>,
}

impl<'s> Tensor<'s> {
    fn floats(path: String, value: &'s Array) -> Self {
        let bytes = match value.as_slice::<f32>() {
            Some(_) if cfg!(target_endian = "little") => value.as_bytes(),
            _ => Cow::Owned(value.iter::<f32>().flat_map(f32::to_le_bytes).collect()),
        };
        Self { path, shape: value.shape().to_vec(), class: "FloatStorage", bytes }
    }

    /// How many batches a normalisation has seen, which nothing here counts.
    fn zero(path: String) -> Self {
        Self { path, shape: vec![], class: "LongStorage", bytes: Cow::Owned(vec![0; 8]) }
    }
}

fn archive(tensors: &[Tensor<'_>]) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut file = |name: &str, bytes: &[u8]| -> zip::result::ZipResult<()> {
        zip.start_file(format!("net/{name}"), stored.large_file(u32::MAX as usize <= bytes.len()))?;
        Ok(zip.write_all(bytes)?)
    };
    file("data.pkl", &pickle(tensors))?;
    file("byteorder", b"little")?;
    for (key, tensor) in tensors.iter().enumerate() {
        file(&format!("data/{key}"), &tensor.bytes)?;
    }
    file("version", b"3\n")?;
    Ok(zip.finish()?.into_inner())
}

/// An ordered dictionary of views of storages, in the pickle protocol 2.
fn pickle(tensors: &[Tensor<'_>]) -> Vec<u8> {
    let mut to = Pickle(b"\x80\x02".to_vec());
    to.dictionary();
    to.0.push(b'(');
    for (key, tensor) in tensors.iter().enumerate() {
        to.text(&tensor.path);
        to.0.extend_from_slice(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        to.text("storage");
        to.0.extend_from_slice(format!("ctorch\n{}\n", tensor.class).as_bytes());
        to.text(&key.to_string());
        to.text("cpu");
        to.integer(tensor.shape.iter().product());
        // The storage; it begins at its first element.
        to.0.extend_from_slice(b"tQK\0");
        to.tuple(&tensor.shape);
        let strides = (0..tensor.shape.len()).map(|dim| tensor.shape[dim + 1..].iter().product());
        to.tuple(&strides.collect::<Vec<usize>>());
        // No gradient is asked for, and there are no hooks.
        to.0.push(0x89);
        to.dictionary();
        to.0.extend_from_slice(b"tR");
    }
    to.0.extend_from_slice(b"u.");
    to.0
}

/// A pickle in the making.
struct Pickle(Vec<u8>);

impl Pickle {
    fn dictionary(&mut self) {
        self.0.extend_from_slice(b"ccollections\nOrderedDict\n)R");
    }

    fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn integer(&mut self, number: usize) {
        // A long of eight bytes, whose first one says the sign.
        self.0.extend_from_slice(&[0x8a, 8]);
        self.0.extend_from_slice(&(number as u64).to_le_bytes());
    }

    fn tuple(&mut self, numbers: &[usize]) {
        self.0.push(b'(');
        numbers.iter().for_each(|number| self.integer(*number));
        self.0.push(b't');
    }
}
