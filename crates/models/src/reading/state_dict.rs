//! Weights of which no network is known.

use std::collections::BTreeSet;

use burn::tensor::DType;
use sapwood_core::{Array, ParamInfo, ParamPath, Role, State, array_of};

use super::{
    Checkpoint, Fitted, Reading, Shapes, Wants,
    averaged::{COUNTER, is_optimiser, is_unmistakably_averaged},
    candidates::dense,
    fit::left_out,
    places::Places,
};
use crate::{Error, FreeZeros, Problem, pytorch::Stored};

/// A state dict by its shapes alone: what ends in `weight` and has two dimensions is taken for a linear layer's,
/// with three to five for a convolution's.
#[derive(Debug)]
pub struct StateDict {
    /// All tensors of numbers under the file's names.
    pub params: Vec<ParamInfo>,
    /// Their values and masks.
    pub fitted: Fitted,
    /// Weights that are zero and have no mask, if a layer has many.
    pub zeros: FreeZeros,
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
    /// No weights, or several sets of them; otherwise those of [`Checkpoint::fitted`].
    pub fn state_dict(&self, reading: &Reading) -> Result<StateDict, Error> {
        // Whatever a tensor is called, it keeps its name.
        if let Some(rename) = reading.renames.first() {
            return Err(self.problem(Problem::RenameOfUnknown { old: rename.old() }));
        }
        let places = Places::of(&self.root);
        let key = reading.key.clone().map_or_else(|| only(&places), Ok);
        let key = key.map_err(|problem| self.problem(problem))?;
        let (mut params, mut integers) = (Vec::new(), State::default());
        let names = places.below(&key).map(|(name, _)| name).collect();
        for (name, stored) in places.below(&key) {
            if let Stored::Unreadable(why) = stored {
                let (tensor, why) = (name.into(), why.clone());
                return Err(self.problem(Problem::Unreadable { tensor, why }));
            }
            match kind(name, stored, &names) {
                Some(Kind::Param(info)) => params.push(info),
                Some(Kind::Integers(array)) => drop(integers.0.insert(name.into(), array)),
                None => {}
            }
        }
        if !params.iter().any(|info| info.role.is_weight()) {
            return Err(self.problem(Problem::NoTensors));
        }
        let note = left_out(&places, &key).filter(|_| reading.key.is_none() && !key.is_empty());
        let key = Some(key).filter(|key| !key.is_empty());
        let reading = Reading { key, ..reading.clone() };
        let mut fitted = self.fitted(&Named { params: &params, integers: &integers }, &reading)?;
        fitted.notes.extend(note);
        let zeros = FreeZeros::of(&fitted.state, &fitted.masks, &params);
        Ok(StateDict { params, fitted, zeros, integers })
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
    let shape = value.shape().to_vec();
    if !value.dtype().is_float() {
        // Truth values and integers of 16 bits are numbers in a type that arrays have.
        let array = array_of(value).or_else(|_| match value.dtype() {
            DType::Bool(_) => Array::new(shape.clone(), value.iter::<u8>().collect::<Vec<_>>()),
            _ => Array::new(shape.clone(), value.iter::<i64>().collect::<Vec<_>>()),
        });
        return array.ok().map(Kind::Integers);
    }
    let masked = |param: &&str| names.contains(format!("{param}_mask").as_str());
    let path = name.strip_suffix("_orig").filter(masked).unwrap_or(name);
    let path = match path.strip_suffix(".parametrizations.weight.original") {
        Some(layer) => format!("{layer}.weight").into(),
        None => ParamPath::from(path),
    };
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
    let memories: BTreeSet<&str> = tops.iter().copied().filter(|key| is_memory(places, key)).collect();
    if memories.is_empty() {
        return Ok(String::new());
    }
    let weighty = |key: &&str| !memories.contains(key) && !weights(places, key).is_empty();
    let keys: Vec<String> = tops.iter().copied().filter(weighty).map(Into::into).collect();
    match keys.as_slice() {
        [] => Err(Problem::NoTensors),
        [only] => Ok(only.clone()),
        _ => Err(Problem::SeveralFit { keys }),
    }
}

/// Whether a key says that training's memory lies below it, an optimiser's or averages, and it does: no weights, or those of
/// a network once more. A layer may be called `momentum` or `mean`.
fn is_memory(places: &Places<'_>, key: &str) -> bool {
    let counted = places.below(key).any(|(name, _)| name == COUNTER);
    let is_average = |key: &str| is_unmistakably_averaged(key);
    let says = |key: &str| is_optimiser(key) || is_average(key);
    if !says(key) && !counted {
        return false;
    }
    let own = weights(places, key);
    if own.is_empty() {
        return is_optimiser(key) || counted;
    }
    let is_network = own.iter().all(|(name, _)| name.contains('.'));
    let mut others = places.tops().into_iter().filter(|top| *top != key && !says(top));
    let all = weights(places, "");
    let rest: Vec<_> =
        all.into_iter().filter(|(name, _)| !says(name.split('.').next().unwrap_or_default())).collect();
    is_network && (others.any(|top| is_same(&weights(places, top), &own)) || is_same(&rest, &own))
}

/// What ends in `weight` below a key, with its shape.
fn weights<'p>(places: &'p Places<'_>, key: &str) -> Vec<(&'p str, Vec<usize>)> {
    let of = places.below(key).filter(|(name, _)| name.ends_with("weight"));
    of.filter_map(|(name, stored)| Some((name, dense(stored)?.shape().to_vec()))).collect()
}

/// Whether weights have the same names and shapes, but for what all names of one begin with.
fn is_same(one: &[(&str, Vec<usize>)], other: &[(&str, Vec<usize>)]) -> bool {
    let bare = |all: &[(&str, Vec<usize>)]| -> BTreeSet<(String, Vec<usize>)> {
        let first = all.first().map_or("", |(name, _)| name);
        let ends = first.match_indices('.').map(|(end, _)| end + 1);
        let shared = |end: &usize| all.iter().all(|(name, _)| name.starts_with(&first[..*end]));
        let begins = ends.take_while(shared).last().unwrap_or(0);
        all.iter().map(|(name, shape)| (name[begins..].to_string(), shape.clone())).collect()
    };
    !one.is_empty() && one.len() == other.len() && bare(one) == bare(other)
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
