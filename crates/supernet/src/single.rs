//! Training one network of a family by itself.

use std::path::Path;

use burn::prelude::Device;
use sapwood_backend::Seed;
use sapwood_core::Source;
use sapwood_models::{Init, Net};
use sapwood_search::Genome;
use sapwood_train::{Checkpoints, Progress, Recipe, Trainer};

use crate::{Error, Family, RunContext, Tenths};

/// A network of a family with new weights.
///
/// # Errors
/// A genome that is not of the family's space.
pub fn new(family: &Family, genome: &Genome, seed: Seed, device: &Device) -> Result<Net, Error> {
    Ok(Init::named("kaiming-normal")?.apply(Net::new(family.graph(genome)?, device), seed))
}

/// Trains it, by [tenths](Tenths) of epochs: those of the recipe are such. In a folder that has checkpoints
/// of the same training, by its label, it goes on from the last one.
///
/// # Errors
/// Those of training.
pub async fn train(
    net: Net,
    recipe: &Recipe,
    label: String,
    source: &dyn Source,
    (folder, context): (&Path, &RunContext<'_>),
) -> Result<Net, Error> {
    let source = Tenths(source);
    let checkpoints = Checkpoints::in_folder(folder.join("checkpoints")).labelled(label);
    let checkpoints = (context.checkpoints)(checkpoints);
    let plan = recipe.clone().plan(source.batches())?;
    let trained = Trainer::new(recipe.clone(), context.device)
        .checkpoints(checkpoints)
        .hook(Progress::new(context.reporter, &plan))
        .stop_when(|| (context.stop)())
        .run(net, &source)
        .await?;
    context.reporter.end();
    Ok(trained.network)
}

/// [`train`], on this thread. It does not exist in a browser.
///
/// # Errors
/// Those of [`train`].
#[cfg(not(target_family = "wasm"))]
pub fn train_blocking(
    net: Net,
    recipe: &Recipe,
    label: String,
    source: &dyn Source,
    place: (&Path, &RunContext<'_>),
) -> Result<Net, Error> {
    sapwood_backend::block_on(train(net, recipe, label, source, place))
}
