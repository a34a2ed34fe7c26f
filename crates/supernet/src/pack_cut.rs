//! The weight file of a sub-network.

use sapwood_core::{Masks, ModuleState, State, TrainedOn};
use sapwood_models::{Net, Spec, pack};
use sapwood_search::Genome;

use crate::{Error, Family};

/// The content of a weight file of a network that was cut out: one that says its own layers.
///
/// # Errors
/// A genome that is not of the family's space, or a device that fails.
pub async fn pack_cut(
    family: &Family,
    genome: &Genome,
    net: &Net,
    trained_on: Option<&TrainedOn>,
) -> Result<Vec<u8>, Error> {
    let mut spec = Spec::of_layers(family.name(), family.graph(genome)?)?;
    spec.architecture = Some(family.space().to_json(genome));
    Ok(pack(&spec, trained_on, State::read(net).await?, Masks::new())?.to_bytes()?)
}

/// [`pack_cut`], waiting for the device. It does not exist in a browser.
///
/// # Errors
/// Those of [`pack_cut`].
#[cfg(not(target_family = "wasm"))]
pub fn pack_cut_blocking(
    family: &Family,
    genome: &Genome,
    net: &Net,
    trained_on: Option<&TrainedOn>,
) -> Result<Vec<u8>, Error> {
    sapwood_backend::block_on(pack_cut(family, genome, net, trained_on))
}
