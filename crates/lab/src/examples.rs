//! Which examples a criterion sees.

use std::{num::NonZero, sync::Arc};

use sapwood_backend::Seed;
use sapwood_core::{Batch, Source, Target};
use sapwood_data::{Dataset, Loader, LoaderOptions, Order, Task};
use serde::{Deserialize, Serialize};

use crate::Error;

/// A choice among the training examples, in a shuffled order and without augmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Examples {
    /// The first examples of each class, this number of each, in one batch.
    PerClass(NonZero<usize>),
    /// The first batches.
    Batches {
        /// How many.
        number: NonZero<usize>,
        /// The examples of each.
        size: NonZero<usize>,
    },
}

impl Examples {
    /// The examples that are chosen.
    pub fn choose(self, data: Arc<Dataset>, seed: Seed) -> Result<Vec<Batch>, Error> {
        let task = data.task();
        let batch_size = match self {
            Self::PerClass(_) => 128,
            Self::Batches { size, .. } => size.get(),
        };
        let order = Order::Shuffled(seed);
        let loader = Loader::new(data, LoaderOptions { order, batch_size, ..LoaderOptions::default() })?;
        let batches =
            loader.epoch(0, 0).map(|batch| batch.map_err(|error| sapwood_train::Error::Source(error).into()));
        match (self, task) {
            (Self::Batches { number, .. }, _) => batches.take(number.get()).collect(),
            (Self::PerClass(n), Task::Classes(classes)) => {
                Ok(vec![of_each_class(batches, n.get(), classes)?])
            }
            (Self::PerClass(_), Task::Dense(_)) => {
                Err(Error::setting("examples", "`per-class` needs a data set with classes: ask for batches"))
            }
        }
    }
}

/// The first `n` examples of each class, in one batch.
fn of_each_class(
    batches: impl Iterator<Item = Result<Batch, Error>>,
    n: usize,
    classes: usize,
) -> Result<Batch, Error> {
    let (mut counts, mut chosen) = (vec![0; classes], None::<Batch>);
    for batch in batches {
        let batch = batch?;
        let Target::Class(labels) = batch.target() else { continue };
        let mut rows = Vec::new();
        for (row, class) in labels.iter().enumerate() {
            match counts.get_mut(*class as usize) {
                Some(count) if *count < n => *count += 1,
                _ => continue,
            }
            rows.push(row);
        }
        let more = batch.select(&rows);
        chosen = Some(match chosen {
            Some(before) => before.join(&more)?,
            None => more,
        });
        if counts.iter().all(|count| *count == n) {
            break;
        }
    }
    if let Some(class) = counts.iter().position(|count| *count < n) {
        let found = counts[class];
        return Err(Error::setting(
            "examples",
            format!("{n} examples of each class were asked for, but class {class} has only {found}"),
        ));
    }
    chosen.ok_or_else(|| Error::setting("examples", "the data set has no examples with a class"))
}
