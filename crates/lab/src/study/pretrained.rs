//! Trained weights that the networks of a study begin with.

use std::path::PathBuf;

use burn::prelude::Device;
use sapwood_backend::{DeviceSpec, Seed};
use sapwood_core::{Masks, TrainedOn};
use sapwood_models::{Init, Net, Opened, Spec};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

use crate::{Error, Known, Outputs, weights_digest};

/// `[transfer]`: the dense network begins with a trained one's weights and masks, and, unless it keeps its own outputs, a
/// last layer that is drawn anew for the classes of the study's data. Everything else follows from that: methods that
/// score the weights at `0ep` score the pretrained ones on the new task, those that retrain from `init` begin with them
/// again, and `reinit` is the control without them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretrained {
    /// The weight file.
    pub weights: PathBuf,
    /// BLAKE3 of the file, in hexadecimal: by that, and not by its place, runs are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What becomes of its last layer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub head: Head,
}

/// The last layer of a trained network that a study begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// It is drawn anew for the classes of the study's data.
    #[default]
    New,
    /// It stays, and the network is the dense one of the study as it came: its dense run trains nothing, and each method
    /// prunes it and trains what is left. Its outputs are matched to the classes of the data by their names.
    Keep,
}

/// Writes the digest alone, or with the head that is kept.
pub(super) fn by_content<S: Serializer>(of: &Option<Pretrained>, serializer: S) -> Result<S::Ok, S::Error> {
    match of {
        Some(Pretrained { digest, head: Head::Keep, .. }) => {
            json!({ "digest": digest, "head": Head::Keep }).serialize(serializer)
        }
        of => of.as_ref().and_then(|pretrained| pretrained.digest.as_ref()).serialize(serializer),
    }
}

/// Trained weights as they were when a study was started: `transfer.json` in its folder. By it the study can be
/// looked at where the file is not, or holds others by now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transferred {
    /// Which they are, with the digest of the file.
    pub weights: Pretrained,
    /// Their network, with a last layer for the study's classes, or as it came where it keeps its own.
    pub model: Spec,
    /// What it was trained on, where it keeps its outputs and the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_on: Option<TrainedOn>,
    /// The masks in the file, by which sparsities are checked before a study starts: they are not recorded.
    #[serde(skip)]
    pub masks: Masks,
}

/// Where they are kept.
pub(super) const FILE: &str = "transfer.json";

impl Transferred {
    /// With a last layer for this number of classes: from what is recorded, or else from the file.
    pub(super) fn with_new_head(
        meant: &Pretrained,
        classes: usize,
        init: Init,
        recorded: &[Self],
    ) -> Result<Self, Error> {
        if let Some(known) = recorded.iter().find(|known| known.are(meant) && known.model.classes == classes)
        {
            return Ok(known.clone());
        }
        let weights = meant.identified()?;
        let (model, _, masks) = weights.open(classes, init, Seed(0), &cpu()?)?;
        Ok(Self { weights, model, trained_on: None, masks })
    }

    /// As they came: from what is recorded, or else from the file.
    pub(super) fn kept(meant: &Pretrained, recorded: &[Self]) -> Result<Self, Error> {
        if let Some(known) = recorded.iter().find(|known| known.are(meant)) {
            return Ok(known.clone());
        }
        let weights = meant.identified()?;
        let Opened { spec, trained_on, masks, .. } = weights.opened(&cpu()?)?;
        Ok(Self { weights, model: spec, trained_on, masks })
    }

    /// Whether these are meant.
    fn are(&self, meant: &Pretrained) -> bool {
        (&self.weights.weights, self.weights.head) == (&meant.weights, meant.head)
            && (meant.digest.is_none() || meant.digest == self.weights.digest)
    }

    /// What is known of the outputs that are kept.
    pub(super) fn known(&self) -> Known<'_> {
        Known { trained_on: self.trained_on.as_ref(), outputs: Outputs::default() }
    }

    /// Whether these lie where others did.
    pub(super) fn were_replaced_by(&self, others: &Self) -> bool {
        self.weights.weights == others.weights.weights && self.weights.digest != others.weights.digest
    }
}

impl Pretrained {
    /// With what the file holds.
    ///
    /// # Errors
    /// A file that cannot be read; another one than `digest` says.
    pub(super) fn identified(&self) -> Result<Self, Error> {
        let found = weights_digest(&self.weights)?;
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

    /// The network as it begins: with a last layer for this number of classes, drawn by a seed, or its own.
    ///
    /// # Errors
    /// What is no network that can be trained, or has no head; integers, which nothing can be learnt with.
    pub(super) fn open(
        &self,
        classes: usize,
        init: Init,
        seed: Seed,
        device: &Device,
    ) -> Result<(Spec, Net, Masks), Error> {
        let opened = self.opened(device)?;
        let Opened { spec, net, masks, .. } = match self.head {
            Head::New => opened.with_new_head(classes, init, seed, device)?,
            Head::Keep => opened,
        };
        Ok((spec, net, masks))
    }

    /// The network as it came.
    fn opened(&self, device: &Device) -> Result<Opened, Error> {
        let opened = sapwood_models::open(&self.weights, None, device)?;
        if opened.integers.is_some() {
            return Err(Error::setting(
                "transfer.weights",
                "integers are not trained on: name the weights before them",
            ));
        }
        opened.net.check_single()?;
        Ok(opened)
    }
}

fn cpu() -> Result<Device, Error> {
    Ok(DeviceSpec::CPU.resolve()?)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
