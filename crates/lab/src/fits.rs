//! Whether a network and a data set belong together.

use sapwood_data::{Dataset, Task};
use sapwood_models::Spec;

use crate::Error;

/// Refuses a network that cannot take the examples of a data set, or whose outputs
/// are not what is asked for there. A network may know more classes than the data.
pub(crate) fn fits(spec: &Spec, data: &Dataset) -> Result<(), Error> {
    let [k, h, w] = spec.output(data.shape())?;
    let (fits, expected) = match data.task() {
        Task::Classes(classes) => (h * w == 1 && classes <= k, format!("{classes} classes")),
        Task::Dense(values) => (k * h * w == values, format!("{values} values per example")),
    };
    if fits {
        return Ok(());
    }
    let found = if h * w == 1 { format!("{k} outputs") } else { format!("a board of {h}x{w}") };
    Err(Error::Unfit { model: spec.model.clone(), found, data: data.name().into(), expected })
}
