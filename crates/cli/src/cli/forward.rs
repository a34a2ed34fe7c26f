//! `forward`

use std::path::PathBuf;

use burn::{
    prelude::{Device, TensorData},
    tensor::Tensor,
};
use clap::Args;
use sapwood_backend::{block_on, read};
use sapwood_core::{Batch, Network, Norm, Observed, Pass};
use sapwood_lab::{Takes, read_input, read_inputs, read_unlabelled, rounded, write_tensors};
use sapwood_models::{Net, Opened};

use super::{
    engine::EngineChoice, integers::refuse, on_device::OnDevice, probabilities::Probabilities,
    weight_file::WeightFile,
};
use crate::Error;

/// Run a network on the tensor `input` of a file and write its outputs
///
/// Input: safetensors with `input`, f32 [N, C, H, W], NumPy's .npy, or .npz with `input` or `x`. Bytes (u8)
/// are normalised as the network's images were. Output: `logits` [N, K] (for
/// life-net the value per cell before the sigmoid, [N, 1, H, W]) and
/// `probabilities` of the same shape. The number of classes and of input channels
/// is read from the weights. Of a network that gives no classes there are no probabilities. A network with several inputs, or of integers, reads a
/// tensor under the name of each; of several outputs the file has `output_0` and so on.
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
    pub(super) fn run(self) -> Result<(), Error> {
        let device = self.engine.device(&self.device)?;
        if self.batch_statistics {
            self.engine.none("only the tensor library normalises with the statistics of a batch")?;
        }
        let opened = self.network.open(&device)?;
        if opened.net.check_single().is_err() {
            self.engine.none("only the tensor library takes several inputs or gives several outputs")?;
            if opened.net.check_rows().is_ok() && opened.integers.is_some() {
                return self.tokens(&opened, &device);
            }
            refuse(&opened, "computed with several inputs or outputs")?;
            return self.all(&opened.net, &device);
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
        let shaped = |values: Tensor<2>| match opened.spec.model.as_str() {
            "life-net" => block_on(read(values.reshape([n, 1, h, w]))),
            _ => block_on(read(values)),
        };
        let mut found = vec![("logits".into(), shaped(logits)?)];
        if let Some(probabilities) = probabilities {
            found.push(("probabilities".into(), shaped(probabilities)?));
        }
        Ok(write_tensors(&self.out, found)?)
    }

    /// The outputs of a network of integers that takes tokens, as its file means them.
    fn tokens(&self, opened: &Opened, device: &Device) -> Result<(), Error> {
        let (batches, _) = read_unlabelled(&self.input, usize::MAX, &Takes::of(opened))?;
        let norm = if self.batch_statistics { Norm::Batch } else { Norm::Running };
        let network = rounded(opened);
        let forward =
            |batch: &Batch| Ok::<_, Error>(network.forward(batch.input(device)?, &mut Pass::new(norm)));
        let logits = Tensor::cat(batches.iter().map(forward).collect::<Result<Vec<Tensor<2>>, _>>()?, 0);
        Ok(write_tensors(&self.out, [("logits".into(), block_on(read(logits))?)])?)
    }

    /// The same with any number of inputs and outputs.
    fn all(&self, net: &Net, device: &Device) -> Result<(), Error> {
        let norm = if self.batch_statistics { Norm::Batch } else { Norm::Running };
        let inputs = read_inputs(&self.input, net.graph(), device)?;
        let outputs = net.run_all(inputs, &mut Pass::new(norm))?;
        let several = outputs.len() > 1;
        let mut found = Vec::new();
        for (at, output) in outputs.into_iter().enumerate() {
            let name = if several { format!("output_{at}") } else { "logits".into() };
            let sizes = output.dims();
            let (bytes, _, kind) = block_on(read(output.into_row()))?.into_parts();
            found.push((name, TensorData::from_bytes(bytes, sizes, kind)));
        }
        Ok(write_tensors(&self.out, found)?)
    }
}
