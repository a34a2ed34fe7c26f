//! An experiment as its file says it.

use std::{collections::BTreeSet, path::Path};

use sapwood_backend::{Seed, Stream};
use sapwood_core::Shape;
use sapwood_data::{Augmentation, Loader, LoaderOptions, Order, Split};
use sapwood_search::Genome;
use sapwood_supernet::{Distillation, Family, Open, Opened, Phase, Rule, SupernetSpec, Tenths, family};
use sapwood_train::{Recipe, Schedule};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::CALIBRATION;
use crate::{DataConfig, Datasets, Error, experiment_file};

/// What decimals may be off from the tenths that they mean.
const EXACT: f64 = 1e-6;
/// Networks that are drawn without a new one before a space is taken to have no others.
const TRIES: u64 = 1000;

/// A file that says how the networks of a family are trained.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupernetExperiment {
    /// Names its folder.
    pub name: String,
    /// `supernet`.
    pub kind: Kind,
    /// The family: see `list spaces`.
    pub family: String,
    /// How often everything is repeated, each time with another seed.
    #[serde(default = "one")]
    pub replicates: u64,
    /// The examples of a step.
    #[serde(default = "batch_size")]
    pub batch_size: usize,
    /// What is learnt.
    pub data: DataConfig,
    /// What all phases have in common: any field of a recipe but `epochs` and `learning_rate`.
    pub recipe: Map<String, Value>,
    /// The ways of training that are compared.
    pub method: Vec<MethodConfig>,
    /// Which networks are judged in the end.
    #[serde(default)]
    pub judging: Judging,
    /// Whether the judged networks are trained by themselves as well.
    #[serde(default)]
    pub alone: Option<Alone>,
}

/// The kind of experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Nested networks.
    Supernet,
}

/// A way of training all networks of a family.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodConfig {
    /// Its name.
    pub name: String,
    /// Its phases.
    pub phase: Vec<PhaseConfig>,
}

/// A phase; see [`Phase`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseConfig {
    /// Its name.
    pub name: String,
    /// How often all examples are seen, in tenths.
    pub epochs: f64,
    /// The learning rate that the schedule scales.
    pub learning_rate: f64,
    /// The course of the learning rate, where it is another than in other phases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// The options that are new.
    #[serde(default)]
    pub open: Open,
    /// Which networks learn from a batch.
    #[serde(default)]
    pub rule: Rule,
    /// What they learn from the largest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distillation: Option<Distillation>,
}

/// Which networks are judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Judging {
    /// Those at the corners: each list of choices at its smallest or its largest.
    pub corners: bool,
    /// This number between them, which are the same for all methods.
    pub random: usize,
    /// The training images that their statistics are taken of.
    pub calibration: usize,
}

/// Networks that are trained by themselves, with the arithmetic that a method costs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alone {
    /// The method.
    pub budget_of: String,
    /// The learning rate.
    pub learning_rate: f64,
}

impl Default for Judging {
    /// The corners, and the published calibration.
    fn default() -> Self {
        Self { corners: true, random: 0, calibration: CALIBRATION }
    }
}

impl SupernetExperiment {
    /// Reads a file and checks it against the family.
    ///
    /// # Errors
    /// A file that cannot be read; [`Error::OtherKind`]; [`Error::Study`] for one that is no experiment, or whose
    /// settings do not go together or with the family.
    pub fn read(path: &Path) -> Result<Self, Error> {
        experiment_file::read(path, "supernet", Self::check)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut names = BTreeSet::new();
        for method in &self.method {
            if !names.insert(&method.name) || method.name == "alone" || method.name.starts_with("alone-") {
                let problem =
                    format!("method `{}`: expected a name that no other has, and not `alone`", method.name);
                return Err(Error::setting("method.name", problem));
            }
            for name in
                [&self.name, &method.name].into_iter().chain(method.phase.iter().map(|phase| &phase.name))
            {
                check_name(name)?;
            }
            let family = family(&self.family, None, None)?;
            Phase::opened(&self.phases(method)?, family.space())?;
        }
        if self.method.is_empty() || self.replicates == 0 || self.judging.calibration == 0 {
            let problem = "expected at least one [[method]], one replicate, and one image for calibration";
            return Err(Error::setting("method", problem));
        }
        match &self.alone {
            Some(alone) if !names.contains(&alone.budget_of) => {
                let known = names.iter().map(|name| name.as_str());
                Err(sapwood_core::UnknownName::new("method", &alone.budget_of, known).into())
            }
            _ => Ok(()),
        }
    }

    /// What the phases of a method are.
    ///
    /// # Errors
    /// [`Error::Setting`] for epochs that are no tenths, and for a recipe that is none or has what belongs to phases.
    pub fn phases(&self, method: &MethodConfig) -> Result<Vec<Phase>, Error> {
        let phase = |config: &PhaseConfig| {
            let recipe = self.recipe(config.epochs, config.learning_rate)?;
            Ok(Phase {
                name: config.name.clone(),
                open: config.open.clone(),
                rule: config.rule,
                distillation: config.distillation,
                recipe: match &config.schedule {
                    Some(schedule) => Recipe { schedule: schedule.clone(), ..recipe },
                    None => recipe,
                },
            })
        };
        method.phase.iter().map(phase).collect()
    }

