//! The study as its file says it.

use std::{fmt, path::Path};

use sapwood_search::Method;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    DataConfig, Error, experiment_file,
    supernet::{CALIBRATION, Judging, MethodConfig, Pairs, PhaseConfig, SupernetExperiment, SupernetKind},
};

/// A file that says for which limits a supernet serves, and how it comes to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchExperiment {
    /// Names its folder.
    pub name: String,
    /// `search`.
    pub kind: Kind,
    /// The family: see `list spaces`.
    pub family: String,
    /// The seed of all that is random.
    #[serde(default)]
    pub seed: u64,
    /// The examples of a step.
    #[serde(default = "batch_size")]
    pub batch_size: usize,
    /// What is learnt. By what is `held_out` networks are chosen; the test split has no say in it.
    pub data: DataConfig,
    /// What all training has in common: any field of a recipe but `epochs` and `learning_rate`.
    pub recipe: Map<String, Value>,
    /// How the supernet is trained.
    pub phase: Vec<PhaseConfig>,
    /// From which networks accuracies are predicted.
    #[serde(default)]
    pub pairs: PairsConfig,
    /// How times are taken.
    #[serde(default)]
    pub latency: Latencies,
    /// What is searched for.
    pub search: Searched,
    /// How a network that was cut out is trained further.
    pub fine_tuning: Tuning,
    /// How the same network is trained by itself.
    pub alone: Tuning,
}

/// The kind of experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A supernet for several devices.
    Search,
}

/// From which networks accuracies are predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PairsConfig {
    /// This number, drawn by chance.
    pub count: usize,
    /// The training images that their statistics are taken of.
    pub calibration: usize,
}

/// How times are taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Latencies {
    /// Images at a time.
    pub batch: usize,
    /// Rounds over everything; 2 at least.
    pub rounds: usize,
    /// Runs that count, in each round.
    pub runs: usize,
    /// No further round is begun after this number of seconds.
    pub seconds: f64,
    /// Networks run by the runtime, on this number of threads of the CPU; otherwise by Burn, on the device of the study.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_threads: Option<usize>,
}

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Searched {
    /// The latencies that are allowed, one for each target.
    pub limits: Vec<Limit>,
    /// How: see `search --help`.
    #[serde(default = "method")]
    pub method: String,
    /// How many networks are looked at for each.
    #[serde(default = "evaluations")]
    pub evaluations: usize,
}

/// How a network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// How often all examples are seen, in tenths.
    pub epochs: f64,
    /// The learning rate that the schedule scales.
    pub learning_rate: f64,
}

/// The latency that is allowed: milliseconds as a number, or how far it is from what is predicted
/// for the smallest network to what is predicted for the largest, as in `"40%"`, so that on every
/// machine some network meets it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// In milliseconds.
    Ms(f64),
    /// In per cent of the way from the smallest network to the largest.
    Percent(f64),
}

