//! How the values of a plane are taken apart into its phases, each with rows of its
//! own, and put together again.

use super::planes::Phase;

/// As many numbers as the smallest register has.
const FEW: usize = 4;
/// As many as the largest has.
const MANY: usize = 16;

/// Lists of moves between a dense plane and one that was taken apart: planes are
/// small and many, and so no row of them takes a decision. Moves may overlap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moves {
    /// Of [`MANY`] numbers: where they lie in the dense plane, and where apart.
    many: Vec<[u32; 2]>,
    /// Of [`FEW`].
    few: Vec<[u32; 2]>,
    /// Of two times [`FEW`]: where their even ones lie apart, and where their odd.
    halves: Vec<[u32; 3]>,
    /// Of one.
    ones: Vec<[u32; 2]>,
    /// Where the last values end.
    dense_end: usize,
    apart_end: usize,
}

impl Moves {
    /// For the given phases of a plane of some width; `place` is where a row of a
    /// phase begins, by their numbers.
    pub(crate) fn new(phases: &[Phase], width: usize, place: impl Fn(usize, usize) -> usize) -> Self {
        let mut moves = Self::default();
        let mut done = 0;
        while let Some(phase) = phases.get(done) {
            // Two halves of the same rows are taken at once.
            let other =
                phases.get(done + 1).filter(|other| phase.stride[1] == 2 && other.first[0] == phase.first[0]);
            for y in 0..phase.size[0] {
                let (row, even) = ((phase.first[0] + y * phase.stride[0]) * width, place(done, y));
                match other {
                    Some(other) => {
                        moves.add_halves(row, [even, place(done + 1, y)], [phase.size[1], other.size[1]])
                    }
                    // Only one of the halves: what goes there first is written over.
                    None if phase.stride[1] == 2 && phase.first[1] == 0 => {
                        moves.add_halves(row, [even, even], [phase.size[1], width / 2 / FEW * FEW]);
                    }
                    None => moves.add(row + phase.first[1], phase.stride[1], phase.size[1], even),
                }
            }
            done += if other.is_some() { 2 } else { 1 };
        }
        let end = moves.dense_end.max(moves.apart_end);
        assert!(u32::try_from(end).is_ok(), "planes of a few images have fewer than 2^32 values");
        moves
    }

    /// Adds the moves of `count` values that lie `stride` apart.
    fn add(&mut self, dense: usize, stride: usize, count: usize, apart: usize) {
        let wide = [MANY, FEW].into_iter().find(|wide| stride == 1 && count >= *wide);
        let list = match wide {
            Some(MANY) => &mut self.many,
            Some(_) => &mut self.few,
            None => &mut self.ones,
        };
        for at in (0..count).step_by(wide.unwrap_or(1)) {
            let at = at.min(count - wide.unwrap_or(1));
            list.push([(dense + at * stride) as u32, (apart + at) as u32]);
        }
        if count > 0 {
            self.dense_end = self.dense_end.max(dense + (count - 1) * stride + 1);
            self.apart_end = self.apart_end.max(apart + count);
        }
    }

    /// Adds the moves of a row's `evens` even and `odds` odd values.
    fn add_halves(&mut self, dense: usize, [even, odd]: [usize; 2], [evens, odds]: [usize; 2]) {
        let whole = odds / FEW * FEW;
        for at in (0..whole).step_by(FEW) {
            self.halves.push([dense + 2 * at, even + at, odd + at].map(|place| place as u32));
        }
        self.dense_end = self.dense_end.max(dense + 2 * whole);
        self.apart_end = self.apart_end.max(even.max(odd) + whole);
        for at in whole..evens {
            self.add(dense + 2 * at, 2, 1, even + at);
        }
        for at in whole..odds {
            self.add(dense + 2 * at + 1, 2, 1, odd + at);
        }
    }

    /// Takes a plane apart.
    pub(crate) fn take_apart<T: Copy>(&self, dense: &[T], apart: &mut [T]) {
        assert!(self.dense_end <= dense.len() && self.apart_end <= apart.len(), "planes hold what is moved");
        let (from, to) = (dense.as_ptr(), apart.as_mut_ptr());
        // SAFETY (all): the last values that are read and written end in their planes.
        unsafe {
            for [dense, apart] in &self.many {
                copy::<T, MANY>(from, *dense, to, *apart);
            }
            for [dense, apart] in &self.few {
                copy::<T, FEW>(from, *dense, to, *apart);
            }
            for [dense, even, odd] in &self.halves {
                let values = *from.add(*dense as usize).cast::<[T; 2 * FEW]>();
                *to.add(*odd as usize).cast::<[T; FEW]>() = std::array::from_fn(|i| values[2 * i + 1]);
                *to.add(*even as usize).cast::<[T; FEW]>() = std::array::from_fn(|i| values[2 * i]);
            }
            for [dense, apart] in &self.ones {
                copy::<T, 1>(from, *dense, to, *apart);
            }
        }
    }

    /// Puts a plane together.
    pub(crate) fn put_together<T: Copy>(&self, apart: &[T], dense: &mut [T]) {
        assert!(self.dense_end <= dense.len() && self.apart_end <= apart.len(), "planes hold what is moved");
        let (from, to) = (apart.as_ptr(), dense.as_mut_ptr());
        // SAFETY (all): the last values that are read and written end in their planes.
        unsafe {
            for [dense, apart] in &self.many {
                copy::<T, MANY>(from, *apart, to, *dense);
            }
            for [dense, apart] in &self.few {
                copy::<T, FEW>(from, *apart, to, *dense);
            }
            for [dense, even, odd] in &self.halves {
                let evens = *from.add(*even as usize).cast::<[T; FEW]>();
                let odds = *from.add(*odd as usize).cast::<[T; FEW]>();
                *to.add(*dense as usize).cast::<[T; 2 * FEW]>() =
                    std::array::from_fn(|i| if i % 2 == 0 { evens[i / 2] } else { odds[i / 2] });
            }
            for [dense, apart] in &self.ones {
                copy::<T, 1>(from, *apart, to, *dense);
            }
        }
    }
}

/// # Safety
/// Both places must hold that number of values.
#[inline(always)]
unsafe fn copy<T: Copy, const N: usize>(from: *const T, at: u32, to: *mut T, there: u32) {
    // SAFETY: the caller's.
    unsafe { *to.add(there as usize).cast::<[T; N]>() = *from.add(at as usize).cast::<[T; N]>() };
}
