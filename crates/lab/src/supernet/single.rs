//! Training one network of a family by itself.

use std::{path::Path, sync::atomic::Ordering::Relaxed};

use burn::prelude::Device;
use sapwood_backend::Seed;
use sapwood_core::{Source, Step};
use sapwood_models::{Init, Net};
use sapwood_search::Genome;
use sapwood_supernet::Family;
use sapwood_train::{Checkpoints, Recipe, Trainer};

use super::portion::Tenths;
use crate::{Conditions, Error, run::Progress};

/// A network with new weights.
pub(crate) fn new(family: &Family, genome: &Genome, seed: Seed, device: &Device) -> Result<Net, Error> {
    Ok(Init::named("kaiming-normal")?.apply(Net::new(family.graph(genome)?, device), seed))
}

/// Trains it, by tenths of epochs, from where it was left.
pub(crate) fn train(
    net: Net,
    recipe: &Recipe,
    label: String,
    source: &dyn Source,
    (folder, conditions): (&Path, &Conditions<'_>),
) -> Result<Net, Error> {
    let source = Tenths(source);
    let checkpoints = Checkpoints::in_folder(folder.join("checkpoints")).labelled(label);
    let checkpoints = conditions.every.apply(checkpoints);
    let steps = Step::End.iterations(source.batches(), recipe.epochs * source.batches()) as u64;
    let trained = Trainer::new(recipe.clone(), conditions.device)
        .checkpoints(checkpoints)
        .hook(Progress { reporter: conditions.reporter, steps })
        .stop_when(|| conditions.stop.load(Relaxed))
        .run_blocking(net, &source)?;
    conditions.reporter.end();
    Ok(trained.network)
}
