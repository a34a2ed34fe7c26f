//! Batches of planes, and what is summed over channels.

use rayon::prelude::*;

use crate::{Level, level::Loop, number::Number, sums::Total};

/// The sizes of a batch: `[N, C, plane]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many images there are.
    pub images: usize,
    /// How many channels each has.
    pub channels: usize,
    /// How many pixels a channel has.
    pub plane: usize,
}

impl Size {
    /// How many values each of these tensors has, all of them in some plane.
    ///
    /// # Panics
    /// If one is not of this size.
    pub(crate) fn values<T>(&self, tensors: &[&[T]]) -> usize {
        let count = self.images * self.channels * self.plane;
        assert!(tensors.iter().all(|values| values.len() == count), "the tensors are of this size");
        count
    }

    /// Checks that there is one of these values for each channel.
    pub(crate) fn of_channels<T, const N: usize>(&self, values: [&[T]; N]) {
        assert!(values.iter().all(|values| values.len() == self.channels), "each channel has its values");
    }

    /// The planes of one channel, image by image.
    #[inline(always)]
    pub(crate) fn planes<'a, T>(&self, values: &'a [T], channel: usize) -> impl Iterator<Item = &'a [T]> {
        values.chunks_exact(self.plane.max(1)).skip(channel).step_by(self.channels)
    }

    /// The planes of every channel, to be written.
    pub(crate) fn channels_of_mut<'a, T>(&self, values: &'a mut [T]) -> Vec<Vec<&'a mut [T]>> {
        let mut channels: Vec<Vec<_>> = (0..self.channels).map(|_| Vec::with_capacity(self.images)).collect();
        for (number, plane) in values.chunks_exact_mut(self.plane.max(1)).enumerate() {
            channels[number % self.channels].push(plane);
        }
        channels
    }
}

pub(crate) fn sums_of<T: Number>(level: Level, size: Size, dy: &[T]) -> Vec<T> {
    size.values(&[dy]);
    let of = |channel| T::from_f64(level.run(Channel { size, dy, channel }));
    (0..size.channels).into_par_iter().map(of).collect()
}

struct Channel<'a, T> {
    size: Size,
    dy: &'a [T],
    channel: usize,
}

impl<T: Number> Loop for Channel<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut total = Total::default();
        for plane in self.size.planes(self.dy, self.channel) {
            total.add(plane, |dy| dy);
        }
        total.get()
    }
}
