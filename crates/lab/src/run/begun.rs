//! What a run begins with, where that is computed of the data: once it lies in the run's folder it stays.
//!
//! Its last digits follow from the level, and a run may go on at another one than it was begun at.

use sapwood_backend::block_on;
use sapwood_core::{ModuleState as _, State, StateFile, graph::Ranges, write_atomic};
use sapwood_models::Net;
use sapwood_quant::{Examples, Qat};

use super::Conditions;
use crate::{Beginning, Error, RunFolder, TrainConfig};

/// What a run begins with.
pub(super) struct Begun {
    pub(super) net: Net,
    /// Between which bounds values begin, where they are rounded.
    pub(super) bounds: Ranges,
}

impl Begun {
    /// What the folder has, or what is computed and put there. A run that begins as files and seeds say it leaves nothing.
    ///
    /// # Errors
    /// A file that is not of this run; those of bounds.
    pub(super) fn of(
        config: &TrainConfig,
        (net, qat): (Net, Option<&Qat>),
        folder: &RunFolder,
        conditions: &Conditions<'_>,
    ) -> Result<Self, Error> {
        if qat.is_none() && !matches!(config.beginning, Beginning::Renewed(_)) {
            return Ok(Self { net, bounds: Ranges::new() });
        }
        let path = folder.begun();
        if path.exists() {
            let refused = |error: sapwood_core::Error| Error::Content {
                problem: format!(
                    "not what this run began with ({error}): remove its folder, or choose another"
                ),
                path: path.clone(),
            };
            let StateFile { state, ranges, .. } =
                StateFile::read(&path).map_err(|error| refused(error.into()))?;
            return Ok(Self { net: state.write(net).map_err(refused)?, bounds: ranges });
        }
        let bounds = match config.quantize.as_ref().zip(qat) {
            None => Ranges::new(),
            Some((quantize, qat)) => {
                let source = config.plain_source(conditions.datasets)?;
                let examples = Examples::new(&source, quantize.calibrate)?;
                block_on(qat.bounds(&net.clone().node_by_node(), examples, conditions.device))?
            }
        };
        // A run of an earlier version has checkpoints and no such file: what another level computes here would lock it
        // out for good.
        if !folder.checkpoints().exists() {
            let state = block_on(State::read(&net))?;
            let file = StateFile { state, ranges: bounds.clone(), ..StateFile::default() };
            write_atomic(&path, &file.to_bytes()?)?;
        }
        Ok(Self { net, bounds })
    }
}
