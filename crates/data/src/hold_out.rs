//! Keeping examples back.

use std::collections::BTreeSet;

use sapwood_backend::{Seed, Stream};

use crate::{Dataset, Error, Labels, loader::shuffled};

/// The number of the draws by which examples are kept back: data sets that are generated have
/// none so high.
const HELD_OUT: u64 = 1 << 55;

impl Dataset {
    /// Keeps `n` examples back, drawn by chance, the same ones whenever it is called: returns
    /// what remains and what was kept back, both in their order.
    ///
    /// What is chosen by the examples that are kept back, such as one of many networks, is judged
    /// fairly by those of another split only.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if one part would be empty, [`Error::EmptiedClass`] if no example of a
    /// class would remain: nothing could learn it.
    pub fn hold_out(&self, n: usize) -> Result<(Self, Self), Error> {
        if n == 0 || self.len() <= n {
            let problem = format!("expected to keep back from 1 to {} examples, found {n}", self.len() - 1);
            return Err(Error::Inconsistent { name: self.name().into(), problem });
        }
        let mut order = shuffled(self.len(), &mut Seed(0).stream(Stream::Data, HELD_OUT));
        let mut held = order.split_off(self.len() - n);
        if let Labels::Class(labels) = self.labels() {
            let remaining: BTreeSet<u32> = order.iter().map(|at| labels[*at]).collect();
            if let Some(class) = held.iter().map(|at| labels[*at]).find(|class| !remaining.contains(class)) {
                let found = labels.iter().filter(|label| **label == class).count();
                let class =
                    self.class_names().get(class as usize).cloned().unwrap_or_else(|| class.to_string());
                return Err(Error::EmptiedClass { name: self.name().into(), class, found, n });
            }
        }
        order.sort_unstable();
        held.sort_unstable();
        Ok((self.subset(&order)?, self.subset(&held)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Dataset, Error, Labels, Normalisation, Split, Task, open};

    /// Examples of a pixel, these numbers of each class.
    fn of_classes(sizes: [usize; 3]) -> Dataset {
        let labels: Vec<u32> =
            (0..3u32).zip(sizes).flat_map(|(class, size)| std::iter::repeat_n(class, size)).collect();
        let images = (0..labels.len()).map(|at| at as u8).collect();
        let normalisation = Normalisation { scale: 255.0, channels: vec![(0.5, 0.5)].into() };
        let data =
            Dataset::new("own", [1, 1, 1], Task::Classes(3), normalisation, images, Labels::Class(labels));
        data.unwrap().with_classes(["ash", "elm", "oak"])
    }

    #[test]
    fn a_class_of_which_nothing_would_remain_is_named() {
        let rare = of_classes([40, 1, 40]);
        let outcomes: Vec<_> = (1..80).map(|n| rare.hold_out(n)).collect();
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        // Where the one example is drawn from some number on, it is from there on.
        assert!(0 < refused && refused < outcomes.len(), "{refused}");
        for outcome in &outcomes {
            match outcome {
                Ok((rest, _)) => {
                    let Labels::Class(labels) = rest.labels() else { panic!("labels are classes") };
                    assert!((0..3).all(|class| labels.contains(&class)));
                }
                Err(Error::EmptiedClass { class, found, .. }) => {
                    assert!(["ash", "elm", "oak"].contains(&class.as_str()) && [1, 40].contains(found));
                }
                Err(error) => panic!("{error}"),
            }
        }
        // A class that has no example to begin with is not emptied.
        assert!(of_classes([40, 0, 40]).hold_out(10).is_ok());
        let error = of_classes([2, 1, 2]).hold_out(4).unwrap_err().to_string();
        assert!(error.contains("data set `own`") && error.contains("keep fewer back"), "{error}");
    }

    #[test]
    fn both_parts_together_are_the_whole() {
        let all = open("digits", Split::Train, "".as_ref(), &Default::default()).unwrap();
        let (rest, held) = all.hold_out(200).unwrap();
        assert_eq!((rest.len(), held.len()), (all.len() - 200, 200));
        assert_eq!((rest.clone(), held.clone()), all.hold_out(200).unwrap());
        let images = |data: &crate::Dataset| {
            let mut images: Vec<Vec<u8>> =
                (0..data.len()).map(|at| data.image(at).unwrap().to_vec()).collect();
            images.sort_unstable();
            images
        };
        let mut both = [images(&rest), images(&held)].concat();
        both.sort_unstable();
        assert_eq!(both, images(&all));
        assert!(all.hold_out(0).is_err() && all.hold_out(all.len()).is_err());
    }
}
