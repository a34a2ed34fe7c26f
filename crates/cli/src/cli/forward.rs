//! `forward`

use std::{io::Write, path::PathBuf};

use burn::{
    prelude::{Device, TensorData},
    tensor::Tensor,
};
use clap::Args;
use sapwood_backend::{block_on, read};
use sapwood_core::{Dims, Network, Norm, Observed, Pass};
use sapwood_lab::{Takes, read_input, read_inputs, rounded, write_tensors};
use sapwood_models::Opened;

use super::{
    engine::EngineChoice, on_device::OnDevice, probabilities::Probabilities, weight_file::WeightFile,
};
use crate::Error;

/// Run a network on the tensor `input` of a file and write its outputs
///
/// Input: safetensors or NumPy's .npz with `input` or `x`, f32 [N, C, H, W], or .npy. Bytes (u8)
/// are normalised as the network's images were. Output: `logits` in the dimensions that the network gives, the
/// batch first, [N, K] of one that tells classes apart (life-net gives the value per cell before the sigmoid,
/// [N, 1, H, W]), and `probabilities` of the same shape. The number of classes and of input channels is read from
/// the weights. Of a network that gives no classes, or takes integers, there are no probabilities. A network with
/// several inputs, or of integers such as tokens, reads a tensor under the name of each; of several outputs the
/// file has `output_0` and so on, as they lie in the network.
#[derive(Args)]
pub(super) struct Forward {
    #[command(flatten)]
    network: WeightFile,
    /// The file with the input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Normalise with the statistics of this batch, as in training
    #[arg(long)]
    batch_statistics: bool,
    #[command(flatten)]
    engine: EngineChoice,
    #[command(flatten)]
    device: OnDevice,
}

impl Forward {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = self.engine.device(&self.device)?;
        if self.batch_statistics {
            self.engine.none("only the tensor library normalises with the statistics of a batch")?;
        }
        let opened = self.network.open(&device)?;
        if opened.net.check_single().is_err() {
            self.engine.check(&opened.net)?;
            return self.all(&opened, &device, out);
        }
        let input = read_input(&self.input, &Takes::of(&opened), &device)?;
        let [n, c, h, w] = input.dims();
        opened.spec.output([c, h, w])?;
        let norm = if self.batch_statistics { Norm::Batch } else { Norm::Running };
        let engine = self.engine.engine(&opened, [c, h, w])?;
        let logits = match engine {
            Some(mut engine) => engine.forward(input, &device)?,
            None => rounded(&opened).forward(input, &mut Pass::new(norm)),
        };
        let of = Probabilities::of(&opened, [c, h, w])?;
        let probabilities = of.map(|of| of.among(logits.clone()));
        let graph = opened.net.graph();
        // There is one output, as was checked.
        let sizes = sizes(&graph.dims_for([c, h, w])?[graph.ends()[0]], n);
        let mut found = vec![("logits".into(), shaped(logits, &sizes)?)];
        if let Some(probabilities) = probabilities {
            found.push(("probabilities".into(), shaped(probabilities, &sizes)?));
        }
        self.write(found, out)
    }

    /// The same with any number of inputs and outputs.
    fn all(&self, opened: &Opened, device: &Device, out: &mut dyn Write) -> Result<(), Error> {
        let norm = if self.batch_statistics { Norm::Batch } else { Norm::Running };
        let inputs = read_inputs(&self.input, opened.net.graph(), &opened.spec.onnx.channels_last, device)?;
        let outputs = rounded(opened).pass(&mut Pass::new(norm), |net, pass| net.run_all(inputs, pass))?;
        let several = outputs.len() > 1;
        let mut found = Vec::new();
        for (at, output) in outputs.into_iter().enumerate() {
            let name = if several { format!("output_{at}") } else { "logits".into() };
            let sizes = output.dims();
            found.push((name, shaped(output.into_row(), &sizes)?));
        }
        self.write(found, out)
    }

    fn write(&self, found: Vec<(String, TensorData)>, out: &mut dyn Write) -> Result<(), Error> {
        let said: Vec<String> =
            found.iter().map(|(name, of)| format!("{name} {:?}", &of.shape()[..])).collect();
        write_tensors(&self.out, found)?;
        Ok(writeln!(out, "{}: {}", said.join(", "), self.out.display())?)
    }
}

/// The dimensions of an output for `n` examples, which lie one behind the other.
fn sizes(dims: &Dims, n: usize) -> Vec<usize> {
    let each = dims.sizes().iter().enumerate();
    // Where the batch was there is what each example has of it.
    let each = each.filter(|(dim, size)| dims.batch() != Some(*dim) || **size != 1);
    [n].into_iter().chain(each.map(|(_, size)| *size)).collect()
}

/// Numbers in these dimensions.
fn shaped<const D: usize>(numbers: Tensor<D>, sizes: &[usize]) -> Result<TensorData, Error> {
    let (bytes, _, kind) = block_on(read(numbers))?.into_parts();
    Ok(TensorData::from_bytes(bytes, sizes.to_vec(), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_batch_comes_first() {
        for (dims, at, expected) in [
            (&[1, 10][..], 0, &[7, 10][..]),
            (&[1], 0, &[7]),
            (&[1, 4, 32, 32], 0, &[7, 4, 32, 32]),
            (&[5, 1, 3], 1, &[7, 5, 3]),
            (&[4, 3], 0, &[7, 4, 3]),
        ] {
            assert_eq!(sizes(&Dims::with_batch(dims, at).unwrap(), 7), expected, "{dims:?}");
        }
    }
}