impl Limit {
    /// In milliseconds, where the smallest and the largest network take these.
    pub fn ms(self, smallest: f64, largest: f64) -> f64 {
        match self {
            Self::Ms(ms) => ms,
            Self::Percent(percent) => smallest + percent / 100.0 * (largest - smallest),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ms(ms) => write!(f, "{ms} ms"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Ms(ms) => serializer.serialize_f64(*ms),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        let written = Written::deserialize(deserializer)?;
        let found = match &written {
            Written::Number(ms) => Some(Self::Ms(*ms)),
            Written::Text(text) => {
                text.strip_suffix('%').and_then(|number| number.trim().parse().ok()).map(Self::Percent)
            }
        };
        let positive = |limit: &Self| match limit {
            Self::Ms(value) | Self::Percent(value) => value.is_finite() && 0.0 < *value,
        };
        found.filter(positive).ok_or_else(|| {
            serde::de::Error::custom("a limit is a number of milliseconds above 0, or how far from the smallest network's to the largest's, as in `40%`")
        })
    }
}

impl Default for PairsConfig {
    /// Two hundred, and the published calibration.
    fn default() -> Self {
        Self { count: 200, calibration: CALIBRATION }
    }
}

impl Default for Latencies {
    /// One image at a time, and a hundred rounds of three runs, as `latency build` has them.
    fn default() -> Self {
        Self { batch: 1, rounds: 100, runs: 3, seconds: 240.0, runtime_threads: None }
    }
}

impl SearchExperiment {
    /// Reads a file and checks it against the family.
    ///
    /// # Errors
    /// A file that cannot be read; [`Error::OtherKind`]; [`Error::Study`] for one that is no experiment, or whose
    /// settings do not go together or with the family.
    pub fn read(path: &Path) -> Result<Self, Error> {
        experiment_file::read(path, "search", Self::check)
    }

    fn check(&self) -> Result<(), Error> {
        // The supernet has it under another name.
        if self.pairs.calibration == 0 {
            let problem = "`pairs.calibration`: expected 1 or more, found 0";
            return Err(Error::setting("pairs.calibration", problem));
        }
        let supernet = self.supernet();
        supernet.check()?;
        for Tuning { epochs, learning_rate } in [&self.fine_tuning, &self.alone] {
            supernet.recipe(*epochs, *learning_rate)?;
        }
        Method::named(&self.search.method)?;
        let Latencies { batch, rounds, runs, seconds, runtime_threads } = self.latency;
        let (key, problem) = if self.search.limits.is_empty() {
            ("search.limits", "`search.limits`: expected at least one latency, as in [\"40%\", 12.5]")
        } else if self.search.evaluations == 0 {
            ("search.evaluations", "`search.evaluations`: expected 1 or more, found 0")
        } else if batch == 0 || runs == 0 || rounds < 2 || !(0.0..=86_400.0).contains(&seconds) {
            (
                "latency",
                "`latency`: expected `batch` and `runs` from 1 up, `rounds` from 2 up, and `seconds` from 0 to 86400",
            )
        } else if runtime_threads.is_some_and(|threads| !(1..=1024).contains(&threads)) {
            ("latency.runtime_threads", "`latency.runtime_threads`: expected 1 to 1024")
        } else if self.pairs.count < Pairs::FOLDS {
            (
                "pairs.count",
                "`pairs.count`: expected 5 or more, as many as the folds by which a predictor is chosen",
            )
        } else if self.data.held_out.is_none() {
            (
                "data.held_out",
                "`data.held_out`: expected how many training images are held out: by them networks are chosen",
            )
        } else {
            return Ok(());
        };
        Err(Error::setting(key, problem))
    }

    /// The training of the supernet, as an experiment of its own.
    pub(super) fn supernet(&self) -> SupernetExperiment {
        SupernetExperiment {
            name: self.name.clone(),
            kind: SupernetKind::Supernet,
            family: self.family.clone(),
            replicates: 1,
            batch_size: self.batch_size,
            data: self.data.clone(),
            recipe: self.recipe.clone(),
            method: vec![MethodConfig { name: "supernet".into(), phase: self.phase.clone() }],
            judging: Judging { calibration: self.pairs.calibration, ..Judging::default() },
            alone: None,
        }
    }
}

fn batch_size() -> usize {
    128
}

fn method() -> String {
    "evolution".into()
}

/// The published number.
fn evaluations() -> usize {
    50_100
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUDY: &str = r#"
name = "devices"
kind = "search"
family = "mlp"
data = { name = "digits", held_out = 200 }

[recipe]
optimizer = { name = "sgd", momentum = 0.9, nesterov = true }

[[phase]]
name = "all"
open = "all"
rule = { name = "random", subnets = 2 }
epochs = 4
learning_rate = 0.05

[pairs]
calibration = 200

[search]
limits = ["100%"]

[fine_tuning]
epochs = 0.5
learning_rate = 0.01

[alone]
epochs = 4
learning_rate = 0.05
"#;

    #[test]
    fn no_images_for_calibration_are_refused_under_their_own_name() {
        let check = |text: &str| toml::from_str::<SearchExperiment>(text).unwrap().check();
        check(STUDY).unwrap();
        let error = check(&STUDY.replace("calibration = 200", "calibration = 0")).unwrap_err();
        let Error::Setting { key, problem } = &error else { panic!("{error}") };
        assert_eq!(key, "pairs.calibration");
        assert_eq!(problem, "`pairs.calibration`: expected 1 or more, found 0");
    }

    #[test]
    fn limits_are_milliseconds_or_shares() {
        let read = |text: &str| serde_json::from_str::<Limit>(text);
        assert_eq!(read("12.5").unwrap().ms(20.0, 100.0), 12.5);
        assert_eq!(read("\"40%\"").unwrap().ms(10.0, 20.0), 14.0);
        assert_eq!(serde_json::to_string(&read("\"40 %\"").unwrap()).unwrap(), "\"40%\"");
        for wrong in ["0", "-1", "\"40\"", "\"x%\"", "\"0%\"", "true"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
