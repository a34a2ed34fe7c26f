//! How the integers of a layer are chosen.

mod adaround;
mod gptq;

pub use adaround::AdaRound;
pub use gptq::Gptq;

use std::{fmt, str::FromStr};

use sapwood_graph::{Array, Grid, Quantized, Scheme, UnknownName};

use crate::{Error, LayerInputs, nearest, weights::of_integers};

/// How the integers of a layer's weights are chosen, once their scales are.
///
/// ```
/// use sapwood_quant::Rounding;
///
/// let rounding: Rounding = "gptq".parse()?;
/// assert!(rounding.needs_inputs() && !Rounding::Nearest.needs_inputs());
/// # Ok::<(), sapwood_graph::UnknownName>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Rounding {
    /// Each the nearest.
    #[default]
    Nearest,
    /// Column by column, the rest of a row making up for what is lost.
    Gptq(Gptq),
    /// Up or down, as what the layer gives is nearest.
    AdaRound(AdaRound),
}

const NAMES: [&str; 3] = ["nearest", "gptq", "adaround"];

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nearest => NAMES[0],
            Self::Gptq(_) => NAMES[1],
            Self::AdaRound(_) => NAMES[2],
        })
    }
}

impl FromStr for Rounding {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "nearest" => Ok(Self::Nearest),
            "gptq" => Ok(Self::Gptq(Gptq::default())),
            "adaround" => Ok(Self::AdaRound(AdaRound::default())),
            _ => Err(UnknownName::new("rounding", name, NAMES)),
        }
    }
}

impl Rounding {
    /// Whether it looks at what a layer sees.
    pub fn needs_inputs(self) -> bool {
        self != Self::Nearest
    }

    /// The integers of a weight. Without what the layer sees they are the nearest. What is 0 (masked, say) stays 0, and
    /// the other weights are rounded with that in mind.
    ///
    /// # Errors
    /// Values that are not finite; a Gram matrix that is singular.
    pub fn round(
        self,
        weight: &Array,
        scheme: Scheme,
        grids: &[Grid],
        inputs: Option<&LayerInputs>,
    ) -> Result<Quantized, Error> {
        let Some(inputs) = inputs.filter(|_| self.needs_inputs()) else {
            return nearest(weight, scheme, grids);
        };
        let place = scheme.per().places(weight.shape());
        let grid = |at: usize| grids[place(at)];
        let values: Vec<f64> = weight.iter().collect();
        let size = values.len() / inputs.groups.max(1);
        let mut integers = Vec::with_capacity(values.len());
        for (group, weights) in values.chunks(size.max(1)).enumerate() {
            let (seen, grid) = (inputs.of_group(group), |at: usize| grid(group * size + at));
            integers.extend(match self {
                Self::Gptq(gptq) => gptq.round(weights, seen, &grid)?,
                Self::AdaRound(adaround) => adaround.round(weights, seen, &grid),
                Self::Nearest => Vec::new(),
            });
        }
        of_integers(weight.shape(), integers, scheme, grids)
    }
}
