//! From a study to the list of its runs.

use std::path::Path;

use sapwood_backend::Seed;
use sapwood_core::Step;
use sapwood_data::Task;
use sapwood_prune::Criteria;

use super::{
    Control, Experiment, Head, Images, RunSpec, StudyFolder, Transferred, Variant, images::Facts,
    planner::Planner, read, study_name,
};
use crate::{Datasets, Error};

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
    /// The trained weights that they begin with.
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
    ///
    /// # Errors
    /// A file that cannot be read; those of [`read()`]; data and weights that have to be read for the plan and cannot;
    /// settings that a run would refuse.
    pub fn read(
        criteria: &Criteria,
        path: &Path,
        set: &[String],
        datasets: &Datasets,
    ) -> Result<Self, Error> {
        Self::of(criteria, path, set, datasets, None)
    }

    /// The plan of a study that was started. Its own images and trained weights need not be there: what is
    /// recorded of them is enough.
    ///
    /// # Errors
    /// Those of [`Plan::read`] and [`StudyFolder::images`]; a record of weights that cannot be read; a folder whose
    /// name cannot be found out.
    pub fn started(criteria: &Criteria, folder: &StudyFolder, datasets: &Datasets) -> Result<Self, Error> {
        let plan = Self::of(criteria, &folder.study(), &[], datasets, Some(folder))?;
        let path = folder.path();
        // `.` and `..` are no names.
        let named = match path.file_name() {
            Some(_) => path.to_path_buf(),
            None => path.canonicalize().map_err(Error::file("find", path))?,
        };
        let name = named.file_name().unwrap_or_default().to_string_lossy().into_owned();
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
        // Whoever reads it should know which file it is about.
        let with_file = |error: Error| match error {
            Error::Setting { .. } => Error::of_study(error, path),
            error => error,
        };
        for variant in &mut plan.variants {
            let kept = kept(&variant.experiment, &transferred).map_err(with_file)?;
            if let Some(known) = &kept {
                let data = variant.experiment.data.clone();
                variant.experiment.data = data.suited_to(&known.model, known.trained_on.as_ref());
            }
            let facts = Facts::of(&variant.experiment.data, datasets, &images)?;
            variant.experiment.data = facts.data.clone();
            if let Some(images) = facts.images.as_ref().filter(|images| !plan.images.contains(images)) {
                plan.images.push(images.clone());
            }
            let planner =
                Planner::new(criteria, variant, &facts, (kept, transferred.as_slice())).map_err(with_file)?;
            if started.is_none() {
                planner.check_kept_back(datasets).map_err(with_file)?;
            }
            planner.runs(&mut plan.runs).map_err(with_file)?;
            if let Some(known) = planner.transferred.filter(|known| !plan.transferred.contains(known)) {
                plan.transferred.push(known);
            }
        }
        Ok(plan)
    }
}

/// The weights that an experiment begins with, where they keep their outputs: before its data are known, whose inputs are
/// made as these weights say.
fn kept(experiment: &Experiment, recorded: &[Transferred]) -> Result<Option<Transferred>, Error> {
    let meant = experiment.transfer.as_ref().filter(|meant| meant.head == Head::Keep);
    meant.map(|meant| Transferred::kept(meant, recorded)).transpose()
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use super::*;

    /// A dense run, and two that begin with it.
    pub(in crate::study) const STUDY: &str = r#"
kind = "prune"
sparsities = [0.5, 0.9]

[data]
name = "digits"

[model]
name = "lenet-300-100"
width = 0.1

[training]
batch_size = 50
epochs = 1
optimizer = { name = "sgd", momentum = 0.9 }
learning_rate = 0.05

[[methods]]
criterion = "magnitude"
at = "end"
"#;

    #[test]
    fn a_study_is_called_as_its_folder_is_however_that_is_reached() {
        let place = tempfile::tempdir().unwrap();
        let study = place.path().join("first");
        fs::create_dir_all(study.join("logs")).unwrap();
        fs::write(study.join("study.toml"), STUDY).unwrap();
        for path in [study.clone(), study.join("."), study.join("logs/..")] {
            let folder = StudyFolder::at(&path);
            let plan = Plan::started(&Criteria::default(), &folder, &Datasets::below("data")).unwrap();
            assert_eq!(plan.name, "first", "{}", path.display());
        }
    }
}
