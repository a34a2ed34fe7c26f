//! Whether a network has learnt the rule of the Game of Life.

use sapwood_core::write_atomic;
use sapwood_data::life::every_neighbourhood;
use sapwood_train::evaluate;
use serde::{Deserialize, Serialize};

use super::Run;
use crate::{Conditions, Error, RunFolder};

/// What was found, in `rule.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Whether every neighbourhood there is gives the right cell; `None` where there are
    /// too many to try.
    pub learnt: Option<bool>,
}

/// The most steps ahead whose neighbourhoods are all tried: `2^25` for two.
const MOST: usize = 2;

impl Run {
    /// Whether its network plays the Game of Life.
    pub(super) fn is_life(&self) -> bool {
        self.spec.data.name == "life"
    }
}

impl RunFolder {
    /// Whether a network has learnt the rule of the Game of Life.
    pub(super) fn rule(&self) -> std::path::PathBuf {
        self.path().join("rule.json")
    }
}

/// Tries a trained network on every neighbourhood, until it is wrong.
pub(super) fn judge(run: &Run, folder: &RunFolder, conditions: &Conditions<'_>) -> Result<(), Error> {
    let steps = run.spec.data.options.life.steps;
    let learnt = match steps {
        1..=MOST => Some(learnt(run, folder, conditions)?),
        _ => None,
    };
    let text = serde_json::to_string(&Rule { learnt }).map_err(Error::unwritable)?;
    Ok(write_atomic(&folder.rule(), text.as_bytes())?)
}

fn learnt(run: &Run, folder: &RunFolder, conditions: &Conditions<'_>) -> Result<bool, Error> {
    let net = sapwood_models::open(&folder.weights(), None, conditions.device)?.net;
    let life = &run.spec.data.options.life;
    for boards in every_neighbourhood(life.steps, life.boundary)? {
        let loader = sapwood_data::Loader::new(boards.into(), sapwood_data::LoaderOptions::default())?;
        let found = sapwood_backend::block_on(evaluate(&net, &loader, conditions.device))?;
        if found.top1 < 1.0 {
            return Ok(false);
        }
    }
    Ok(true)
}
