//! Several estimates of one decision become one, weighed by how right each was.
//!
//! Estimates are averaged as logarithms of odds, with weights that follow the gradient of the coded
//! length (Mahoney 2005, "Adaptive weighing of context models for lossless data compression"). All
//! in integers: who decodes on another machine comes to the same probability.

/// Odds are in 1/256 of a natural logarithm, and end at e^8.
const END: i32 = 2047;

/// 65536 / (1 + e^(-x / 256)), for x from -2048 to 2047.
static SQUASH: [u16; 4096] = {
    // e^(-1/256) in 1/2^40.
    const STEP: u128 = 1_095_225_038_176;
    let mut table = [0; 4096];
    let mut power: u128 = 1 << 40;
    let mut x = 0;
    while x < 2048 {
        let one = ((65536u128 << 40) / ((1 << 40) + power)) as u32;
        table[2048 + x] = if 65535 < one { 65535 } else { one as u16 };
        power = (power * STEP) >> 40;
        let other = ((65536 * power) / ((1 << 40) + power)) as u16;
        table[2047 - x] = if other < 1 { 1 } else { other };
        x += 1;
    }
    table
};

/// The logarithm of the odds for a probability from 16 n on in 1/65536: the inverse of `SQUASH`.
static STRETCH: [i16; 4096] = {
    let mut table = [0; 4096];
    let (mut x, mut at) = (0, 0);
    while at < 4096 {
        while x < 4095 && (SQUASH[x] as usize) < 16 * at + 8 {
            x += 1;
        }
        table[at] = x as i16 - 2048;
        at += 1;
    }
    table
};

/// The logarithm of the odds for a probability in 1/65536, from -2048 to 2047 for 1/256 each.
#[inline(always)]
pub(crate) fn stretch(one: u32) -> i32 {
    i32::from(STRETCH[(one >> 4) as usize])
}

/// The weights of one set of estimates, in 1/65536.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mixer<const N: usize> {
    weights: [i32; N],
}

/// Estimates that were mixed, and with what result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mixed<const N: usize> {
    odds: [i32; N],
    /// The probability of a one in 1/65536.
    pub(crate) one: u32,
}

impl<const N: usize> Mixer<N> {
    /// The first few estimates count alike, the others nothing yet.
    pub(crate) const fn first(few: usize) -> Self {
        let mut weights = [0; N];
        let mut at = 0;
        while at < few {
            weights[at] = 65536 / few as i32;
            at += 1;
        }
        Self { weights }
    }

    /// Estimates as one, by the logarithms of their odds.
    #[inline(always)]
    pub(crate) fn mix(&self, odds: [i32; N]) -> Mixed<N> {
        let sum: i32 = odds.iter().zip(&self.weights).map(|(odds, weight)| odds * weight).sum();
        let mixed = (sum >> 16).clamp(-END, END);
        Mixed { odds, one: u32::from(SQUASH[(mixed + 2048) as usize]) }
    }

    /// Learns what the decision was.
    #[inline(always)]
    pub(crate) fn learn(&mut self, mixed: &Mixed<N>, rate: i32, bit: u32) {
        let error = ((bit << 16) as i32 - mixed.one as i32) >> 4;
        for (weight, odds) in self.weights.iter_mut().zip(mixed.odds) {
            let moved = (odds * error * rate + (1 << 13)) >> 14;
            *weight = (*weight + moved).clamp(-LARGEST, LARGEST);
        }
    }
}

/// Keeps sums of weighted odds in 32 bits.
const LARGEST: i32 = (1 << 17) - 1;
