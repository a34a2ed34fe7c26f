//! Memory that begins where a line of the cache does.

use super::pages::ask_for_large;

/// Numbers of a line of the cache, which is as wide as any register.
const LINE: usize = 16;
/// Numbers of a large page: 2 MiB.
const PAGE: usize = 1 << 19;

/// Numbers that begin at a line of the cache; many of them lie in large pages, where the system has some. None takes
/// memory before it is written.
pub struct Arena {
    /// With room for where they begin.
    room: Vec<f32>,
    first: usize,
    len: usize,
}

impl Arena {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let begins_at = if len < PAGE { LINE } else { PAGE };
        let mut room = vec![0.0; len + begins_at];
        let first = (room.as_ptr().addr() / size_of::<f32>()).wrapping_neg() % begins_at;
        // A page that others take part of stays small.
        ask_for_large(&mut room[first..][..len / PAGE * PAGE]);
        Self { room, first, len }
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        &self.room[self.first..][..self.len]
    }

    /// The numbers, to be changed.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.room[self.first..][..self.len]
    }

    /// The bits of the numbers, as whole numbers.
    pub(crate) fn words(&self) -> &[i32] {
        // SAFETY: a number is as wide as a whole one, of which all bits are one.
        unsafe { std::slice::from_raw_parts(self.values().as_ptr().cast(), self.len) }
    }

    /// The bits of the numbers, to be changed.
    pub(crate) fn words_mut(&mut self) -> &mut [i32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.values_mut().as_mut_ptr().cast(), self.len) }
    }
}

impl Clone for Arena {
    fn clone(&self) -> Self {
        let mut other = Self::zeros(self.len);
        other.values_mut().copy_from_slice(self.values());
        other
    }
}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} numbers", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_at_lines_and_many_of_them_at_pages_also_in_copies() {
        for (len, bytes) in
            [(0, 64), (1, 64), (100, 64), (PAGE - 1, 64), (PAGE, 4 * PAGE), (2 * PAGE + 3, 4 * PAGE)]
        {
            let mut arena = Arena::zeros(len);
            assert!(arena.values().len() == len && arena.values().iter().all(|x| *x == 0.0));
            arena.values_mut().iter_mut().zip(0..).for_each(|(x, at)| *x = at as f32);
            arena.words_mut().iter_mut().for_each(|word| *word ^= i32::MIN);
            let copy = arena.clone();
            for arena in [&arena, &copy] {
                assert_eq!(arena.values().as_ptr().addr() % bytes, 0, "{len}");
                assert!(arena.values().iter().zip(0..).all(|(x, at)| *x == -(at as f32)));
            }
        }
    }
}
