//! A search in a file, so that it can be killed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sapwood_core::write_atomic;
use sapwood_lab::{Error as Lab, digest};
use sapwood_search::{Method, Search as Looking};
use serde::{Deserialize, Serialize};

use super::Search;
use crate::Error;

/// Where a search is kept, if it is.
pub(super) struct Saved {
    path: Option<PathBuf>,
    /// All that decides its outcome, but how long it goes on.
    of: String,
    last: Instant,
    pause: Duration,
}

#[derive(Serialize, Deserialize)]
struct Written<S> {
    of: String,
    search: S,
}

/// The least time between two savings.
const PAUSE: Duration = Duration::from_secs(1);
/// How many times as long as saving takes a search goes on in between.
const SHARE: u32 = 20;

impl Saved {
    /// The file of a search that reads these files.
    pub(super) fn of(options: &Search, inputs: [Option<&Path>; 2]) -> Result<Self, Error> {
        let Search { space, input, classes, method, seed, .. } = options;
        let space = space.as_deref().unwrap_or_default();
        let mut of = format!("{space} {input:?}, {}, {method}, seed {seed}", goal(options)?);
        if let Some(classes) = classes {
            of += &format!(", {classes} classes");
        }
        if options.only_measured {
            of += ", what was measured";
        }
        for path in inputs.into_iter().flatten().filter(|_| options.history.is_some()) {
            let bytes = fs::read(path).map_err(Error::file("read", path))?;
            of += &format!(", {}", digest(&bytes));
        }
        Ok(Self { path: options.history.clone(), of, last: Instant::now(), pause: PAUSE })
    }

    /// What the file holds, or this new search where there is no file yet.
    pub(super) fn resume(&self, new: Looking<Method>) -> Result<Looking<Method>, Error> {
        let Some(path) = &self.path else { return Ok(new) };
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(new),
            read => read.map_err(Error::file("read", path))?,
        };
        let wrong = |problem: String| Error::Content { problem, path: path.clone() };
        let written: Written<Looking<Method>> = serde_json::from_str(&text)
            .map_err(|error| wrong(format!("expected what `search --history` wrote, but {error}")))?;
        if written.of != self.of {
            let (found, expected) = (&written.of, &self.of);
            return Err(wrong(format!(
                "it holds another search ({found}, not {expected}): choose another file"
            )));
        }
        // What a space is may change from one version of the program to the next.
        if written.search.space() != new.space() {
            let problem =
                "it holds a search of other networks than this version searches: choose another file";
            return Err(wrong(problem.into()));
        }
        written.search.check().map_err(|error| wrong(error.to_string()))?;
        Ok(written.search)
    }

    /// Saves the search, if it is time.
    pub(super) fn after_round(&mut self, search: &Looking<Method>) -> Result<(), Lab> {
        match self.path.is_some() && self.pause <= self.last.elapsed() {
            true => self.end(search),
            false => Ok(()),
        }
    }

    /// Saves the search, if there is anything to save.
    pub(super) fn end(&mut self, search: &Looking<Method>) -> Result<(), Lab> {
        let Some(path) = self.path.as_ref().filter(|_| !search.history().is_empty()) else { return Ok(()) };
        let begun = Instant::now();
        let written = Written { of: self.of.clone(), search };
        let text = serde_json::to_vec(&written).map_err(|error| Lab::Json {
            problem: error.to_string(),
            path: path.clone(),
            error,
        })?;
        write_atomic(path, &text)?;
        (self.last, self.pause) = (Instant::now(), PAUSE.max(SHARE * begun.elapsed()));
        Ok(())
    }
}

/// Objectives and limits, as they are written.
fn goal(options: &Search) -> Result<String, Error> {
    let goal = options.goal()?;
    let objectives = goal.objectives().iter().map(ToString::to_string);
    let all: Vec<String> = objectives.chain(goal.constraints().iter().map(ToString::to_string)).collect();
    Ok(all.join(", "))
}
