//! Shared weights as a step of a study: what a trained network weighs once it is packed.

use std::fs;

use sapwood_backend::block_on;
use sapwood_core::{ModuleState, State, StateFile, TrainedOn, write_atomic};
use sapwood_models::{Opened, Spec, pack};
use sapwood_train::{AdamW, Recipe, Schedule};
use serde::{Deserialize, Serialize};

use crate::{
    Beginnings, Clustering, Conditions, Error, RunFolder, SharedLayer, SharedNet, Start, run_folder::digest,
};

/// `share` of a method: after its training each layer shares few values, and these are trained; what comes
/// of it is packed. Every one is a run of its own, that begins with the network of the run without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Share {
    /// Among 2^bits values in each linear layer, zeros apart.
    pub bits: u32,
    /// The same of convolutions, where that is another number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conv_bits: Option<u32>,
    /// The same of biases, where these are shared too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_bits: Option<u32>,
    /// Where the values begin.
    #[serde(default)]
    pub start: Beginnings,
    /// What a bit is worth, in mean squares of a layer's weights.
    #[serde(default)]
    pub bit_price: f64,
    /// Times all examples are seen by the shared values.
    #[serde(default = "two")]
    pub epochs: usize,
    /// The learning rate of AdamW, which falls to 0 along a cosine.
    #[serde(default = "usual_rate")]
    pub learning_rate: f64,
}

fn two() -> usize {
    2
}

fn usual_rate() -> f64 {
    2e-4
}

impl Share {
    /// What tables call it: `5 bits`, and whatever is not as usual, so that two that differ have two names.
    pub(super) fn name(&self) -> String {
        let mut text = format!("{} bit{}", self.bits, if self.bits == 1 { "" } else { "s" });
        if let Some(bits) = self.conv_bits {
            text += &format!(", convolutions {bits}");
        }
        if let Some(bits) = self.bias_bits {
            text += &format!(", biases {bits}");
        }
        if 0.0 < self.bit_price {
            text += &format!(", bits at {}", self.bit_price);
        }
        match self.start {
            Beginnings::Linear => {}
            Beginnings::Density => text += ", start density",
            Beginnings::Random => text += ", start random",
        }
        if self.epochs != two() {
            text += &format!(", {} epoch{}", self.epochs, if self.epochs == 1 { "" } else { "s" });
        }
        if self.learning_rate != usual_rate() {
            text += &format!(", learning rate {}", self.learning_rate);
        }
        text
    }

    /// How the values are trained.
    pub(super) fn recipe(&self) -> Recipe {
        let recipe = Recipe::new(self.epochs, AdamW::default(), self.learning_rate);
        Recipe { schedule: Schedule::Cosine { end: 0.0 }, ..recipe }
    }

    pub(super) fn clustering(&self, seed: u64) -> Clustering {
        Clustering {
            bits: self.bits,
            conv_bits: self.conv_bits.unwrap_or(self.bits),
            bias_bits: self.bias_bits,
            start: self.start,
            bit_price: self.bit_price,
            seed,
        }
    }

    /// The network of another run with shared weights, which lie in a file of their own, and the layers that share.
    pub(super) fn begin(
        &self,
        folder: &RunFolder,
        unshared: &RunFolder,
        trained_on: TrainedOn,
        conditions: &Conditions<'_>,
        seed: u64,
    ) -> Result<(Spec, Start, Vec<SharedLayer>), Error> {
        let Opened { spec, net, masks, .. } =
            sapwood_models::open(&unshared.weights(), None, conditions.device)?;
        let SharedNet { net, masks, layers } = self.clustering(seed).share(net, &masks)?;
        let path = folder.path().join("shared.safetensors");
        let state = block_on(State::read(&net))?;
        let file = pack(&spec, Some(&trained_on), state, masks.clone())?.to_bytes()?;
        write_atomic(&path, &file)?;
        Ok((spec, Start { digest: digest(&file), net, masks, trained_on: Some(trained_on) }, layers))
    }
}

/// Packs the network of a run beside it.
pub(super) fn write_packed(folder: &RunFolder) -> Result<(), Error> {
    let bytes = fs::read(folder.weights()).map_err(Error::file("read", folder.weights()))?;
    let coded = StateFile::from_bytes(&bytes).and_then(|file| file.to_coded());
    let coded = coded.map_err(sapwood_core::Error::from)?;
    Ok(write_atomic(&folder.packed(), &coded.bytes)?)
}

/// How many bytes that took.
pub(super) fn packed_bytes(folder: &RunFolder) -> Result<u64, Error> {
    Ok(fs::metadata(folder.packed()).map_err(Error::file("read", folder.packed()))?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_has_another_name_and_what_is_usual_is_not_said() {
        let named = |text: &str| toml::from_str::<Share>(text).unwrap().name();
        assert_eq!(named("bits = 4\nstart = \"linear\"\nepochs = 2\nlearning-rate = 2e-4"), "4 bits");
        let others =
            ["start = \"density\"", "start = \"random\"", "epochs = 1", "epochs = 3", "learning-rate = 1e-3"];
        let names: std::collections::BTreeSet<String> =
            others.map(|other| named(&format!("bits = 4\n{other}"))).into();
        assert_eq!(names.len(), others.len(), "{names:?}");
        assert!(!names.contains("4 bits"), "{names:?}");
        assert_eq!(named("bits = 4\nepochs = 1"), "4 bits, 1 epoch");
    }
}