    /// A recipe of a number of epochs, counted in tenths.
    pub(crate) fn recipe(&self, epochs: f64, learning_rate: f64) -> Result<Recipe, Error> {
        let mut recipe = self.recipe.clone();
        // A number of the file that is not finite is nothing here, and would count as left out.
        let infinite = recipe.iter().find(|(_, value)| value.is_null()).map(|(field, _)| field.as_str());
        if let Some(field) = infinite.or((!learning_rate.is_finite()).then_some("learning_rate")) {
            return Err(Error::setting(field, format!("`{field}`: expected a finite number")));
        }
        let tenths = epochs * Tenths::PARTS as f64;
        if !(1.0 - EXACT..1e9).contains(&tenths) || EXACT < (tenths - tenths.round()).abs() {
            return Err(Error::setting(
                "epochs",
                format!("`epochs`: expected tenths, as in 0.1 or 2.5, found {epochs}"),
            ));
        }
        if let Some(field) = ["start_at", "until"].into_iter().find(|field| recipe.contains_key(*field)) {
            return Err(Error::setting(
                format!("recipe.{field}"),
                format!("`[recipe]`: phases have no `{field}`: leave it out"),
            ));
        }
        let tenths = tenths.round() as usize;
        for (field, value) in [("epochs", Value::from(tenths)), ("learning_rate", learning_rate.into())] {
            if recipe.insert(field.into(), value).is_some() {
                return Err(Error::setting(
                    format!("recipe.{field}"),
                    format!("`{field}` belongs to each phase, not to `[recipe]`"),
                ));
            }
        }
        serde_json::from_value(Value::Object(recipe))
            .map_err(|error| Error::setting("recipe", format!("`[recipe]`: {error}")))
    }

    /// The batches that are learnt from.
    pub(crate) fn source(&self, seed: Seed, datasets: &Datasets) -> Result<Loader, Error> {
        let options = LoaderOptions {
            batch_size: self.batch_size,
            order: Order::Shuffled(seed),
            augment: Augmentation { seed, steps: self.data.augmentation()? },
            workers: 1,
            drop_last: true,
        };
        Ok(Loader::new(datasets.open(&self.data, Split::Train)?, options)?)
    }

    /// The family, for the images and classes of the data.
    ///
    /// # Errors
    /// Those of [`Datasets::open`]; [`Error::Setting`] for data without classes.
    pub fn spec(&self, datasets: &Datasets) -> Result<SupernetSpec, Error> {
        let data = datasets.open(&self.data, Split::Test)?;
        let (input, classes): (Shape, usize) = match data.task() {
            sapwood_data::Task::Classes(classes) => (data.shape(), classes),
            sapwood_data::Task::Dense(_) => {
                let problem =
                    format!("data set `{}` has no classes: nested networks learn classes", self.data.name);
                return Err(Error::setting("data.name", problem));
            }
        };
        Ok(SupernetSpec {
            supernet: self.family.clone(),
            input,
            classes,
            trained_on: Some(data.trained_on()),
        })
    }

    /// The networks that are judged, the same in every replicate.
    ///
    /// # Errors
    /// [`Error::Setting`] where fewer networks are found than should be drawn; corners of more than ten lists of
    /// choices.
    pub fn judged(&self, family: &Family) -> Result<Vec<Genome>, Error> {
        let mut genomes = if self.judging.corners { family.corners()? } else { Vec::new() };
        let wanted = genomes.len() + self.judging.random;
        let opened = Opened::all(family.space());
        let mut vain = 0;
        for number in 0.. {
            if genomes.len() == wanted {
                break;
            }
            if vain == TRIES {
                let (found, random) = (genomes.len(), self.judging.random);
                let problem = format!(
                    "{TRIES} draws in a row brought no network to judge beside {found} others: lower `random` from {random}"
                );
                return Err(Error::setting("judging.random", problem));
            }
            vain += 1;
            let mut rng = Seed(0).stream(Stream::Data, number);
            let genome = family.at_full_resolution(&opened.sample(family.space(), &mut rng)?)?;
            if !genomes.contains(&genome) {
                genomes.push(genome);
                vain = 0;
            }
        }
        Ok(genomes)
    }
}

/// Names become names of files and folders.
fn check_name(name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match !name.is_empty() && !name.starts_with('.') && name.chars().all(fits) {
        true => Ok(()),
        false => {
            Err(Error::setting("name", format!("name `{name}`: expected letters, digits, `-`, `_` and `.`")))
        }
    }
}

fn one() -> u64 {
    1
}

fn batch_size() -> usize {
    128
}
