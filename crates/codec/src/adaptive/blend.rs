//! A kind of decision that is learnt in four contexts at once.

use super::{
    Binary, Probability,
    mixer::{Mixer, stretch},
};

/// In how many contexts.
const LOOKS: usize = 4;
/// How many estimates there are with those that are known from elsewhere.
const ALL: usize = LOOKS + 3;

/// What is learnt of it: for each way of looking at the surroundings, for each that may be found.
#[derive(Debug)]
pub(crate) struct Blend<const CONTEXTS: usize, const MIXERS: usize> {
    contexts: [[Probability; CONTEXTS]; LOOKS],
    mixers: [Mixer<ALL>; MIXERS],
}

impl<const CONTEXTS: usize, const MIXERS: usize> Blend<CONTEXTS, MIXERS> {
    pub(crate) const NEW: Self =
        Self { contexts: [[Probability::EVEN; CONTEXTS]; LOOKS], mixers: [Mixer::first(LOOKS); MIXERS] };

    /// A decision in these contexts, mixed by the weights of this mixer.
    #[inline(always)]
    pub(crate) fn bit<B: Binary>(
        &mut self,
        binary: &mut B,
        found: [usize; LOOKS],
        known: [i32; 3],
        mixer: usize,
        rate: i32,
        bit: u32,
    ) -> u32 {
        let mut odds = [0; ALL];
        for (at, context) in found.into_iter().enumerate() {
            odds[at] = stretch(self.contexts[at][context].one());
        }
        odds[LOOKS..].copy_from_slice(&known);
        let mixed = self.mixers[mixer].mix(odds);
        let bit = binary.with(mixed.one, bit);
        if B::LEARNS {
            self.mixers[mixer].learn(&mixed, rate, bit);
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
