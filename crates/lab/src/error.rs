//! What can go wrong in the lab.

use std::path::PathBuf;

use sapwood_core::{Cause, FileError, ParamPath, Shape, UnknownName};

/// An error of this crate: its own, or one of a crate that it uses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be, or that does not go with another.
    #[error("{problem}")]
    Setting {
        /// Which: its key in an experiment's file, dotted.
        key: String,
        /// What was expected and what was found; it names the setting.
        problem: String,
    },
    /// A setting that was put in an experiment's place by another text than its file.
    #[error("setting `{setting}`: {problem}")]
    Override {
        /// What was given: `KEY=VALUE`.
        setting: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Settings that have no text, so that nothing could tell them from others.
    #[error("the settings cannot be written down: {0}")]
    Unwritable(#[source] Cause),
    /// Weights that cannot be shared.
    #[error("parameter `{path}`: {error}")]
    Sharing {
        /// The parameter.
        path: ParamPath,
        /// Why.
        #[source]
        error: sapwood_codec::Error,
    },
    /// A name that is not in a list.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// An experiment of another kind.
    #[error("expected kind `{expected}`, found `{found}`: {path}", path = path.display())]
    OtherKind {
        /// The kind that was expected.
        expected: String,
        /// The file's.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// The folder holds another run.
    #[error(
        "the folder holds another run, whose {field} is {found} and not {expected}: choose another: {path}",
        path = path.display()
    )]
    OtherRun {
        /// The first setting that differs.
        field: String,
        /// This run's.
        expected: String,
        /// The folder's.
        found: String,
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds a run of another kind, or one that is set apart by the images that it learnt from.
    #[error("the folder holds {found}: choose another, or remove it: {path}", path = path.display())]
    OtherFolder {
        /// What it holds.
        found: String,
        /// The folder.
        path: PathBuf,
    },
    /// Another process works in the folder.
    #[error("another process is training in this folder: wait for it, or choose another: {path}", path = path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// What a run left is not what its record speaks of.
    #[error("altered since the run: remove its folder, or choose another: {path}", path = path.display())]
    Altered {
        /// The file.
        path: PathBuf,
    },
    /// Images whose values a network would see in another order.
    #[error(
        "{images} are {c}x{h}x{w}, and the network takes {h}x{w}x{c}, with the channels last: their values would reach it in \
         another order, and it takes arrays [N, H, W, C] alone",
        c = shape[0], h = shape[1], w = shape[2]
    )]
    ChannelsLast {
        /// What they are.
        images: String,
        /// Their shape, channels first.
        shape: Shape,
    },
    /// A network that does not answer what a data set asks.
    #[error(
        "`{model}` gives {found}, but data set `{data}` asks for {expected}: train a network on that data set"
    )]
    Unfit {
        /// The network.
        model: String,
        /// What it gives.
        found: String,
        /// The data set.
        data: String,
        /// What that asks for.
        expected: String,
    },
    /// Outputs without names, of which only some could stand for classes.
    #[error(
        "`{model}` has {found} outputs, but data set `{data}` has {expected} classes ({classes}), and nothing says which \
         outputs are theirs: give weights with {expected} outputs, or train a new network"
    )]
    MoreOutputs {
        /// The network.
        model: String,
        /// Its outputs.
        found: usize,
        /// The data set.
        data: String,
        /// The number of its classes.
        expected: usize,
        /// The first of them.
        classes: String,
    },
    /// A data set with classes that a network does not know.
    #[error(
        "`{model}` was trained on {known} and does not know {unknown} of data set `{data}`: give it data of those classes, \
         or train a network on these"
    )]
    OtherClasses {
        /// The network.
        model: String,
        /// The first of its classes.
        known: String,
        /// The data set.
        data: String,
        /// The first of those that are unknown.
        unknown: String,
    },
    /// A data set with a class that two outputs are called by.
    #[error(
        "two outputs of `{model}` are called `{class}`, as is a class of data set `{data}`: give each output a name of \
         its own"
    )]
    SameNames {
        /// The network.
        model: String,
        /// The name.
        class: String,
        /// The data set.
        data: String,
    },
    /// Outputs should be taken for new classes, but would not be.
    #[error("nothing is new about the classes of data set `{data}`: the weights {why}")]
    NothingNew {
        /// Why not.
        why: &'static str,
        /// The data set.
        data: String,
    },
    /// A teacher that cannot answer what a data set asks.
    #[error("the teacher does not fit: {error}")]
    Teacher {
        /// Why.
        #[source]
        error: Box<Self>,
    },
    /// A teacher whose outputs stand for other classes than the student's.
    #[error(
        "the teacher's outputs stand for the classes of data set `{data}` in another way than the student's: give a \
         teacher that was trained on these data"
    )]
    Teaching {
        /// The data set.
        data: String,
    },
    /// A data set in which there is nothing to tell apart.
    #[error("data set `{data}` has one class only, so there is nothing to tell apart: expected two or more")]
    OneClass {
        /// The data set.
        data: String,
    },
    /// The user's own images have changed since a run learnt from them.
    #[error("the images of `{data}` differ from those {then}: {problem}")]
    OtherImages {
        /// The data set.
        data: String,
        /// When they were different.
        then: &'static str,
        /// What to do.
        problem: String,
    },
    /// The user's own images have changed since a study was started.
    #[error(
        "the images of `{data}` differ from those that this study was started with: start it again from its file"
    )]
    StudyImages {
        /// The data set.
        data: String,
    },
    /// A study's file that cannot be carried out.
    #[error("{problem}: {path}{}", line.map_or(String::new(), |line| format!(", line {line}")), path = path.display())]
    Study {
        /// What is wrong.
        problem: String,
        /// Where in the file, counted from 1, if that is known.
        line: Option<usize>,
        /// The file.
        path: PathBuf,
        /// What found it, if another error did.
        #[source]
        source: Option<Cause>,
    },
    /// A file of ours that cannot be understood.
    #[error("{problem}: {path}", path = path.display())]
    Json {
        /// What is wrong.
        problem: String,
        /// The file.
        path: PathBuf,
        /// What found it.
        #[source]
        error: serde_json::Error,
    },
    /// A file that is not what it should be.
    #[error("{problem}: {path}", path = path.display())]
    Content {
        /// What is wrong.
        problem: String,
        /// The file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// Workers that could not be handed to Slurm.
    #[error("{problem}")]
    Slurm {
        /// What is wrong.
        problem: String,
        /// What the system said, if it did.
        #[source]
        error: Option<std::io::Error>,
    },
    /// The system does not say how a worker of this machine is.
    #[error("cannot tell whether a worker has ended: {0}")]
    Worker(#[source] std::io::Error),
    /// The thread that keeps the claim and the account of a run is gone.
    #[error("the thread that watches over a run ended unexpectedly: start again")]
    WatchEnded,
    /// What blocks use cannot be counted on this device.
    #[error("the energy of blocks cannot be measured on `{device}` ({why}): leave energies out")]
    NoEnergy {
        /// The device.
        device: String,
        /// Why.
        why: String,
    },
    /// The report could not be drawn.
    #[error("the report cannot be written: {0}")]
    Report(#[source] Cause),
    /// Devices and seeds.
    #[error(transparent)]
    Backend(#[from] sapwood_backend::Error),
    /// Weights, batches and files.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
    /// Data sets.
    #[error(transparent)]
    Data(#[from] sapwood_data::Error),
    /// Networks.
    #[error(transparent)]
    Models(#[from] sapwood_models::Error),
    /// Pruning.
    #[error(transparent)]
    Prune(#[from] sapwood_prune::Error),
    /// Rounding.
    #[error(transparent)]
    Quant(#[from] sapwood_quant::Error),
    /// An error of an account.
    #[error(transparent)]
    Ledger(#[from] sapwood_ledger::Error),
    /// Channels that leave.
    #[error(transparent)]
    Shrink(#[from] sapwood_shrink::Error),
    /// A network that the runtime cannot run.
    #[error(transparent)]
    Runtime(#[from] sapwood_runtime::Error),
    /// Masks that change in training.
    #[error(transparent)]
    Sparse(#[from] sapwood_sparse::Error),
    /// Searching.
    #[error(transparent)]
    Search(#[from] sapwood_search::Error),
    /// Training.
    #[error(transparent)]
    Train(#[from] sapwood_train::Error),
    /// An error of nested networks.
    #[error(transparent)]
    Supernet(sapwood_supernet::Error),
    /// An error in the choice of a network for a device.
    #[error(transparent)]
    Deploy(sapwood_deploy::Error),
}

/// What crates below say is the same, whichever way it comes.
impl From<sapwood_deploy::Error> for Error {
    fn from(error: sapwood_deploy::Error) -> Self {
        use sapwood_deploy::Error as Deploy;
        match error {
            Deploy::NoEnergy { device, why } => Self::NoEnergy { device, why },
            Deploy::Line { problem, line, path } => {
                Self::Study { problem, line: Some(line), path, source: None }
            }
            Deploy::Content { problem, path } => Self::Content { problem, path },
            Deploy::File(error) => Self::File(error),
            Deploy::Search(error) => Self::Search(error),
            Deploy::Supernet(error) => error.into(),
            Deploy::Core(error) => Self::Core(error),
            Deploy::Models(error) => Self::Models(error),
            Deploy::Backend(error) => Self::Backend(error),
            error => Self::Deploy(error),
        }
    }
}

/// What training says is the same, whoever trains.
impl From<sapwood_supernet::Error> for Error {
    fn from(error: sapwood_supernet::Error) -> Self {
        match error {
            sapwood_supernet::Error::Train(error) => Self::Train(error),
            error => Self::Supernet(error),
        }
    }
}

impl From<sapwood_core::graph::Error> for Error {
    fn from(error: sapwood_core::graph::Error) -> Self {
        Self::Core(error.into())
    }
}

impl Error {
    /// For `map_err`: a setting that has no JSON, so that nothing could tell it from another.
    pub(crate) fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unwritable(error.into())
    }

    /// A setting that cannot be what it is.
    pub(crate) fn setting(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Setting { key: key.into(), problem: problem.into() }
    }

    /// An error that whoever reads it should know the experiment's file of.
    pub(crate) fn of_study(error: Self, path: &std::path::Path) -> Self {
        Self::Study { problem: error.to_string(), line: None, path: path.into(), source: Some(error.into()) }
    }

    /// For `map_err`: what was being done where the file system refused.
    pub fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        FileError::of(action, path.into())
    }
}
