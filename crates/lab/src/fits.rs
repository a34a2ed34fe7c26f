//! Whether a network and a data set belong together.

use std::collections::BTreeSet;

use sapwood_core::{Op, Shape, TrainedOn};
use sapwood_data::{Dataset, Task};
use sapwood_models::{Opened, Spec};

use crate::{Classes, Error, Outputs};

/// What is known of a network's outputs, and what may be done where that is not enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// What its weight file says.
    pub trained_on: Option<&'a TrainedOn>,
    /// What the user allows.
    pub outputs: Outputs,
}

impl<'a> Known<'a> {
    /// What a weight file says, and nothing else allowed.
    pub fn of(opened: &'a Opened) -> Self {
        Self { trained_on: opened.trained_on.as_ref(), outputs: Outputs::default() }
    }
}

/// Refuses a network that cannot take the examples of a data set, or whose outputs are not what is
/// asked for there; else says which output stands for which class.
///
/// # Errors
/// [`Error::OneClass`]; examples that the network does not take; [`Error::Unfit`] for other outputs; and where these
/// cannot be given to the classes, [`Error::NothingNew`], [`Error::MoreOutputs`], [`Error::OtherClasses`] or
/// [`Error::SameNames`].
pub fn fits(spec: &Spec, known: Known<'_>, data: &Dataset) -> Result<Classes, Error> {
    task(spec, data.name(), data.shape(), data.task())?;
    match data.task() {
        Task::Classes(_) => Classes::assign(spec, known, data),
        Task::Dense(_) => Ok(Classes::InOrder),
    }
}

/// Refuses a network whose inputs and outputs do not suit a data set of which no more is known than
/// this. It may have more outputs than there are classes.
pub(crate) fn task(spec: &Spec, data: &str, shape: Shape, task: Task) -> Result<(), Error> {
    if task == Task::Classes(1) {
        return Err(Error::OneClass { data: data.into() });
    }
    let [k, h, w] = spec.output(shape)?;
    let (fits, expected) = match task {
        Task::Classes(classes) => (h * w == 1 && classes <= k, format!("{classes} classes")),
        Task::Dense(values) => (k * h * w == values, format!("{values} values per example")),
    };
    if fits {
        return Ok(());
    }
    let found = if h * w == 1 { format!("{k} outputs") } else { format!("a board of {h}x{w}") };
    Err(Error::Unfit { model: spec.model.clone(), found, data: data.into(), expected })
}

/// Refuses what is for classes where a data set has none: of each setting its key, what it is, and whether it is asked
/// for.
pub(crate) fn for_classes<'a>(
    data: &str,
    task: Task,
    settings: impl IntoIterator<Item = (&'a str, &'a str, bool)>,
) -> Result<(), Error> {
    let asked_for = settings.into_iter().find(|(_, _, is_asked_for)| *is_asked_for);
    match (task, asked_for) {
        (Task::Dense(_), Some((key, what, _))) => {
            let problem = format!("{what} is for classes, and data set `{data}` has none: leave it out");
            Err(Error::setting(key, problem))
        }
        _ => Ok(()),
    }
}

/// Refuses batches of one example where a normalisation, but for those that stand still, would see a single value of
/// each channel.
pub(crate) fn batches(spec: &Spec, shape: Shape, size: usize, still: &BTreeSet<String>) -> Result<(), Error> {
    if 1 < size {
        return Ok(());
    }
    let graph = spec.graph()?;
    let shapes = graph.shapes(shape)?;
    let single = graph.nodes().iter().zip(&shapes).find(|(node, [_, height, width])| {
        matches!(node.op, Op::BatchNorm { .. }) && height * width == 1 && !still.contains(&node.name)
    });
    match single {
        None => Ok(()),
        Some((node, _)) => {
            let problem = format!(
                "`{}` normalises over the batch, and of one example it sees a single value of each channel: take \
                 batches of 2 or more",
                node.name
            );
            Err(Error::setting("training.batch_size", problem))
        }
    }
}
