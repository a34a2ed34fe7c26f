//! From a study to the list of its runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use sapwood_backend::Seed;
use sapwood_core::Step;
use sapwood_data::Task;
use sapwood_models::Spec;
use sapwood_prune::{Criteria, Criterion, Sparsity};
use sapwood_train::Retraining;
use serde_json::Value;

use super::{
    Combination, Control, During, Experiment, Images, ModelSettings, Pruning, RunSpec, Several, Share,
    StudyFolder, Transferred, Variant, images::Facts, read, study_name,
};
use crate::{Datasets, Error, fits, run_folder::first_difference};

/// The runs of a study, parents before children.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The name of the study.
    pub name: String,
    /// The experiments: more than one in a sweep.
    pub variants: Vec<Variant>,
    /// The runs.
    pub runs: Vec<Run>,
    /// The user's own images, and listed ones, that they learn from.
    pub images: Vec<Images>,
    /// The weights of another task that they begin with.
    pub transferred: Vec<Transferred>,
}

/// One run: a training, and the pruning before it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The hash of what decides it.
    pub hash: String,
    /// Which of several equal ones.
    pub replicate: u64,
    /// What decides it.
    pub spec: RunSpec,
    /// What it is called.
    pub label: Label,
    /// What it is called besides: by other variants of the sweep and other methods that ask for the same run.
    pub also: Vec<Label>,
    /// The runs whose results it begins with.
    pub parents: Parents,
    /// Positions whose weights other runs begin with.
    pub keep: Vec<Step>,
    /// Training examples of an epoch.
    pub examples: usize,
    /// What the network is asked for.
    pub task: Task,
}

/// The runs that another one begins with, by their places in the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parents {
    /// The dense run of the same replicate.
    pub dense: Option<usize>,
    /// The level before, of an iterative pruning.
    pub level: Option<usize>,
    /// The run that differs in nothing but the order of the examples.
    pub twin: Option<usize>,
    /// The run whose network's weights are shared.
    pub unshared: Option<usize>,
}

/// What a run is called in tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// The values of the sweep.
    pub variant: String,
    /// The method; `dense` for the dense run.
    pub method: String,
}

impl Run {
    /// What it is called by each variant and method that it belongs to.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        std::iter::once(&self.label).chain(&self.also)
    }

    /// What is taken away from its method; nothing of the dense run.
    pub fn control(&self) -> Control {
        self.spec.pruning.as_ref().map_or(Control::None, |pruning| pruning.control)
    }

    /// The seed of all its random streams.
    pub fn seed(&self) -> Seed {
        Seed(self.spec.seed.wrapping_add(self.replicate))
    }

    /// Its folder, below that of the study.
    pub fn folder(&self) -> String {
        format!("{}/r{}", self.hash, self.replicate)
    }

    /// Places of the runs that must be done before.
    pub fn needs(&self) -> impl Iterator<Item = usize> {
        let Parents { dense, level, twin, unshared } = self.parents;
        [dense, level, twin, unshared].into_iter().flatten()
    }
}

impl Plan {
    /// Reads a study's file and makes its plan. What can be refused is refused here.
    pub fn read(
        criteria: &Criteria,
        path: &Path,
        set: &[String],
        datasets: &Datasets,
    ) -> Result<Self, Error> {
        Self::of(criteria, path, set, datasets, None)
    }

    /// The plan of a study that was started. Its own images and weights of another task need not be there: what is
    /// recorded of them is enough.
    pub fn started(criteria: &Criteria, folder: &StudyFolder, datasets: &Datasets) -> Result<Self, Error> {
        let plan = Self::of(criteria, &folder.study(), &[], datasets, Some(folder))?;
        let name = folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, ..plan })
    }

    fn of(
        criteria: &Criteria,
        path: &Path,
        set: &[String],
        datasets: &Datasets,
        started: Option<&StudyFolder>,
    ) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::file("read the study", path))?;
        let (images, transferred) = match started {
            Some(folder) => (folder.images()?, folder.transferred()?),
            None => (Vec::new(), Vec::new()),
        };
        let mut plan = Self {
            name: study_name(path),
            variants: read(&text, path, set)?,
            runs: Vec::new(),
            images: Vec::new(),
            transferred: Vec::new(),
        };
        for variant in &mut plan.variants {
            let facts = Facts::of(&variant.experiment.data, datasets, &images)?;
            variant.experiment.data = facts.data.clone();
            if let Some(images) = facts.images.as_ref().filter(|images| !plan.images.contains(images)) {
                plan.images.push(images.clone());
            }
            // Whoever reads it should know which file it is about.
            let with_file = |error: Error| match error {
                Error::Setting { .. } => Error::of_study(error, path),
                error => error,
            };
            let planner = Planner::new(criteria, variant, &facts, &transferred).map_err(with_file)?;
            planner.runs(&mut plan.runs).map_err(with_file)?;
            if let Some(known) = planner.transferred.filter(|known| !plan.transferred.contains(known)) {
                plan.transferred.push(known);
            }
        }
        Ok(plan)
    }
}

/// The most runs of a study: few enough to be planned in little memory.
pub(super) const MOST_RUNS: usize = 20_000;

/// A setting that asks for more runs than that.
pub(super) fn too_many(key: &str, found: usize) -> Error {
    Error::setting(
        key,
        format!("`{key}`: expected at most {MOST_RUNS} runs in a study, found {found}: leave some out"),
    )
}

/// Makes the runs of one variant.
struct Planner<'a> {
    criteria: &'a Criteria,
    variant: &'a Variant,
    dense: RunSpec,
    transferred: Option<Transferred>,
    task: Task,
    examples: usize,
    batches: usize,
}

