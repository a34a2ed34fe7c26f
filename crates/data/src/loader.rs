//! Batches of a data set, epoch after epoch.

use std::sync::Arc;

use rand::RngExt;
use sapwood_backend::{Rng, Seed, Stream};
use sapwood_core::{Batch, ExampleShape, Source, SourceError};

use crate::{Augment, Augmentation, Dataset, Error, Task, prefetch::Prefetch};

/// The order of the examples within an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they are stored, in every epoch.
    Sequential,
    /// Another permutation in each epoch.
    Shuffled(Seed),
}

/// How a data set is cut into batches.
#[derive(Clone, Debug, PartialEq)]
pub struct LoaderOptions {
    /// The examples of a batch.
    pub batch_size: usize,
    /// Their order.
    pub order: Order,
    /// What is done to them.
    pub augment: Augmentation,
    /// The threads that make batches ahead of time; with 0 they are made when
    /// they are asked for, on the thread that asks.
    pub workers: usize,
    /// Whether the examples that do not fill a batch at the end of an epoch are
    /// left out of it.
    pub drop_last: bool,
}

impl Default for LoaderOptions {
    /// 128 examples, in order, as they are, on the thread that asks.
    fn default() -> Self {
        Self {
            batch_size: 128,
            order: Order::Sequential,
            augment: Augmentation::default(),
            workers: 0,
            drop_last: false,
        }
    }
}

/// A data set and how to cut it. Its batches depend on the options and the epoch
/// alone, not on the number of workers.
#[derive(Clone, Debug)]
pub struct Loader {
    dataset: Arc<Dataset>,
    options: LoaderOptions,
}

impl Loader {
    /// A loader, if the options suit the data set.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] for batches of no example, or of more than there are where only whole ones are kept; for
    /// an augmentation out of its range, or any of numbers or of images with dense targets.
    pub fn new(dataset: Arc<Dataset>, options: LoaderOptions) -> Result<Self, Error> {
        let refuse = |problem: String| Err(Error::Inconsistent { name: dataset.name().into(), problem });
        let examples = dataset.len();
        if options.batch_size == 0 || (options.drop_last && options.batch_size > examples) {
            return refuse(format!(
                "{examples} examples cannot be cut into batches of {}",
                options.batch_size
            ));
        }
        if let Some(problem) = options.augment.steps.iter().find_map(Augment::problem) {
            return refuse(problem);
        }
        if dataset.is_of_numbers() && !options.augment.steps.is_empty() {
            return refuse("its examples are numbers, and augmentation changes images: leave it out".into());
        }
        if matches!(dataset.task(), Task::Dense(_)) && !options.augment.steps.is_empty() {
            return refuse("its dense targets would not follow an augmentation of its images".into());
        }
        Ok(Self { dataset, options })
    }

    /// The same cuts of another data set.
    ///
    /// # Errors
    /// As for [`Loader::new`].
    pub fn over(self, dataset: Arc<Dataset>) -> Result<Self, Error> {
        Self::new(dataset, self.options)
    }

    /// What it cuts.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// Which examples are in each batch of an epoch, by their numbers in the data set.
    pub fn cuts(&self, epoch: usize) -> Vec<Vec<usize>> {
        self.plan(epoch).order.chunks(self.options.batch_size).map(<[usize]>::to_vec).collect()
    }

    fn plan(&self, epoch: usize) -> Plan {
        let examples = self.dataset.len() as u64;
        let mut order = match self.options.order {
            Order::Sequential => (0..self.dataset.len()).collect(),
            Order::Shuffled(seed) => order_of(self.dataset.len(), seed, epoch),
        };
        order.truncate(self.examples());
        Plan {
            dataset: Arc::clone(&self.dataset),
            augment: self.options.augment.clone(),
            first: (epoch as u64).wrapping_mul(examples),
            batch_size: self.options.batch_size,
            order,
        }
    }
}

/// The order in which an epoch goes through `n` examples.
pub(crate) fn order_of(n: usize, seed: Seed, epoch: usize) -> Vec<usize> {
    shuffled(n, &mut seed.stream(Stream::Order, epoch as u64))
}

/// The numbers below `n` in an order by chance: Fisher and Yates, with numbers of 64 bits on every
/// platform.
pub(crate) fn shuffled(n: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        order.swap(last, rng.random_range(0..=last as u64) as usize);
    }
    order
}

/// One epoch: what any thread needs to make any of its batches.
#[derive(Debug)]
pub(crate) struct Plan {
    dataset: Arc<Dataset>,
    augment: Augmentation,
    /// The position of the epoch's first example in the whole run.
    first: u64,
    batch_size: usize,
    order: Vec<usize>,
}

impl Plan {
    pub(crate) fn batches(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }

    pub(crate) fn batch(&self, number: usize) -> Result<Batch, Error> {
        let start = number * self.batch_size;
        let end = self.order.len().min(start + self.batch_size);
        let shape = self.dataset.shape();
        self.dataset.batch_with(&self.order[start..end], |position, example| {
            let position = self.first.wrapping_add((start + position) as u64);
            self.augment.apply(position, shape, example);
        })
    }
}

