//! The distance of a filter to the others.

use crate::{ChannelScore, Criterion, Error, Probe, Prunable, ScoreTensors};
use sapwood_core::Role;

/// `sum over j of |w_i - w_j|` for every weight of the filter `i`, over the filters `j` of its layer (He et al. 2019,
/// *FPGM*, equation 4): what lies near the geometric median of all can be said by the others. Meant for
/// [`Granularity::Filter`](crate::Granularity::Filter) and channels: all weights of a filter score alike. torch-pruning
/// takes the distances of absolute values instead. Transposed convolutions, whose weight does not have its outputs
/// first, are out of scope.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fpgm;

impl Criterion for Fpgm {
    fn name(&self) -> &str {
        "fpgm"
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::Makers
    }

    fn scope(&self, _: &dyn Probe, in_scope: Prunable) -> Result<Prunable, Error> {
        in_scope
            .filter(|info| info.role != Role::TransposedConvWeight)
            .ok_or(Error::NothingToScore { criterion: "fpgm", expected: "a layer with filters" })
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let weights = probe.weights()?;
        ScoreTensors::on_host(prunable, |info| {
            let filters = info.shape[0];
            let finish = move |values: &[Vec<f64>]| Ok(distances(values.first().map_or(&[], |w| w), filters));
            Ok((vec![weights.get(&info.path)?], finish))
        })
    }
}

/// For each weight the distances of its row to all rows, added.
fn distances(weights: &[f64], rows: usize) -> Vec<f64> {
    let columns = weights.len() / rows.max(1);
    let row = |at: usize| &weights[at * columns..(at + 1) * columns];
    let mut sums = vec![0.0; rows];
    for a in 0..rows {
        for b in 0..a {
            let squares = row(a).iter().zip(row(b)).map(|(a, b)| (a - b) * (a - b));
            let distance = squares.sum::<f64>().sqrt();
            sums[a] += distance;
            sums[b] += distance;
        }
    }
    sums.into_iter().flat_map(|sum| std::iter::repeat_n(sum, columns)).collect()
}
