//! The data that a browser has: what is embedded or made, not downloaded.

use std::{path::Path, sync::Arc};

use sapwood_backend::Seed;
use sapwood_core::{Batch, Source};
use sapwood_data::{
    Dataset, Labels, Loader, LoaderOptions, OpenOptions, Order, Split, Task, life::LifeOptions,
};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Batches of training examples that criteria score with and statistics are taken of.
const SCORED: usize = 4;

/// A data set by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataName {
    /// Handwritten digits, 8x8.
    Digits,
    /// Boards of Conway's Game of Life, and the same one step later.
    Life,
}

impl DataName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Life => "life",
        }
    }

    fn batch_size(self) -> usize {
        match self {
            Self::Digits => 64,
            Self::Life => 32,
        }
    }
}

/// Both splits of a data set, cut into batches.
#[derive(Clone, Debug)]
pub struct Data {
    /// What is learnt from, shuffled anew in each epoch.
    pub train: Loader,
    /// What networks are judged by.
    pub test: Loader,
}

impl Data {
    /// Opens a data set. The seed decides the order of the training examples.
    ///
    /// # Errors
    /// Those of the data set.
    pub fn open(name: DataName, seed: Seed) -> Result<Self, Error> {
        let life = LifeOptions { side: 16, examples: 1024, test_examples: 128, ..LifeOptions::default() };
        let options = OpenOptions { life, ..OpenOptions::default() };
        let open = |split| sapwood_data::open(name.as_str(), split, Path::new(""), &options);
        let training = LoaderOptions {
            batch_size: name.batch_size(),
            order: Order::Shuffled(seed),
            ..LoaderOptions::default()
        };
        Ok(Self {
            train: Loader::new(Arc::new(open(Split::Train)?), training)?,
            test: Loader::new(Arc::new(open(Split::Test)?), LoaderOptions::default())?,
        })
    }

    /// What is asked for.
    pub fn task(&self) -> Task {
        self.train.dataset().task()
    }

    /// The first training batches: what criteria score with.
    ///
    /// # Errors
    /// Those of the data set.
    pub fn examples(&self) -> Result<Vec<Batch>, Error> {
        let batches = self.train.epoch(0, 0).take(SCORED);
        batches.collect::<Result<_, _>>().map_err(|error| Error::Train(sapwood_train::Error::Source(error)))
    }

    /// A batch of one image of stored values, normalised as the data set's own are.
    ///
    /// # Errors
    /// Another number of values than an example has.
    pub fn single(&self, image: &[u8]) -> Result<Batch, Error> {
        let data = self.train.dataset();
        let size: usize = data.shape().iter().product();
        if image.len() != size {
            let (expected, found) = (format!("{size} values"), image.len().to_string());
            return Err(Error::Request { what: "image", expected, found });
        }
        let labels = match data.task() {
            Task::Classes(_) => Labels::Class(vec![0]),
            Task::Dense(outputs) => Labels::Dense(vec![0; outputs]),
        };
        let normalisation = data.normalisation().clone();
        let image = image.to_vec();
        let one = Dataset::new("drawn", data.shape(), data.task(), normalisation, image, labels)?;
        Ok(one.batch(&[0])?)
    }
}
