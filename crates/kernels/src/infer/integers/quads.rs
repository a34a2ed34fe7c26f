//! Where a value of integers lies.

use crate::{exact::Integers, infer::Place};

/// Channels of a quad: as many bytes as a number of the arena has.
pub const QUAD: usize = 4;

/// Channels that steps read and write at once, at most: those of the widest register's sums.
pub(crate) const TOGETHER: usize = 16;

/// A value of integers in an arena: pixel by pixel the bytes of all channels, of which four are one number of the
/// arena, with a rim of what stands for 0. An integer with a sign is kept as a byte without one, 128 larger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quads {
    place: Place,
    channels: usize,
    of: Integers,
}

impl Quads {
    /// A value at the beginning of an arena, with a rim of rows above, columns to the left, rows below and columns to
    /// the right that stand for 0. Each pixel has room for whole registers of channels.
    ///
    /// # Panics
    /// If bytes do not [hold](Self::hold) the integers.
    pub fn new(channels: usize, size: [usize; 2], rim: [usize; 4], of: Integers) -> Self {
        Self::with(channels, channels.next_multiple_of(TOGETHER) / QUAD, (size, rim), of)
    }

    /// A value without room for more channels than it has quads: what comes in, for convolutions to read.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn narrow(channels: usize, size: [usize; 2], rim: [usize; 4], of: Integers) -> Self {
        Self::with(channels, channels.div_ceil(QUAD), (size, rim), of)
    }

    fn with(channels: usize, quads: usize, (size, rim): ([usize; 2], [usize; 4]), of: Integers) -> Self {
        assert!(Self::hold(&of), "integers that bytes hold, 0 among them, with a scale");
        Self { place: Place::blocked(quads, size, quads, rim), channels, of }
    }

    /// Whether bytes hold the integers: between -128 and 127 or 0 and 255, 0 among them, with a positive scale.
    pub fn hold(of: &Integers) -> bool {
        // In wider numbers: to the largest integers no shift can be added.
        let [low, high] = of.bounds.map(|bound| i64::from(bound) + i64::from(shift(of)));
        0 <= low
            && high <= 255
            && (of.bounds[0]..=of.bounds[1]).contains(&of.zero_point)
            && of.scale.is_finite()
            && of.scale > 0.0
    }

    /// The same value elsewhere.
    pub fn moved(self, at: usize) -> Self {
        Self { place: self.place.moved(at), ..self }
    }

    /// Where its quads lie: each is a number, and a pixel's are a block.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How many channels it has.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Which numbers its integers stand for.
    pub fn of(&self) -> &Integers {
        &self.of
    }

    /// By how much bytes are larger than their integers.
    pub(crate) fn shift(&self) -> i32 {
        shift(&self.of)
    }

    /// The byte that stands for 0.
    pub(crate) fn zero(&self) -> u8 {
        (self.of.zero_point + self.shift()) as u8
    }

    /// Quads of a pixel.
    pub(crate) fn quads(&self) -> usize {
        self.place.channels
    }

    /// Whether there is room for whole registers of channels.
    pub(crate) fn is_wide(&self) -> bool {
        self.quads().is_multiple_of(TOGETHER / QUAD)
    }
}

fn shift(of: &Integers) -> i32 {
    if of.bounds[0] < 0 { 128 } else { 0 }
}
