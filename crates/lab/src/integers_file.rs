//! The weight file of a network of integers.

use sapwood_core::{Masks, StateFile, TrainedOn};
use sapwood_models::{Spec, pack, pack_integers};
use sapwood_quant::Made;

use crate::Error;

/// What was made of a network of this description, as a weight file. Masks of what was folded away are left out.
///
/// # Errors
/// Options that cannot be written down.
pub fn integers_file(
    made: Made,
    spec: &Spec,
    trained_on: Option<&TrainedOn>,
    mut masks: Masks,
) -> Result<StateFile, Error> {
    let Made { quantized, rest, ranges, calibrated, .. } = made;
    masks.retain(|path, _| rest.0.contains_key(path) || quantized.contains_key(path));
    let file = pack(spec, trained_on, rest, masks)?;
    Ok(pack_integers(file, quantized, ranges, &calibrated)?)
}
