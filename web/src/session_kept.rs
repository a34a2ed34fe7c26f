//! Writing a session, or a once-for-all network, down whole, and going on from there.

use burn::prelude::Device;
use sapwood_backend::Seed;
use sapwood_core::StateFile;
use sapwood_supernet::SupernetSpec;
use serde::{Deserialize, Serialize};

use crate::{
    Data, DataName, Elastic, Error, Session, Settings, draw,
    kept::{Record, keep, restore},
};

#[derive(Serialize, Deserialize)]
struct SessionRecord {
    settings: Settings,
    dense: Record,
    pruned: Option<Record>,
}

#[derive(Serialize, Deserialize)]
struct ElasticRecord {
    spec: SupernetSpec,
    seed: u64,
    course: Record,
}

impl Session {
    /// The session as bytes: weights, masks, what optimisers remember, curves.
    ///
    /// # Errors
    /// Of reading from the device.
    pub async fn keep(&self) -> Result<Vec<u8>, Error> {
        let mut file = StateFile::default();
        let dense = keep(&self.dense, "dense", &mut file).await?;
        let pruned = match &self.pruned {
            Some(course) => Some(keep(course, "pruned", &mut file).await?),
            None => None,
        };
        file.metadata =
            serde_json::to_value(SessionRecord { settings: self.settings.clone(), dense, pruned })?;
        Ok(file.to_bytes()?)
    }

    /// Goes on from there, on any device.
    ///
    /// # Errors
    /// Bytes that [`Session::keep`] did not write.
    pub fn restore(bytes: &[u8], device: &Device) -> Result<Self, Error> {
        let file = StateFile::from_bytes(bytes)?;
        let SessionRecord { settings, dense, pruned } = record(&file)?;
        let mut session = Self::new(settings, device)?;
        let template = || draw(&session.spec, Seed(session.settings.seed), device);
        let pruned = match pruned {
            Some(record) => Some(restore(template()?, "pruned", record, &file, device)?),
            None => None,
        };
        session.dense = restore(template()?, "dense", dense, &file, device)?;
        session.pruned = pruned;
        Ok(session)
    }
}

impl Elastic {
    /// The network as bytes, with its position in training.
    ///
    /// # Errors
    /// Of reading from the device.
    pub async fn keep(&self) -> Result<Vec<u8>, Error> {
        let mut file = StateFile::default();
        let course = keep(&self.course, "whole", &mut file).await?;
        file.metadata =
            serde_json::to_value(ElasticRecord { spec: self.spec.clone(), seed: self.seed, course })?;
        Ok(file.to_bytes()?)
    }

    /// Goes on from there, on any device.
    ///
    /// # Errors
    /// Bytes that [`Elastic::keep`] did not write.
    pub fn restore(bytes: &[u8], device: &Device) -> Result<Self, Error> {
        let file = StateFile::from_bytes(bytes)?;
        let ElasticRecord { spec, seed, course } = record(&file)?;
        let data = Data::open(DataName::Digits, Seed(seed))?;
        let course = restore(spec.build(device)?, "whole", course, &file, device)?;
        Self::of(spec, seed, data, course, device)
    }
}

fn record<T: for<'de> Deserialize<'de>>(file: &StateFile) -> Result<T, Error> {
    T::deserialize(&file.metadata).map_err(|error| Error::Kept(error.to_string()))
}