/// A method's name, what it prunes for each sparsity, and how weights are shared behind that.
type Combined = (String, Vec<Pruning>, Vec<Share>);

impl<'a> Planner<'a> {
    fn new(
        criteria: &'a Criteria,
        variant: &'a Variant,
        facts: &Facts,
        recorded: &[Transferred],
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
        let Facts { shape, task, examples, .. } = *facts;
        let classes = match task {
            Task::Dense(_) if experiment.model.name == "life-net" => 1,
            task => task.outputs(),
        };
        let transferred = experiment.transfer.as_ref();
        let transferred =
            transferred.map(|meant| Transferred::of(meant, classes, *init, recorded)).transpose()?;
        let model = match &transferred {
            None => experiment.spec()?.fit(shape, classes),
            Some(Transferred { model, .. }) => {
                if experiment.model != ModelSettings::named(&model.model) {
                    let problem = format!(
                        "the weights of `transfer` are those of `{}`: name that, and no option beside it",
                        model.model
                    );
                    return Err(Error::setting("model", problem));
                }
                Spec { input: shape, ..model.clone() }
            }
        };
        fits::task(&model, &data.name, shape, task)?;
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
            evaluate: training.evaluate,
            seed: *seed,
            pruning: None,
            share: None,
        };
        let batches = examples.div_ceil(training.batch_size);
        dense.recipe.clone().plan(batches)?;
        Ok(Self { criteria, variant, dense, transferred, task, examples, batches })
    }

    fn runs(&self, runs: &mut Vec<Run>) -> Result<(), Error> {
        let mut known: BTreeMap<(String, u64), usize> =
            runs.iter().enumerate().map(|(place, run)| ((run.hash.clone(), run.replicate), place)).collect();
        let methods = self.methods()?;
        let each = methods.iter().map(|(_, levels, shares)| levels.len() * (1 + shares.len())).sum::<usize>();
        let replicates = usize::try_from(self.variant.experiment.replicates).unwrap_or(usize::MAX);
        let count = (1 + each).saturating_mul(replicates).saturating_add(runs.len());
        if MOST_RUNS < count {
            return Err(too_many("replicates", count));
        }
        let hash = self.dense.hash()?;
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
            let dense = add(runs, &hash, replicate, &self.dense, "dense", Parents::default());
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
                    let dense_run = (!wanted.is_empty()).then_some(dense);
                    let parents = Parents { dense: dense_run, level, twin, unshared: None };
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
    /// shared behind each.
    fn methods(&self) -> Result<Vec<Combined>, Error> {
        let mut methods = Vec::new();
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
            for combination in
                Combination::all(method, self.task, |name, options| self.criterion(name, options))?
            {
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
                pruning.iter().try_for_each(|pruning| self.check(pruning))?;
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
        Ok(methods)
    }

    fn criterion(&self, name: &str, options: &sapwood_prune::Options) -> Result<Box<dyn Criterion>, Error> {
        Ok((self.criteria.find(name)?.build)(options, Seed(0))?)
    }

    fn check_share(&self, share: &Share) -> Result<(), Error> {
        let of_share = |error: Error| Error::setting("methods.share", format!("`share`: {error}"));
        share.clustering(0).check().map_err(of_share)?;
        share.recipe().plan(self.batches).map(drop).map_err(|error| of_share(error.into()))
    }

    /// Refuses what would fail only when it is its turn.
    fn check(&self, pruning: &Pruning) -> Result<(), Error> {
        let total = self.dense.recipe.clone().plan(self.batches)?.until;
        let at = pruning.at.iterations(self.batches, total);
        if at > total {
            return Err(Error::setting(
                "methods.at",
                format!("`at` is {}, beyond the end of the dense run, at {total}it", pruning.at),
            ));
        }
        if let Retraining::Rewind(step) | Retraining::LearningRate(step) = pruning.retrain
            && step.iterations(self.batches, total) >= total
        {
            return Err(Error::setting(
                "methods.retrain",
                format!(
                    "`retrain` goes back to {step}, but the dense run ends at {total}it: nothing would be trained"
                ),
            ));
        }
        if let Some(cut) = &pruning.cut {
            let graph = self.dense.model.graph()?;
            let anatomy = graph.anatomy(graph.input()).map_err(sapwood_core::Error::from)?;
            let layers = anatomy.layers.iter().filter(|layer| layer.weights > 0);
            let layers = layers.map(|layer| (layer.name.as_str(), layer.kind));
            cut.exclude.among(layers).map_err(sapwood_core::Error::from)?;
            cut.granularity
                .check(pruning.sparsity, &cut.allocation)
                .map_err(|error| Error::setting("methods.granularity", error.to_string()))?;
        }
        let recipe = pruning.recipe(&self.dense.recipe, self.batches)?.plan(self.batches)?;
        if let Some(sparse) = pruning.sparse_training() {
            sparse.check(&recipe)?;
        }
        if let Some(quantize) = &pruning.quantize {
            quantize.qat(&self.dense.model.graph()?)?;
        }
        if let Some(During::Regrow { .. }) = pruning.during
            && [0.0, 1.0].contains(&pruning.sparsity.to_f64())
        {
            return Err(Error::setting(
                "methods.during",
                format!(
                    "regrowth exchanges some weights for others: at a sparsity of {} nothing can be exchanged",
                    pruning.sparsity
                ),
            ));
        }
        Ok(())
    }
}

/// The sparsities of a method, from the smallest to the largest.
pub(super) fn ascending(sparsities: &[Sparsity]) -> Vec<Sparsity> {
    let mut sorted = sparsities.to_vec();
    sorted.sort_by(|a, b| a.to_f64().total_cmp(&b.to_f64()));
    sorted.dedup();
    sorted
}
