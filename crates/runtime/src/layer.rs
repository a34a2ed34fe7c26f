//! What is computed, in this crate's words.

use std::borrow::Cow;

use sapwood_kernels::infer::{Curve, Function, Lines, Matrices, OfLine, Place, Pooling, Window};

/// A value, and how it comes about.
pub(crate) struct Layer<'a> {
    pub(crate) name: String,
    pub(crate) kind: Kind<'a>,
    /// Which layers' values it reads.
    pub(crate) inputs: Vec<usize>,
    /// Its channels.
    pub(crate) channels: usize,
    /// Height and width.
    pub(crate) size: [usize; 2],
    /// Whether without anything between its numbers it lies pixel by pixel, rather than channel by channel.
    pub(crate) by_pixels: bool,
    /// Whether it has no other numbers than the layer that it reads, each of the same channel and pixel, and only lies the
    /// other way: pixel by pixel, or channel by channel.
    pub(crate) is_turned: bool,
}

impl Layer<'_> {
    /// Its value without anything between its numbers, as those who call have it.
    pub(crate) fn tight(&self) -> Place {
        let new = if self.by_pixels { Place::by_pixels } else { Place::tight };
        new(self.channels, self.size)
    }

    /// Counts all weights as there, whatever they are.
    pub(crate) fn keep_all(&mut self) {
        if let Kind::Conv(conv) = &mut self.kind {
            conv.there = conv.weight.len();
        }
    }
}

/// The layer whose channels and pixels this one has: itself, unless it is another turned around.
pub(crate) fn unturned(layers: &[Layer<'_>], mut id: usize) -> usize {
    while layers[id].is_turned {
        id = layers[id].inputs[0];
    }
    id
}

/// How often each layer's value is read on the way to the last one's.
pub(crate) fn readers(layers: &[Layer<'_>]) -> Vec<usize> {
    let mut readers = vec![0; layers.len()];
    for id in (0..layers.len()).rev() {
        if 0 < readers[id] || id + 1 == layers.len() {
            layers[id].inputs.iter().for_each(|&input| readers[input] += 1);
        }
    }
    readers
}

/// How a value comes about.
pub(crate) enum Kind<'a> {
    /// It comes in.
    Input,
    /// By a convolution, or by a linear layer, whose window is all of its input. A second input is added.
    Conv(Conv<'a>),
    /// By a line for each channel.
    Affine { scale: Vec<f64>, shift: Vec<f64> },
    /// By what becomes of each window.
    Pool(Window, Pooling),
    /// By the mean of each channel.
    Mean,
    /// By adding two values, through an activation.
    Add(Option<Curve>),
    /// By an activation.
    Curve(Curve),
    /// By a factor for each channel, which the second input has.
    Scale,
    /// By taking every `stride`-th pixel, with `front` channels of zeros in front, and others behind.
    Subsample { stride: [usize; 2], front: usize },
    /// By products of matrices in two values.
    Product(Matrices),
    /// By what becomes of each line of numbers.
    Line(Lines, OfLine),
    /// By attention between the pixels of three values, in this number of heads, of channels that begin with these.
    Attention(usize, [usize; 3]),
    /// By a function without a kernel, of this name.
    Plain(&'static str, Function),
    /// It is part of another layer.
    Gone,
}

impl Kind<'_> {
    /// Whether it reads and makes channels of pixels, in whatever form these lie, rather than numbers in their order.
    pub(crate) fn is_of_pixels(&self) -> bool {
        match self {
            Self::Conv(_) | Self::Affine { .. } | Self::Pool(..) | Self::Mean => true,
            Self::Add(_) | Self::Curve(_) | Self::Scale | Self::Subsample { .. } => true,
            Self::Product(_) | Self::Line(..) | Self::Attention(..) | Self::Plain(..) => false,
            // It reads nothing.
            Self::Input | Self::Gone => false,
        }
    }
}

/// A convolution's weights, and what its sums go through.
pub(crate) struct Conv<'a> {
    pub(crate) window: Window,
    pub(crate) groups: usize,
    /// Channels that come in.
    pub(crate) inputs: usize,
    /// `[outputs, inputs / groups, rows, columns]`
    pub(crate) weight: Cow<'a, [f32]>,
    /// How many weights are not zero.
    pub(crate) there: usize,
    /// How many times as many there are as the layer has, since groups were joined.
    pub(crate) joined: usize,
    /// What each output's weights are multiplied by.
    pub(crate) scale: Option<Vec<f64>>,
    /// Of each output.
    pub(crate) bias: Vec<f64>,
    pub(crate) curve: Option<Curve>,
}

impl<'a> Conv<'a> {
    /// Of one group, without an activation; all weights count as there.
    pub(crate) fn new(window: Window, inputs: usize, weight: Cow<'a, [f32]>, bias: Vec<f64>) -> Self {
        let there = weight.len();
        Self { window, groups: 1, inputs, weight, there, joined: 1, scale: None, bias, curve: None }
    }
}

impl Conv<'_> {
    /// A weight as it is computed with.
    pub(crate) fn weight(&self, output: usize, input: usize, row: usize, column: usize) -> f32 {
        let [rows, columns] = self.window.kernel;
        let at = ((output * (self.inputs / self.groups) + input) * rows + row) * columns + column;
        self.scaled(output, self.weight[at])
    }

    /// How many weights are not zero.
    pub(crate) fn count(&self) -> usize {
        // In numbers as wide as a weight, of which a register holds as many.
        let of = |some: &[f32]| some.iter().map(|x| u32::from(*x != 0.0)).sum::<u32>() as usize;
        self.weight.chunks(1 << 16).map(of).sum()
    }

    /// An output's weights: of all its inputs, rows and columns, before they are multiplied.
    pub(crate) fn weights(&self, output: usize) -> &[f32] {
        let per_output = self.weight.len() / self.bias.len();
        &self.weight[output * per_output..][..per_output]
    }

    /// A weight as it is computed with.
    pub(crate) fn scaled(&self, output: usize, weight: f32) -> f32 {
        match &self.scale {
            None => weight,
            Some(scale) => (f64::from(weight) * scale[output]) as f32,
        }
    }

    /// The biases as they are computed with.
    pub(crate) fn biases(&self) -> Vec<f32> {
        self.bias.iter().map(|bias| *bias as f32).collect()
    }

    /// Whether each channel has a kernel of its own.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups == self.inputs && self.groups == self.bias.len() && self.groups > 1
    }

    /// The same as one group, with zeros where a group does not look.
    pub(crate) fn join_groups(&mut self) {
        let (groups, outputs) = (self.groups, self.bias.len());
        if groups == 1 || self.is_depthwise() {
            return;
        }
        let each = self.weight.len() / outputs.max(1);
        let mut joined = vec![0.0; groups * self.weight.len()];
        for (output, weights) in self.weight.chunks_exact(each).enumerate() {
            let group = output / (outputs / groups);
            joined[(output * groups + group) * each..][..each].copy_from_slice(weights);
        }
        (self.groups, self.weight, self.joined) = (1, joined.into(), groups);
    }

    /// Puts a line behind it.
    pub(crate) fn fold(&mut self, scale: &[f64], shift: &[f64]) {
        for ((bias, scale), shift) in self.bias.iter_mut().zip(scale).zip(shift) {
            *bias = *bias * scale + shift;
        }
        match &mut self.scale {
            None => self.scale = Some(scale.to_vec()),
            Some(before) => before.iter_mut().zip(scale).for_each(|(before, scale)| *before *= scale),
        }
    }
}
