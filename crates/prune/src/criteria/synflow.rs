//! Synaptic flow.

use burn::tensor::Tensor;
use sapwood_core::{BatchInput, Norm, ParamInfo, Role, Values};
use serde::{Deserialize, Serialize};

use crate::{
    ChannelScore, Criterion, Error, Iterations, Needs, ParamTensors, Probe, Prunable, Response, ScoreTensors,
};

/// `|w| * dR/d|w|`, where R is the sum of the outputs of the network with absolute
/// parameters for an input of ones (Tanaka et al. 2020, equation 4): how much flows
/// through the weight. No data are needed.
///
/// What flows into a layer flows out of it, so scores are the higher the fewer
/// weights a layer has left, and in rounds no layer is emptied before all are. One
/// round alone does not have that; 100 are customary. Nor does a network whose biases and
/// shifts of normalisation bring in more than comes from the input, as where variances are
/// large: there the first layers are emptied, by the authors' formula too. Flow grows and shrinks with the
/// depth and overflows f32 in a hundred layers: compute it in f64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynFlow {
    /// What normalisation layers do to the flow.
    pub norm: FlowNorm,
}

/// What normalisation layers do to the flow. All are alike in a new network, whose
/// running mean is 0 and variance 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowNorm {
    /// Scale and shift become absolute, the running statistics stay as they are: the
    /// code of Frankle et al. 2021.
    #[default]
    RunningStatistics,
    /// All of them become absolute: the code of Tanaka et al. 2020.
    AbsoluteBuffers,
    /// Scale 1, shift 0, mean 0, variance 1: nothing but the weights and biases
    /// counts, also in a network that was trained.
    Identity,
}

impl FlowNorm {
    fn apply(self, info: &ParamInfo, value: Tensor<1>) -> Tensor<1> {
        let variance = info.path.as_str().ends_with("running_var");
        match (self, info.role) {
            (Self::RunningStatistics, Role::Buffer) => value,
            (Self::Identity, Role::NormScale) => value.ones_like(),
            (Self::Identity, Role::Buffer) if variance => value.ones_like(),
            (Self::Identity, Role::NormShift | Role::Buffer) => value.zeros_like(),
            _ => value.abs(),
        }
    }
}

/// One example of ones.
fn ones(shape: Vec<usize>) -> BatchInput {
    let values = vec![1.0; shape.iter().product()];
    BatchInput { shape: [vec![1], shape].concat(), values: Values::Float(values) }
}

impl Criterion for SynFlow {
    fn name(&self) -> &str {
        "synflow"
    }

    fn needs(&self) -> Needs {
        Needs::InputShape
    }

    fn iterations(&self) -> Iterations {
        Iterations::exponential(100)
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::WithScales
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let weights = probe.weights()?;
        let flow =
            |info: &ParamInfo| Ok((info.path.clone(), self.norm.apply(info, weights.get(&info.path)?)));
        let absolute: ParamTensors = probe.infos().iter().map(flow).collect::<Result<_, Error>>()?;
        let w = absolute.of(prunable)?;

        let ones: Vec<BatchInput> = probe.input_shape()?.0.into_iter().map(ones).collect();
        if w.iter().next().is_none() {
            return ScoreTensors::new(prunable, w);
        }
        let flow = probe.gradient(Response::Outputs(&ones), Norm::Running, Some(&absolute))?;
        ScoreTensors::new(prunable, w.times(&flow)?.abs())
    }
}
