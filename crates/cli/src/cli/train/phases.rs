//! What is trained one after the other: all layers, the last one alone, or both.

use std::collections::BTreeSet;

use sapwood_core::{Step, identity};
use sapwood_lab::{
    Augmenting, Beginning, Conditions, DataConfig, Error as Lab, Outputs, RunFolder, SmallData, Start,
    TrainConfig, Transfer, weights_digest,
};
use sapwood_models::Opened;
use sapwood_train::{Evaluation, Recipe};
use serde_json::json;

use super::super::outputs::hinted;
use crate::Error;

/// What a learning rate that was given is multiplied by once a probe has found the last layer (Kumar et al. 2022,
/// "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution").
const AFTER_PROBE: f64 = 0.1;

/// The highest learning rate of all layers behind a probe whose own was found by its features: earlier layers bear less.
/// LeNet-5 and EfficientNet-Lite0 do best at 0.02 to 0.05 and at 0.003 to 0.01, where the last layer alone bears 0.2 and
/// 0.003.
const MOST_AFTER_PROBE: f64 = 0.02;

/// The largest norm of the gradient at that rate, where none is given and normalisation keeps its statistics: it then no
/// longer makes up for weights that grow, and small networks diverge at 0.02 without that.
const MOST_NORM_AFTER_PROBE: f64 = 1.0;

/// The parts of a training.
pub(super) struct Phases {
    /// The epochs of a probe, and of what follows it.
    probe_and_then: Option<(usize, Option<usize>)>,
    /// The learning rate behind the probe, where both were found, and the largest norm of the gradient there, if any.
    then_found: Option<(f64, Option<f64>)>,
    /// What is said before the probe.
    notes: Vec<String>,
}

impl Phases {
    pub(super) fn new(probe_and_then: Option<(usize, Option<usize>)>, suited: Option<String>) -> Self {
        Self { probe_and_then, then_found: None, notes: suited.into_iter().collect() }
    }

    /// The learning rate that the last layer bears, where none was given. Behind it all layers have the same, or
    /// [`MOST_AFTER_PROBE`].
    pub(super) fn suited_rate(
        &mut self,
        config: &TrainConfig,
        conditions: &Conditions<'_>,
    ) -> Result<f64, Error> {
        let Conditions { datasets, device, reporter, .. } = *conditions;
        let rate = sapwood_lab::probe_rate(config, datasets, device, reporter)
            .map_err(|error| hinted(error, true))?;
        let then = rate.min(MOST_AFTER_PROBE);
        let keeps_statistics = !config.transfer.still.is_empty();
        let clip = config.recipe.clip.or(keeps_statistics.then_some(MOST_NORM_AFTER_PROBE));
        self.then_found = Some((then, clip));
        let behind = match (self.probe_and_then, clip) {
            (Some((_, Some(_))), Some(clip)) => {
                format!(", and then {then} for all layers, with gradients of a norm of {clip} at most")
            }
            (Some((_, Some(_))), None) => format!(", and then {then} for all layers"),
            _ => String::new(),
        };
        self.notes.push(format!(
            "learning rate {rate} for the last layer, one over the curvature of its loss on these features{behind}"
        ));
        Ok(rate)
    }

    /// What names the folder of a training: the hash of its configuration, or of that and its phases.
    pub(super) fn hash(&self, config: &TrainConfig) -> Result<String, Error> {
        let hash = config.hash()?;
        Ok(match self.probe_and_then {
            None => hash,
            Some(phases) => identity(&json!([hash, phases, self.then_found]))[..hash.len()].into(),
        })
    }

    /// Trains what the configuration says in all layers, or behind or instead of that the last one.
    pub(super) fn train(
        self,
        config: TrainConfig,
        folder: &RunFolder,
        conditions: &Conditions<'_>,
    ) -> Result<Evaluation, Error> {
        let train = |config: &TrainConfig, folder: &RunFolder, conditions: &Conditions<'_>| {
            sapwood_lab::train(config, folder, conditions).map_err(|error| hinted(error, true))
        };
        match self.probe_and_then {
            None => train(&config, folder, conditions),
            Some((epochs, None)) => {
                let (notes, still) = (self.notes, BTreeSet::new());
                let transfer = Transfer { probe: true, notes, still, ..config.transfer };
                let recipe = Recipe { epochs, ..config.recipe };
                train(&TrainConfig { recipe, transfer, ..config }, folder, conditions)
            }
            Some((epochs, Some(then))) => {
                let recipe = Recipe { epochs: then, ..config.recipe.clone() };
                // Better now than behind the probe.
                TrainConfig { recipe, ..config.clone() }
                    .check_ahead(folder, conditions)
                    .map_err(|error| hinted(error, true))?;
                let probed = RunFolder::new(folder.probe());
                // Positions that are kept are those of what follows.
                let before = Conditions { keep: &[], ..*conditions };
                sapwood_lab::train(&probing(&config, epochs, self.notes), &probed, &before)
                    .map_err(|error| hinted(of_outer(error, folder), true))?;
                let path = probed.weights();
                let opened = sapwood_models::open(&path, None, conditions.device)?;
                let given = config.recipe.learning_rate;
                let (learning_rate, clip) =
                    self.then_found.unwrap_or((AFTER_PROBE * given, config.recipe.clip));
                let recipe = Recipe { epochs: then, learning_rate, clip, ..config.recipe };
                let outputs = Outputs { new: false, ..config.outputs };
                let beginning = Beginning::From(start(opened, weights_digest(&path)?));
                train(&TrainConfig { beginning, recipe, outputs, ..config }, folder, conditions)
            }
        }
    }
}

/// An error that speaks of the probe's folder, with the one that was named: that one can be chosen.
fn of_outer(error: Lab, folder: &RunFolder) -> Lab {
    let path = folder.path().to_path_buf();
    match error {
        Lab::OtherRun { field, expected, found, .. } => Lab::OtherRun { field, expected, found, path },
        Lab::OtherFolder { found, .. } => Lab::OtherFolder { found, path },
        Lab::Busy { .. } => Lab::Busy { path },
        error => error,
    }
}

/// The training of the last layer alone that comes before another, without what only that other can do.
fn probing(config: &TrainConfig, epochs: usize, notes: Vec<String>) -> TrainConfig {
    let recipe = Recipe { epochs, start_at: Step::START, until: Step::End, ..config.recipe.clone() };
    let data = DataConfig { augment: Augmenting::NONE, ..config.data.clone() };
    let transfer = Transfer { probe: true, notes, ..Transfer::default() };
    let small = SmallData { mixing: None, ..config.small };
    TrainConfig {
        recipe,
        data,
        transfer,
        small,
        sparse: None,
        quantize: None,
        regulariser: None,
        ..config.clone()
    }
}

/// What was opened, for a training to begin with.
pub(super) fn start(opened: Opened, digest: String) -> Box<Start> {
    let Opened { net, masks, trained_on, .. } = opened;
    Box::new(Start { digest, net, masks, trained_on })
}
