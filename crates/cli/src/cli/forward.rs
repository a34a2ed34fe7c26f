//! `forward`

use std::path::PathBuf;

use burn::tensor::activation::{sigmoid, softmax};
use clap::Args;
use sapwood_backend::{block_on, read};
use sapwood_core::{Network, Norm, Pass};
use sapwood_lab::{Takes, read_input, write_tensors};

use super::{on_device::OnDevice, weight_file::WeightFile};
use crate::Error;

/// Run a network on the tensor `input` of a file and write its outputs
///
/// Input: safetensors with `input`, f32 [N, C, H, W], NumPy's .npy, or .npz with `input` or `x`. Bytes (u8)
/// are normalised as the network's images were. Output: `logits` [N, K] (for
/// life-net the value per cell before the sigmoid, [N, 1, H, W]) and
/// `probabilities` of the same shape. The number of classes and of input channels
/// is read from the weights.
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
    device: OnDevice,
}

impl Forward {
    pub(super) fn run(self) -> Result<(), Error> {
        let device = self.device.resolve()?;
        let opened = self.network.open(&device)?;
        let input = read_input(&self.input, &Takes::of(&opened), &device)?;
        let [n, c, h, w] = input.dims();
        opened.spec.output([c, h, w])?;
        let norm = if self.batch_statistics { Norm::Batch } else { Norm::Running };
        let logits = opened.net.forward(input, &mut Pass::new(norm));
        let dense = opened.spec.model == "life-net";
        let probabilities = if dense { sigmoid(logits.clone()) } else { softmax(logits.clone(), 1) };
        let (logits, probabilities) = if dense {
            let board = [n, 1, h, w];
            (block_on(read(logits.reshape(board)))?, block_on(read(probabilities.reshape(board)))?)
        } else {
            (block_on(read(logits))?, block_on(read(probabilities))?)
        };
        Ok(write_tensors(&self.out, [("logits", logits), ("probabilities", probabilities)])?)
    }
}
