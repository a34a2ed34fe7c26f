//! Networks whose weight file has integers, on the command line.

use sapwood_models::{Net, Opened};
use sapwood_quant::Rounded;

use crate::Error;

/// The network as its file means it: with its values on the grids of the integers, where it has some.
pub(super) fn rounded(opened: &Opened) -> Result<Rounded<Net>, Error> {
    let net = opened.net.clone();
    let integers = opened.integers.as_ref();
    Ok(match integers.and_then(|integers| Some((&integers.ranges, integers.calibrated.as_ref()?))) {
        Some((ranges, calibrated)) => Rounded::between(net, ranges, calibrated.activations)?,
        None => Rounded::new(net, [].into()),
    })
}

/// Refuses integers where they would be lost.
pub(super) fn refuse(opened: &Opened, done: &str) -> Result<(), Error> {
    match &opened.integers {
        None => Ok(()),
        Some(integers) => Err(Error::Usage(format!(
            "the file has {} weights as integers, which cannot be {done} yet: use the one that it was made of",
            integers.quantized.len()
        ))),
    }
}
