//! Named random streams: a generator is a function of (seed, purpose, index).

use chacha20::ChaCha8Rng;
use rand::SeedableRng;

/// The generator of everything that is drawn: ChaCha with 8 rounds, the same
/// numbers on every platform.
pub type Rng = ChaCha8Rng;

/// What random numbers are drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// What a searcher proposes; index: how often it was asked before.
    Proposals = 1,
    /// Whether anything at all is allowed; index: none.
    Probe = 2,
    /// Initial weights of a predictor; index: the layer.
    Weights = 3,
    /// The order of training examples; index: the epoch.
    Order = 4,
    /// Bootstrap samples; index: the member of the ensemble.
    Bootstrap = 5,
    /// Folds of a cross-validation.
    Folds = 6,
    /// Seeds of searches within a search; index: how often it was asked before.
    Inner = 7,
}

/// Bits of the stream number that are left to the index.
const INDEX_BITS: u32 = 56;

/// The generator for one purpose and index. So nothing has to be saved to resume a
/// search, and drawing more for one purpose moves no number of another.
pub(crate) fn stream(seed: u64, purpose: Stream, index: u64) -> Rng {
    let mut rng = Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << INDEX_BITS | (index & ((1 << INDEX_BITS) - 1)));
    rng
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    #[test]
    fn each_purpose_and_index_has_numbers_of_its_own_which_never_change() {
        let draw = |seed, purpose, index| stream(seed, purpose, index).next_u64();
        let all = [
            draw(42, Stream::Proposals, 0),
            draw(42, Stream::Proposals, 1),
            draw(42, Stream::Probe, 0),
            draw(43, Stream::Proposals, 0),
        ];
        assert_eq!(all[0], draw(42, Stream::Proposals, 0));
        assert!((1..4).all(|at| !all[..at].contains(&all[at])), "{all:?}");
        // Pinned: a change of numbering would silently change every published search.
        assert_eq!(all[0], 10778380846689891090);
    }
}
