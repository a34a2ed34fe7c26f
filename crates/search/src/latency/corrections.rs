//! What networks that were measured whole say of single blocks.

use crate::predictor::cholesky;

/// Networks below which nothing is said of single blocks.
const FEW: usize = 10;
/// How sure the blocks' own times are, beside the networks': from nearly wrong to nearly right.
const CERTAINTIES: [f64; 9] = [1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0];
/// A deviation of more than this number of medians is taken for one of this number: it was disturbed.
const DISTURBED: f64 = 5.0;

/// By what part each block takes more or less than it was timed at, given how much each block does in
/// each network (`shares`, one row a network, in the networks' unit) and by how much each takes more than
/// their sum (`deviations`).
///
/// Each block's part is a normal variable around 0, the same for all, and each network has noise of its
/// own: the mean of what is then likely is ridge regression on the shares. What the penalty is, the blocks'
/// certainty, is chosen by how well networks that were left out are predicted; where no correction
/// predicts them better than none, all is 0.
pub(super) fn corrections(shares: &[Vec<f64>], deviations: &[f64]) -> Vec<f64> {
    let blocks = shares.first().map_or(0, Vec::len);
    let deviations = calm(deviations);
    let none = deviations.iter().map(|found| found.abs()).sum::<f64>();
    if shares.len() < FEW || none == 0.0 {
        return vec![0.0; blocks];
    }
    let products = products(shares);
    let typical = (0..shares.len()).map(|at| products[at][at]).sum::<f64>() / shares.len() as f64;
    let fits =
        CERTAINTIES.iter().filter_map(|certainty| Fit::of(&products, certainty * typical, &deviations));
    let best = fits.min_by(|one, other| one.left_out.total_cmp(&other.left_out));
    let Some(Fit { weights, .. }) = best.filter(|best| best.left_out < none) else {
        return vec![0.0; blocks];
    };
    (0..blocks)
        .map(|block| shares.iter().zip(&weights).map(|(share, weight)| share[block] * weight).sum())
        .collect()
}

/// A ridge regression in its dual form.
struct Fit {
    /// What each network says.
    weights: Vec<f64>,
    /// By how much networks that are left out are missed, together.
    left_out: f64,
}

impl Fit {
    fn of(products: &[Vec<f64>], penalty: f64, deviations: &[f64]) -> Option<Self> {
        let n = deviations.len();
        let matrix = || -> Vec<f64> {
            let mut matrix = products.concat();
            (0..n).for_each(|at| matrix[at * n + at] += penalty);
            matrix
        };
        let solve = |mut right: Vec<f64>| cholesky::solve(&mut matrix(), &mut right).map(|()| right);
        let weights = solve(deviations.to_vec())?;
        let mut left_out = 0.0;
        for (at, weight) in weights.iter().enumerate() {
            let mut unit = vec![0.0; n];
            unit[at] = 1.0;
            // Without solving again for each network: Allen's PRESS.
            left_out += (weight / solve(unit)?[at]).abs();
        }
        Some(Self { weights, left_out })
    }
}

/// The deviations, the disturbed ones brought nearer.
fn calm(deviations: &[f64]) -> Vec<f64> {
    let mut sizes: Vec<f64> = deviations.iter().map(|found| found.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let most = DISTURBED * sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
    deviations.iter().map(|found| found.clamp(-most, most)).collect()
}

fn products(shares: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let product = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).sum();
    shares.iter().map(|one| shares.iter().map(|other| product(one, other)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Networks of four of eight blocks; the third block takes a fifth more than it was timed at.
    fn networks() -> (Vec<Vec<f64>>, Vec<f64>) {
        let has = |network: usize, block: usize| (network * 37 + block * 11) % 8 < 4;
        let share = |network, block: usize| if has(network, block) { 1.0 + block as f64 / 8.0 } else { 0.0 };
        let shares: Vec<Vec<f64>> =
            (0..40).map(|network| (0..8).map(|block| share(network, block)).collect()).collect();
        let deviations = shares.iter().map(|share| 0.2 * share[2]).collect();
        (shares, deviations)
    }

    #[test]
    fn the_block_that_takes_longer_in_networks_is_found() {
        let (shares, mut deviations) = networks();
        for disturbed in [false, true] {
            if disturbed {
                deviations[7] = 50.0;
            }
            let found = corrections(&shares, &deviations);
            let predicted = |share: &[f64]| share.iter().zip(&found).map(|(a, b)| a * b).sum::<f64>();
            for (share, deviation) in shares.iter().zip(&deviations).filter(|(_, found)| **found < 50.0) {
                assert!((predicted(share) - deviation).abs() < 0.1, "{} and {deviation}", predicted(share));
            }
        }
    }

    #[test]
    fn noise_and_few_networks_say_nothing() {
        let (shares, deviations) = networks();
        assert_eq!(corrections(&shares[..FEW - 1], &deviations[..FEW - 1]), [0.0; 8]);
        assert_eq!(corrections(&shares, &[0.0; 40]), [0.0; 8]);
        assert_eq!(corrections(&[], &[]), [0.0; 0]);
        let noise: Vec<f64> = (0..40).map(|at: usize| [0.1, -0.1, 0.2, -0.2][at * 29 % 53 % 4]).collect();
        let found = corrections(&shares, &noise);
        assert!(found.iter().all(|part| part.abs() < 0.05), "{found:?}");
    }
}
