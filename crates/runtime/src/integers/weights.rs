//! The whole numbers of a layer.

use sapwood_graph::{Node, Op, ParamPath, Per, QuantizedNetwork, Shape};
use sapwood_kernels::infer::{Window, integers::Weights};

use crate::{Error, lower::window};

/// A layer whose weights are bytes with a sign.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    values: Vec<i8>,
    scales: Vec<f32>,
    bias: Vec<i32>,
    pub(crate) window: Window,
    inputs: usize,
    outputs: usize,
    groups: usize,
}

impl Layer {
    /// A layer of a network that reads an image of this shape, whose integers are so far apart; none where it is not
    /// computed with integers: it has no weights in whole numbers, they have zero points or scales that change within
    /// an output, do not fit a byte, or its input is rounded row by row.
    ///
    /// # Errors
    /// Those of [`biases`].
    pub(crate) fn of(
        network: &QuantizedNetwork,
        node: &Node,
        ([channels, height, width], scale): (Shape, f32),
    ) -> Option<Result<Self, Error>> {
        let weight = network.weights.get(&ParamPath::of(&node.name, "weight"));
        let weight = weight.filter(|_| !network.dynamic.contains(&node.name))?;
        let values: Option<Vec<i8>> = weight.values().iter::<i64>().map(|q| i8::try_from(q).ok()).collect();
        let (window, inputs, outputs, groups) = match &node.op {
            Op::Conv(spec) if spec.spatial == 2 && spec.transposed.is_none() => {
                (window(&spec.window()), spec.inputs, spec.outputs, spec.groups)
            }
            Op::Linear { outputs, places: false, .. } => {
                (Window::new([height, width], [1, 1]), channels, *outputs, 1)
            }
            // Of each pixel, where the layer was made so.
            Op::Linear { outputs, places: true, .. } => (Window::new([1, 1], [1, 1]), channels, *outputs, 1),
            _ => return None,
        };
        let scales: Vec<f32> = weight.scale().iter().collect();
        let has_zeros = weight.zero_point().is_none_or(|points| points.iter::<i64>().all(|point| point == 0));
        let is_of_outputs = matches!(weight.per(), Per::Tensor | Per::Axis(0));
        if !is_of_outputs || ![1, outputs].contains(&scales.len()) || !has_zeros {
            return None;
        }
        let bias = network.rest.parameter(&node.name, "bias").filter(|_| node.op.has_bias());
        let bias = bias.map_or_else(|| vec![0.0; outputs], |bias| bias.iter().collect());
        let (values, size) = (values?, inputs / groups * window.kernel[0] * window.kernel[1]);
        if values.len() != outputs * size || bias.len() != outputs {
            return None;
        }
        let bias = biases(&node.name, &bias, scale, &scales);
        Some(bias.map(|bias| Self { values, scales, bias, window, inputs, outputs, groups }))
    }

    /// Whether each channel has a kernel of its own.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.inputs && self.groups == self.outputs
    }

    /// The largest of its scales.
    pub(crate) fn largest(&self) -> f32 {
        self.scales.iter().copied().fold(0.0, f32::max)
    }

    /// Products for each pixel.
    pub(crate) fn products(&self) -> usize {
        self.values.len()
    }

    /// What it is called: its kernel and stride, or a linear layer.
    pub(crate) fn describe(&self, input: [usize; 2]) -> String {
        let Window { kernel: [rows, columns], stride, before, .. } = self.window;
        match stride {
            _ if input == [rows, columns] && before == [0, 0] => "linear".into(),
            [1, 1] => format!("{rows}x{columns}"),
            [stride, _] => format!("{rows}x{columns}/{stride}"),
        }
    }

    /// Its numbers for a kernel.
    pub(crate) fn weights(&self) -> Weights<'_> {
        let Self { values, scales, bias, inputs, outputs, groups, .. } = self;
        Weights { values, scales, bias, inputs: *inputs, outputs: *outputs, groups: *groups }
    }
}

/// A layer's biases in the steps of its products, which are the scale of what it reads times those of its weights: one
/// scale, or one for each output.
///
/// # Errors
/// One that 32 bits do not hold.
pub(crate) fn biases(layer: &str, bias: &[f32], scale: f32, scales: &[f32]) -> Result<Vec<i32>, Error> {
    let whole = |(output, bias): (usize, &f32)| {
        let step = scale * scales[output % scales.len()];
        match bias.abs() <= i32::MAX as f32 * step {
            true => Ok((bias / step).round_ties_even() as i32),
            false => {
                let problem = format!(
                    "32 bits do not hold its bias of {bias} in steps of {step:e}: give its weights a larger scale"
                );
                Err(Error::Layer { layer: layer.into(), problem })
            }
        }
    };
    bias.iter().enumerate().map(whole).collect()
}