impl Source for Loader {
    fn examples(&self) -> usize {
        let all = self.dataset.len();
        if self.options.drop_last { all - all % self.options.batch_size } else { all }
    }

    fn batches(&self) -> usize {
        self.examples().div_ceil(self.options.batch_size)
    }

    fn shape(&self) -> ExampleShape {
        self.dataset.shape().into()
    }

    fn epoch(&self, epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        let plan = self.plan(epoch);
        let rest = from..plan.batches();
        match self.options.workers.min(rest.len()) {
            0 => Box::new(rest.map(move |number| Ok(plan.batch(number)?))),
            workers => Box::new(Prefetch::start(plan, from, workers)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Labels, Normalisation};
    use proptest::prelude::*;

    fn dataset(examples: usize) -> Arc<Dataset> {
        let images = (0..examples * 12).map(|x| (x * 31 % 251) as u8).collect();
        let labels = Labels::Class((0..examples as u32).collect());
        let normalisation = Normalisation::IMAGENET;
        let task = Task::Classes(examples);
        Arc::new(Dataset::new("toy", [3, 2, 2], task, normalisation, images, labels).unwrap())
    }

    fn augment() -> Augmentation {
        let resized = Augment::ResizedCrop { area: [0.2, 1.0], aspect: [0.75, 1.4] };
        Augmentation {
            seed: Seed(4),
            steps: vec![Augment::Flip, Augment::PaddedCrop { padding: 1 }, resized],
        }
    }

    fn collect(loader: &Loader, epoch: usize, from: usize) -> Vec<Batch> {
        loader.epoch(epoch, from).map(Result::unwrap).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn batches_depend_on_neither_workers_nor_where_an_epoch_begins(
            examples in 1usize..40, batch_size in 1usize..12, epoch in 0usize..4, from in 0usize..12,
            seed: u64, shuffled: bool, drop_last: bool,
        ) {
            let drop_last = drop_last && batch_size <= examples;
            let order = if shuffled { Order::Shuffled(Seed(seed)) } else { Order::Sequential };
            let with = |workers| {
                let options = LoaderOptions { batch_size, order, augment: augment(), workers, drop_last };
                Loader::new(dataset(examples), options).unwrap()
            };
            let loader = with(0);
            let all = collect(&loader, epoch, 0);
            prop_assert_eq!(all.len(), loader.batches());
            prop_assert_eq!(all.iter().map(Batch::len).sum::<usize>(), loader.examples());
            for workers in [0, 1, 3] {
                let tail = all.get(from..).unwrap_or_default();
                prop_assert_eq!(&collect(&with(workers), epoch, from)[..], tail);
            }
            let mut seen: Vec<u32> = all.iter().flat_map(|batch| match batch.target() {
                sapwood_core::Target::Class(labels) => labels.clone(),
                _ => vec![],
            }).collect();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), loader.examples());
        }
    }

    /// Other numbers here would silently change every published run.
    #[test]
    fn the_shuffle_is_pinned_and_differs_between_epochs() {
        let options =
            LoaderOptions { batch_size: 10, order: Order::Shuffled(Seed(42)), ..Default::default() };
        let loader = Loader::new(dataset(10), options).unwrap();
        assert_eq!([loader.plan(0).order, loader.plan(1).order], PINNED);
    }

    const PINNED: [[usize; 10]; 2] = [[5, 4, 1, 6, 8, 2, 9, 7, 3, 0], [5, 1, 3, 4, 9, 8, 7, 6, 2, 0]];

    #[test]
    fn leaving_an_epoch_early_stops_its_threads() {
        let dataset = dataset(1000);
        let options = LoaderOptions { batch_size: 1, workers: 3, ..Default::default() };
        let loader = Loader::new(Arc::clone(&dataset), options).unwrap();
        let mut epoch = loader.epoch(0, 0);
        epoch.next().unwrap().unwrap();
        drop(epoch);
        // Threads hold the data set: none is left.
        assert_eq!(Arc::strong_count(&dataset), 2);
    }

    #[test]
    fn options_that_do_not_suit_are_refused() {
        let check = |options, expected: &str| {
            let error = Loader::new(dataset(3), options).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        let default = LoaderOptions::default;
        check(LoaderOptions { batch_size: 0, ..default() }, "3 examples cannot be cut into batches of 0");
        check(LoaderOptions { batch_size: 4, drop_last: true, ..default() }, "into batches of 4");
        let crop = Augment::ResizedCrop { area: [0.0, 1.0], aspect: [1.0, 1.0] };
        let augment = Augmentation { steps: vec![crop], ..Default::default() };
        check(LoaderOptions { augment, ..default() }, "the area of a resized crop is 0 to 1");
        let boards = crate::life::boards(crate::Split::Test, &Default::default()).unwrap();
        let options = LoaderOptions { augment: augment_flip(), ..default() };
        assert!(Loader::new(Arc::new(boards), options).is_err());
    }

    fn augment_flip() -> Augmentation {
        Augmentation { steps: vec![Augment::Flip], ..Default::default() }
    }
}
