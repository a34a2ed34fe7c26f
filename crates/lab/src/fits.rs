//! Whether a network and a data set belong together.

use sapwood_core::{Shape, TrainedOn};
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
