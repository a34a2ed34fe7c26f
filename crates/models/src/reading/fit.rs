//! Which of a file's tensors are a network's.

use std::collections::BTreeSet;

use sapwood_core::{Mismatch, ParamInfo};

use super::{
    Checkpoint, Reading, Wants,
    averaged::{is_optimiser, is_random},
    candidates::{Candidate, Named, dense},
    naming::Naming,
    places::Places,
};
use crate::{Error, Note, Problem, Unlike, pytorch::Stored};

/// Which tensors are a network's.
pub(crate) struct Fit<'a> {
    pub(crate) candidate: Candidate<'a>,
    pub(crate) params: Vec<ParamInfo>,
    pub(crate) notes: Vec<Note>,
}

impl Fit<'_> {
    /// Events of where the tensors lie in the file, and of those that it calls otherwise.
    pub(crate) fn tell(&self) {
        let Candidate { key, values, masks, .. } = &self.candidate;
        tracing::debug!(key, parameters = values.len(), masks = masks.len(), "weights found in the file");
        for (path, named) in values.iter().filter(|(path, named)| path.as_str() != named.name) {
            tracing::trace!(from = named.name, to = %path, "tensor renamed");
        }
    }
}

/// A candidate that fits, with the network's parameters in its sizes.
pub(crate) type Fitting<'a> = (Candidate<'a>, Vec<ParamInfo>);

/// What was found below the keys that come into question.
pub(crate) struct Search<'a> {
    /// Those whose names and shapes are the network's.
    pub(crate) fitting: Vec<Fitting<'a>>,
    /// The one that comes nearest to it.
    pub(crate) nearest: Option<Candidate<'a>>,
    /// How many of the network's names that has.
    pub(crate) matched: usize,
}

/// Looks below every key of a checkpoint.
pub(crate) fn search<'a>(
    places: &Places<'a>,
    wants: &dyn Wants,
    reading: &Reading,
) -> Result<Search<'a>, Problem> {
    let naming = Naming::new(wants, &reading.renames);
    let mut all: Vec<Candidate<'a>> = keys(places, reading.key.as_deref())?
        .into_iter()
        .map(|key| Candidate::at(places, key, &naming))
        .collect();
    let matched = all.iter().map(|found| found.matched(naming.names())).max().unwrap_or(0);
    let fits = |found: &Candidate<'a>| {
        // Sizes are only worth reading off where no name is another's.
        let known = found.values.keys().all(|path| naming.names().contains(path));
        let params = known.then(|| wants.params(&found.shapes()).ok())??;
        let fits = found.mismatch(&params).is_empty() && found.unreadable(naming.names()).is_none();
        fits.then_some(params)
    };
    let mut fitting = Vec::new();
    let mut nearest: Option<(usize, Candidate<'a>)> = None;
    // The whole file comes first: a longer key must be nearer than it.
    for found in all.drain(..) {
        let size = found.matched(naming.names());
        // A network without weights has all of them in any file.
        if (size > 0 || naming.names().is_empty())
            && let Some(params) = fits(&found)
        {
            fitting.push((found, params));
        } else if nearest.as_ref().is_none_or(|(most, _)| *most < size) {
            nearest = Some((size, found));
        }
    }
    Ok(Search { fitting, nearest: nearest.map(|(_, found)| found), matched })
}

/// The keys below which is looked: all but those of an optimiser, or the one that was named and
/// what lies below it.
fn keys<'p>(places: &'p Places<'_>, named: Option<&str>) -> Result<Vec<&'p str>, Problem> {
    let Some(named) = named else {
        return Ok(places.keys().filter(|key| !is_optimiser(key)).collect());
    };
    let below =
        |key: &str| key.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let found: Vec<&str> = places.keys().filter(|key| !key.is_empty() && below(key)).collect();
    match found.is_empty() {
        true => {
            let there = places.tops().into_iter().map(Into::into).collect();
            Err(Problem::NoKey { key: named.into(), there })
        }
        false => Ok(found),
    }
}

/// The tensors of a network, if there is no doubt.
pub(crate) fn fit<'a>(
    checkpoint: &'a Checkpoint,
    wants: &dyn Wants,
    reading: &Reading,
) -> Result<Fit<'a>, Error> {
    let places = Places::of(&checkpoint.root);
    let wrong = |problem| checkpoint.problem(problem);
    let found = search(&places, wants, reading).map_err(wrong)?;
    if found.fitting.is_empty() {
        let naming = Naming::new(wants, &reading.renames);
        let Some(nearest) = found.nearest else { return Err(wrong(Problem::NoTensors)) };
        if let Some((tensor, why)) = nearest.unreadable(naming.names()) {
            return Err(wrong(Problem::Unreadable { tensor, why }));
        }
        let shapes = nearest.shapes();
        let mismatch = nearest.mismatch(&wants.params(&shapes)?);
        let shared = if found.matched == 0 { places.shared().into() } else { String::new() };
        let unlike = Unlike(wants.unlike(&shapes).unwrap_or_default().into());
        return Err(wrong(Problem::Mismatch { mismatch, shared, unlike }));
    }
    let (candidate, params, averaged) = choose(found.fitting, &places).map_err(wrong)?;
    let naming = Naming::new(wants, &reading.renames);
    if reading.key.is_none()
        && let Some(other) = another(&places, &naming, &candidate, &params)
    {
        let keys = [other, &candidate.key].map(|key| places.shortest(key).to_string());
        return Err(wrong(Problem::SeveralFit { keys: keys.into() }));
    }
    for (at, rename) in reading.renames.iter().enumerate() {
        let concerned = |named: &Named<'_>| rename.concerns(&naming.parts(&named.name, at));
        let used = candidate.values.values().chain(candidate.masks.values()).any(concerned);
        // A rename may be for the file of the masks.
        if !used && reading.masks.is_none() {
            return Err(wrong(Problem::UnusedRename { old: rename.old() }));
        }
    }
    let notes = if reading.key.is_some() { None } else { note(&places, &candidate.key, averaged) };
    Ok(Fit { candidate, params, notes: notes.into_iter().collect() })
}

