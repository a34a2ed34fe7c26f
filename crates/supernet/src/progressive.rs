//! Progressive shrinking: training a supernet, phase after phase.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sapwood_backend::Seed;
use sapwood_core::{FileError, ModuleState, Source, State, StateFile, identity, write_atomic};
use sapwood_models::Init;
use sapwood_train::{Checkpoints, Progress, Recipe, Trainer};

use crate::{Error, Nested, Opened, Phase, RunContext, Supernet, SupernetSpec, Tenths, weights::TRAINING};

/// A training of all networks of a family, with everything that decides its outcome (Cai et al. 2020,
/// section 3.3): the largest network first, then smaller ones with it, phase after phase. Epochs of the
/// phases' recipes are [tenths](Tenths).
///
/// ```
/// use sapwood_backend::{DeviceSpec, Seed};
/// use sapwood_core::Graph;
/// use sapwood_search::{Choice, Space};
/// use sapwood_supernet::{All, Family, Judge, Open, Phase, Progressive, Rule, RunContext, Supernet};
/// use sapwood_train::{Recipe, Sgd};
/// # use sapwood_core::{Batch, ExampleShape, Source, SourceError, Target};
/// # /// Ten batches of four bars, of which each class has another row.
/// # struct Bars;
/// # fn batch() -> Batch {
/// #     let input = (0..64).map(|at| f32::from(u8::from(at % 16 / 4 == at / 16))).collect();
/// #     Batch::new([4, 1, 4, 4], input, Target::Class(vec![0, 1, 2, 3])).unwrap()
/// # }
/// # impl Source for Bars {
/// #     fn examples(&self) -> usize { 40 }
/// #     fn batches(&self) -> usize { 10 }
/// #     fn shape(&self) -> ExampleShape { [1, 4, 4].into() }
/// #     fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
/// #         Box::new((from..10).map(|_| Ok(batch())))
/// #     }
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = DeviceSpec::CPU.resolve()?;
/// # let folder = tempfile::tempdir()?;
/// let family = Family::new(Space::new("one-layer", vec![Choice::new("hidden", ["8", "16"])])?, |chosen| {
///     let mut g = Graph::builder([1, 4, 4]);
///     let x = g.linear("fc1", g.input(), chosen.get("hidden")?);
///     let x = g.relu(x);
///     g.linear("fc2", x, 4);
///     Ok(g.finish()?)
/// })?;
/// let phase = |name: &str, open| Phase {
///     name: name.into(),
///     open,
///     rule: Rule::default(),
///     distillation: None,
///     recipe: Recipe::new(40, Sgd { momentum: 0.9, nesterov: true }, 0.1),
/// };
/// let phases = [phase("largest", Open::default()), phase("width", Open::All(All::All))];
///
/// let supernet = Supernet::new(&family, &device);
/// let label = "one-layer".into();
/// let shrinking = Progressive { supernet: &supernet, spec: None, phases: &phases, seed: Seed(1), label };
/// // `Bars` is a source of batches of four classes.
/// let trained = shrinking.train_blocking(&Bars, folder.path(), &RunContext::new(&device))?;
///
/// let images = [batch()];
/// let judge = Judge::new(&images, &Bars, &device);
/// assert_eq!(judge.judge_blocking(&trained, &family.smallest())?.top1, 1.0);
/// # Ok(())
/// # }
/// ```
pub struct Progressive<'a> {
    /// The networks. Their weights are drawn anew.
    pub supernet: &'a Supernet,
    /// What the file of a finished phase says of them beside the weights, where the family is one of
    /// the [named](crate::FAMILIES) ones.
    pub spec: Option<&'a SupernetSpec>,
    /// The phases.
    pub phases: &'a [Phase],
    /// The seed of the weights and of what is drawn in training.
    pub seed: Seed,
    /// Names the run in its checkpoints and in the files of its phases. It should tell apart whatever decides the
    /// outcome and does not stand here, such as the data.
    pub label: String,
}

