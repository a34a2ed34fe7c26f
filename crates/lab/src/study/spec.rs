//! What decides the outcome of one run of a study, and the hash that names it.

use sapwood_core::{Exceptions, Step, identity};
use sapwood_data::OpenOptions;
use sapwood_models::{Init, Spec};
use sapwood_prune::{Allocation, Granularity, Iterations, Options, Sparsity};
use sapwood_sparse::Regulariser;
use sapwood_train::{AdamW, Distillation, Recipe, Retraining};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Control, During, Pretrained, Share, pretrained::by_content};
use crate::{DataConfig, Error, Evaluate, Examples, Quantize, SmallData, run_folder::without_places};

/// Everything that decides the outcome of a run, but for its replicate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSpec {
    /// The network.
    pub model: Spec,
    /// The weights that it begins with.
    pub init: Init,
    /// The trained weights that it begins with instead: their digest, and whether they keep their outputs.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "by_content")]
    pub transfer: Option<Pretrained>,
    /// What it learns.
    pub data: DataConfig,
    /// The examples of a step.
    pub batch_size: usize,
    /// How the dense network learns.
    pub recipe: Recipe,
    /// What drives channels of the dense network to zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regulariser: Option<Regulariser>,
    /// What helps it where examples are few.
    #[serde(skip_serializing_if = "is_default")]
    pub small: SmallData,
    /// When it is tested.
    #[serde(skip_serializing_if = "is_default")]
    pub evaluate: Evaluate,
    /// The seed of the first replicate.
    #[serde(skip_serializing_if = "is_default")]
    pub seed: u64,
    /// How it is pruned; `None` for the dense run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruning: Option<Pruning>,
    /// How its weights are shared after its training; `None` for the training itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
}

/// How a network is pruned and trained again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pruning {
    /// Which weights are kept; `None` where training decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<CutSettings>,
    /// The fraction that is removed.
    pub sparsity: Sparsity,
    /// The position whose weights are scored.
    #[serde(skip_serializing_if = "is_start")]
    pub at: Step,
    /// Which weights are trained, from where.
    pub retrain: Retraining,
    /// The control.
    #[serde(skip_serializing_if = "is_default")]
    pub control: Control,
    /// The sparsities of the levels before, if it begins with the trained network of
    /// the last of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Sparsity>,
    /// How masks change in training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub during: Option<During>,
    /// How it is rounded in training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantize: Option<Quantize>,
    /// The epochs of the training, where not those of the recipe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// What it learns of the dense run, beside the labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distill: Option<Distillation>,
    /// Which of several orders of the examples.
    #[serde(skip_serializing_if = "is_default")]
    pub order: u64,
}

/// Which weights are kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CutSettings {
    /// By which criterion.
    pub criterion: String,
    /// Its options.
    #[serde(skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// What it is shown, if it asks for examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples: Option<Examples>,
    /// How the kept weights are spread.
    #[serde(skip_serializing_if = "is_default")]
    pub allocation: Allocation,
    /// What goes together.
    #[serde(skip_serializing_if = "is_default")]
    pub granularity: Granularity,
    /// What is left alone.
    #[serde(skip_serializing_if = "Exceptions::is_empty")]
    pub exclude: Exceptions,
    /// In how many rounds, where not as is customary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<Iterations>,
}

impl RunSpec {
    /// The specification without whatever has its default value, so that an option that
    /// is new, and has no effect at its default, moves no hash; and without where a list lies.
    ///
    /// # Errors
    /// A setting that cannot be written down.
    pub fn canonical(&self) -> Result<Value, Error> {
        let mut value = without_places(serde_json::to_value(self).map_err(Error::unwritable)?);
        elide(&mut value["data"], &json!({ "augment": false, "options": OpenOptions::default() }));
        elide(&mut value["init"], &json!(Init::default()));
        // What an ONNX file calls its ends decides nothing.
        if let Some(model) = value["model"].as_object_mut() {
            model.remove("onnx");
        }
        if value["recipe"]["optimizer"]["name"] == "adamw" {
            elide(&mut value["recipe"]["optimizer"], &json!(AdamW::default()));
        }
        if self.pruning.as_ref().is_some_and(Pruning::goes_on) {
            // Runs without this began each level with the dense network's weights.
            value["pruning"]["begins"] = "level".into();
        }
        Ok(value)
    }

    /// The name of the run: 16 hexadecimal digits.
    ///
    /// # Errors
    /// As for [`RunSpec::canonical`].
    pub fn hash(&self) -> Result<String, Error> {
        Ok(identity(&self.canonical()?)[..16].to_string())
    }
}

/// Removes what is as in `default`, and objects that become empty by it.
fn elide(value: &mut Value, default: &Value) {
    let (Value::Object(fields), Value::Object(defaults)) = (value, default) else { return };
    for (key, default) in defaults {
        if let Some(field) = fields.get_mut(key) {
            elide(field, default);
            let emptied = field.as_object().is_some_and(|fields| fields.is_empty()) && default.is_object();
            if field == default || emptied {
                fields.remove(key);
            }
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_start(step: &Step) -> bool {
    *step == Step::START
}

#[cfg(test)]
mod tests;
