//! Keeping examples back.

use sapwood_backend::{Seed, Stream};

use crate::{Dataset, Error, loader::shuffled};

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
    /// [`Error::Inconsistent`] if one part would be empty.
    pub fn hold_out(&self, n: usize) -> Result<(Self, Self), Error> {
        if n == 0 || self.len() <= n {
            let problem = format!("expected to keep back from 1 to {} examples, found {n}", self.len() - 1);
            return Err(Error::Inconsistent { name: self.name().into(), problem });
        }
        let mut order = shuffled(self.len(), &mut Seed(0).stream(Stream::Data, HELD_OUT));
        let mut held = order.split_off(self.len() - n);
        order.sort_unstable();
        held.sort_unstable();
        Ok((self.subset(&order)?, self.subset(&held)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Split, open};

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
