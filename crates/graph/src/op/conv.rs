//! Convolutions.

use serde::{Deserialize, Serialize};

use crate::{Pads, Pair, Window};

/// A convolution over one or two spatial dimensions, or its transpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvSpec {
    /// Channels that come in.
    pub inputs: usize,
    /// Channels that go out.
    pub outputs: usize,
    /// Height and width of the kernel.
    pub kernel: Pair,
    /// How far the kernel moves.
    pub stride: Pair,
    /// Zeros around the planes; of a transposed convolution what is taken off the output.
    pub padding: Pads,
    /// Groups of channels; the number of inputs in a depthwise convolution.
    pub groups: usize,
    /// Whether there is a bias.
    pub bias: bool,
    /// The distance between the places of the kernel.
    #[serde(default = "Pair::one", skip_serializing_if = "Pair::is_one")]
    pub dilation: Pair,
    /// Spatial dimensions, 1 or 2. With one the kernel's height is 1, and the weight has no dimension for it.
    #[serde(default = "two", skip_serializing_if = "is_two")]
    pub spatial: usize,
    /// Of a transposed convolution the rows and columns added below and to the right: PyTorch's
    /// `output_padding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transposed: Option<Pair>,
}

impl ConvSpec {
    /// A convolution over two dimensions with stride 1, without padding or bias, in one group.
    pub fn new(inputs: usize, outputs: usize, kernel: impl Into<Pair>) -> Self {
        Self {
            inputs,
            outputs,
            kernel: kernel.into(),
            stride: 1.into(),
            padding: Pads::default(),
            groups: 1,
            bias: false,
            dilation: 1.into(),
            spatial: 2,
            transposed: None,
        }
    }

    /// The window that it moves over its input or, transposed, over its output.
    pub fn window(&self) -> Window {
        let Self { kernel, stride, padding, dilation, .. } = *self;
        Window { kernel, stride, padding, dilation, ceil: false }
    }

    /// The shape of its weight in PyTorch's layout: `[out, in/groups, h, w]`, transposed
    /// `[in, out/groups, h, w]`; over one spatial dimension without `h`.
    pub fn weight(&self) -> Vec<usize> {
        let groups = self.groups.max(1);
        let (first, second) = match self.transposed {
            None => (self.outputs, self.inputs / groups),
            Some(_) => (self.inputs, self.outputs / groups),
        };
        match self.spatial {
            1 => vec![first, second, self.kernel.w],
            _ => vec![first, second, self.kernel.h, self.kernel.w],
        }
    }

    /// Whether each channel has a kernel of its own.
    pub fn is_depthwise(&self) -> bool {
        self.groups == self.inputs && self.groups == self.outputs
    }

    /// Whether it is as convolutions usually are: over two dimensions, with a square kernel, one stride and one
    /// padding, neither dilated nor transposed. These are its kernel, stride and padding.
    pub fn plain(&self) -> Option<[usize; 3]> {
        let plain = self.dilation.is_one() && self.spatial == 2 && self.transposed.is_none();
        match (self.kernel.square(), self.stride.square(), self.padding.same()) {
            (Some(kernel), Some(stride), Some(padding)) if plain => Some([kernel, stride, padding]),
            _ => None,
        }
    }

    /// Height and width that leave it.
    pub(crate) fn over(&self, [h, w]: [usize; 2]) -> Result<[usize; 2], String> {
        let Self { inputs, outputs, groups, spatial, .. } = *self;
        if groups == 0 || !inputs.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            return Err(format!(
                "{inputs} input and {outputs} output channels cannot be cut into {groups} groups"
            ));
        }
        let Some(extra) = self.transposed else { return self.window().over([h, w]) };
        self.window().check()?;
        let Pads { top, left, bottom, right } = self.padding;
        let size = |n: usize, at: fn(Pair) -> usize, around: usize| {
            let [kernel, stride, dilation] = [self.kernel, self.stride, self.dilation].map(at);
            // PyTorch demands this: the added rows are those that a stride leaves open.
            let open = at(extra) < stride.max(dilation);
            (n.checked_sub(1)? * stride + dilation.saturating_mul(kernel - 1) + 1 + at(extra))
                .checked_sub(around)
                .filter(|size| open && 0 < *size)
        };
        let found = size(h, |pair| pair.h, top + bottom).zip(size(w, |pair| pair.w, left + right));
        found.map(|(h, w)| [h, w]).ok_or_else(|| {
            let direction = if spatial == 1 { format!("{w}") } else { format!("{h}x{w}") };
            format!(
                "nothing is left of its {direction} input, or its output padding {extra} reaches its stride"
            )
        })
    }
}

fn two() -> usize {
    2
}

fn is_two(n: &usize) -> bool {
    *n == 2
}
