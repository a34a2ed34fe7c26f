//! What a sparse layer reads: the pixels that its windows see, as whole planes and shifts of them.
//!
//! With a stride, the planes are those of every so-manieth pixel, of which there are several.

use sapwood_kernels::infer::{Entry, Form, Part, Place, Tap, Window};

use crate::layer::Conv;

/// The planes that a window's taps are in, and how far they are shifted there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Phases {
    window: Window,
    /// The first pixel of each that is used.
    firsts: Vec<[usize; 2]>,
    /// Rows above, columns to the left, rows below and columns to the right of such planes that taps see.
    pub(crate) rim: [usize; 4],
    /// Height and width of such planes.
    pub(crate) size: [usize; 2],
}

/// In which of so-manieth pixels a tap falls, and how far it is shifted.
fn fall(window: &Window, axis: usize, tap: usize) -> (usize, isize) {
    let at = (tap * window.dilation[axis]) as isize - window.before[axis] as isize;
    let stride = window.stride[axis] as isize;
    (at.rem_euclid(stride) as usize, at.div_euclid(stride))
}

impl Phases {
    pub(crate) fn of(window: &Window, input: [usize; 2], output: [usize; 2]) -> Self {
        // Where there is one window, it goes nowhere.
        let stride = if output == [1, 1] { [1, 1] } else { window.stride };
        let window = &Window { stride, ..*window };
        let size: [usize; 2] = std::array::from_fn(|axis| input[axis].div_ceil(window.stride[axis]));
        let mut firsts: Vec<[usize; 2]> = Vec::new();
        let mut rim = [0; 4];
        for row in 0..window.kernel[0] {
            for column in 0..window.kernel[1] {
                let falls = [fall(window, 0, row), fall(window, 1, column)];
                let first = falls.map(|(first, _)| first);
                if !firsts.contains(&first) {
                    firsts.push(first);
                }
                for axis in 0..2 {
                    let shift = falls[axis].1;
                    let end = output[axis] as isize + shift - size[axis] as isize;
                    rim[axis] = rim[axis].max((-shift).max(0) as usize);
                    rim[axis + 2] = rim[axis + 2].max(end.max(0) as usize);
                }
            }
        }
        firsts.sort_unstable();
        Self { window: *window, firsts, rim, size }
    }

    /// Whether no tap is shifted by more than a column.
    pub(crate) fn is_near(&self) -> bool {
        (0..self.window.kernel[1]).all(|column| (-1..=1).contains(&fall(&self.window, 1, column).1))
    }

    /// How many planes each channel becomes.
    pub(crate) fn count(&self) -> usize {
        self.firsts.len()
    }

    /// How the planes are taken out of a value of this number of channels.
    pub(crate) fn parts(&self, channels: usize) -> Vec<Part> {
        let part = |(number, &first)| Part { first, stride: self.window.stride, channel: number * channels };
        self.firsts.iter().enumerate().map(part).collect()
    }

    /// The weights of each output that are there, with where their planes lie in an image.
    pub(crate) fn rows(&self, conv: &Conv<'_>, from: &Place) -> Vec<Vec<Entry>> {
        self.found(conv, from, |at, column, weight| (at.wrapping_add_signed(column), weight), |entry| entry.0)
    }

    /// The same, where no tap is shifted by more than a column.
    pub(crate) fn taps(&self, conv: &Conv<'_>, from: &Place) -> Vec<Vec<Tap>> {
        let tap = |at, column, weight| Tap { at, column: column as i8, weight };
        self.found(conv, from, tap, |tap| (tap.at, tap.column))
    }

    /// Something of each weight: of where the row lies, the shift by columns and the weight. In order.
    fn found<T, K: Ord>(
        &self,
        conv: &Conv<'_>,
        from: &Place,
        of: impl Fn(usize, isize, f32) -> T,
        key: impl Fn(&T) -> K,
    ) -> Vec<Vec<T>> {
        let Form::Planar { pitch, lead, plane } = from.form else { return Vec::new() };
        let (window, outputs) = (&self.window, conv.bias.len());
        let [rows, columns] = window.kernel;
        // Of each tap of the kernel, the number of its planes, and its shifts there.
        let tap = |tap: usize| {
            let [(y, dy), (x, dx)] = [fall(window, 0, tap / columns), fall(window, 1, tap % columns)];
            let number = self.firsts.iter().position(|first| *first == [y, x]).unwrap_or(0);
            (number, dy * pitch as isize, dx)
        };
        let taps: Vec<(usize, isize, isize)> = (0..rows * columns).map(tap).collect();
        let per_group = [outputs / conv.groups, conv.inputs / conv.groups];
        let row = |output: usize| {
            let mut found = Vec::new();
            let first = output / per_group[0] * per_group[1];
            for (index, &weight) in conv.weights(output).iter().enumerate().filter(|(_, x)| **x != 0.0) {
                let (number, down, column) = taps[index % taps.len()];
                let channel = number * conv.inputs + first + index / taps.len();
                let at = (channel * plane + lead).wrapping_add_signed(down);
                found.push(of(at, column, conv.scaled(output, weight)));
            }
            found.sort_unstable_by_key(&key);
            found
        };
        (0..outputs).map(row).collect()
    }
}
