//! A checkpoint as the weights of one network.

use std::{collections::BTreeMap, fs, path::Path};

use burn::tensor::DType;
use sapwood_core::{Bits, StateFile};

use super::{Node, Stored};
use crate::Error;

/// Wrappers that training scripts put around a `state_dict`.
const WRAPPERS: &[&str] = &["state_dict.", "model_state_dict.", "model.", "module."];

/// Reads a `state_dict`, also one inside a checkpoint dictionary or saved by
/// `DataParallel`.
pub(crate) fn flat(path: &Path) -> Result<StateFile, Error> {
    let wrong = |problem: String| Error::File { problem, path: path.to_path_buf() };
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut tensors = BTreeMap::new();
    flatten(String::new(), super::read(&bytes).map_err(|problem| wrong(problem.to_string()))?, &mut tensors);
    parse(unwrapped(tensors)).map_err(wrong)
}

fn flatten(name: String, node: Node, tensors: &mut BTreeMap<String, Stored>) {
    match node {
        Node::Tensor(stored) => drop(tensors.insert(name, stored)),
        Node::Dictionary(nodes) => {
            for (key, node) in nodes {
                flatten(if name.is_empty() { key } else { format!("{name}.{key}") }, node, tensors);
            }
        }
    }
}

/// Floats, and masks (`<param>_mask`, BOOL: the convention of PyTorch's own
/// pruning). Counters of batches are ignored.
fn parse(tensors: BTreeMap<String, Stored>) -> Result<StateFile, String> {
    let mut file = StateFile::default();
    let mut shapes = Vec::new();
    for (name, stored) in tensors {
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        let value = match stored {
            Stored::Value(value) => value,
            Stored::Sparse { value, stored } => {
                shapes.push((name.clone(), value.shape().to_vec()));
                file.masks.insert(name[..].into(), stored);
                value
            }
            Stored::Unreadable(why) => return Err(format!("tensor `{name}` is {why}")),
        };
        match (value.dtype(), name.strip_suffix("_mask")) {
            (DType::F64 | DType::F32 | DType::F16 | DType::BF16, _) => {
                file.state.0.insert(name[..].into(), value);
            }
            (DType::Bool(_), Some(param)) => {
                let bits: Bits = value.as_bytes().iter().map(|byte| *byte != 0).collect();
                file.masks.insert(param.into(), bits);
                shapes.push((param.into(), value.shape().to_vec()));
            }
            (other, _) => {
                return Err(format!("tensor `{name}` has the type {other:?}, which no network has"));
            }
        }
    }
    file.with_masks_applied(shapes).map_err(|error| error.to_string())
}

/// The tensors of the state dict, without what training scripts wrap around it.
fn unwrapped(mut names: BTreeMap<String, Stored>) -> BTreeMap<String, Stored> {
    for wrapper in WRAPPERS {
        if names.keys().any(|name| name.starts_with(wrapper)) {
            names = names
                .into_iter()
                .filter_map(|(name, stored)| Some((name.strip_prefix(wrapper)?.to_string(), stored)))
                .collect();
        }
    }
    names
}
