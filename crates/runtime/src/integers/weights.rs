//! The whole numbers of a layer.

use sapwood_graph::{Node, Op, ParamPath, Per, QuantizedNetwork, Shape};
use sapwood_kernels::infer::{Window, integers::Weights};

use crate::lower::window;

/// A layer whose weights are bytes with a sign.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    values: Vec<i8>,
    scales: Vec<f32>,
    bias: Vec<f32>,
    pub(crate) window: Window,
    inputs: usize,
    outputs: usize,
    groups: usize,
}

impl Layer {
    /// A layer of a network that reads an image of this shape; none where it is not computed with integers: it has no
    /// weights in whole numbers, they have zero points or scales that change within an output, do not fit a byte, or
    /// its input is rounded row by row.
    pub(crate) fn of(
        network: &QuantizedNetwork,
        node: &Node,
        [channels, height, width]: Shape,
    ) -> Option<Self> {
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
            _ => return None,
        };
        let scales: Vec<f32> = weight.scale().iter().collect();
        let has_zeros = weight.zero_point().is_none_or(|points| points.iter::<i64>().all(|point| point == 0));
        let is_of_outputs = matches!(weight.per(), Per::Tensor | Per::Axis(0));
        if !is_of_outputs || ![1, outputs].contains(&scales.len()) || !has_zeros {
            return None;
        }
        let bias = network.rest.parameter(&node.name, "bias");
        let bias = bias.map_or_else(|| vec![0.0; outputs], |bias| bias.iter().collect());
        let layer = Self { values: values?, scales, bias, window, inputs, outputs, groups };
        let size = inputs / groups * window.kernel[0] * window.kernel[1];
        (layer.values.len() == outputs * size && layer.bias.len() == outputs).then_some(layer)
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

    /// Its numbers for a kernel, where the input's integers are so far apart.
    pub(crate) fn with<T>(&self, scale: f32, then: impl FnOnce(&Weights<'_>) -> T) -> T {
        let bias = |(output, bias): (usize, &f32)| {
            // The cast saturates.
            (bias / (scale * self.scales[output % self.scales.len()])).round_ties_even() as i32
        };
        let bias: Vec<i32> = self.bias.iter().enumerate().map(bias).collect();
        let Self { values, scales, inputs, outputs, groups, .. } = self;
        then(&Weights { values, scales, bias: &bias, inputs: *inputs, outputs: *outputs, groups: *groups })
    }
}
