//! Which network of the zoo a file's weights are.

use sapwood_core::Mismatch;

use super::{ByName, Checkpoint, Reading, Wants, fit::search, places::Places};
use crate::{Error, Problem, zoo::names};

/// The only network whose names and shapes lie in a file.
pub(crate) fn guess(file: &Checkpoint, reading: &Reading) -> Result<&'static str, Error> {
    let places = Places::of(&file.root);
    let mut models = Vec::new();
    let mut nearest: Option<(f64, String, Mismatch)> = None;
    // What is wrong with the nearest one, where it is neither names nor shapes.
    let mut unreadable = None;
    for model in names() {
        let wants = ByName(model);
        let found = search(&places, &wants, reading).map_err(|problem| file.problem(problem))?;
        if !found.fitting.is_empty() {
            models.push(model);
        } else if let Some(candidate) = found.nearest
            && let Ok(params) = wants.params(&candidate.shapes())
        {
            // Most of its names have to be there for it to be worth a word.
            let share = found.matched as f64 / params.len() as f64;
            if share > nearest.as_ref().map_or(0.5, |(most, ..)| *most) {
                let mismatch = candidate.mismatch(&params);
                let names = wants.names();
                unreadable = candidate.unreadable(&names).filter(|_| mismatch.is_empty());
                nearest = Some((share, model.to_string(), mismatch));
            }
        }
    }
    let problem = match models.as_slice() {
        [model] => return Ok(model),
        [] if let Some((tensor, why)) = unreadable => Problem::Unreadable { tensor, why },
        [] => Problem::NoModel { nearest: nearest.map(|(_, model, mismatch)| (model, mismatch)) },
        _ => Problem::SeveralModels { models },
    };
    Err(file.problem(problem))
}
