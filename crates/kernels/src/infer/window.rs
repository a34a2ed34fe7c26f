//! Windows: which inputs an output sees.

use std::ops::Range;

use super::{Form, Place};

/// Which inputs an output sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns.
    pub kernel: [usize; 2],
    /// From one output to the next.
    pub stride: [usize; 2],
    /// From one row or column of the kernel to the next.
    pub dilation: [usize; 2],
    /// Rows above and columns to the left of the input with which the first window begins.
    pub before: [usize; 2],
}

impl Window {
    /// Without gaps, beginning with the first input.
    pub fn new(kernel: [usize; 2], stride: [usize; 2]) -> Self {
        Self { kernel, stride, dilation: [1, 1], before: [0, 0] }
    }

    /// How many rows and columns beyond the input the last windows reach.
    pub fn after(&self, input: [usize; 2], output: [usize; 2]) -> [usize; 2] {
        std::array::from_fn(|axis| {
            let end = self.last(axis, output).saturating_add(1);
            end.saturating_sub(self.before[axis].saturating_add(input[axis]))
        })
    }

    /// Rows or columns from where the first window begins to the last one that any sees: the largest number where it
    /// cannot be counted.
    fn last(&self, axis: usize, output: [usize; 2]) -> usize {
        let reach = (self.kernel[axis] - 1).saturating_mul(self.dilation[axis]);
        (output[axis] - 1).saturating_mul(self.stride[axis]).saturating_add(reach)
    }

    /// How far each tap of the kernel lies from the first one, row by row, where rows and pixels are these steps apart.
    pub(crate) fn taps(&self, [row, pixel]: [usize; 2]) -> Vec<usize> {
        let [rows, columns] = self.kernel;
        let tap =
            |tap: usize| tap / columns * self.dilation[0] * row + tap % columns * self.dilation[1] * pixel;
        (0..rows * columns).map(tap).collect()
    }

    /// Compares windows that end where the input does with its size and the output's.
    ///
    /// # Panics
    /// If one of them sees nothing of the input.
    pub(crate) fn assert_meets(&self, input: [usize; 2], output: [usize; 2]) {
        for axis in 0..2 {
            let last = (output[axis] - 1).saturating_mul(self.stride[axis]);
            assert!(last < input[axis] + self.before[axis], "windows begin in the input");
            assert!(self.before[axis] < self.kernel[axis], "windows end in the input");
        }
    }

    /// The rows or columns of an input of this size that the window at this place of an axis sees, if
    /// [it sees some](Self::assert_meets) and has no gaps.
    #[inline(always)]
    pub(crate) fn within(&self, axis: usize, at: usize, input: usize) -> Range<usize> {
        let (first, before) = (at * self.stride[axis], self.before[axis]);
        let end = first + (input + before - first).min(self.kernel[axis]);
        first.saturating_sub(before)..end - before
    }
}

/// Compares a window with where it reads.
pub(crate) fn assert_window(from: &Place, to: &Place, window: &Window) {
    from.check();
    to.check();
    assert!(from.image.max(to.image) < u32::MAX as usize, "offsets of 32 bits");
    let (before, after) = (window.before, window.after(from.size, to.size));
    match from.form {
        Form::Blocked { rim, .. } => assert!(
            before[0] <= rim[0] && before[1] <= rim[1] && after[0] <= rim[2] && after[1] <= rim[3],
            "the rim is as wide as the padding"
        ),
        Form::Planar { pitch, lead, plane } => {
            let gap = pitch - from.size[1];
            assert!(before[1] <= gap && after[1] <= gap, "rows are as far apart as the padding is wide");
            let far = |[rows, columns]: [usize; 2]| rows.saturating_mul(pitch).saturating_add(columns);
            assert!(far(before) <= lead, "zeros before a plane");
            let end = far(after).saturating_add(lead + from.size[0] * pitch);
            // Behind a plane come the zeros before the next one.
            assert!(after == [0, 0] || end <= plane + lead, "zeros behind a plane");
            assert!(end <= from.image - (from.channels - 1) * plane, "zeros behind the last plane");
        }
    }
    let reach = |axis: usize| from.size[axis] + window.before[axis] + after[axis];
    let ends = |axis: usize| window.last(axis, to.size) < reach(axis);
    assert!(ends(0) && ends(1), "windows end in the padded input");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_see_what_lies_in_the_input() {
        for (kernel, stride, input) in
            (1..4usize).flat_map(|k| (1..4usize).flat_map(move |s| (1..6usize).map(move |i| (k, s, i))))
        {
            for before in 0..kernel {
                let window = Window { before: [0, before], ..Window::new([1, kernel], [1, stride]) };
                for at in (0usize..).take_while(|at| at * stride < input + before) {
                    window.assert_meets([1, input], [1, at + 1]);
                    let seen = (at * stride..at * stride + kernel).filter_map(|tap| tap.checked_sub(before));
                    let seen: Vec<usize> = seen.filter(|tap| *tap < input).collect();
                    assert_eq!(
                        window.within(1, at, input).collect::<Vec<_>>(),
                        seen,
                        "{window:?} {at} {input}"
                    );
                }
            }
        }
    }

    #[test]
    fn taps_lie_as_far_apart_as_the_kernel_is_spread() {
        let window = Window { dilation: [2, 3], ..Window::new([2, 3], [1, 1]) };
        assert_eq!(window.taps([100, 4]), [0, 12, 24, 200, 212, 224]);
    }
}
