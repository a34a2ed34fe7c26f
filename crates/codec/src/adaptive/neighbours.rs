//! What lies around a value: what it is probably like.

use super::mixer::stretch;

/// The rows of a tensor while they pass, as far as they say something about the next value.
///
/// Weights that were pruned are not spread evenly: some inputs of a layer are dead, some outputs
/// nearly so, and kept weights have kept neighbours of the same sign.
#[derive(Debug)]
pub(crate) struct Neighbours {
    columns: Vec<Column>,
    /// The column of the next value.
    at: usize,
    /// How far back in the row the value lies that is above this one, where a row is a picture.
    line: usize,
    /// How many rows are complete.
    rows: u32,
    /// The values left of it, the nearest first.
    left: [i8; 2],
    /// This row so far.
    row: Means,
    /// How many values of this row there were.
    seen: u32,
    /// The whole tensor so far: what a row or a column is like of which nothing is known.
    all: Means,
}

/// What is known of a column.
#[derive(Clone, Copy, Debug)]
struct Column {
    means: Means,
    /// Its value in the row above, or in this one where that has passed.
    last: i8,
}

/// What a row or a column is like on average.
#[derive(Clone, Copy, Debug)]
struct Means {
    /// How many values are not zero, in 1/65536.
    density: u16,
    /// How many of those are positive, in 1/65536.
    positive: u16,
    /// How large they are, in 1/256 of a quarter of an octave.
    size: u16,
    /// How many values are not zero, 255 at most.
    kept: u8,
}

impl Means {
    const UNKNOWN: Self = Self { density: 1 << 13, positive: 1 << 15, size: 8 << 8, kept: 0 };
}

/// What a value is coded by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around {
    /// Which of the six around it are not zero, as bits: the nearest on the left and on the line
    /// above first.
    pub(crate) pattern: usize,
    /// How dense its column and its row are, in 16 steps.
    pub(crate) density: [usize; 2],
    /// The logarithms of the odds of these.
    pub(crate) odds: [i32; 2],
    /// Which signs its column and its row have, in 16 steps.
    pub(crate) positive: [usize; 2],
    /// How large values of its column and its row are beside all, in 16 steps.
    pub(crate) size: [usize; 2],
    /// Which signs the nearest have, 0 to 14 for nearly all negative to nearly all positive.
    pub(crate) votes: usize,
    /// Which signs the nearest on the left and above have, 0 to 8.
    pub(crate) signs: usize,
    /// How large the nearest are on average, 0 to 15 in quarters of an octave.
    pub(crate) near: usize,
}

impl Neighbours {
    /// Nothing has passed, of a tensor with rows of `width` values and lines of `line` values within them.
    pub(crate) fn new(width: usize, line: usize) -> Self {
        let columns = vec![Column { means: Means::UNKNOWN, last: 0 }; width.max(1)];
        Self {
            columns,
            at: 0,
            line,
            rows: 0,
            left: [0; 2],
            row: Means::UNKNOWN,
            seen: 0,
            all: Means::UNKNOWN,
        }
    }

