//! Weights and activations.

use crate::{Criterion, Error, LayerColumns, Needs, Probe, Prunable, ScoreTensors};

/// `|w_ij| * |x_j|`: the weight by the Euclidean norm of the input that it sees,
/// over all examples and positions (Sun et al. 2024, equation 1). A convolution is
/// taken as the matrix `[out, in/groups * kh * kw]` that it applies to patches.
///
/// The paper compares within each output: that is the allocation
/// [`Rows`](crate::Allocation::Rows). It also lets each block see the outputs of
/// the pruned blocks before it; here all layers see the network as it stands.
/// Normalisation uses the running statistics.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanda;

impl Criterion for Wanda {
    fn name(&self) -> &str {
        "wanda"
    }

    fn needs(&self) -> Needs {
        Needs::LayerInputs
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let w = probe.weights()?;
        let squares = LayerColumns::of(probe, prunable)?.squares(probe, None)?;
        ScoreTensors::try_from_fn(prunable, |info| {
            let rows = info.shape[0];
            let w = w.get(&info.path)?.abs().reshape([rows, info.len() / rows]);
            // `[groups, columns]`, each for the outputs of its group.
            let norms = squares.get(&info.path)?.sqrt();
            let columns = info.len() / rows;
            let groups = norms.dims()[0] / columns;
            let norms = norms.reshape([groups, 1, columns]).expand([groups, rows / groups, columns]);
            Ok((w * norms.reshape([rows, columns])).reshape([info.len()]))
        })
    }
}
