//! What a criterion cannot do without.

use std::fmt;

/// What a criterion asks beyond the weights, which every probe has. Each includes
/// nothing of the others: a criterion names the most that it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Needs {
    /// The weights alone.
    Weights,
    /// The shape of an input, to make one of its own.
    InputShape,
    /// The layers and how they connect, from a network that shows them.
    Graph,
    /// The gradient of the loss, for which the probe needs examples.
    Gradient,
    /// What comes into each layer: examples, and a network that shows its layers.
    LayerInputs,
}

impl Needs {
    /// Whether examples have to be given.
    pub fn examples(self) -> bool {
        matches!(self, Self::Gradient | Self::LayerInputs)
    }

    /// What to do where it is missing.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Weights => "take a probe of a network",
            Self::InputShape => "give it with `NetworkProbe::with_input_shape`",
            Self::Gradient => "give it at least one batch with `NetworkProbe::with_examples`",
            Self::Graph => "implement `Observed` for the network, and use `NetworkProbe::observed`",
            Self::LayerInputs => {
                "implement `Observed` for the network, use `NetworkProbe::observed`, and give it at least one \
                 batch with `NetworkProbe::with_examples`"
            }
        }
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weights => "the weights",
            Self::InputShape => "the shape of an input",
            Self::Gradient => "the gradient of the loss",
            Self::Graph => "the graph of the layers",
            Self::LayerInputs => "the inputs of the layers",
        })
    }
}
