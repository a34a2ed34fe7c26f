//! Which weights are considered.

use burn::module::Module;
use sapwood_core::{ParamInfo, infos};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Which parameters pruning considers: the weights of all convolutions and linear
/// layers, first and last included, except those that a pattern excludes.
///
/// A pattern is a parameter's whole path, in which `*` stands for any text:
/// `conv1.weight`, `fc.*`, `*.downsample.*`. What is excluded stays dense and
/// does not count in the denominator of a sparsity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Patterns of what stays dense.
    #[serde(default)]
    pub exclude: Vec<String>,
}

impl Scope {
    /// Everything except what these patterns match.
    pub fn excluding<P: Into<String>>(patterns: impl IntoIterator<Item = P>) -> Self {
        Self { exclude: patterns.into_iter().map(Into::into).collect() }
    }

    /// The prunable parameters among these. Every pattern must exclude something,
    /// and something must be left.
    pub fn of(&self, infos: &[ParamInfo]) -> Result<Prunable, Error> {
        let weights = || infos.iter().filter(|info| info.role.is_weight());
        for pattern in &self.exclude {
            if !weights().any(|info| matches(pattern, info.path.as_str())) {
                return Err(Error::UnusedPattern { pattern: pattern.clone(), present: some(weights()) });
            }
        }
        let mut left: Vec<ParamInfo> = weights()
            .filter(|info| !self.exclude.iter().any(|pattern| matches(pattern, info.path.as_str())))
            .cloned()
            .collect();
        if left.is_empty() {
            return Err(Error::NothingPrunable { weights: weights().count() });
        }
        left.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Prunable(left))
    }

    /// The prunable parameters of a network.
    pub fn on<M: Module>(&self, network: &M) -> Result<Prunable, Error> {
        self.of(&infos(network))
    }
}

/// The parameters that a [`Scope`] leaves of a network, in the order of their
/// paths; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prunable(Vec<ParamInfo>);

impl Prunable {
    /// These parameters, which are sorted and at least one.
    pub(crate) fn from_infos(infos: Vec<ParamInfo>) -> Self {
        Self(infos)
    }

    /// Those for which something holds; `None` if there are none.
    pub fn filter(&self, keep: impl Fn(&ParamInfo) -> bool) -> Option<Self> {
        let left: Vec<ParamInfo> = self.0.iter().filter(|info| keep(info)).cloned().collect();
        (!left.is_empty()).then_some(Self(left))
    }

    /// The parameters, by path.
    pub fn params(&self) -> &[ParamInfo] {
        &self.0
    }

    /// Events of the weights that stay dense: by an excluding pattern, or since the criterion scores them not.
    pub(crate) fn tell(&self, all: &[ParamInfo], in_scope: &Self, criterion: &str) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let is_in = |some: &Self, info: &ParamInfo| some.0.iter().any(|other| other.path == info.path);
        for info in all.iter().filter(|info| info.role.is_weight() && !is_in(self, info)) {
            let reason = match is_in(in_scope, info) {
                true => format!("the criterion {criterion} gives it no score"),
                false => "a pattern excludes it".into(),
            };
            tracing::debug!(layer = %info.path, reason, "layer left whole");
        }
    }

    /// The number of weights: the denominator of a sparsity.
    pub fn weights(&self) -> usize {
        self.0.iter().map(ParamInfo::len).sum()
    }
}

/// The first few names, and how many more there are.
fn some<'a>(infos: impl Iterator<Item = &'a ParamInfo>) -> String {
    const SHOWN: usize = 4;
    let names: Vec<&str> = infos.map(|info| info.path.as_str()).collect();
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

/// Whether a text is what a pattern describes.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    // The leftmost place is always good enough for a piece between two stars.
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapwood_core::Role;

    fn infos() -> Vec<ParamInfo> {
        let row = |path: &str, role| ParamInfo {
            path: path.into(),
            role,
            shape: vec![2, 3],
            transposed: role == Role::LinearWeight,
        };
        vec![
            row("layer2.weight", Role::ConvWeight),
            row("layer10.weight", Role::ConvWeight),
            row("bn.weight", Role::NormScale),
            row("fc.weight", Role::LinearWeight),
            row("fc.bias", Role::Bias),
        ]
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, expected) in [
            ("fc.weight", "fc.weight", true),
            ("fc.weight", "fc.weights", false),
            ("fc.*", "fc.weight", true),
            ("*.weight", "a.b.weight", true),
            ("*a*a", "a", false),
            ("*a*a", "aa", true),
            ("layer1.*.conv", "layer1.0.conv", true),
            ("layer1.*.conv", "layer1.conv", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn weights_come_in_the_order_of_their_paths_and_nothing_else_does() {
        let prunable = Scope::default().of(&infos()).unwrap();
        let paths: Vec<_> = prunable.params().iter().map(|info| info.path.as_str()).collect();
        assert_eq!(paths, ["fc.weight", "layer10.weight", "layer2.weight"]);
        assert_eq!(Scope::excluding(["layer*"]).of(&infos()).unwrap().weights(), 6);
    }

    #[test]
    fn a_pattern_without_effect_and_a_scope_without_weights_are_refused() {
        let error = Scope::excluding(["fc.bias"]).of(&infos()).unwrap_err().to_string();
        assert!(error.contains("`fc.bias` excludes no weight") && error.contains("fc.weight"), "{error}");
        let error = Scope::excluding(["*"]).of(&infos()).unwrap_err().to_string();
        assert!(error.contains("has 3 conv and linear weights"), "{error}");
        let deep: Vec<ParamInfo> = infos().into_iter().cycle().take(500).collect();
        let error = Scope::excluding(["x"]).of(&deep).unwrap_err().to_string();
        assert!(error.ends_with("fc.weight, layer2.weight and 296 more"), "{error}");
    }
}