impl Progressive<'_> {
    /// Trains phase after phase in a folder, from where it was left, and returns the supernet. A
    /// phase that is finished leaves its weights there.
    ///
    /// # Errors
    /// Phases that do not follow each other; a folder with a phase of a training of another label or seed, or that has
    /// other phases up to that one, be it finished or under way; those of training.
    pub async fn train(
        &self,
        source: &dyn Source,
        folder: &Path,
        context: &RunContext<'_>,
    ) -> Result<Supernet, Error> {
        let untrained = self.supernet;
        let family = untrained.family().clone();
        let opened = Phase::opened(self.phases, family.space())?;
        let mut supernet = Init::named("kaiming-normal")?.apply(untrained.clone(), self.seed);
        let mut teacher = None;
        for (number, phase) in self.phases.iter().enumerate() {
            let (path, training) = (self.path(folder, number), self.identity(number)?);
            if path.exists() {
                supernet = read(&path, &training, untrained.clone())?;
            } else {
                if 0 < number {
                    supernet = prepare(supernet, &opened[number - 1], &opened[number]).await?;
                }
                let nested = Nested {
                    opened: opened[number].clone(),
                    rule: phase.rule,
                    distillation: phase.distillation.unwrap_or_default(),
                    teacher: teacher.clone().filter(|_| phase.is_taught()),
                    seed: Phase::draws(number, self.seed),
                };
                let (at, phases) = (number + 1, self.phases.len());
                tracing::info!(phase = phase.name, number = at, phases, "phase begun");
                context.reporter.note(&format!("phase {at} of {phases}: {}", phase.name));
                let checkpoints = Checkpoints::in_folder(self.checkpoints(folder, number));
                let checkpoints = checkpoints.labelled(format!("{} {} {training}", self.label, phase.name));
                supernet = learn(supernet, nested, &phase.recipe, source, (checkpoints, context)).await?;
                let state = State::read(&supernet).await?;
                let mut file = match self.spec {
                    Some(spec) => spec.pack(state)?,
                    None => StateFile { state, ..StateFile::default() },
                };
                file.metadata[TRAINING] = training.into();
                write_atomic(&path, &file.to_bytes()?)?;
            }
            // One that was killed between the two may have left them.
            let _ = fs::remove_dir_all(self.checkpoints(folder, number));
            // What was trained alone teaches all that follow.
            if number == 0 {
                teacher = Some(supernet.clone());
            }
        }
        Ok(supernet)
    }

    /// [`Progressive::train`], on this thread. It does not exist in a browser.
    ///
    /// # Errors
    /// Those of [`Progressive::train`].
    #[cfg(not(target_family = "wasm"))]
    pub fn train_blocking(
        &self,
        source: &dyn Source,
        folder: &Path,
        context: &RunContext<'_>,
    ) -> Result<Supernet, Error> {
        sapwood_backend::block_on(self.train(source, folder, context))
    }

    /// What tells this training from others up to the end of a phase.
    fn identity(&self, number: usize) -> Result<String, Error> {
        let decides = serde_json::to_value((&self.label, self.seed.0, &self.phases[..=number]));
        Ok(identity(&decides.map_err(Error::Unwritable)?))
    }

    fn path(&self, folder: &Path, number: usize) -> PathBuf {
        folder.join(format!("{}-{}.safetensors", number + 1, self.phases[number].name))
    }

    fn checkpoints(&self, folder: &Path, number: usize) -> PathBuf {
        folder.join("checkpoints").join(format!("{}-{}", number + 1, self.phases[number].name))
    }
}

/// Trains a phase, from its last checkpoint on if there is one.
async fn learn(
    supernet: Supernet,
    nested: Nested,
    recipe: &Recipe,
    source: &dyn Source,
    (checkpoints, context): (Checkpoints<'static>, &RunContext<'_>),
) -> Result<Supernet, Error> {
    let source = Tenths(source);
    let plan = recipe.clone().plan(source.batches())?;
    let trained = Trainer::new(recipe.clone(), context.device)
        .objective(nested)
        .checkpoints((context.checkpoints)(checkpoints))
        .hook(Progress::new(context.reporter, &plan))
        .stop_when(|| (context.stop)())
        .run(supernet, &source)
        .await
        .map_err(of_another)?;
    context.reporter.end();
    Ok(trained.network)
}

/// Says of a checkpoint of another training what its settings were compared by.
fn of_another(error: sapwood_train::Error) -> Error {
    match error {
        sapwood_train::Error::OtherRun { what, path, .. } if what == "label" => {
            let problem = "expected a checkpoint of this training, found one with another label, seed or phases, or of an \
                           earlier version: choose another folder, or remove the phase's checkpoints";
            Error::File { problem: problem.into(), path, source: None }
        }
        error => error.into(),
    }
}

/// Sorts the channels before the first phase in which their number can be chosen.
async fn prepare(supernet: Supernet, before: &Opened, now: &Opened) -> Result<Supernet, Error> {
    match before.same_widths(now, supernet.family())? {
        true => Ok(supernet),
        false => Ok(supernet.sort(before).await?),
    }
}

/// What a phase of this training left.
fn read(path: &Path, training: &str, supernet: Supernet) -> Result<Supernet, Error> {
    let bytes = fs::read(path).map_err(FileError::of::<sapwood_core::graph::Error>("read", path.into()))?;
    let file = StateFile::from_bytes(&bytes)?;
    match file.metadata.get(TRAINING) {
        Some(found) if found != training => {
            let problem = "expected a phase of this training, found one with another label, seed or phases: \
                           choose another folder, or remove its phases";
            Err(Error::File { problem: problem.into(), path: path.into(), source: None })
        }
        // Files of earlier versions do not say it.
        _ => Ok(file.state.write(supernet)?),
    }
}
