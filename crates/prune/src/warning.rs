//! What is no error, but should be known: each says why, and what can be done.

use std::fmt;

use sapwood_core::{Bits, ParamPath};

use crate::{LayerDensity, MaskSet, Scores, Ties};

/// Something that is no error, but that a user should know. Each is one line, whatever the number of layers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Nothing is left.
    NothingKept {
        /// How many weights there were.
        total: usize,
    },
    /// Layers lost all their weights while others have some: nothing passes through
    /// them any more (unless something leads around them).
    LayerCollapse {
        /// The parameters, by path.
        layers: Vec<ParamPath>,
        /// How many weights they had.
        total: usize,
    },
    /// No path of kept weights leads from the input to an output: the outputs are
    /// constants.
    Disconnected,
    /// Kept weights that lie on no path from the input to an output, and do nothing.
    Ineffective {
        /// How many.
        weights: usize,
        /// Of how many that are kept.
        kept: usize,
    },
    /// Output channels of convolutions and linear layers through which no path leads, though one leads to them or on
    /// from them, and which could be removed whole: filters, and rows of a linear layer's weight.
    DeadFilters {
        /// How many.
        filters: usize,
        /// Of how many.
        of: usize,
        /// The layer that has most of them.
        most: String,
    },
    /// Equal scores of which some are kept and some are not.
    Ties(Ties),
    /// Layers that a criterion gave no score but zero.
    ZeroScores {
        /// The parameters, by path.
        layers: Vec<ParamPath>,
        /// The number of parameters that have scores.
        of: usize,
        /// Whether they were computed in less than f64.
        narrow: bool,
    },
    /// Layers that no group of an N:M pattern fits into, and that stay dense.
    NarrowerThanPattern {
        /// The parameters, by path, each with its inputs (of one group of a grouped convolution).
        layers: Vec<(ParamPath, usize)>,
        /// M of N:M.
        of: usize,
    },
    /// Groups of channels of which less went than was asked for, since a layer would be empty.
    Floors {
        /// The first layer of each.
        groups: Vec<String>,
    },
    /// Inputs of layers that are left over by the groups of an N:M pattern, and stay dense.
    LeftOver {
        /// The parameters, by path, each with its inputs.
        layers: Vec<(ParamPath, usize)>,
        /// M of N:M.
        of: usize,
    },
}

impl Warning {
    /// The warnings about these layers.
    pub(crate) fn of(layers: &[LayerDensity]) -> Vec<Self> {
        if layers.iter().all(|layer| layer.kept == 0) {
            let total = layers.iter().map(|layer| layer.total).sum();
            return if total > 0 { vec![Self::NothingKept { total }] } else { Vec::new() };
        }
        let empty = || layers.iter().filter(|layer| layer.kept == 0 && layer.total > 0);
        let total = empty().map(|layer| layer.total).sum();
        let layers: Vec<ParamPath> = empty().map(|layer| layer.path.clone()).collect();
        if layers.is_empty() { Vec::new() } else { vec![Self::LayerCollapse { layers, total }] }
    }

    /// Whether there are layers all of whose candidates (all weights without `alive`) have the score zero, so that
    /// the scores say nothing of them. `narrow` says whether they were computed in less than f64.
    pub fn of_zero_scores(scores: &Scores, alive: Option<&MaskSet>, narrow: bool) -> Option<Self> {
        let candidate = |mask: Option<&Bits>, at: usize| mask.is_none_or(|mask| mask.get(at));
        let zero = |(path, values): (&ParamPath, &[f64])| {
            let mask = alive.and_then(|alive| alive.get(path));
            let mut candidates = (0..values.len()).filter(|at| candidate(mask, *at)).peekable();
            candidates.peek().is_some() && candidates.all(|at| values[at] == 0.0)
        };
        let all = || scores.iter().map(|(info, values)| (&info.path, values));
        let layers: Vec<ParamPath> =
            all().filter(|layer| zero(*layer)).map(|(path, _)| path.clone()).collect();
        (!layers.is_empty()).then(|| Self::ZeroScores { layers, of: all().count(), narrow })
    }

