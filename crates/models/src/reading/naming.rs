//! What a file's tensors are to a network.

use std::collections::BTreeSet;

use sapwood_core::ParamPath;

use super::{Rename, Wants};

/// What public networks of the zoo's shapes call a layer, and what it is called here. The CIFAR ResNets
/// of akamaster/pytorch_resnet_cifar10 and kuangliu/pytorch-cifar have the first two, transformers of older
/// torchvisions the next two, and the DenseNets that torchvision publishes the others.
const LAYOUTS: &[[&str; 2]] = &[
    ["linear", "fc"],
    ["shortcut", "downsample"],
    ["mlp.linear_1", "mlp.0"],
    ["mlp.linear_2", "mlp.3"],
    ["norm.1", "norm1"],
    ["conv.1", "conv1"],
    ["norm.2", "norm2"],
    ["conv.2", "conv2"],
];

/// The layer that the three projections of `nn.MultiheadAttention` are here. There they lie beside each other, and
/// what it is called stands in front of their names: `attn.in_proj_weight`.
const PROJECTIONS: [&str; 2] = ["in_proj", "in_proj_"];

/// What PyTorch puts around a network or a part of it, and what adds nothing to the names inside:
/// `DataParallel` and its kin (`features.module.0` in the examples for ImageNet), `torch.compile`, FSDP.
const WRAPPERS: &[&str] =
    &["module", "_orig_mod", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/// What is counted beside weights: by normalisation layers, by `torch.optim.swa_utils.AveragedModel`, and by
/// the profiler thop.
const COUNTERS: &[&str] = &["num_batches_tracked", super::averaged::COUNTER, "total_ops", "total_params"];

/// What a tensor is to the parameter whose name it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its values.
    Value,
    /// Its values before a mask is applied: `weight_orig` of `torch.nn.utils.prune`, or `original` of
    /// `torch.nn.utils.parametrize`.
    Original,
    /// Its mask.
    Mask,
    /// Nothing that a network computes with.
    Counter,
}

/// By which a file's names become those of a network.
pub(crate) struct Naming<'a> {
    wants: &'a dyn Wants,
    names: BTreeSet<ParamPath>,
    layouts: Vec<Rename>,
    /// Whether a layer's parameters may have its name in theirs: see [`PROJECTIONS`].
    projections: bool,
    wrappers: Vec<&'static str>,
    renames: &'a [Rename],
}

impl<'a> Naming<'a> {
    pub(crate) fn new(wants: &'a dyn Wants, renames: &'a [Rename]) -> Self {
        let names = wants.names();
        let parts = || names.iter().map(|name| name.as_str().split('.').collect::<Vec<_>>());
        let has = |layer: &str| {
            let layer: Vec<&str> = layer.split('.').collect();
            parts().any(|parts| parts.windows(layer.len()).any(|part| part == layer))
        };
        let layouts = LAYOUTS.iter().filter(|[theirs, ours]| !has(theirs) && has(ours));
        let layouts = layouts.map(|[theirs, ours]| Rename::new(theirs, ours)).collect();
        let [layer, within] = PROJECTIONS;
        let projections = has(layer) && !parts().flatten().any(|part| part.starts_with(within));
        let wrappers = WRAPPERS.iter().copied().filter(|wrapper| !has(wrapper)).collect();
        Self { layouts, projections, wrappers, wants, renames, names }
    }

    /// The names that the network may have.
    pub(crate) fn names(&self) -> &BTreeSet<ParamPath> {
        &self.names
    }

    /// Whether a tensor of this name is passed over: see [`Wants::passes`].
    pub(crate) fn passes(&self, name: &str) -> bool {
        self.wants.passes(name)
    }

    /// Whether a layer, or a group of layers, of the network begins so.
    pub(crate) fn begins(&self, part: &str) -> bool {
        self.names.iter().any(|name| name.as_str().split('.').next() == Some(part))
    }

    /// The parts of a name once wrappers are taken off and the first `renames` are done.
    pub(crate) fn parts<'n>(&'n self, name: &'n str, renames: usize) -> Vec<&'n str> {
        let parts = name.split('.').filter(|part| !self.wrappers.contains(part)).collect();
        self.renames[..renames].iter().fold(parts, |parts, rename| rename.apply(parts))
    }

    /// The parts of a name once layouts are known, of which the last one no longer says a layer too.
    fn apart<'n>(&'n self, parts: Vec<&'n str>) -> Vec<&'n str> {
        let mut parts = self.layouts.iter().fold(parts, |parts, layout| layout.apply(parts));
        let [layer, within] = PROJECTIONS;
        let last = parts.last().copied().filter(|_| self.projections);
        if let Some(param) = last.and_then(|last| last.strip_prefix(within)) {
            parts.pop();
            parts.extend([layer, param]);
        }
        parts
    }

    /// The parameter that a tensor belongs to, and what it is to it.
    pub(crate) fn of(&self, name: &str) -> (ParamPath, Part) {
        let parts = self.apart(self.parts(name, self.renames.len()));
        let ours = |name: &str| ParamPath::from(self.wants.ours(name));
        let name = parts.join(".");
        let plain = ours(&name);
        if self.names.contains(&plain) {
            return (plain, Part::Value);
        }
        match parts.as_slice() {
            [.., last] if COUNTERS.contains(last) => (plain, Part::Counter),
            [layer @ .., "parametrizations", param, "original"] => {
                (ours(&[layer, &[param]].concat().join(".")), Part::Original)
            }
            [layer @ .., "parametrizations", param, index, "mask"] if index.parse::<u8>().is_ok() => {
                (ours(&[layer, &[param]].concat().join(".")), Part::Mask)
            }
            _ => match (name.strip_suffix("_mask"), name.strip_suffix("_orig")) {
                (Some(param), _) => (ours(param), Part::Mask),
                (_, Some(param)) => (ours(param), Part::Original),
                _ => (plain, Part::Value),
            },
        }
    }
}
