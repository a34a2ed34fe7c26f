//! Which examples a criterion sees.

use std::{num::NonZero, sync::Arc};

use sapwood_backend::Seed;
use sapwood_core::{Batch, Source};
use sapwood_data::{Dataset, Drawing, Labels, Loader, LoaderOptions, Wanted};
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
    /// What is drawn of a training split for these: see [`Datasets::draw`](crate::Datasets::draw).
    pub fn drawing(self, seed: Seed) -> Drawing {
        let wanted = match self {
            Self::PerClass(n) => Wanted::OfEach(n.get()),
            Self::Batches { number, size } => Wanted::First(number.get().saturating_mul(size.get())),
        };
        Drawing { seed, wanted, needs_classes: true }
    }

    /// The examples that are chosen.
    ///
    /// # Errors
    /// Those of [`Examples::cut`].
    pub fn choose(self, data: Arc<Dataset>, seed: Seed) -> Result<Vec<Batch>, Error> {
        self.cut(Arc::new(data.drawn(self.drawing(seed))?))
    }

    /// The batches of what was drawn so.
    ///
    /// # Errors
    /// A class with fewer examples than are asked for, or data without classes.
    pub fn cut(self, drawn: Arc<Dataset>) -> Result<Vec<Batch>, Error> {
        let batch_size = match (self, drawn.labels()) {
            (Self::Batches { size, .. }, _) => size.get(),
            (Self::PerClass(n), Labels::Class(classes)) => {
                enough(classes, n.get(), drawn.task().outputs())?;
                classes.len()
            }
            (Self::PerClass(_), Labels::Dense(_)) => {
                return Err(Error::setting(
                    "examples",
                    "`per-class` needs a data set with classes: ask for batches",
                ));
            }
        };
        let loader = Loader::new(drawn, LoaderOptions { batch_size, ..LoaderOptions::default() })?;
        let batches = loader.epoch(0, 0);
        batches.map(|batch| batch.map_err(|error| sapwood_train::Error::Source(error).into())).collect()
    }
}

/// Refuses examples of which a class has fewer than `n`.
fn enough(labels: &[u32], n: usize, classes: usize) -> Result<(), Error> {
    let mut counts = vec![0; classes];
    labels.iter().for_each(|class| counts[*class as usize] += 1);
    let Some(class) = counts.iter().position(|count| *count < n) else { return Ok(()) };
    let found = counts[class];
    let problem = format!("{n} examples of each class were asked for, but class {class} has only {found}");
    Err(Error::setting("examples", problem))
}

#[cfg(test)]
mod tests {
    use sapwood_core::Target;
    use sapwood_data::{OpenOptions, Split, open};

    use super::*;

    fn number(n: usize) -> NonZero<usize> {
        NonZero::new(n).unwrap()
    }

    #[test]
    fn what_is_chosen_comes_first_in_the_shuffled_order() {
        let digits = open("digits", Split::Train, "".as_ref(), &OpenOptions::default()).unwrap();
        let digits = Arc::new(digits);
        let options = LoaderOptions {
            batch_size: 50,
            order: sapwood_data::Order::Shuffled(Seed(5)),
            ..LoaderOptions::default()
        };
        let loader = Loader::new(Arc::clone(&digits), options).unwrap();
        let whole: Vec<Batch> = loader.epoch(0, 0).map(Result::unwrap).collect();
        let batches = Examples::Batches { number: number(3), size: number(50) };
        assert_eq!(batches.choose(Arc::clone(&digits), Seed(5)).unwrap(), whole[..3]);
        let more = Examples::Batches { number: number(100), size: number(50) };
        assert_eq!(more.choose(Arc::clone(&digits), Seed(5)).unwrap(), whole);

        let each = Examples::PerClass(number(4)).choose(Arc::clone(&digits), Seed(5)).unwrap();
        let [each] = each.as_slice() else { panic!("one batch") };
        let (mut counts, mut expected) = ([0; 10], None::<Batch>);
        for batch in &whole {
            let Target::Class(labels) = batch.target() else { panic!("classes") };
            for (row, class) in labels.iter().enumerate() {
                counts[*class as usize] += 1;
                if counts[*class as usize] <= 4 {
                    let one = batch.select(&[row]);
                    expected = Some(expected.map_or(one.clone(), |before| before.join(&one).unwrap()));
                }
            }
        }
        assert_eq!(Some(each), expected.as_ref());
        let error = Examples::PerClass(number(900)).choose(digits, Seed(5)).unwrap_err().to_string();
        assert!(
            error.contains("900 examples of each class were asked for, but class 0 has only 1"),
            "{error}"
        );
    }
}
