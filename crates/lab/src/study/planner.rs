//! The runs of one variant of a study.

mod checks;
mod masked;

use std::collections::{BTreeMap, BTreeSet};

use sapwood_backend::Seed;
use sapwood_core::Step;
use sapwood_data::{Split, Task};
use sapwood_models::{Init, Spec};
use sapwood_prune::{Criteria, Criterion, Options};
use sapwood_train::{Average, Recipe};
use serde_json::Value;

use super::{
    Combination, Control, Experiment, Label, ModelSettings, Parents, Pruning, Run, RunSpec, Several, Share,
    Transferred, Variant,
    images::Facts,
    limit::{MOST_RUNS, too_many},
};
use crate::{Datasets, Error, Evaluate, SmallData, fits, run_folder::first_difference};
use masked::Masked;

/// Makes the runs of one variant.
pub(super) struct Planner<'a> {
    criteria: &'a Criteria,
    variant: &'a Variant,
    /// What all runs have in common.
    dense: RunSpec,
    /// The trained weights that they begin with.
    pub(super) transferred: Option<Transferred>,
    /// Whether these are the dense network as it came.
    comes_trained: bool,
    /// The network, if these come with masks.
    masked: Option<Masked>,
    task: Task,
    examples: usize,
    batches: usize,
}

/// A method's name, what it prunes for each sparsity, and how weights are shared after each.
type Combined = (String, Vec<Pruning>, Vec<Share>);

impl<'a> Planner<'a> {
    /// `kept` are the weights that keep their outputs, if the study begins with such.
    pub(super) fn new(
        criteria: &'a Criteria,
        variant: &'a Variant,
        facts: &Facts,
        (kept, recorded): (Option<Transferred>, &[Transferred]),
    ) -> Result<Self, Error> {
        let experiment = &variant.experiment;
        let Experiment { init, training, seed, replicates, .. } = experiment;
        if *replicates == 0 || training.batch_size == 0 {
            return Err(Error::setting(
                "replicates",
                "`replicates` and `training.batch_size` must be at least 1",
            ));
        }
        let data = facts.data.clone();
        data.augmentation()?;
        let Facts { shape, task, .. } = *facts;
        let classes = match task {
            Task::Dense(_) if experiment.model.name == "life-net" => 1,
            task => task.outputs(),
        };
        let comes_trained = kept.is_some();
        let transferred = match (kept, &experiment.transfer) {
            (None, Some(meant)) => Some(Transferred::with_new_head(meant, classes, *init, recorded)?),
            (kept, _) => kept,
        };
        let made = match &transferred {
            None => experiment.spec()?.fit(shape, classes),
            Some(Transferred { model, .. }) => {
                if experiment.model != ModelSettings::named(&model.model) {
                    let problem = format!(
                        "the weights of `transfer` are those of `{}`: name that, and no option beside it",
                        model.model
                    );
                    return Err(Error::setting("model", problem));
                }
                model.clone()
            }
        };
        // As it was made: the layers of some depend on the size of the input.
        fits::task(&made, &data.name, shape, task)?;
        // One whose layers are given, for rows, is shown images as rows.
        let is_of_rows = made.layers.as_ref().is_some_and(|layers| layers.input()[0] != shape[0]);
        let model = if is_of_rows { made } else { Spec { input: shape, ..made } };
        if let Some(known) = transferred.as_ref().filter(|_| comes_trained) {
            checks::of_kept(known, training, facts)?;
        }
        let small = checks::small(training, facts)?;
        let examples = facts.examples - small.hold_out.unwrap_or(0);
        // What each run would refuse.
        let smooths = ("training.label_smoothing", "smoothing of labels", training.label_smoothing != 0.0);
        fits::for_classes(&data.name, task, [smooths])?;
        fits::batches(&model, shape, training.batch_size.min(examples), &BTreeSet::new())?;
        if let Some(rule) = training.regulariser {
            rule.check(&model.graph()?)?;
        }
        let dense = RunSpec {
            model,
            init: *init,
            transfer: transferred.as_ref().map(|known| known.weights.clone()),
            data,
            batch_size: training.batch_size,
            recipe: training.recipe(),
            regulariser: training.regulariser,
            small,
            evaluate: training.evaluate,
            seed: *seed,
            pruning: None,
            share: None,
        };
        let batches = examples.div_ceil(training.batch_size);
        let plan = dense.recipe.clone().plan(batches)?;
        let average = small.average.map(|decay| Average::new(decay, &plan)).transpose();
        average.map_err(|error| Error::setting("training.average", error.to_string()))?;
        let masked = Masked::of(&dense.model, transferred.as_ref())?;
        Ok(Self { criteria, variant, dense, transferred, comes_trained, masked, task, examples, batches })
    }

