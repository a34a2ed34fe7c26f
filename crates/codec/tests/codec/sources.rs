//! Weights that are made up, the same on every machine.

/// Numbers of which each is a function of those before (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// From 0 to 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal.
    pub(crate) fn normal(&mut self) -> f32 {
        ((0..12).map(|_| self.uniform()).sum::<f64>() - 6.0) as f32
    }
}

/// Places in a codebook of 31 values, of which one in `kept` is not zero.
pub(crate) fn codes(len: usize, kept: usize, random: &mut Random) -> Vec<i32> {
    let code = |random: &mut Random| (0..3).map(|_| 1 + random.below(11) as i32).sum::<i32>() - 2;
    (0..len).map(|_| if random.below(kept) == 0 { code(random) } else { 0 }).collect()
}

/// Normal weights, of which one in `kept` is not zero.
pub(crate) fn weights(len: usize, kept: usize, random: &mut Random) -> Vec<f32> {
    (0..len).map(|_| if random.below(kept) == 0 { random.normal() } else { 0.0 }).collect()
}
