//! Which weights are considered.

use burn::module::Module;
use sapwood_core::{Exceptions, ParamInfo, Role, infos};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Which parameters pruning considers: the weights of all convolutions and linear
/// layers, first and last included, except those of layers that are excluded.
///
/// What is excluded stays dense and does not count in the denominator of a sparsity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What stays dense.
    #[serde(default)]
    pub exclude: Exceptions,
}

impl Scope {
    /// Everything except the layers that these texts describe: see [`Except`](sapwood_core::Except).
    ///
    /// # Errors
    /// A regular expression that is none.
    pub fn excluding<T: AsRef<str>>(exceptions: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        Ok(Self { exclude: Exceptions::parse(exceptions)? })
    }

    /// The prunable parameters among these. Every exception must exclude something,
    /// and something must be left.
    ///
    /// # Errors
    /// An exception that describes no layer; [`Error::NothingPrunable`].
    pub fn of(&self, infos: &[ParamInfo]) -> Result<Prunable, Error> {
        let weights = || infos.iter().filter(|info| info.role.is_weight());
        let excluded = self.exclude.among(weights().map(layer))?;
        let mut left: Vec<ParamInfo> =
            weights().filter(|info| !excluded.contains(layer(info).0)).cloned().collect();
        if left.is_empty() {
            return Err(Error::NothingPrunable { layers: weights().count() });
        }
        left.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Prunable(left))
    }

    /// The prunable parameters of a network.
    ///
    /// # Errors
    /// Those of [`Scope::of`].
    pub fn on<M: Module>(&self, network: &M) -> Result<Prunable, Error> {
        self.of(&infos(network))
    }
}

/// The name and the type of the layer that a weight belongs to.
fn layer(info: &ParamInfo) -> (&str, &str) {
    let path = info.path.as_str();
    let kind = if info.role == Role::LinearWeight { "linear" } else { "conv" };
    (path.strip_suffix(".weight").unwrap_or(path), kind)
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

    /// Events of the weights that stay dense: by an exception, or since the criterion scores them not.
    pub(crate) fn tell(&self, all: &[ParamInfo], in_scope: &Self, criterion: &str) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let is_in = |some: &Self, info: &ParamInfo| some.0.iter().any(|other| other.path == info.path);
        for info in all.iter().filter(|info| info.role.is_weight() && !is_in(self, info)) {
            let reason = match is_in(in_scope, info) {
                true => format!("the criterion {criterion} gives it no score"),
                false => "it is excluded".into(),
            };
            tracing::debug!(layer = %info.path, reason, "layer left whole");
        }
    }

    /// The number of weights: the denominator of a sparsity.
    pub fn weights(&self) -> usize {
        self.0.iter().map(ParamInfo::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn weights_come_in_the_order_of_their_paths_and_nothing_else_does() {
        let prunable = Scope::default().of(&infos()).unwrap();
        let paths: Vec<_> = prunable.params().iter().map(|info| info.path.as_str()).collect();
        assert_eq!(paths, ["fc.weight", "layer10.weight", "layer2.weight"]);
        assert_eq!(Scope::excluding(["layer*"]).unwrap().of(&infos()).unwrap().weights(), 6);
    }

    #[test]
    fn layers_are_excluded_by_name_and_by_type() {
        let left = |exception: &str| {
            let prunable = Scope::excluding([exception]).unwrap().of(&infos()).unwrap();
            prunable.params().iter().map(|info| info.path.to_string()).collect::<Vec<_>>()
        };
        for exception in ["type:conv", "re:layer.*", "layer*", "layer*.weight"] {
            assert_eq!(left(exception), ["fc.weight"], "{exception}");
        }
        assert_eq!(left("fc"), ["layer10.weight", "layer2.weight"]);
    }

    #[test]
    fn an_exception_without_effect_and_a_scope_without_weights_are_refused() {
        let said =
            |exception: &str| Scope::excluding([exception]).unwrap().of(&infos()).unwrap_err().to_string();
        let error = said("fc.bias");
        assert!(error.contains("`fc.bias` describes no layer") && error.contains("fc"), "{error}");
        assert!(said("type:norm").ends_with("expected conv, linear"), "{}", said("type:norm"));
        let all =
            "the network has 3 convolutions and linear layers, and all of them are excluded: exclude fewer";
        assert!(said("*").ends_with(all), "{}", said("*"));
        let one = Scope::excluding(["fc"]).unwrap().of(&infos()[3..]).unwrap_err().to_string();
        assert!(one.contains("has 1 convolution or linear layer, and it is excluded"), "{one}");
        let none = Scope::default().of(&infos()[2..3]).unwrap_err().to_string();
        assert!(none.contains("has no convolution or linear layer") && !none.contains("excluded"), "{none}");
    }
}
