//! Which examples of a split are drawn, told before any of them is read.

use sapwood_backend::Seed;

use crate::{Dataset, Error, Labels, Summary, loader::order_of};

/// A choice of examples in an order drawn at random: that of the first epoch of a [`Loader`](crate::Loader) with this
/// seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// What the order is drawn by.
    pub seed: Seed,
    /// Which of them are taken.
    pub wanted: Wanted,
    /// Whether a folder of images without classes is refused; it says nothing of other data.
    pub needs_classes: bool,
}

/// Which examples are taken of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The first ones, this number; all where there are fewer.
    First(usize),
    /// The first ones of each class, this number of each; all of a class that has fewer.
    OfEach(usize),
}

/// The examples that were drawn, in their order.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The examples.
    pub dataset: Dataset,
    /// Whether their labels mean something. Images that lie in no class are of one class without a name.
    pub has_labels: bool,
    /// What was found, where that is for the user to know: of an `image-folder`.
    pub summary: Option<Summary>,
}

impl Drawing {
    /// The numbers of the examples that are taken, of as many as have these classes, or of `examples` without any.
    pub(crate) fn among(self, examples: usize, classes: Option<&[u32]>) -> Vec<usize> {
        let mut order = order_of(examples, self.seed, 0);
        match (self.wanted, classes) {
            (Wanted::First(n), _) | (Wanted::OfEach(n), None) => order.truncate(n),
            (Wanted::OfEach(n), Some(classes)) => {
                let last = classes.iter().max().map_or(0, |class| *class as usize);
                let mut taken = vec![0; last + 1];
                order.retain(|at| {
                    let taken = &mut taken[classes[*at] as usize];
                    *taken += 1;
                    *taken <= n
                });
            }
        }
        order
    }
}

impl Dataset {
    /// The examples that a drawing takes of these, in its order.
    ///
    /// # Errors
    /// None is taken.
    pub fn drawn(&self, drawing: Drawing) -> Result<Self, Error> {
        let classes = match self.labels() {
            Labels::Class(classes) => Some(classes.as_slice()),
            Labels::Dense(_) => None,
        };
        self.subset(&drawing.among(self.len(), classes))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sapwood_core::Source;

    use super::*;
    use crate::{Loader, LoaderOptions, Order, Split, open};

    fn of(wanted: Wanted) -> Drawing {
        Drawing { seed: Seed(7), wanted, needs_classes: true }
    }

    #[test]
    fn what_is_drawn_is_what_a_loader_with_this_seed_gives_first() {
        let digits = open("digits", Split::Train, "".as_ref(), &Default::default()).unwrap();
        let drawn = digits.drawn(of(Wanted::First(40))).unwrap();
        let whole = drawn.batch(&(0..40).collect::<Vec<_>>()).unwrap();
        let options = LoaderOptions { batch_size: 40, order: Order::Shuffled(Seed(7)), ..Default::default() };
        let loader = Loader::new(Arc::new(digits.clone()), options).unwrap();
        assert_eq!(loader.epoch(0, 0).next().unwrap().unwrap(), whole);
        assert_eq!(digits.drawn(of(Wanted::First(usize::MAX))).unwrap().len(), digits.len());
        assert!(digits.drawn(of(Wanted::First(0))).is_err());
    }

    #[test]
    fn of_each_class_the_first_ones_of_the_same_order_are_taken() {
        let classes = [0, 2, 2, 0, 0, 2, 0];
        let order = of(Wanted::First(7)).among(7, Some(&classes));
        let taken = of(Wanted::OfEach(2)).among(7, Some(&classes));
        let first = |class: u32| order.iter().filter(|at| classes[**at] == class).take(2).collect::<Vec<_>>();
        let expected: Vec<usize> =
            order.iter().filter(|at| first(classes[**at]).contains(at)).copied().collect();
        assert_eq!((taken.len(), taken), (4, expected));
        assert_eq!(of(Wanted::OfEach(3)).among(7, None), order[..3]);
        assert_eq!(of(Wanted::OfEach(9)).among(7, Some(&classes)), order);
    }
}
