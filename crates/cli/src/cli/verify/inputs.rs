//! What two networks are both given.

use std::{num::NonZero, path::Path};

use burn::tensor::{Distribution, TensorData};
use clap::Args;
use sapwood_backend::{Seed, Stream};
use sapwood_core::{Batch, ExampleShape, Observed as _, Shape, Source, SourceError, Target};
use sapwood_lab::{DataConfig, ReadBatches, Takes};
use sapwood_models::Opened;

use super::super::{bar::Bar, data_root::DataRoot, image::Images, own_input::is_file};
use crate::Error;

/// Examples of a batch.
const BATCH: usize = 64;
/// Examples that are drawn.
const DRAWN: usize = 256;

/// The inputs of both networks.
#[derive(Args)]
pub(super) struct Inputs {
    /// The inputs: a data set, see `data list`, or a file with `images`, `x` or `input` (safetensors, or .npz); labels are
    /// not looked at
    #[arg(long, value_name = "FILE|NAME")]
    data: Option<String>,
    #[command(flatten)]
    images: Images,
    /// How many examples: the first of --data [default: all], or as many as are drawn [default: 256]
    #[arg(long, value_name = "N")]
    examples: Option<NonZero<usize>>,
    /// The seed of what is drawn [default: 0]
    #[arg(long, conflicts_with = "data")]
    seed: Option<u64>,
    #[command(flatten)]
    root: DataRoot,
}

impl Inputs {
    /// The most examples that are looked at.
    pub(super) fn most(&self) -> usize {
        self.examples.map_or(usize::MAX, NonZero::get)
    }

    /// Where they are from, in words.
    pub(super) fn whose(&self) -> String {
        match &self.data {
            Some(data) => format!("of {data}"),
            None => format!("drawn with seed {}", self.seed()),
        }
    }

    /// Whether they are drawn, whatever the networks were made for.
    pub(super) fn are_drawn(&self) -> bool {
        self.data.is_none()
    }

    fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }

    /// They, made as this network takes its images.
    pub(super) fn source(&self, opened: &Opened) -> Result<Box<dyn Source>, Error> {
        match self.data.as_deref() {
            None => Ok(Box::new(self.drawn(opened)?)),
            Some(data) if is_file(data) => {
                self.images.none()?;
                Ok(Box::new(ReadBatches::of_inputs(Path::new(data), BATCH, &Takes::of(opened))?))
            }
            Some(data) => {
                let mut config = DataConfig::of_opened(data, opened);
                self.images.apply(&mut config)?;
                let datasets = self.root.datasets();
                let test = config.test_source(&datasets)?;
                datasets.tell(&Bar::default());
                Ok(Box::new(test))
            }
        }
    }

    fn drawn(&self, opened: &Opened) -> Result<Drawn, Error> {
        self.images.none()?;
        if opened.net.graph().entries()[0].integers {
            let problem = "the network takes integers, which are not drawn: give it some with `--data`";
            return Err(Error::Usage(problem.into()));
        }
        let examples = self.examples.map_or(DRAWN, NonZero::get);
        Ok(Drawn { shape: opened.spec.input, examples, seed: Seed(self.seed()) })
    }
}

/// Examples of numbers from the standard normal distribution, each from a random stream of its own.
struct Drawn {
    shape: Shape,
    examples: usize,
    seed: Seed,
}

impl Drawn {
    fn example(&self, at: usize) -> Vec<f32> {
        let mut rng = self.seed.stream(Stream::Data, at as u64);
        let drawn = TensorData::random::<f32, _, _>(self.shape, Distribution::Normal(0.0, 1.0), &mut rng);
        drawn.iter::<f32>().collect()
    }

    fn batch(&self, at: usize) -> Result<Batch, SourceError> {
        let examples = at * BATCH..self.examples.min((at + 1) * BATCH);
        let (count, [c, h, w]) = (examples.len(), self.shape);
        let values = examples.flat_map(|at| self.example(at)).collect();
        Ok(Batch::new([count, c, h, w], values, Target::Class(vec![0; count]))?)
    }
}

impl Source for Drawn {
    fn examples(&self) -> usize {
        self.examples
    }

    fn batches(&self) -> usize {
        self.examples.div_ceil(BATCH)
    }

    fn shape(&self) -> ExampleShape {
        self.shape.into()
    }

    fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new((from..self.batches()).map(move |at| self.batch(at)))
    }
}
