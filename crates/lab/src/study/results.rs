//! What came of a study, as rows.

use std::{collections::BTreeMap, fs, path::PathBuf};

use sapwood_core::Step;
use sapwood_train::Connectivity;
use serde::Serialize;

use super::{Control, Label, Plan, Run, State, StudyFolder, account, life::Rule, share};
use crate::{Error, Outcome, ledger::Account};

/// What came of a study: the runs that are done, in the order of the plan.
#[derive(Clone, Debug)]
pub struct Results {
    /// One per run.
    pub rows: Vec<Row>,
    /// How many runs there are in all.
    pub planned: usize,
}

/// A run that is done.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was run.
    pub run: Run,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether it has learnt the rule of the Game of Life, where that was tried.
    pub rule: Option<bool>,
    /// How far it is from being linearly connected with its twin, if it has one.
    pub instability: Option<f64>,
    /// How many bytes its network takes once it is packed, where its weights are shared.
    pub packed: Option<u64>,
    /// What it cost.
    pub account: Account,
}

/// A row as it is written: only what is the same whenever and wherever it was run.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The values of the sweep.
    pub variant: String,
    /// The method.
    pub method: String,
    /// Its criterion.
    pub criterion: Option<String>,
    /// The position whose weights were scored.
    pub at: Option<Step>,
    /// The position whose weights were trained.
    pub retrained_from: Option<Step>,
    /// The control.
    pub control: Option<&'static str>,
    /// The fraction that was removed, as written.
    pub sparsity: String,
    /// Which of several equal runs.
    pub replicate: u64,
    /// The name of its folder.
    pub run: String,
    /// Weights that are kept.
    pub kept: Option<usize>,
    /// Of this number.
    pub of: Option<usize>,
    /// Of the kept ones, those on a path from the input to an output.
    pub effective: Option<usize>,
    /// Multiply-accumulates of one example's forward pass, masked weights for free.
    pub macs: f64,
    /// Epochs of its training.
    pub epochs: usize,
    /// The mean loss on the test split.
    pub test_loss: f64,
    /// The share of right classes, or cells.
    pub test_top1: f64,
    /// The share of right boards.
    pub test_exact: Option<f64>,
    /// Whether the rule of the Game of Life was learnt.
    pub rule: Option<bool>,
    /// Which order of the examples.
    pub order: u64,
    /// How much higher the error is between this network and that of order 0 than at both.
    pub instability: Option<f64>,
    /// Bytes of the packed network, where its weights are shared.
    pub packed_bytes: Option<u64>,
}

impl Row {
    /// The control; `none` for the dense run.
    pub fn control(&self) -> Control {
        self.run.control()
    }

    /// The fraction that was removed; none of the dense run.
    pub fn sparsity(&self) -> Option<sapwood_prune::Sparsity> {
        self.run.spec.pruning.as_ref().map(|pruning| pruning.sparsity)
    }

    /// As it is written: a line for each variant of the sweep that it belongs to.
    pub fn lines(&self) -> impl Iterator<Item = Line> {
        self.run.labels().map(|label| self.line(label))
    }

    fn line(&self, label: &Label) -> Line {
        let pruning = self.run.spec.pruning.as_ref();
        let layers = &self.outcome.layers;
        let sum = |f: fn(&sapwood_prune::LayerHealth) -> usize| {
            // A record may say anything.
            (!layers.is_empty()).then(|| layers.iter().map(f).fold(0, usize::saturating_add))
        };
        let test = &self.outcome.test;
        Line {
            variant: label.variant.clone(),
            method: label.method.clone(),
            criterion: pruning.and_then(|pruning| Some(pruning.cut.as_ref()?.criterion.clone())),
            at: pruning.map(|pruning| pruning.at),
            retrained_from: pruning.map(|pruning| pruning.retrain.weights()),
            control: pruning.map(|pruning| pruning.control.name()),
            sparsity: pruning.map_or("0".into(), |pruning| pruning.sparsity.to_string()),
            replicate: self.run.replicate,
            run: self.run.hash.clone(),
            kept: sum(|layer| layer.kept),
            of: sum(|layer| layer.total),
            effective: sum(|layer| layer.effective),
            macs: self.outcome.macs.kept,
            epochs: self.outcome.curve.len(),
            test_loss: test.loss,
            test_top1: test.top1,
            test_exact: test.exact,
            rule: self.rule,
            order: pruning.map_or(0, |pruning| pruning.order),
            instability: self.instability,
            packed_bytes: self.packed,
        }
    }
}

impl Results {
    /// Reads the records of all runs that are done.
    ///
    /// # Errors
    /// Those of [`StudyFolder::state`]; a file that cannot be read; [`Error::Json`] for a record or a cost of another
    /// version.
    pub fn read(plan: &Plan, folder: &StudyFolder) -> Result<Self, Error> {
        let mut rows = Vec::new();
        for run in &plan.runs {
            if folder.state(run)? != State::Done {
                continue;
            }
            let place = folder.run(run);
            let outcome: Outcome = read(place.record())?;
            let rule = match run.is_life() {
                true => read::<Rule>(place.rule())?.learnt,
                false => None,
            };
            let instability = match run.parents.twin {
                Some(_) => Some(read::<Connectivity>(place.connectivity())?.instability()),
                None => None,
            };
            let packed = run.spec.share.as_ref().map(|_| share::packed_bytes(&place)).transpose()?;
            let account = account(&place)?;
            rows.push(Row { run: run.clone(), outcome, rule, instability, packed, account });
        }
        Ok(Self { rows, planned: plan.runs.len() })
    }

