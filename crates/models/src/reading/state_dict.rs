//! Weights of which no network is known.

use std::collections::BTreeSet;

use sapwood_core::{Array, ParamInfo, ParamPath, Role, State, array_of};

use super::{
    Checkpoint, Fitted, Reading, Shapes, Wants, averaged::is_optimiser, candidates::dense, places::Places,
};
use crate::{Error, Problem, pytorch::Stored};

/// A state dict by its shapes alone: what ends in `weight` and has two dimensions is taken for a linear layer's,
/// with three to five for a convolution's.
#[derive(Debug)]
pub struct StateDict {
    /// All tensors of numbers under the file's names.
    pub params: Vec<ParamInfo>,
    /// Their values and masks.
    pub fitted: Fitted,
    /// Integers beside them, such as counters of batches and tables of positions.
    pub integers: State,
}

impl Checkpoint {
    /// The weights of a network that nobody knows, under the names that the file has for them.
    ///
    /// Of a checkpoint that also holds an optimiser's memory or averages they are what lies below the only other
    /// key, or below the one that `reading` names.
    ///
    /// # Errors
    /// No weights, or several sets of them; tensors that cannot be read as weights or masks, or are not finite.
    pub fn state_dict(&self, reading: &Reading) -> Result<StateDict, Error> {
        let places = Places::of(&self.root);
        let key = reading.key.clone().map_or_else(|| only(&places), Ok);
        let key = key.map_err(|problem| self.problem(problem))?;
        let (mut params, mut integers) = (Vec::new(), State::default());
        let names = places.below(&key).map(|(name, _)| name).collect();
        for (name, stored) in places.below(&key) {
            match kind(name, stored, &names) {
                Some(Kind::Param(info)) => params.push(info),
                Some(Kind::Integers(array)) => drop(integers.0.insert(name.into(), array)),
                None => {}
            }
        }
        if !params.iter().any(|info| info.role.is_weight()) {
            return Err(self.problem(Problem::NoTensors));
        }
        let key = Some(key).filter(|key| !key.is_empty());
        let reading = Reading { key, ..reading.clone() };
        let fitted = self.fitted(&Named { params: &params, integers: &integers }, &reading)?;
        Ok(StateDict { params, fitted, integers })
    }
}

enum Kind {
    Param(ParamInfo),
    Integers(Array),
}

/// What a tensor is, beside others of these names, if it is neither a mask nor something that cannot be read.
fn kind(name: &str, stored: &Stored, names: &BTreeSet<&str>) -> Option<Kind> {
    let value = dense(stored)?;
    let last = name.rsplit('.').next().unwrap_or(name);
    if is_mask(name, names) {
        return None;
    }
    if !value.dtype().is_float() {
        return array_of(value).ok().map(Kind::Integers);
    }
    let shape = value.shape().to_vec();
    let path = name.strip_suffix("_orig").unwrap_or(name);
    let path = ParamPath::from(path.replace(".parametrizations.weight.original", ".weight"));
    let weight = path.as_str() == "weight" || path.as_str().ends_with(".weight");
    let role = match (weight, shape.len()) {
        (true, 2) => Role::LinearWeight,
        (true, 3..=5) => Role::ConvWeight,
        _ if last == "bias" => Role::Bias,
        _ if last.starts_with("running_") => Role::Buffer,
        _ => Role::Other,
    };
    Some(Kind::Param(ParamInfo { path, role, shape, transposed: false }))
}

/// Whether a tensor is the mask of another of these names, or lies among masks. Others are called so too: `mask_token`, or
/// `attn_mask` of a layer `attn`.
fn is_mask(name: &str, names: &BTreeSet<&str>) -> bool {
    let there = |param: &str| names.contains(param) || names.contains(format!("{param}_orig").as_str());
    name.strip_suffix("_mask").is_some_and(there)
        || (name.contains(".parametrizations.") && name.ends_with(".mask"))
        || matches!(name.split_once('.'), Some(("mask" | "masks", _)))
}

/// The key below which the only weights lie: none, where nothing else is in the file.
fn only(places: &Places<'_>) -> Result<String, Problem> {
    let tops = places.tops();
    // A layer may be called `mean`: means repeat the weights of another key.
    let weights = |key: &str| {
        let of = places.below(key).filter(|(name, _)| name.ends_with("weight"));
        let mut shapes: Vec<Vec<usize>> =
            of.filter_map(|(_, stored)| Some(dense(stored)?.shape().to_vec())).collect();
        shapes.sort_unstable();
        shapes
    };
    let repeats = |key: &str| {
        let own = weights(key);
        tops.iter().any(|top| *top != key && places.averaged(top).is_none() && weights(top) == own)
    };
    let other = |key: &str| is_optimiser(key) || (places.averaged(key).is_some() && repeats(key));
    if !tops.iter().any(|top| other(top)) {
        return Ok(String::new());
    }
    let weighty = |key: &&str| !other(key) && places.below(key).any(|(name, _)| name.ends_with("weight"));
    let keys: Vec<String> = tops.iter().copied().filter(weighty).map(Into::into).collect();
    match keys.as_slice() {
        [] => Err(Problem::NoTensors),
        [only] => Ok(only.clone()),
        _ => Err(Problem::SeveralFit { keys }),
    }
}

/// What is looked for is what is there.
struct Named<'a> {
    params: &'a [ParamInfo],
    integers: &'a State,
}

impl Wants for Named<'_> {
    fn names(&self) -> BTreeSet<ParamPath> {
        self.params.iter().map(|info| info.path.clone()).collect()
    }

    fn params(&self, _: &Shapes) -> Result<Vec<ParamInfo>, Error> {
        Ok(self.params.to_vec())
    }

    fn passes(&self, name: &str) -> bool {
        self.integers.0.contains_key(name)
    }
}

/// The shapes of all tensors of numbers that may be a network's.
pub(crate) fn shapes(places: &Places<'_>) -> Shapes {
    let key = only(places).unwrap_or_default();
    let names = places.below(&key).map(|(name, _)| name).collect();
    let params = places.below(&key).filter_map(|(name, stored)| match kind(name, stored, &names)? {
        Kind::Param(info) => Some((info.path, info.shape)),
        Kind::Integers(_) => None,
    });
    params.collect()
}

/// How many tensors of two and more dimensions have a partner of the same shape among a network's, and how many
/// there are on both sides.
pub(crate) fn alike(theirs: &Shapes, ours: &[ParamInfo]) -> [usize; 2] {
    let large = |shape: &&[usize]| 1 < shape.len();
    let mut left: Vec<&[usize]> = ours.iter().map(|info| info.shape.as_slice()).filter(large).collect();
    let (mut same, mut alone) = (0, 0);
    for shape in theirs.values().map(Vec::as_slice).filter(large) {
        match left.iter().position(|other| *other == shape) {
            Some(at) => {
                left.swap_remove(at);
                same += 1;
            }
            None => alone += 1,
        }
    }
    [same, same + alone + left.len()]
}