    /// Whether more digits would help.
    pub fn is_of_precision(&self) -> bool {
        matches!(self, Self::ZeroScores { narrow: true, .. })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingKept { total } => {
                write!(f, "none of the {total} weights is kept: ask for a sparsity below 1")
            }
            Self::LayerCollapse { layers, total } => {
                let (several, them) = match layers.len() {
                    1 => (String::new(), "the layer"),
                    n => (format!(" {n} layers,"), "the layers"),
                };
                write!(
                    f,
                    "layer collapse: none of the {total} weights of{several} {} is kept: remove fewer weights, exclude \
                     {them}, or, where layers are ranked together (`global`), choose another allocation",
                    Few(layers.iter().map(|path| format!("`{path}`")))
                )
            }
            Self::Disconnected => f.write_str(
                "no path leads from the input to an output: remove fewer weights, or, where layers are ranked together \
                 (`global`), choose another allocation",
            ),
            Self::Ineffective { weights, kept } => write!(
                f,
                "{weights} of the {kept} kept weights lie on no path from the input to an output and do nothing"
            ),
            Self::DeadFilters { filters, of, most } => {
                let (are, them, most_of) = match filters {
                    1 => ("is", "it", ""),
                    _ => ("are", "them", ", most of them"),
                };
                write!(
                    f,
                    "{filters} of {of} output channels of convolutions and linear layers {are} cut off{most_of} in `{most}`: no \
                     path of kept weights leads to {them}, or none leads on"
                )
            }
            Self::Ties(ties) => ties.fmt(f),
            Self::Floors { groups } => write!(
                f,
                "{} would be empty: at least one channel stays in each layer",
                Few(groups.iter().map(|group| format!("`{group}`")))
            ),
            Self::ZeroScores { layers, of, narrow } => {
                match layers.len() {
                    n if n == *of => f.write_str("all scores are zero: they say nothing of which weights are worth keeping")?,
                    n => write!(
                        f,
                        "all scores of {n} of {of} layers are zero ({}): they say nothing of these weights",
                        Few(layers.iter().map(|path| format!("`{path}`")))
                    )?,
                }
                f.write_str(if *narrow { "; f32 may be too narrow for them: compute in f64" } else { "" })
            }
            Self::NarrowerThanPattern { layers, of } => write!(
                f,
                "stays dense, with fewer than {of} inputs: {}",
                Few(layers.iter().map(|(path, inputs)| match inputs {
                    1 => format!("`{path}` (1 input)"),
                    _ => format!("`{path}` ({inputs} inputs)"),
                }))
            ),
            Self::LeftOver { layers, of } => write!(
                f,
                "inputs that groups of {of} leave over stay dense: {}",
                Few(layers.iter().map(|(path, inputs)| format!("{} of {inputs} of `{path}`", inputs % of)))
            ),
        }
    }
}

/// The first three of a list, and how many others there are.
struct Few<I>(I);

impl<I: Iterator<Item = String> + Clone> fmt::Display for Few<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut items = self.0.clone();
        let first: Vec<String> = items.by_ref().take(3).collect();
        f.write_str(&first.join(", "))?;
        match items.count() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_one_kind_are_one_line_of_three_names() {
        let layer =
            |n: usize| LayerDensity { path: format!("layer{n}.weight").into(), kept: n / 9, total: 10 };
        let said = |n: usize| Warning::of(&(0..n).chain([9]).map(layer).collect::<Vec<_>>());
        assert_eq!(said(0), []);
        let lines: Vec<String> = [1, 5].iter().flat_map(|n| said(*n)).map(|w| w.to_string()).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("layer collapse: none of the 10 weights of `layer0.weight` is kept: "));
        let several = "none of the 50 weights of 5 layers, `layer0.weight`, `layer1.weight`, `layer2.weight` and 2 more is kept";
        assert!(lines[1].contains(several), "{}", lines[1]);
    }
}
