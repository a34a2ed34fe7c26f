//! A network in few bytes, and what it still says once it is read back from these.

use sapwood_core::{ModuleState, State, StateFile};
use sapwood_models::pack;
use sapwood_train::{Evaluation, evaluate};
use serde::Serialize;

use crate::{Error, Session, Which};

/// What packing a network comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Packed {
    /// Bytes of the file as [`Session::file`] makes it.
    pub plain: usize,
    /// Bytes of the packed one.
    pub packed: usize,
    /// How good the network is that was read from these.
    pub test: Evaluation,
}

impl Session {
    /// A network as a file in which every tensor is entropy-coded to the bit.
    ///
    /// # Errors
    /// Of reading from the device, and if there is no pruned network.
    pub async fn packed_file(&self, which: Which) -> Result<Vec<u8>, Error> {
        Ok(self.state_file(which).await?.to_coded()?.bytes)
    }

    /// Packs a network, reads it from the bytes and tries it on the test examples.
    ///
    /// # Errors
    /// Of reading from the device, and if there is no pruned network.
    pub async fn packed(&self, which: Which) -> Result<Packed, Error> {
        let file = self.state_file(which).await?;
        let bytes = file.to_coded()?.bytes;
        let read = StateFile::from_bytes(&bytes)?;
        let network = read.state.write(self.course(which)?.network.clone())?;
        let test = evaluate(&network, &self.data.test, &self.device).await?;
        Ok(Packed { plain: file.to_bytes()?.len(), packed: bytes.len(), test })
    }

    pub(crate) async fn state_file(&self, which: Which) -> Result<StateFile, Error> {
        let course = self.course(which)?;
        let state = State::read(&course.network).await?;
        let trained_on = self.data.train.dataset().trained_on();
        Ok(pack(&self.spec, Some(&trained_on), state, course.masks.clone())?)
    }
}
