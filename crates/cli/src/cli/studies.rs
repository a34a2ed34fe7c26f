//! What the commands about studies share.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use clap::Args;
use sapwood_lab::{
    Datasets,
    study::{Plan, StudyFolder, study_name},
};
use sapwood_prune::Criteria;

use super::data_root::DataRoot;
use crate::Error;

/// A study by its file.
#[derive(Args)]
pub(super) struct StudyFile {
    /// The study's file
    #[arg(value_name = "STUDY.toml")]
    file: PathBuf,
    /// Replace a setting of the file, as in training.epochs=2
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    pub(super) place: StudyRoot,
}

/// Where studies and data lie.
#[derive(Args)]
pub(super) struct StudyRoot {
    /// The folder of all studies
    #[arg(long, default_value = "runs", value_name = "FOLDER")]
    root: PathBuf,
    #[command(flatten)]
    pub(super) data: DataRoot,
}

/// A study that was started, by its file, its name or its folder.
#[derive(Args)]
pub(super) struct StartedStudy {
    /// The study: its file, its name, or its folder
    #[arg(value_name = "STUDY")]
    study: PathBuf,
    #[command(flatten)]
    place: StudyRoot,
}

impl StudyFile {
    /// The data sets that it may learn from.
    pub(super) fn datasets(&self) -> Datasets {
        self.place.data.datasets()
    }

    /// Its plan and its folder, as the file and the command line say.
    pub(super) fn plan(
        &self,
        criteria: &Criteria,
        datasets: &Datasets,
    ) -> Result<(Plan, StudyFolder), Error> {
        if let Ok(text) = std::fs::read_to_string(&self.file)
            && text.parse::<toml::Table>().is_ok_and(|table| table.get("kind") == Some(&"supernet".into()))
        {
            let path = self.file.display();
            let problem = format!("these are nested networks: train them with `supernet train`: {path}");
            return Err(Error::Usage(problem));
        }
        let plan = Plan::read(criteria, &self.file, &self.set, datasets)?;
        // The file that is frozen in a study's folder is that study.
        let name = self.frozen_in().map_or_else(|| plan.name.clone(), |folder| study_name(&folder));
        let folder = StudyFolder::new(&self.place.root, &name);
        Ok((Plan { name, ..plan }, folder))
    }

    /// The study's folder, if the file lies in one as it was started.
    fn frozen_in(&self) -> Option<PathBuf> {
        let (file, root) = (self.file.canonicalize().ok()?, self.place.root.canonicalize().ok()?);
        let folder = file.parent().filter(|folder| folder.parent() == Some(root.as_path()))?;
        file.ends_with("study.toml").then(|| folder.to_path_buf())
    }

    /// The text that says the same without settings of the command line.
    pub(super) fn frozen(&self) -> Result<String, Error> {
        let text = std::fs::read_to_string(&self.file).map_err(Error::file("read the study", &self.file))?;
        Ok(sapwood_lab::study::with_settings(&text, &self.file, &self.set)?)
    }
}

impl StartedStudy {
    /// Its plan and its folder, as it was last started.
    pub(super) fn open(&self, criteria: &Criteria) -> Result<(Plan, StudyFolder), Error> {
        let folder = match self.study.join("study.toml").is_file() {
            true => StudyFolder::at(&self.study),
            false => StudyFolder::new(&self.place.root, &study_name(&self.study)),
        };
        let plan = open(criteria, &folder, &self.place.data.datasets())?;
        Ok((plan, folder))
    }
}

/// The plan of a study that was started.
pub(super) fn open(criteria: &Criteria, folder: &StudyFolder, datasets: &Datasets) -> Result<Plan, Error> {
    let path = folder.study();
    if !path.is_file() {
        let problem =
            format!("there is no study in {}: start it with `run STUDY.toml`", folder.path().display());
        return Err(Error::Usage(problem));
    }
    Ok(Plan::started(criteria, folder, datasets)?)
}

/// Becomes true when this process is asked to end: Ctrl-C, SIGTERM, or SIGUSR1, by which
/// Slurm says that it will end it soon.
pub(super) fn stop_signal() -> Result<Arc<AtomicBool>, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
        #[cfg(unix)]
        signal_hook::consts::SIGUSR1,
    ] {
        // The second time, it ends at once.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