    /// `results.csv`: the same bytes whenever and wherever the runs were carried out.
    ///
    /// # Errors
    /// [`Error::Report`] for a row that cannot be written down.
    pub fn to_csv(&self) -> Result<String, Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for line in self.rows.iter().flat_map(Row::lines) {
            writer.serialize(line).map_err(|error| Error::Report(error.into()))?;
        }
        let bytes = writer.into_inner().map_err(|error| Error::Report(error.to_string().into()))?;
        String::from_utf8(bytes).map_err(|error| Error::Report(error.into()))
    }

    /// One JSON object a line, with the curve and the layers of each run.
    ///
    /// # Errors
    /// What cannot be written down.
    pub fn to_jsonl(&self) -> Result<String, Error> {
        let line = |(row, line): (&Row, Line)| {
            let mut value = serde_json::to_value(line)?;
            value["curve"] = serde_json::to_value(&row.outcome.curve)?;
            value["layers"] = serde_json::to_value(&row.outcome.layers)?;
            value["cost"] = serde_json::to_value(&row.account)?;
            Ok::<_, serde_json::Error>(format!("{value}\n"))
        };
        let lines = self.rows.iter().flat_map(|row| row.lines().map(move |line| (row, line)));
        lines.map(line).collect::<Result<_, _>>().map_err(Error::unwritable)
    }

    /// What all of it cost.
    pub fn account(&self) -> Account {
        self.rows.iter().map(|row| row.account.clone()).sum()
    }

    /// The rows of each method, with its control and sparsity, over the replicates: methods and controls in the order
    /// of the plan, whichever of their runs are done, and sparsities from the smallest on.
    pub fn groups<'a>(&'a self, plan: &'a Plan) -> Vec<Group<'a>> {
        let mut places: BTreeMap<(&str, &str, &str, Option<String>), usize> = BTreeMap::new();
        let mut groups: Vec<Group<'a>> = Vec::new();
        // A twin is there for the sake of its line alone.
        let rows = self.rows.iter().filter(|row| row.run.parents.twin.is_none());
        for (row, label) in rows.flat_map(|row| row.run.labels().map(move |label| (row, label))) {
            let sparsity = row.sparsity();
            let key = (
                label.variant.as_str(),
                label.method.as_str(),
                row.control().name(),
                sparsity.map(|s| s.to_string()),
            );
            let place = *places.entry(key).or_insert_with(|| {
                let (variant, method, control) = (&label.variant, &label.method, row.control());
                groups.push(Group { variant, method, control, sparsity, rows: Vec::new() });
                groups.len() - 1
            });
            groups[place].rows.push(row);
        }
        let mut first = BTreeMap::new();
        for (place, run) in plan.runs.iter().enumerate() {
            for label in run.labels() {
                for key in keys(&label.variant, &label.method, run.control()) {
                    first.entry(key).or_insert(place);
                }
            }
        }
        let rank = |group: &Group<'a>| {
            keys(group.variant, group.method, group.control).map(|key| first.get(&key).copied())
        };
        let removed = |group: &Group<'a>| group.sparsity.map_or(0.0, sapwood_prune::Sparsity::to_f64);
        groups.sort_by(|a, b| rank(a).cmp(&rank(b)).then(removed(a).total_cmp(&removed(b))));
        groups
    }
}

/// A variant, and what of it: a method, and a control of that.
type Key<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// A variant, a method of it, and a control of that.
fn keys<'a>(variant: &'a str, method: &'a str, control: Control) -> [Key<'a>; 3] {
    let control = Some(control.name());
    [(variant, None, None), (variant, Some(method), None), (variant, Some(method), control)]
}

/// The replicates of one method, control and sparsity.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The values of the sweep.
    pub variant: &'a str,
    /// The method.
    pub method: &'a str,
    /// The control.
    pub control: Control,
    /// The fraction that is removed; none of the dense run.
    pub sparsity: Option<sapwood_prune::Sparsity>,
    /// One per replicate.
    pub rows: Vec<&'a Row>,
}

impl Group<'_> {
    /// A figure of each replicate, by its number.
    pub fn values(&self, figure: impl Fn(&Row) -> f64) -> BTreeMap<u64, f64> {
        self.rows.iter().map(|row| (row.run.replicate, figure(row))).collect()
    }
}

fn read<T: serde::de::DeserializeOwned>(path: PathBuf) -> Result<T, Error> {
    let text = fs::read(&path).map_err(Error::file("read", &path))?;
    serde_json::from_slice(&text).map_err(|error| Error::Json { problem: format!(
            "not a record of this version of Sapwood ({error}): remove the folder that it lies in, and the run is done again"
        ), path, error })
}
