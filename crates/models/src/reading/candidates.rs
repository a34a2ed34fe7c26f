//! Tensors of a file that may be a network's.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use burn::tensor::TensorData;
use sapwood_core::{Mismatch, ParamInfo, ParamPath};

use super::{
    Shapes,
    averaged::{is_averaged_alone, is_optimiser},
    naming::{Naming, Part},
    places::Places,
};
use crate::pytorch::Stored;

/// A tensor with its name in the file, below the candidate's key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named<'a> {
    pub(crate) name: String,
    pub(crate) stored: &'a Stored,
    pub(crate) part: Part,
}

/// What lies below a key, by the parameters that it would be.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) key: String,
    pub(crate) values: BTreeMap<ParamPath, Named<'a>>,
    pub(crate) masks: BTreeMap<ParamPath, Named<'a>>,
    /// Tensors for whose parameter there is another already.
    pub(crate) second: Vec<String>,
}

impl<'a> Candidate<'a> {
    pub(crate) fn at(places: &Places<'a>, key: &str, naming: &Naming<'_>) -> Self {
        let (mut values, mut masks, mut second) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (name, stored) in places.below(key).filter(|(name, _)| !beside(name, naming)) {
            let (path, part) = naming.of(name);
            let place = match part {
                Part::Counter => continue,
                Part::Mask => masks.entry(path),
                Part::Value | Part::Original => values.entry(path),
            };
            match place {
                Entry::Vacant(free) => drop(free.insert(Named { name: name.into(), stored, part })),
                Entry::Occupied(_) => second.push(name.into()),
            }
        }
        Self { key: key.into(), values, masks, second }
    }

    /// How many of the network's names are there.
    pub(crate) fn matched(&self, names: &BTreeSet<ParamPath>) -> usize {
        self.values.keys().filter(|path| names.contains(*path)).count()
    }

    /// The shapes of what can be read.
    pub(crate) fn shapes(&self) -> Shapes {
        let shape = |named: &Named<'_>| Some(value(named.stored).ok()?.shape().to_vec());
        self.values.iter().filter_map(|(path, named)| Some((path.clone(), shape(named)?))).collect()
    }

    /// How it differs from what the network has.
    pub(crate) fn mismatch(&self, params: &[ParamInfo]) -> Mismatch {
        let mut mismatch = Mismatch::default();
        let mut unexpected: BTreeMap<&ParamPath, Vec<&Named<'_>>> = BTreeMap::new();
        for (path, named) in self.values.iter().chain(&self.masks) {
            unexpected.entry(path).or_default().push(named);
        }
        for info in params {
            let found = unexpected.remove(&info.path).unwrap_or_default();
            if !self.values.contains_key(&info.path) {
                mismatch.missing.push(info.path.clone());
                mismatch.unexpected.extend(found.iter().map(|named| named.name.as_str().into()));
                continue;
            }
            for named in found {
                // What cannot be read has no shape, and an error of its own.
                let shape = dense(named.stored).map(|data| data.shape().to_vec());
                if let Some(shape) = shape.filter(|shape| *shape != info.shape) {
                    mismatch.misshapen.push((called(&info.path, named), info.shape.clone(), shape));
                }
            }
        }
        let unexpected = unexpected.into_values().flatten().map(|named| named.name.as_str());
        mismatch.unexpected.extend(unexpected.chain(self.second.iter().map(String::as_str)).map(Into::into));
        mismatch
    }

    /// The first tensor of the network that cannot be read as its values, and why.
    pub(crate) fn unreadable(&self, names: &BTreeSet<ParamPath>) -> Option<(String, String)> {
        let mut needed = self.values.iter().filter(|(path, _)| names.contains(*path));
        needed.find_map(|(_, named)| Some((named.name.clone(), value(named.stored).err()?)))
    }
}

/// How a tensor of another shape is called: by the network's name.
fn called(path: &ParamPath, named: &Named<'_>) -> ParamPath {
    if named.part == Part::Mask { format!("{path}_mask").into() } else { path.clone() }
}

/// Whether it is what training remembers beside the weights in one dictionary, or passed over.
fn beside(name: &str, naming: &Naming<'_>) -> bool {
    if naming.passes(name) {
        return true;
    }
    let Some((first, _)) = name.split_once('.') else { return false };
    (is_optimiser(first) || is_averaged_alone(first)) && !naming.begins(first)
}

/// What is known of a tensor's values, of whatever type.
pub(crate) fn dense(stored: &Stored) -> Option<&TensorData> {
    match stored {
        Stored::Value(value) | Stored::Sparse { value, .. } => Some(value),
        Stored::Unreadable(_) => None,
    }
}

/// The values of a parameter, or why they are none: what follows "it is".
pub(crate) fn value(stored: &Stored) -> Result<&TensorData, String> {
    match stored {
        Stored::Unreadable(why) => Err(why.clone()),
        Stored::Value(value) | Stored::Sparse { value, .. } if value.dtype().is_float() => Ok(value),
        Stored::Value(value) | Stored::Sparse { value, .. } => Err(format!(
            "of the type {}, which is no weight's: save it as float32, and of quantised weights what they stand for",
            value.dtype().name()
        )),
    }
}
