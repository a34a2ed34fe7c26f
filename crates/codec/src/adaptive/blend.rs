//! A kind of decision that is learnt in four contexts at once.

use super::{
    Binary, Probability,
    mixer::{Mixer, stretch},
};

/// In how many contexts.
pub(crate) const LOOKS: usize = 4;

/// What is learnt of it: for each way of looking at the surroundings, for each that may be found.
/// Of `INPUTS` estimates that are mixed, those beyond the contexts' are known from elsewhere.
#[derive(Debug)]
pub(crate) struct Blend<const CONTEXTS: usize, const MIXERS: usize, const INPUTS: usize> {
    contexts: [[Probability; CONTEXTS]; LOOKS],
    mixers: [Mixer<INPUTS>; MIXERS],
    /// How fast the weights of the mixers move.
    rate: i32,
}

impl<const CONTEXTS: usize, const MIXERS: usize, const INPUTS: usize> Blend<CONTEXTS, MIXERS, INPUTS> {
    pub(crate) fn new(rate: i32) -> Self {
        let contexts = [[Probability::EVEN; CONTEXTS]; LOOKS];
        Self { contexts, mixers: [Mixer::first(LOOKS); MIXERS], rate }
    }

    /// A decision in these contexts, mixed by the weights of this mixer with logarithms of odds that
    /// are known.
    #[inline(always)]
    pub(crate) fn bit<B: Binary>(
        &mut self,
        binary: &mut B,
        found: [usize; LOOKS],
        known: &[i32],
        mixer: usize,
        bit: u32,
    ) -> u32 {
        let mut odds = [0; INPUTS];
        for (at, context) in found.into_iter().enumerate() {
            odds[at] = stretch(self.contexts[at][context].one());
        }
        odds[LOOKS..].copy_from_slice(known);
        let mixed = self.mixers[mixer].mix(odds);
        let bit = binary.with(mixed.one, bit);
        if B::LEARNS {
            self.mixers[mixer].learn(&mixed, self.rate, bit);
            for (contexts, context) in self.contexts.iter_mut().zip(found) {
                contexts[context].learn(bit);
            }
        }
        bit
    }

    /// A decision in the first of the contexts alone: quick.
    #[inline(always)]
    pub(crate) fn plain(&mut self, binary: &mut impl Binary, context: usize, bit: u32) -> u32 {
        binary.bit(&mut self.contexts[0][context], bit)
    }
}