    /// Refuses a number of examples kept back by which a class would have none among them, or none to learn from. Where
    /// the data are not there yet, the runs refuse it.
    pub(super) fn check_kept_back(&self, datasets: &Datasets) -> Result<(), Error> {
        let Some(n) = self.dense.small.hold_out else { return Ok(()) };
        let Ok(train) = datasets.open(&self.dense.data, Split::Train) else { return Ok(()) };
        let parted = train.hold_out_of_each(n).map(drop);
        parted.map_err(|error| Error::setting("training.hold_out", format!("`hold_out`: {error}")))
    }

    /// The dense run. Where the network comes trained, it trains nothing: of how methods train, its name has the optimizer
    /// and the size of batches alone, by which a step is timed.
    fn dense_run(&self) -> RunSpec {
        let dense = self.dense.clone();
        match self.comes_trained {
            false => dense,
            true => RunSpec {
                init: Init::default(),
                recipe: Recipe { until: Step::START, ..Recipe::new(1, dense.recipe.optimizer, 1.0) },
                small: SmallData::default(),
                evaluate: Evaluate::default(),
                ..dense
            },
        }
    }

    /// Adds its runs to those of other variants.
    pub(super) fn runs(&self, runs: &mut Vec<Run>) -> Result<(), Error> {
        let mut known: BTreeMap<(String, u64), usize> =
            runs.iter().enumerate().map(|(place, run)| ((run.hash.clone(), run.replicate), place)).collect();
        let methods = self.methods()?;
        let each = methods.iter().map(|(_, levels, shares)| levels.len() * (1 + shares.len())).sum::<usize>();
        let replicates = usize::try_from(self.variant.experiment.replicates).unwrap_or(usize::MAX);
        let count = (1 + each).saturating_mul(replicates).saturating_add(runs.len());
        if MOST_RUNS < count {
            return Err(too_many("replicates", count));
        }
        let dense_run = self.dense_run();
        let hash = dense_run.hash()?;
        let specs: Vec<Vec<(String, RunSpec)>> = methods
            .iter()
            .map(|(_, levels, _)| {
                levels
                    .iter()
                    .map(|pruning| {
                        let spec = RunSpec { pruning: Some(pruning.clone()), ..self.dense.clone() };
                        Ok((spec.hash()?, spec))
                    })
                    .collect()
            })
            .collect::<Result<_, Error>>()?;
        let mut add = |runs: &mut Vec<Run>, hash: &str, replicate, spec: &RunSpec, method: &str, parents| {
            let label = Label { variant: self.variant.label.clone(), method: method.into() };
            if let Some(place) = known.get(&(hash.to_string(), replicate)) {
                if runs[*place].labels().all(|other| *other != label) {
                    runs[*place].also.push(label);
                }
                return *place;
            }
            *known.entry((hash.to_string(), replicate)).or_insert_with(|| {
                runs.push(Run {
                    hash: hash.into(),
                    replicate,
                    spec: spec.clone(),
                    label,
                    also: Vec::new(),
                    parents,
                    keep: Vec::new(),
                    examples: self.examples,
                    task: self.task,
                });
                runs.len() - 1
            })
        };
        for replicate in 0..self.variant.experiment.replicates {
            let dense = add(runs, &hash, replicate, &dense_run, "dense", Parents::default());
            // Of an iterative method, the runs without a control by what they are otherwise.
            let mut plain: BTreeMap<String, usize> = BTreeMap::new();
            // A twin comes right after the run that it is compared with.
            let mut last = None;
            for ((method, _, shares), levels) in methods.iter().zip(&specs) {
                for (hash, spec) in levels {
                    let Some(pruning) = &spec.pruning else { continue };
                    let wanted = pruning.of_the_dense_run();
                    let level = match pruning.level_before() {
                        None => None,
                        Some(before) => {
                            let before = RunSpec { pruning: Some(before), ..spec.clone() }.hash()?;
                            let missing = || {
                                Error::setting(
                                    "methods.ablation",
                                    format!(
                                        "method `{method}`: its controls are compared with the levels that have none: add `none` to \
                                 `ablation`, first"
                                    ),
                                )
                            };
                            Some(*plain.get(&before).ok_or_else(missing)?)
                        }
                    };
                    let twin = match pruning.order {
                        0 => None,
                        _ => last,
                    };
                    // It may teach a run that begins with none of its weights.
                    let needed = (!wanted.is_empty() || pruning.distill.is_some()).then_some(dense);
                    let parents = Parents { dense: needed, level, twin, unshared: None };
                    let place = add(runs, hash, replicate, spec, method, parents);
                    for share in shares.iter().filter(|_| twin.is_none()) {
                        let spec = RunSpec { share: Some(share.clone()), ..spec.clone() };
                        let name = format!("{method}, {}", share.name());
                        let parents = Parents { unshared: Some(place), ..Parents::default() };
                        add(runs, &spec.hash()?, replicate, &spec, &name, parents);
                    }
                    plain.insert(hash.clone(), place);
                    last = Some(place);
                    let keep = &mut runs[dense].keep;
                    keep.extend(wanted.into_iter().filter(|step| *step != Step::End));
                    keep.sort_by_key(|step| step.iterations(self.batches, usize::MAX));
                    keep.dedup();
                }
            }
        }
        Ok(())
    }

