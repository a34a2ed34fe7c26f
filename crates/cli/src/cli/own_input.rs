//! The input that a criterion makes of its own (SynFlow's ones), on the command line.

use std::path::Path;

use clap::Args;
use sapwood_core::{Batch, Shape};
use sapwood_data::Split;
use sapwood_lab::{DataConfig, Takes, read_batches};
use sapwood_models::Opened;
use sapwood_prune::Needs;

use super::{bar::note, image::Images, shape};
use crate::Error;

/// Its size.
#[derive(Args)]
pub(super) struct OwnInput {
    /// The size of the input that synflow makes of its own, as in 3x32x32 [default: that of
    /// the images of --data, as they are given to the network; without data that of the network]
    #[arg(long = "input", value_parser = shape::parse, value_name = "CxHxW", conflicts_with = "data")]
    size: Option<Shape>,
}

impl OwnInput {
    pub(super) fn is_given(&self) -> bool {
        self.size.is_some()
    }

    /// Refuses a size where the criterion makes no input.
    pub(super) fn check(&self, criterion: &str, needs: Needs) -> Result<(), Error> {
        match self.is_given() && needs != Needs::InputShape {
            false => Ok(()),
            true => Err(Error::Usage(format!(
                "`--input` is the size of the input that synflow makes of its own, and criterion `{criterion}` \
                 makes none: leave it out"
            ))),
        }
    }

    /// The size, if this criterion makes an input of its own, and what is to be told of it once there is a result.
    pub(super) fn of(
        &self,
        (criterion, needs): (&str, Needs),
        data: Option<(&str, &Images, &Path)>,
        opened: &Opened,
    ) -> Result<Option<(Shape, String)>, Error> {
        if needs != Needs::InputShape {
            return Ok(None);
        }
        let (size, whose) = match (self.size, data) {
            (Some(size), _) => (size, "as asked"),
            (None, Some((data, images, root))) => {
                (of_data(data, images, root, opened)?, "as the data's images are given to the network")
            }
            (None, None) => (usual(opened), "as the network usually takes"),
        };
        opened.spec.output(size)?;
        let [c, h, w] = size;
        Ok(Some((size, format!("{criterion}: the input of ones is {c}x{h}x{w}, {whose}"))))
    }
}

/// Tells that inputs of a file may be none of the kind that the network is for.
pub(super) fn tell_doubt(takes: &Takes<'_>, batches: &[Batch]) {
    if let Some(doubt) = takes.doubt(batches) {
        note(&format!("note: {doubt}"));
    }
}

/// What the network was trained on, where that is known, or else what it was written down for.
fn usual(opened: &Opened) -> Shape {
    opened.trained_on.as_ref().map_or(opened.spec.input, |trained_on| trained_on.input)
}

/// The size of the images of a file or of a data set, which need not be there if its size is known.
fn of_data(data: &str, images: &Images, root: &Path, opened: &Opened) -> Result<Shape, Error> {
    if is_file(data) {
        let batches = read_batches(Path::new(data), None, &Takes::of(opened))?;
        let first = batches.first().and_then(|batch| batch.shape().image());
        return Ok(first.unwrap_or_else(|| usual(opened)));
    }
    let mut config = DataConfig::of_opened(data, opened);
    images.apply(&mut config)?;
    let entry = sapwood_data::entry(data)?;
    Ok(match (config.options.image, entry.shape) {
        (Some(image), _) => image,
        (None, _) if data == "life" => [1, config.options.life.side, config.options.life.side],
        (None, Some(shape)) => shape,
        (None, None) => config.open(Split::Train, root)?.shape(),
    })
}

/// Whether `--data` means a file: there is one, or the name looks like one.
pub(super) fn is_file(data: &str) -> bool {
    let path = Path::new(data);
    path.extension()
        .is_some_and(|extension| ["safetensors", "npz", "npy"].iter().any(|end| extension == *end))
        || path.is_file()
}
