//! Masks, in whatever type and file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use burn::tensor::DType;
use sapwood_core::{Bits, Masks, Mismatch, ParamInfo, ParamPath, Role, State, array_of};

use super::{
    Checkpoint, Reading, Shapes, Wants,
    averaged::is_mask,
    candidates::{Candidate, Named, dense, value},
    naming::{Naming, Part},
    places::Places,
};
use crate::{Error, Note, Problem, pytorch::Stored};

/// A network's tensors with their masks, as a candidate that fits has them.
///
/// Masks of weights stay masks. What else has one (a bias, a normalisation's scale) gets its zeros, with a
/// note, unless `all` masks are to be kept: in a file of ours.
pub(crate) fn assemble(
    candidate: &Candidate<'_>,
    params: &[ParamInfo],
    all: bool,
) -> Result<(State, Masks, Vec<Note>), Problem> {
    let (mut state, mut masks) = (State::default(), Masks::new());
    for info in params {
        let Some(named) = candidate.values.get(&info.path) else { continue };
        let data =
            value(named.stored).map_err(|why| Problem::Unreadable { tensor: named.name.clone(), why })?;
        state.0.insert(info.path.clone(), array_of(data)?);
        let written = candidate.masks.get(&info.path);
        if written.is_none() && named.part == Part::Original {
            return Err(Problem::NoMaskBeside { tensor: named.name.clone() });
        }
        let mut mask = written.map(bits).transpose()?;
        if let Stored::Sparse { stored, .. } = named.stored {
            mask = Some(mask.map_or_else(|| stored.clone(), |mask| mask.and(stored)));
        }
        masks.extend(mask.map(|mask| (info.path.clone(), mask)));
    }
    let (masks, notes) = settle(&mut state, masks, params, all)?;
    Ok((state, masks, notes))
}

/// Sets what is masked to zero, and keeps the masks that stay such.
pub(crate) fn settle(
    state: &mut State,
    masks: Masks,
    params: &[ParamInfo],
    all: bool,
) -> Result<(Masks, Vec<Note>), Problem> {
    state.apply(&masks)?;
    let is_weight = |path: &ParamPath| params.iter().any(|info| info.path == *path && info.role.is_weight());
    let (masks, passing): (Masks, Masks) = masks.into_iter().partition(|(path, _)| all || is_weight(path));
    let notes = passing.into_iter().filter_map(|(path, mask)| {
        let (zeros, of) = (mask.len() - mask.count_ones(), mask.len());
        (zeros > 0).then_some(Note::NoMask { path, zeros, of })
    });
    Ok((masks, notes.collect()))
}

/// The set elements of a mask: of any type, with nothing but 0 and 1.
fn bits(named: &Named<'_>) -> Result<Bits, Problem> {
    let tensor = || named.name.clone();
    let value = match named.stored {
        Stored::Unreadable(why) => return Err(Problem::Unreadable { tensor: tensor(), why: why.clone() }),
        Stored::Value(value) | Stored::Sparse { value, .. } => value,
    };
    let wrong = |found: f64| Problem::NotAMask { tensor: tensor(), found };
    match (value.dtype(), value.as_bytes()) {
        (DType::Bool(_), bytes) if bytes.len() == value.num_elements() => {
            Ok(bytes.iter().map(|byte| *byte != 0).collect())
        }
        _ => {
            let other = value.iter::<f64>().find(|x| *x != 0.0 && *x != 1.0);
            match other {
                Some(found) => Err(wrong(found)),
                None => Ok(value.iter::<f64>().map(|x| x != 0.0).collect()),
            }
        }
    }
}

/// The masks of a network from a file of their own: safetensors or PyTorch's, `<param>_mask` or, where
/// no name ends so, `<param>`, of any type with nothing but 0 and 1. Weights beside them are passed over;
/// masks named in both ways are refused.
///
/// # Errors
/// A file that cannot be read or has no masks; masks that the network does not have, or of another shape.
pub fn read_masks(path: &Path, params: &[ParamInfo], reading: &Reading) -> Result<Masks, Error> {
    let checkpoint = Checkpoint::read(path)?;
    masks_of(&checkpoint, params, reading, true).map_err(|problem| checkpoint.problem(problem))
}

/// The masks that lie in a checkpoint beside weights without any, in a dictionary of their own or named
/// `<param>_mask`.
pub(crate) fn masks_beside(
    checkpoint: &Checkpoint,
    params: &[ParamInfo],
    reading: &Reading,
) -> Result<Masks, Problem> {
    match masks_of(checkpoint, params, reading, false) {
        Err(Problem::NoMasks) => Ok(Masks::new()),
        found => found,
    }
}

