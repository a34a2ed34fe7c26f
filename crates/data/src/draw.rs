//! Parts of a data set in which each class has its share.

use sapwood_backend::{Seed, Stream};

use crate::{Dataset, Error, Labels, loader::shuffled};

/// The number of the first class's draw, the others follow: neither generated data sets nor examples
/// that are held out have these.
const DRAWN: u64 = 1 << 54;

/// The same for what is kept back of each class.
const HELD_OUT: u64 = 1 << 53;

impl Dataset {
    /// `n` examples in their order, of each class its share, drawn at random, the same ones whenever
    /// this is called; all if there are fewer.
    ///
    /// The shares add up by largest remainders, and no class that has examples is left without.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if there are more classes than that, or if the data set has none.
    pub fn draw(&self, n: usize) -> Result<Self, Error> {
        let classes = self.by_class()?;
        let there = classes.iter().filter(|class| !class.is_empty()).count();
        if n < there {
            let problem = format!("expected at least {there} examples, one of each class, found {n}");
            return Err(Error::Inconsistent { name: self.name().into(), problem });
        }
        let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
        self.subset(&drawn(&classes, &shares(&sizes, n), DRAWN))
    }

    /// `n` examples of each class in their order, drawn at random, the same ones whenever this is called.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if a class has fewer, or if the data set has no classes.
    pub fn draw_of_each(&self, n: usize) -> Result<Self, Error> {
        let classes = self.by_class()?;
        if let Some(class) = classes.iter().position(|class| class.len() < n.max(1)) {
            let (name, found) = (self.class_name(class), classes[class].len());
            let problem = format!("expected at least {} examples of class `{name}`, found {found}", n.max(1));
            return Err(Error::Inconsistent { name: self.name().into(), problem });
        }
        self.subset(&drawn(&classes, &vec![n; classes.len()], DRAWN))
    }

    /// What remains, and `n` examples that are kept back, of each class its share: both in their order, the same ones
    /// whenever this is called.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if a class would have no example in one of the two, or if the data set has no classes.
    pub fn hold_out_of_each(&self, n: usize) -> Result<(Self, Self), Error> {
        let classes = self.by_class()?;
        let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
        let there = sizes.iter().filter(|size| **size > 0).count();
        let kept = if n < there { vec![0; sizes.len()] } else { shares(&sizes, n) };
        if let Some(class) =
            (0..sizes.len()).find(|at| sizes[*at] > 0 && (kept[*at] == 0 || kept[*at] == sizes[*at]))
        {
            let (name, found) = (self.class_name(class), sizes[class]);
            let problem = format!(
                "with {n} of {} examples kept back, class `{name}` with {found} would have none on one side: expected at least \
                 one of each of {there} classes to learn from, and one to judge by",
                self.len()
            );
            return Err(Error::Inconsistent { name: self.name().into(), problem });
        }
        let held = drawn(&classes, &kept, HELD_OUT);
        let rest: Vec<usize> = (0..self.len()).filter(|at| held.binary_search(at).is_err()).collect();
        Ok((self.subset(&rest)?, self.subset(&held)?))
    }

    /// The examples of each class, by their numbers.
    fn by_class(&self) -> Result<Vec<Vec<usize>>, Error> {
        let Labels::Class(labels) = self.labels() else {
            let problem = "it has no classes of which examples could be drawn".into();
            return Err(Error::Inconsistent { name: self.name().into(), problem });
        };
        let mut classes = vec![Vec::new(); self.task().outputs()];
        labels.iter().enumerate().for_each(|(at, class)| classes[*class as usize].push(at));
        Ok(classes)
    }
}

/// As many of each class as its share says, by random streams from this number on, sorted.
fn drawn(classes: &[Vec<usize>], shares: &[usize], stream: u64) -> Vec<usize> {
    let mut chosen = Vec::new();
    for (number, (class, share)) in (stream..).zip(classes.iter().zip(shares)) {
        let order = shuffled(class.len(), &mut Seed(0).stream(Stream::Data, number));
        chosen.extend(order.into_iter().take(*share).map(|at| class[at]));
    }
    chosen.sort_unstable();
    chosen
}

/// How many of each class, of which these are the sizes: `n` in all, or all that there are, by largest remainders, and of
/// each class that has examples one where `n` allows it.
pub fn shares(sizes: &[usize], n: usize) -> Vec<usize> {
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

        let each = all.draw_of_each(3).unwrap();
        assert_eq!(each.labels(), &Labels::Class([[0; 3], [1; 3]].concat()));
        assert!(each.images().is_sorted() && each == all.draw_of_each(3).unwrap());
        let error = all.draw_of_each(21).unwrap_err().to_string();
        assert!(error.contains("at least 21 examples of class `a`, found 20"), "{error}");
    }

    #[test]
    fn what_is_kept_back_has_each_classs_share_and_no_class_is_without() {
        let of = |sizes: [usize; 3]| {
            let labels: Vec<u32> =
                (0..3_u32).zip(sizes).flat_map(|(class, size)| vec![class; size]).collect();
            let images = (0..labels.len() as u8).collect();
            let (task, unit) = (Task::Classes(3), Normalisation::unit(1.0));
            Dataset::new("own", [1, 1, 1], task, unit, images, Labels::Class(labels)).unwrap()
        };
        let (rest, held) = of([40, 20, 0]).hold_out_of_each(12).unwrap();
        assert_eq!(held.labels(), &Labels::Class([vec![0; 8], vec![1; 4]].concat()));
        let mut both = [rest.images(), held.images()].concat();
        both.sort_unstable();
        assert_eq!(both, (0..60).collect::<Vec<u8>>());
        for (sizes, n) in [([40, 1, 40], 12), ([40, 20, 0], 1), ([2, 2, 2], 6)] {
            let said = of(sizes).hold_out_of_each(n).unwrap_err().to_string();
            assert!(said.contains("kept back, class `"), "{said}");
        }
    }
}
