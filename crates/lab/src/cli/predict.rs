//! `predict`

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use burn::tensor::{Tensor, TensorData, activation::softmax};
use clap::Args;
use sapwood_backend::{block_on, read};
use sapwood_core::{Network, Pass};
use sapwood_data::Normalisation;

use super::{DataRoot, OnDevice, bar::Bar, image::ImageShape, weight_file::WeightFile};
use crate::{DataConfig, Error, Reporter, Silent};

/// Classify images of your own with a trained network
#[derive(Args)]
pub(super) struct Predict {
    #[command(flatten)]
    network: WeightFile,
    /// The data set that it was trained on: its normalisation and class names
    #[arg(long)]
    data: String,
    #[command(flatten)]
    image: ImageShape,
    #[command(flatten)]
    root: DataRoot,
    /// PNG or JPEG files
    #[arg(required = true)]
    images: Vec<PathBuf>,
    #[command(flatten)]
    device: OnDevice,
}

impl Predict {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = self.device.resolve()?;
        let opened = self.network.open(&device)?;
        let entry = sapwood_data::entry(&self.data)?;
        let mut data = DataConfig::of(&self.data, &opened.spec);
        self.image.apply(&mut data)?;
        let shape = data.options.image.or(entry.shape).unwrap_or(opened.spec.input);
        let [outputs, height, width] = opened.spec.output(shape)?;
        if height * width != 1 {
            let problem =
                format!("`{}` gives no classes: see what it gives with `forward`", opened.spec.model);
            return Err(Error::Usage(problem));
        }
        let classes = entry.class_names(&self.root.data_root)?;
        if outputs < classes.len() {
            return Err(Error::Unfit {
                model: opened.spec.model,
                found: format!("{outputs} outputs"),
                data: self.data,
                expected: format!("{} classes", classes.len()),
            });
        }
        let normalisation = match shape {
            [1, ..] if entry.normalisation.channels.len() == 3 => &Normalisation::GREY,
            _ => &entry.normalisation,
        };
        // On a terminal the answers themselves show how far it is.
        let bar = Bar::default();
        let reporter: &dyn Reporter = if io::stdout().is_terminal() { &Silent } else { &bar };
        reporter.begin("predicting", self.images.len() as u64);
        for path in &self.images {
            let mut image = sapwood_data::read_image(path, shape)?;
            normalisation.apply(&mut image);
            let [c, h, w] = shape;
            let input = Tensor::from_data(TensorData::new(image, [1, c, h, w]), &device);
            let logits = opened.net.forward(input, &mut Pass::evaluate());
            let probabilities: Vec<f32> = block_on(read(softmax(logits, 1)))?.iter::<f32>().collect();
            let mut ranked: Vec<(usize, f32)> = probabilities.into_iter().enumerate().collect();
            ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
            let name = |class: usize| classes.get(class).cloned().unwrap_or_else(|| class.to_string());
            let answers =
                ranked.iter().take(3).map(|&(class, p)| format!("{} {:.1} %", name(class), 100.0 * p));
            writeln!(out, "{}: {}", path.display(), answers.collect::<Vec<_>>().join(", "))?;
            reporter.advance(1);
        }
        Ok(())
    }
}