/// Refuses masks by name beside a tensor that seems to be one and is not named so: it would be passed over.
fn all_are_named_so(found: &Candidate<'_>, known: &BTreeMap<&ParamPath, &ParamInfo>) -> Result<(), Problem> {
    let of_weight = |path: &ParamPath| known.get(path).is_some_and(|info| info.role.is_weight());
    // Beside their own weights only what is both 0 and 1 is taken for a mask: a layer may be all zeros.
    let has_weights = found.masks.keys().any(|path| found.values.contains_key(path));
    let seems = |named: &Named<'_>| {
        bits(named)
            .is_ok_and(|mask| mask.count_ones() < mask.len() && !(has_weights && mask.count_ones() == 0))
    };
    let mut plain =
        found.values.iter().filter(|(path, _)| of_weight(path) && !found.masks.contains_key(*path));
    match (plain.find(|(_, named)| seems(named)), found.masks.values().next()) {
        (Some((_, plain)), Some(named)) => {
            Err(Problem::MixedMasks { named: named.name.clone(), plain: plain.name.clone() })
        }
        _ => Ok(()),
    }
}

struct Parameters<'a>(&'a [ParamInfo]);

impl Wants for Parameters<'_> {
    fn names(&self) -> BTreeSet<ParamPath> {
        self.0.iter().map(|info| info.path.clone()).collect()
    }

    fn params(&self, _: &Shapes) -> Result<Vec<ParamInfo>, Error> {
        Ok(self.0.to_vec())
    }
}

fn masks_of<'a>(
    checkpoint: &'a Checkpoint,
    params: &[ParamInfo],
    reading: &Reading,
    alone: bool,
) -> Result<Masks, Problem> {
    let wants = Parameters(params);
    let naming = Naming::new(&wants, &reading.renames);
    let places = Places::of(&checkpoint.root);
    let known: BTreeMap<&ParamPath, &ParamInfo> = params.iter().map(|info| (&info.path, info)).collect();
    let candidates: Vec<_> = places.keys().map(|key| Candidate::at(&places, key, &naming)).collect();
    type Tensors<'a> = BTreeMap<ParamPath, Named<'a>>;
    let most = |tensors: for<'c> fn(&'c Candidate<'a>) -> &'c Tensors<'a>,
                may: &dyn Fn(&Candidate<'a>) -> bool| {
        let of_params =
            |found: &Candidate<'a>| tensors(found).keys().filter(|path| known.contains_key(path)).count();
        let candidates: Vec<_> = candidates.iter().filter(|found| may(found)).collect();
        let most = candidates.iter().map(|found| of_params(found)).max().filter(|most| *most > 0)?;
        let best: Vec<_> = candidates.iter().filter(|found| of_params(found) == most).collect();
        let stored = |found| {
            tensors(found).iter().map(|(path, named)| (path.clone(), named.stored)).collect::<Vec<_>>()
        };
        // Of equal ones the first, which is the least deep.
        Some(match best.iter().all(|found| stored(found) == stored(best[0])) {
            true => Ok((*best[0], tensors(best[0]))),
            false => {
                Err(Problem::SeveralMasks { keys: best.iter().map(|found| found.key.clone()).collect() })
            }
        })
    };
    let values = |found: &Candidate<'a>| found.values.iter().any(|(path, _)| known.contains_key(path));
    let zeros_and_ones = |found: &Candidate<'a>| found.values.values().all(|named| bits(named).is_ok());
    // Masks by name first; in a file without any, the tensors themselves may be masks.
    let of_masks = |found: &Candidate<'a>| is_mask(&found.key) && zeros_and_ones(found);
    let found = most(|found| &found.masks, &|found| alone || !values(found) || of_masks(found))
        .or_else(|| {
            most(|found| &found.values, &|found| (alone || is_mask(&found.key)) && zeros_and_ones(found))
        })
        // Whatever is nearest, for the sake of the message.
        .or_else(|| most(|found| &found.values, &|_| alone));
    let (candidate, found) = found.ok_or(Problem::NoMasks)??;
    if std::ptr::eq(found, &candidate.masks) {
        all_are_named_so(candidate, &known)?;
    }
    let (mut mismatch, mut masks) = (Mismatch::default(), Masks::new());
    for (path, named) in found {
        let Some(info) = known.get(path).filter(|info| info.role != Role::Buffer) else {
            mismatch.unexpected.push(named.name.as_str().into());
            continue;
        };
        let shape = dense(named.stored).map(|data| data.shape().to_vec());
        if let Some(shape) = shape.filter(|shape| *shape != info.shape) {
            mismatch.misshapen.push((named.name.as_str().into(), info.shape.clone(), shape));
            continue;
        }
        let mask = bits(named)?;
        if info.role.is_weight() || mask.count_ones() < mask.len() {
            masks.insert(path.clone(), mask);
        }
    }
    match (mismatch.is_empty(), masks.is_empty()) {
        (false, _) => Err(Problem::Masks(mismatch)),
        (_, true) => Err(Problem::NoMasks),
        _ => Ok(masks),
    }
}
