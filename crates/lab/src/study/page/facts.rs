//! Under which conditions the runs of a study were carried out.

use sapwood_train::Mixing;

use super::Page;
use crate::{
    DataConfig, Portion,
    study::{Experiment, Head, Several},
};

impl Page<'_> {
    pub(super) fn facts(&self) -> Vec<(String, String)> {
        let facts = [
            ("data", self.each(|experiment| Some(data(&experiment.data)))),
            ("network", self.each(|experiment| Some(experiment.model.name.clone()))),
            ("weights", self.each(weights)),
            ("epochs", self.each(|experiment| Some(experiment.training.epochs.to_string()))),
            ("kept back", self.each(kept_back)),
            ("average", self.each(|experiment| Some(format!("decay {}", experiment.training.average?)))),
            ("mixing", self.each(|experiment| experiment.training.mix.map(mixing))),
            ("teacher", self.each(teacher)),
            ("replicates", self.each(|experiment| Some(experiment.replicates.to_string()))),
            ("runs", Some(format!("{} of {} done", self.results.rows.len(), self.results.planned))),
        ];
        facts.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))).collect()
    }

    /// What every number on the page is.
    pub(super) fn numbers_are(&self) -> String {
        let mut variants = self.plan.variants.iter();
        let mut keeps = variants.clone().map(|variant| variant.experiment.training.hold_out.is_some());
        let best = "of the epoch that did best on the training examples kept back";
        let which = match (keeps.clone().all(|keeps| keeps), keeps.any(|keeps| keeps)) {
            (true, true) => format!("that {best}"),
            (_, true) => {
                format!("that of the last epoch, or, where training examples are kept back, that {best}")
            }
            (_, false) => "that of the last epoch".into(),
        };
        let as_it_came = match variants.any(|variant| comes_trained(&variant.experiment)) {
            true => "; the dense network is the one of the weights, as it came",
            false => "",
        };
        format!(
            "Every number is {which}, over the replicates of each kind{as_it_came}; no test example was used to choose anything."
        )
    }

    /// A fact of a sweep: each value once. Nothing where no variant has one.
    fn each(&self, fact: impl Fn(&Experiment) -> Option<String>) -> Option<String> {
        let all: Vec<Option<String>> =
            self.plan.variants.iter().map(|variant| fact(&variant.experiment)).collect();
        all.iter().any(Option::is_some).then(|| {
            let mut values: Vec<String> = Vec::new();
            for value in all.into_iter().map(|value| value.unwrap_or_else(|| "none".into())) {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            values.join("; ")
        })
    }
}

fn data(data: &DataConfig) -> String {
    let mut text = data.name.clone();
    if data.only.is_some() {
        text += ", the training examples of a list";
    }
    if let Some(n) = data.held_out {
        text += &format!(", all but {n} training examples");
    }
    if let Some(n) = data.per_class {
        text += &format!(", {n} training examples of each class");
    }
    if let Some(n) = data.examples {
        text += &match data.is_own() {
            true => format!(", {n} training examples of all classes"),
            false => format!(", the first {n} training examples"),
        };
    }
    text
}

/// What networks begin with, where that is trained.
fn weights(experiment: &Experiment) -> Option<String> {
    let transfer = experiment.transfer.as_ref()?;
    let head = match transfer.head {
        Head::New => "with a new last layer",
        Head::Keep => "with their own last layer",
    };
    Some(format!("{}, {head}", transfer.weights.display()))
}

fn kept_back(experiment: &Experiment) -> Option<String> {
    Some(match experiment.training.hold_out? {
        Portion::Number(n) => format!("{n} training examples"),
        part @ Portion::Percent(_) => format!("{part} of the training examples"),
    })
}

fn mixing(how: Mixing) -> String {
    match how {
        Mixing::Mixup { alpha } => format!("mixup, alpha {alpha}"),
        Mixing::Cutmix { alpha } => format!("cutmix, alpha {alpha}"),
    }
}

/// Who teaches, where a method learns of somebody.
fn teacher(experiment: &Experiment) -> Option<String> {
    let mut methods = experiment.methods.iter().filter_map(|method| method.distill.as_ref());
    let is_taught = methods.any(|Several(ways)| ways.iter().any(|way| way.0.is_some()));
    is_taught.then(|| "the dense run of each replicate".into())
}

fn comes_trained(experiment: &Experiment) -> bool {
    experiment.transfer.as_ref().is_some_and(|transfer| transfer.head == Head::Keep)
}