    #[inline(always)]
    pub(crate) fn around(&self) -> Around {
        let Column { means, last: above } = self.columns[self.at];
        let [left, further] = self.left;
        // Columns further left have the value of this row already.
        let before = |distance: usize| {
            let at = self.at.wrapping_sub(distance);
            self.columns.get(at).map_or(0, |column| column.last)
        };
        let [up, up_left, up_right] = match self.line {
            0 => [above, 0, 0],
            line => [before(line), before(line + 1), before(line - 1)],
        };
        let bits = [left, up, further, up_left, up_right, above].map(|value| usize::from(value != 0));
        let pattern = bits.iter().enumerate().map(|(at, bit)| bit << at).sum();
        let sign = |value: i8| i32::from(value.signum());
        let votes =
            2 * (sign(left) + sign(up)) + sign(further) + sign(up_left) + sign(up_right) + sign(above);
        let all = i32::from(self.all.size);
        let size = |means: &Means| {
            let larger = (i32::from(means.size) - all + SIZE_STEP / 2).div_euclid(SIZE_STEP);
            (larger + 8).clamp(0, 15) as usize
        };
        let [a, b, c] = [left, up, above].map(|value| usize::from(value.unsigned_abs()));
        let known = usize::from(a != 0) + usize::from(b != 0) + usize::from(c != 0);
        Around {
            pattern,
            density: [steps(means.density), steps(self.row.density)],
            odds: [stretch(u32::from(means.density)), stretch(u32::from(self.row.density))],
            positive: [steps(means.positive), steps(self.row.positive)],
            size: [size(&means), size(&self.row)],
            votes: (votes.clamp(-7, 7) + 7) as usize,
            signs: (3 * (1 + sign(left)) + 1 + sign(up)) as usize,
            near: ((a + b + c + known / 2) / known.max(1)).min(15),
        }
    }

    /// The next value has passed: its sign, and how large it is in quarters of an octave from 1 on,
    /// up to 127; or zero.
    #[inline(always)]
    pub(crate) fn pass(&mut self, value: i8) {
        let column = &mut self.columns[self.at];
        column.last = value;
        let kept = u16::from(value != 0).wrapping_neg();
        let (column, row, all) = (&mut column.means, &mut self.row, &mut self.all);
        column.density = towards(column.density, kept, self.rows + PRIOR, SLOWEST);
        row.density = towards(row.density, kept, self.seen + PRIOR, SLOWEST);
        all.density = towards(all.density, kept, 1000, SLOWEST_OF_ALL);
        if value != 0 {
            let size = u16::from(value.unsigned_abs()) << 8;
            let positive = u16::from(0 < value).wrapping_neg();
            for means in [column, row] {
                let seen = u32::from(means.kept);
                means.size = towards(means.size, size, seen + PRIOR_SIZE, SLOWEST);
                means.positive = towards(means.positive, positive, seen + PRIOR_SIGN, SLOWEST);
                means.kept = means.kept.saturating_add(1);
            }
            all.size = towards(all.size, size, u32::from(all.kept), SLOWEST_OF_ALL);
            all.kept = all.kept.saturating_add(1);
        }
        self.seen += 1;
        self.left = [value, self.left[0]];
        self.at += 1;
        if self.at == self.columns.len() {
            self.at = 0;
            self.rows = self.rows.saturating_add(1);
            self.left = [0; 2];
            self.seen = 0;
        }
        let fresh = Means { kept: 0, ..self.all };
        if self.at == 0 {
            self.row = fresh;
        }
        if self.rows == 0 {
            self.columns[self.at].means = fresh;
        }
    }
}

/// A mean of this many values after one more: its distance shrinks by its share, or by the slowest step.
#[inline(always)]
fn towards(mean: u16, value: u16, seen: u32, slowest: i32) -> u16 {
    let step = (32768 / (seen.min(1 << 14) as i32 + 1)).max(slowest);
    (i32::from(mean) + (((i32::from(value) - i32::from(mean)) * step) >> 15)) as u16
}

/// What a row or a column is like, is believed of all as if it had been seen of this number of values.
const PRIOR: u32 = 6;
const PRIOR_SIZE: u32 = 3;
const PRIOR_SIGN: u32 = 6;
/// How fast means follow, in 1/32768.
const SLOWEST: i32 = 32768 / 250;
const SLOWEST_OF_ALL: i32 = 32768 / 1000;
/// How much larger is a step larger, in 1/256 of a quarter of an octave.
const SIZE_STEP: i32 = 256;

/// A share as one of 16 steps, by the logarithm of its odds.
#[inline(always)]
fn steps(share: u16) -> usize {
    ((stretch(u32::from(share)) + 2048) >> 8) as usize
}
