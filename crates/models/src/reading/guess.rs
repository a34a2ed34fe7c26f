//! Which network of the zoo a file's weights are.

use sapwood_core::Mismatch;

use super::{
    ByName, Checkpoint, Reading, Wants,
    candidates::Candidate,
    fit::search,
    places::Places,
    state_dict::{alike, shapes},
};
use crate::{Alike, Error, Problem, Spec, Unlike, params::params, zoo::names};

/// The only network whose names and shapes lie in a file; of those that differ in nothing but their width the only one
/// that has its usual width there.
pub(crate) fn guess(file: &Checkpoint, reading: &Reading) -> Result<&'static str, Error> {
    let places = Places::of(&file.root);
    let (mut models, mut usual) = (Vec::new(), Vec::new());
    let mut nearest: Option<(f64, String, Mismatch)> = None;
    // What is wrong with the nearest one, where it is neither names nor shapes.
    let mut unreadable = None;
    // Of the transformer that differs least from a file's, how it does.
    let mut least: Option<Vec<String>> = None;
    for model in names() {
        let wants = ByName(model);
        let found = search(&places, &wants, reading).map_err(|problem| file.problem(problem))?;
        if !found.fitting.is_empty() {
            models.push(model);
            let width = |candidate: &Candidate<'_>| wants.spec(&candidate.shapes()).map(|spec| spec.width);
            if found.fitting.iter().any(|(candidate, _)| width(candidate).is_ok_and(|width| width == 1.0)) {
                usual.push(model);
            }
            continue;
        }
        let Some(candidate) = found.nearest else { continue };
        let shapes = candidate.shapes();
        least = least.take().into_iter().chain(wants.unlike(&shapes)).min_by_key(Vec::len);
        if let Ok(params) = wants.params(&shapes) {
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
    let problem = match (models.as_slice(), usual.as_slice()) {
        ([model], _) | (_, [model]) => return Ok(model),
        ([], _) if let Some((tensor, why)) = unreadable => Problem::Unreadable { tensor, why },
        ([], _) => {
            let alike = nearest.is_none().then(|| most_alike(&places)).flatten();
            let unlike = Unlike(least.unwrap_or_default().into());
            Problem::NoModel { nearest: nearest.map(|(_, model, mismatch)| (model, mismatch)), alike, unlike }
        }
        _ => Problem::SeveralModels { models },
    };
    Err(file.problem(problem))
}

/// The network with most of the shapes in a file.
fn most_alike(places: &Places<'_>) -> Option<Box<Alike>> {
    let theirs = shapes(places);
    let mut best: Option<Alike> = None;
    for model in names() {
        let Ok(graph) = Spec::named(model).and_then(|spec| spec.graph()) else { continue };
        let [same, of] = alike(&theirs, &params(&graph));
        // More than half, and more than any before: of equal ones the first.
        let [most, of_most] = best.as_ref().map_or([1, 2], |best| [best.same, best.of]);
        if most * of < same * of_most {
            best = Some(Alike { model: model.into(), same, of });
        }
    }
    best.map(Box::new)
}
