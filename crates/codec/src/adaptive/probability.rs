//! How likely a binary decision is, learnt from those before it.

/// The estimate for one context, in 1/65536.
///
/// It begins as the mean of what was seen, so that a context is learnt from its first few decisions,
/// and later follows slowly. The mean of a slow and a fast one, as in VVC, was measured: it made pruned
/// and clustered LeNets 0.1 % larger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probability {
    one: u16,
    seen: u16,
}

/// From this decision on, steps are the same.
const LAST: usize = 255;

/// No probability is less, in 1/65536.
const LEAST: i32 = 16;

/// How far the estimate moves for the n-th decision, in 1/32768: 1 / (n + 1.5).
static STEPS: [u16; LAST + 1] = {
    let mut steps = [0; LAST + 1];
    let mut seen = 0;
    while seen <= LAST {
        steps[seen] = (32768 * 2 / (2 * seen + 3)) as u16;
        seen += 1;
    }
    steps
};

impl Probability {
    /// Nothing is known.
    pub(crate) const EVEN: Self = Self { one: 1 << 15, seen: 0 };

    /// The probability of a one in 1/65536, from 1 to 65535.
    #[inline(always)]
    pub(crate) fn one(self) -> u32 {
        u32::from(self.one)
    }

    /// Learns a decision, which is 0 or 1.
    #[inline(always)]
    pub(crate) fn learn(&mut self, bit: u32) {
        let step = i32::from(STEPS[usize::from(self.seen).min(LAST)]);
        // Short of the ends, so nothing ever becomes impossible.
        let target = if bit == 1 { 65536 - LEAST } else { LEAST };
        let one = i32::from(self.one);
        self.one = (one + (((target - one) * step) >> 15)) as u16;
        self.seen += u16::from(usize::from(self.seen) < LAST);
    }
}

/// The cost of something with a probability from 16 n to 16 n + 15 in 1/65536, in 1/65536 bit.
pub(crate) static COSTS: [u32; 4096] = {
    let mut costs = [0; 4096];
    let mut at = 0;
    while at < 4096 {
        costs[at] = cost(16 * at as u32 + 8);
        at += 1;
    }
    costs
};

/// The cost of something with this probability in 1/65536, in 1/65536 bit.
///
/// Computed in integers, by squaring, so that it is the same on every machine.
const fn cost(probability: u32) -> u32 {
    let zeros = probability.leading_zeros();
    let mut mantissa = (probability as u64) << zeros; // in [2^31, 2^32)
    let mut log = (31 - zeros) << 16; // of probability, in 1/65536
    let mut bit = 1 << 15;
    while bit != 0 {
        mantissa = (mantissa * mantissa) >> 31;
        if mantissa >> 32 != 0 {
            mantissa >>= 1;
            log += bit;
        }
        bit >>= 1;
    }
    (16 << 16) - log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_the_logarithm_of_the_probability() {
        for probability in [1u32, 2, 3, 100, 32767, 32768, 40000, 65535] {
            let exact = -(f64::from(probability) / 65536.0).log2();
            let found = f64::from(cost(probability)) / 65536.0;
            assert!((exact - found).abs() < 3e-5, "{probability}: {found}, expected {exact}");
        }
    }

    #[test]
    fn nothing_becomes_impossible_and_the_frequent_becomes_likely() {
        for bit in [0, 1] {
            let mut probability = Probability::EVEN;
            (0..100_000).for_each(|_| probability.learn(bit));
            let likely = if bit == 1 { probability.one() } else { 65536 - probability.one() };
            assert!((65200..65536).contains(&likely), "{likely}");
        }
    }
}
