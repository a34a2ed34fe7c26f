//! Wishes in fractions of weights, made whole without losing one.

use std::cmp::Reverse;

/// What one layer should keep: a whole number of weights, and the remainder, in
/// whatever unit all layers share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) whole: usize,
    pub(super) rest: u128,
}

impl Wish {
    /// `part / of` weights, where `of` is the same for all layers.
    pub(super) fn fraction(part: u128, of: u128) -> Self {
        Self { whole: (part / of) as usize, rest: part % of }
    }

    /// A number of weights that is not a ratio of whole numbers.
    pub(super) fn real(weights: f64) -> Self {
        let whole = weights.max(0.0).floor();
        Self { whole: whole as usize, rest: ((weights - whole).max(0.0) * (1u64 << 52) as f64) as u128 }
    }
}

/// Largest-remainder rounding: each layer gets its whole number, and those with
/// the largest remainders one more (the earlier layer at a tie), so that the sum
/// is `total`. Where layers have no room for their wish, the others share what
/// is left in proportion to their room. `total` is at most the sum of `room`.
pub(super) fn apportion(wishes: &[Wish], room: &[usize], total: usize) -> Vec<usize> {
    let mut parts: Vec<usize> = wishes.iter().zip(room).map(|(wish, room)| wish.whole.min(*room)).collect();
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|&layer| (Reverse(wishes[layer].rest), layer));
    // Wishes in floating point may add up to a weight too many.
    for &layer in order.iter().rev().cycle() {
        if parts.iter().sum::<usize>() <= total {
            break;
        }
        parts[layer] = parts[layer].saturating_sub(1);
    }
    let mut left = total - parts.iter().sum::<usize>();
    for &layer in &order {
        if left > 0 && wishes[layer].rest > 0 && parts[layer] < room[layer] {
            parts[layer] += 1;
            left -= 1;
        }
    }
    if left == 0 {
        return parts;
    }
    let free: Vec<usize> = parts.iter().zip(room).map(|(part, room)| room - part).collect();
    let all = free.iter().sum::<usize>() as u128;
    let shares: Vec<Wish> =
        free.iter().map(|free| Wish::fraction(*free as u128 * left as u128, all)).collect();
    // These wishes fit their room, so that this ends here.
    let more = apportion(&shares, &free, left);
    parts.iter().zip(more).map(|(part, more)| part + more).collect()
}
