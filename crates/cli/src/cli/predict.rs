//! `predict`

use std::{
    io::{self, IsTerminal, Write},
    num::NonZero,
    path::{Path, PathBuf},
};

use burn::tensor::{Tensor, TensorData};
use clap::Args;
use sapwood_backend::{block_on, read};
use sapwood_core::{Network, Pass};
use sapwood_lab::{DataConfig, Reporter, Silent, rounded};
use serde::Serialize;

use super::{
    bar::{self, Bar},
    data_root::DataRoot,
    engine::Engine,
    image::ImageShape,
    named::Named,
    on_device::OnDevice,
    outputs::MoreOutputs,
    weight_file::WeightFile,
};
use crate::Error;

/// An image with its most probable classes.
#[derive(Serialize)]
struct Answer {
    image: String,
    classes: Vec<Class>,
}

#[derive(Serialize)]
struct Class {
    class: usize,
    name: String,
    probability: f32,
}

/// Classify images of your own with a trained network
#[derive(Args)]
pub(super) struct Predict {
    #[command(flatten)]
    network: WeightFile,
    /// The data set that it was trained on, where the file does not say: its normalisation and class
    /// names
    #[arg(long)]
    data: Option<String>,
    #[command(flatten)]
    image: ImageShape,
    #[command(flatten)]
    outputs: MoreOutputs,
    #[command(flatten)]
    root: DataRoot,
    /// Images, PNG, JPEG, WebP, BMP, TIFF or GIF, told by their content and turned upright as EXIF says
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// How many classes of each image, the most probable first
    #[arg(long, value_name = "K", default_value_t = NonZero::new(3).unwrap_or(NonZero::<usize>::MIN))]
    top: NonZero<usize>,
    /// Print JSON, a line for each image: its classes by number, from 0, with their names
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: OnDevice,
}

impl Predict {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = self.device.resolve()?;
        let opened = self.network.open(&device)?;
        opened.net.check_single()?;
        let data = self.data.as_deref().map(|data| (data, self.root.data_root.as_path()));
        let net = rounded(&opened);
        let named = Named::of(&opened, data, &self.image, &self.outputs)?;
        let (shape, of) = (named.shape, named.probabilities);
        DataConfig::of_opened("image-folder", &opened).seen_by.check_order("the images", shape)?;
        // What has no kernel yet is computed by the tensor library, as on other devices.
        let mut engine = match self.device.device.as_str() {
            "cpu" => Engine::runtime(&opened, shape, 1).ok(),
            _ => None,
        };
        // On a terminal the answers themselves show how far it is.
        let bar = Bar::default();
        let reporter: &dyn Reporter = if io::stdout().is_terminal() { &Silent } else { &bar };
        reporter.begin("predicting", self.images.len() as u64);
        if let Some(folder) = self.images.iter().find(|path| path.is_dir()) {
            let folder = folder.display();
            let problem = format!("expected images, found a folder: give those in it, as in {folder}/*.png");
            return Err(Error::Usage(problem));
        }
        let mut bad = 0;
        for path in &self.images {
            let mut image = match sapwood_data::read_image_as(path, shape, &named.fit) {
                Ok(image) => image,
                Err(error) if self.images.len() == 1 => return Err(error.into()),
                // One bad file does not end the rest.
                Err(error) => {
                    bad += 1;
                    bar::note(&format!("error: {error}"));
                    reporter.advance(1);
                    continue;
                }
            };
            named.normalisation.apply(&mut image);
            let [c, h, w] = shape;
            let input = Tensor::from_data(TensorData::new(image, [1, c, h, w]), &device);
            let logits = match &mut engine {
                Some(engine) => engine.forward(input, &device)?,
                None => net.forward(input, &mut Pass::evaluate()),
            };
            let probabilities: Vec<f32> = block_on(read(of.among(logits)))?.iter::<f32>().collect();
            if probabilities.iter().any(|p| !p.is_finite()) {
                let problem = "the network's outputs for it are not finite".into();
                return Err(Error::Content { problem, path: path.clone() });
            }
            let mut ranked: Vec<(usize, f32)> = probabilities.into_iter().enumerate().collect();
            ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
            ranked.truncate(self.top.get());
            self.tell(path, &ranked, &named, out)?;
            reporter.advance(1);
        }
        if bad > 0 {
            return Err(Error::Usage(format!("{bad} of {} images cannot be read", self.images.len())));
        }
        Ok(())
    }

    fn tell(
        &self,
        path: &Path,
        ranked: &[(usize, f32)],
        named: &Named,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        if self.json {
            let class =
                |&(class, probability): &(usize, f32)| Class { class, name: named.name(class), probability };
            let classes = ranked.iter().map(class).collect();
            let answer = Answer { image: path.display().to_string(), classes };
            writeln!(out, "{}", super::json::line(&answer)?)?;
            return Ok(());
        }
        let answers = ranked.iter().map(|&(class, p)| format!("{} {:.1} %", named.name(class), 100.0 * p));
        writeln!(out, "{}: {}", path.display(), answers.collect::<Vec<_>>().join(", "))?;
        Ok(())
    }
}
