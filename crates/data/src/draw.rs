//! A part of a data set that is sorted by class.

use sapwood_backend::{Seed, Stream};

use crate::{Dataset, Error, Labels, loader::shuffled};

/// The number of the first class's draw, the others follow: neither generated data sets nor examples
/// that are held out have these.
const DRAWN: u64 = 1 << 54;

impl Dataset {
    /// `n` examples in their order, of each class its share, drawn at random, the same ones whenever
    /// this is called; all if there are fewer.
    ///
    /// The shares add up by largest remainders, and no class that has examples is left without.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if there are more classes than that, or if the data set has none.
    pub fn draw(&self, n: usize) -> Result<Self, Error> {
        let Labels::Class(labels) = self.labels() else {
            let problem = "it has no classes of which examples could be drawn".into();
            return Err(Error::Inconsistent { name: self.name().into(), problem });
        };
        let mut classes = vec![Vec::new(); self.task().outputs()];
        labels.iter().enumerate().for_each(|(at, class)| classes[*class as usize].push(at));
        let there = classes.iter().filter(|class| !class.is_empty()).count();
        if n < there {
            let problem = format!("expected at least {there} examples, one of each class, found {n}");
            return Err(Error::Inconsistent { name: self.name().into(), problem });
        }
        let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
        let mut chosen = Vec::new();
        for (number, (class, share)) in (DRAWN..).zip(classes.iter().zip(shares(&sizes, n))) {
            let order = shuffled(class.len(), &mut Seed(0).stream(Stream::Data, number));
            chosen.extend(order.into_iter().take(share).map(|at| class[at]));
        }
        chosen.sort_unstable();
        self.subset(&chosen)
    }
}

/// How many of each class: `n` in all, or all that there are.
fn shares(sizes: &[usize], n: usize) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    let n = n.min(total);
    let exact = |size: usize| size as u128 * n as u128;
    let mut shares: Vec<usize> = sizes
        .iter()
        .map(|size| ((exact(*size) / total.max(1) as u128) as usize).max(usize::from(*size > 0)))
        .collect();
    // What is missing goes to the largest remainders, the first class first.
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(exact(sizes[*at]) % total.max(1) as u128));
    for at in order.into_iter().cycle().take(2 * sizes.len()) {
        let missing = n.saturating_sub(shares.iter().sum());
        if missing > 0 && shares[at] < sizes[at] {
            shares[at] += 1;
        }
    }
    // What the smallest classes have beyond their share is the largest one's.
    while shares.iter().sum::<usize>() > n {
        let Some(largest) = (0..shares.len()).max_by_key(|at| shares[*at]) else { break };
        shares[largest] -= 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Normalisation, Task};

    #[test]
    fn each_class_has_its_share_and_none_is_forgotten() {
        assert_eq!(shares(&[20, 20], 20), [10, 10]);
        assert_eq!(shares(&[30, 10], 8), [6, 2]);
        assert_eq!(shares(&[10, 10, 10], 10), [4, 3, 3]);
        assert_eq!(shares(&[1000, 1, 0, 1], 10), [8, 1, 0, 1]);
        assert_eq!(shares(&[3, 4], 99), [3, 4]);
    }

    proptest! {
        #[test]
        fn shares_add_up_and_fit(sizes in prop::collection::vec(0_usize..50, 1..8), more in 0_usize..200) {
            let there = sizes.iter().filter(|size| **size > 0).count();
            let n = there + more;
            let shares = shares(&sizes, n);
            prop_assert_eq!(shares.iter().sum::<usize>(), n.min(sizes.iter().sum()));
            for (share, size) in shares.iter().zip(&sizes) {
                prop_assert!(share <= size && (*share > 0 || *size == 0));
            }
        }
    }

    #[test]
    fn sorted_examples_are_drawn_from_all_classes_and_always_the_same() {
        let labels = Labels::Class([[0; 20], [1; 20]].concat());
        let images = (0..40).collect();
        let all = Dataset::new("own", [1, 1, 1], Task::Classes(2), Normalisation::unit(1.0), images, labels);
        let all = all.unwrap().with_classes(["a", "b"]);
        let drawn = all.draw(10).unwrap();
        assert_eq!(drawn.labels(), &Labels::Class([[0; 5], [1; 5]].concat()));
        assert!(drawn.images().is_sorted() && drawn.images() != [0, 1, 2, 3, 4, 20, 21, 22, 23, 24]);
        assert_eq!((drawn.clone(), drawn.class_name(1)), (all.draw(10).unwrap(), "b".into()));
        assert_eq!(all.draw(99).unwrap(), all);
        let error = all.draw(1).unwrap_err().to_string();
        assert!(error.contains("expected at least 2 examples, one of each class, found 1"), "{error}");
    }
}