/// The key below which another network lies that is whole, though other tensors are there as well: nobody
/// can tell which of the two was meant.
fn another<'p>(
    places: &'p Places<'_>,
    naming: &Naming<'_>,
    chosen: &Candidate<'_>,
    params: &[ParamInfo],
) -> Option<&'p str> {
    let averaged = |key: &str| places.averaged(key).is_some();
    let mut keys =
        places.keys().filter(|key| !is_optimiser(key) && (averaged(&chosen.key) || !averaged(key)));
    keys.find(|key| {
        let other = Candidate::at(places, key, naming);
        let differs = |info: &ParamInfo| {
            let both = other.values.get(&info.path).zip(chosen.values.get(&info.path));
            both.is_some_and(|(theirs, ours)| theirs.stored != ours.stored)
        };
        let whole = |mismatch: Mismatch| mismatch.missing.is_empty() && mismatch.misshapen.is_empty();
        params.iter().any(differs) && whole(other.mismatch(params))
    })
}

/// What should be known of where the weights lay.
fn note(places: &Places<'_>, chosen: &str, averaged: Vec<String>) -> Option<Note> {
    let key = places.shortest(chosen).to_string();
    if let Some(averaged) = places.averaged(chosen) {
        return Some(Note::Averaged { key: averaged.into() });
    }
    if !averaged.is_empty() {
        return Some(Note::AveragedToo { key, averaged });
    }
    left_out(places, chosen)
}

/// That other weights lie beside those below a key, if there are any.
pub(crate) fn left_out(places: &Places<'_>, chosen: &str) -> Option<Note> {
    let (key, others) = (places.shortest(chosen).to_string(), others(places, chosen));
    (!others.is_empty()).then_some(Note::LeftOut { key, others })
}

/// Of candidates that fit the only one, or the only one that is no average, or any of equal ones; with
/// the keys of averaged ones.
fn choose<'a>(
    fitting: Vec<Fitting<'a>>,
    places: &Places<'_>,
) -> Result<(Candidate<'a>, Vec<ParamInfo>, Vec<String>), Problem> {
    let mut seen: Vec<*const Stored> = Vec::new();
    // A wrapper and what it holds are one: the same tensors.
    let fitting = fitting.into_iter().filter(|(found, _)| {
        let first = found.values.values().next().map(|named| std::ptr::from_ref(named.stored));
        let new = first.filter(|first| !seen.contains(first));
        seen.extend(new);
        new.is_some()
    });
    let (mut averaged, mut raw): (Vec<_>, Vec<_>) =
        fitting.partition(|found| places.averaged(&found.0.key).is_some());
    if raw.is_empty() {
        raw = std::mem::take(&mut averaged);
    }
    let key = |found: &Fitting<'a>| places.shortest(&found.0.key).to_string();
    let keys = |all: &[Fitting<'a>]| all.iter().map(key).collect::<Vec<_>>();
    let (keys, rest) = (keys(&raw), keys(&averaged));
    let mut raw = raw.into_iter();
    let Some((first, params)) = raw.next() else { return Err(Problem::NoTensors) };
    let same = |other: &Candidate<'a>| {
        let tensors = |found: &Candidate<'a>| {
            let all = found.values.iter().chain(&found.masks);
            all.map(|(path, named)| (path.clone(), named.part, named.stored)).collect::<Vec<_>>()
        };
        tensors(other) == tensors(&first)
    };
    match raw.all(|(other, _)| same(&other)) {
        true => Ok((first, params, rest)),
        false => Err(Problem::SeveralFit { keys }),
    }
}

/// Keys beside the chosen one, or beside what it lies in, below which others' weights lie.
fn others(places: &Places<'_>, chosen: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    let parents = chosen.match_indices('.').map(|(end, _)| &chosen[..end]);
    for parent in [""].into_iter().chain(parents).filter(|parent| *parent != chosen) {
        let start = if parent.is_empty() { 0 } else { parent.len() + 1 };
        let ours = chosen[start..].split('.').next();
        for (name, stored) in places.below(parent) {
            let first = name.split('.').next();
            // Numbers without dimensions are records of the training.
            let values = dense(stored).is_none_or(|data| {
                !data.shape().is_empty() && (data.dtype().is_float() || data.num_elements() > 1)
            });
            if let Some(first) = first.filter(|_| first != ours && values) {
                let key = if parent.is_empty() { first.into() } else { format!("{parent}.{first}") };
                found.insert(key);
            }
        }
    }
    found.into_iter().filter(|key: &String| !is_optimiser(key) && !is_random(key)).collect()
}
