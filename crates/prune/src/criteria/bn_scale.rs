//! The scale of the normalisation layer behind a convolution.

use crate::{ChannelScore, Criterion, Error, Needs, Probe, Prunable, ScoreTensors};
use sapwood_core::{Graph, Op, ParamPath};

/// `|gamma|` of the batch normalisation directly behind a convolution, for every
/// weight of the output channel that it scales (Liu et al. 2017). Meant for
/// [`Granularity::Filter`](crate::Granularity::Filter): all weights of a filter
/// score alike. Layers without such a normalisation are out of scope.
#[derive(Clone, Copy, Debug, Default)]
pub struct BnScale;

/// The scale that normalises what a layer puts out, if that goes nowhere else.
fn scale_behind(graph: &Graph, weight: &ParamPath) -> Option<ParamPath> {
    let nodes = graph.nodes();
    // Of others the outputs are not what comes first in the weight, or not the channels behind it.
    let has_channels = |op: Op| match op {
        Op::Conv(spec) => spec.transposed.is_none(),
        op => matches!(op, Op::Linear { places: false, .. }),
    };
    let layer = nodes.iter().position(|node| node.name == weight.layer() && has_channels(node.op))?;
    let mut readers = nodes.iter().filter(|node| node.inputs.contains(&layer));
    match (readers.next(), readers.next()) {
        (Some(norm), None) if matches!(norm.op, Op::BatchNorm { .. }) => {
            Some(format!("{}.weight", norm.name).into())
        }
        _ => None,
    }
}

impl Criterion for BnScale {
    fn name(&self) -> &str {
        "bn-scale"
    }

    fn needs(&self) -> Needs {
        Needs::Graph
    }

    fn scope(&self, probe: &dyn Probe, in_scope: Prunable) -> Result<Prunable, Error> {
        let graph = probe.graph()?;
        in_scope.filter(|info| scale_behind(graph, &info.path).is_some()).ok_or(Error::NothingToScore {
            criterion: "bn-scale",
            expected: "a layer with batch normalisation behind it",
        })
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::Makers
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let (graph, weights) = (probe.graph()?, probe.weights()?);
        ScoreTensors::try_from_fn(prunable, |info| {
            let missing = || Error::NothingToScore {
                criterion: "bn-scale",
                expected: "batch normalisation behind every layer in scope",
            };
            let scale = weights.get(&scale_behind(graph, &info.path).ok_or_else(missing)?)?;
            let [channels, each] = [info.shape[0], info.len() / info.shape[0]];
            Ok(scale.abs().reshape([channels, 1]).expand([channels, each]).reshape([info.len()]))
        })
    }
}
