//! Weights of another task that the networks of a study begin with.

use std::path::PathBuf;

use burn::prelude::Device;
use sapwood_backend::Seed;
use sapwood_core::Masks;
use sapwood_models::{Init, Net, Opened, Spec};
use serde::{Deserialize, Serialize, Serializer};

use super::StudyFolder;
use crate::{Error, digest};

/// `[transfer]`: the dense network begins with a trained one's weights and masks, and a last layer that is drawn anew for
/// the classes of the study's data. Everything else follows from that: methods that score the weights at `0ep` score the
/// pretrained ones on the new task, those that retrain from `init` begin with them again, and `reinit` is the control
/// without them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretrained {
    /// The weight file.
    pub weights: PathBuf,
    /// BLAKE3 of the file, in hexadecimal: by that, and not by its place, runs are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Writes the digest alone.
pub(super) fn by_content<S: Serializer>(of: &Option<Pretrained>, serializer: S) -> Result<S::Ok, S::Error> {
    of.as_ref().and_then(|pretrained| pretrained.digest.as_ref()).serialize(serializer)
}

/// Weights of another task as they were when a study was started: `transfer.json` in its folder. By it the study can be
/// looked at where the file is not, or holds others by now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transferred {
    /// Which they are, with the digest of the file.
    pub weights: Pretrained,
    /// Their network, with a last layer for the study's classes.
    pub model: Spec,
}

/// Where they are kept.
pub(super) const FILE: &str = "transfer.json";

impl Transferred {
    /// From what is recorded, or else from the file.
    pub(super) fn of(
        meant: &Pretrained,
        classes: usize,
        init: Init,
        recorded: &[Self],
    ) -> Result<Self, Error> {
        let is_meant = |known: &&Self| {
            known.weights.weights == meant.weights
                && known.model.classes == classes
                && (meant.digest.is_none() || meant.digest == known.weights.digest)
        };
        if let Some(known) = recorded.iter().find(is_meant) {
            return Ok(known.clone());
        }
        let weights = meant.identified()?;
        let device = sapwood_backend::DeviceSpec::CPU.resolve().map_err(sapwood_train::Error::from)?;
        let (model, ..) = weights.open(classes, init, Seed(0), &device)?;
        Ok(Self { weights, model })
    }

    /// Whether these lie where others did.
    pub(super) fn were_replaced_by(&self, others: &Self) -> bool {
        self.weights.weights == others.weights.weights && self.weights.digest != others.weights.digest
    }
}

impl StudyFolder {
    /// The weights of another task as they were when the study was last started; none where it begins with new ones.
    pub(super) fn transferred(&self) -> Result<Vec<Transferred>, Error> {
        self.known(FILE, "weights of another task")
    }
}

impl Pretrained {
    /// With what the file holds.
    ///
    /// # Errors
    /// A file that cannot be read; another one than `digest` says.
    pub(super) fn identified(&self) -> Result<Self, Error> {
        let bytes = std::fs::read(&self.weights).map_err(Error::file("read", &self.weights))?;
        let found = digest(&bytes);
        match &self.digest {
            Some(expected) if *expected != found => Err(Error::setting(
                "transfer.digest",
                format!(
                    "these are other weights than `transfer.digest` names, or than the study was started with: {}",
                    self.weights.display()
                ),
            )),
            _ => Ok(Self { digest: Some(found), ..self.clone() }),
        }
    }

    /// The network with a last layer for this number of classes, drawn by a seed.
    ///
    /// # Errors
    /// What is no network, or has no head; integers, which nothing can be learnt with.
    pub(super) fn open(
        &self,
        classes: usize,
        init: Init,
        seed: Seed,
        device: &Device,
    ) -> Result<(Spec, Net, Masks), Error> {
        let opened = sapwood_models::open(&self.weights, None, device)?;
        if opened.integers.is_some() {
            return Err(Error::setting(
                "transfer.weights",
                "integers are not trained on: name the weights before them",
            ));
        }
        let Opened { spec, net, masks, .. } = opened.with_new_head(classes, init, seed, device)?;
        Ok((spec, net, masks))
    }
}
