//! Whether a network and a data set belong together.

use sapwood_core::Shape;
use sapwood_data::{Dataset, Task};
use sapwood_models::Spec;

use crate::Error;

/// Refuses a network that cannot take the examples of a data set, or whose outputs
/// are not what is asked for there. A network may know more classes than the data.
pub(crate) fn fits(spec: &Spec, data: &Dataset) -> Result<(), Error> {
    task(spec, data.name(), data.shape(), data.task())
}

/// The same for a data set of which no more is known than this.
pub(crate) fn task(spec: &Spec, data: &str, shape: Shape, task: Task) -> Result<(), Error> {
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