    /// Each combination of the settings of each method, with one entry per sparsity, and how weights are
    /// shared after each.
    fn methods(&self) -> Result<Vec<Combined>, Error> {
        let mut methods: Vec<Combined> = Vec::new();
        let mut called: BTreeMap<String, Value> = BTreeMap::new();
        for method in &self.variant.experiment.methods {
            let sparsities = self.variant.experiment.sparsities_of(method);
            let prunes = method.criterion.is_some() || method.during.is_some();
            if sparsities.is_empty() && (prunes || method.quantize.is_none()) {
                return Err(Error::setting(
                    "sparsities",
                    "a method has no sparsity: name some with `sparsities`, or with its own `sparsity`",
                ));
            }
            let shares = method.share.as_ref().map_or(&[][..], |Several(shares)| shares);
            shares.iter().try_for_each(|share| self.check_share(share))?;
            for combination in Combination::all(method, self.task, self.comes_trained, |name, options| {
                self.criterion(name, options)
            })? {
                let settings = combination.settings()?;
                let known = called.entry(combination.name()).or_insert_with(|| settings.clone());
                if let Some((field, ..)) = first_difference("", known, &settings) {
                    let differs = field.strip_prefix("cut.").unwrap_or(&field);
                    let problem = format!(
                        "two methods are called `{}`, and tables would take them for one, but `{differs}` is another: give \
                         each a `name`",
                        combination.name()
                    );
                    return Err(Error::setting("methods.name", problem));
                }
                let pruning = combination.levels(sparsities)?;
                pruning.iter().try_for_each(|pruning| self.check(&combination.name(), pruning))?;
                let twins = |pruning: Pruning| {
                    let twin = combination.has_twins().then(|| pruning.twin());
                    [Some(pruning), twin].into_iter().flatten()
                };
                methods.push((
                    combination.name(),
                    pruning.into_iter().flat_map(twins).collect(),
                    shares.to_vec(),
                ));
            }
        }
        let mut levels = methods.iter().flat_map(|(_, levels, _)| levels);
        let draws = levels.any(|pruning| pruning.control == Control::Reinit);
        if self.comes_trained && self.dense.init != Init::default() && !draws {
            return Err(Error::setting(
                "init",
                "`init`: the network comes trained, and no method draws new weights: leave it out, or ask for the \
                 ablation `reinit`",
            ));
        }
        Ok(methods)
    }

    fn criterion(&self, name: &str, options: &Options) -> Result<Box<dyn Criterion>, Error> {
        Ok((self.criteria.find(name)?.build)(options, Seed(0))?)
    }
}
