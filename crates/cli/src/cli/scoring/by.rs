//! By what weights are ranked: a criterion, or scores in a file.

use std::{fs, path::Path};

use sapwood_backend::Seed;
use sapwood_core::{Masks, State, StateFile};
use sapwood_data::{is_npz, read_npz};
use sapwood_prune::{Criteria, Criterion, Needs, Options, Stored};

use crate::Error;

/// What says which weights are worth keeping.
#[derive(Clone, Copy)]
pub(in crate::cli) enum By<'a> {
    /// The criterion of this name.
    Criterion(&'a str),
    /// The scores in this file.
    Scores(&'a Path),
}

impl<'a> By<'a> {
    /// The scores where there are some.
    pub(in crate::cli) fn of(criterion: &'a str, scores: Option<&'a Path>) -> Self {
        scores.map_or(Self::Criterion(criterion), Self::Scores)
    }

    /// The criterion, with its options.
    pub(in crate::cli) fn criterion(
        self,
        criteria: &Criteria,
        options: &Options,
        seed: Seed,
    ) -> Result<Ranker, Error> {
        match self {
            Self::Criterion(name) => Ok(Ranker::Computed((criteria.find(name)?.build)(options, seed)?)),
            Self::Scores(path) => Ok(Ranker::Stored(stored(path)?)),
        }
    }
}

/// What ranks weights, made before the network is opened.
pub(in crate::cli) enum Ranker {
    /// A criterion, which sees masked weights as zeros.
    Computed(Box<dyn Criterion>),
    /// Scores, which may be those of the network without its masks.
    Stored(Stored),
}

impl Ranker {
    /// What it asks of a network.
    pub(in crate::cli) fn needs(&self) -> Needs {
        self.as_ref().needs()
    }

    /// It, for a network with these masks.
    pub(in crate::cli) fn without(self, masks: &Masks) -> Box<dyn Criterion> {
        match self {
            Self::Computed(criterion) => criterion,
            Self::Stored(scores) => Box::new(scores.without(masks)),
        }
    }
}

impl AsRef<dyn Criterion> for Ranker {
    fn as_ref(&self) -> &(dyn Criterion + 'static) {
        match self {
            Self::Computed(criterion) => criterion.as_ref(),
            Self::Stored(scores) => scores,
        }
    }
}

/// The scores of a file, which has nothing else.
fn stored(path: &Path) -> Result<Stored, Error> {
    let wrong = |problem: String| Error::Content { problem, path: path.into() };
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    if is_npz(&bytes) {
        let arrays = read_npz(&bytes).map_err(wrong)?;
        return Ok(Stored::new(State(
            arrays.into_iter().map(|(name, array)| (name.into(), array)).collect(),
        )));
    }
    let file = StateFile::from_bytes(&bytes).map_err(|error| wrong(error.to_string()))?;
    if file.masks.is_empty() && file.quantized.is_empty() {
        return Ok(Stored::new(file.state));
    }
    Err(wrong("expected scores alone, as `score` writes them, found masks or integers with scales".into()))
}
