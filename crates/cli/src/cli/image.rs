//! A user's own images on the command line.

use clap::Args;
use sapwood_core::Shape;
use sapwood_data::Layout;
use sapwood_lab::DataConfig;

use super::shape;
use crate::Error;

/// What images are made into.
#[derive(Args)]
pub(super) struct ImageShape {
    /// Crop and resize each image to this, as in 3x32x32 [default: the size that the weights know; else that of the
    /// images, which must then all be of one size]
    #[arg(long, value_parser = shape::parse, value_name = "CxHxW")]
    image: Option<Shape>,
}

impl ImageShape {
    /// The data with this shape, if one was given.
    pub(super) fn apply(&self, data: &mut DataConfig) -> Result<(), Error> {
        data.options.image = self.image.or(data.options.image);
        Ok(())
    }
}

/// What is made of an `image-folder`.
#[derive(Args)]
pub(super) struct Images {
    #[command(flatten)]
    shape: ImageShape,
    #[command(flatten)]
    bad: SkipBad,
}

/// Whether images that cannot be read are left out.
#[derive(Args)]
pub(super) struct SkipBad {
    /// image-folder: leave out images that cannot be read, and say how many
    #[arg(long)]
    skip_bad: bool,
}

impl SkipBad {
    /// The data with what was given; refused where it has no effect.
    pub(super) fn apply(&self, data: &mut DataConfig) -> Result<(), Error> {
        // A network may have been trained on data that is in no catalogue.
        if self.skip_bad && sapwood_data::entry(&data.name)?.layout != Layout::Folders {
            return Err(Error::Usage(format!(
                "`--skip-bad` belongs to `--data image-folder`, not to `{}`: leave it out",
                data.name
            )));
        }
        data.skip_bad |= self.skip_bad;
        Ok(())
    }
}

impl Images {
    /// The data with what was given.
    pub(super) fn apply(&self, data: &mut DataConfig) -> Result<(), Error> {
        self.shape.apply(data)?;
        self.bad.apply(data)
    }

    /// Refuses these options where no data set is read.
    pub(super) fn none(&self) -> Result<(), Error> {
        match self.bad.skip_bad || self.shape.image.is_some() {
            false => Ok(()),
            true => Err(Error::Usage(
                "`--image` and `--skip-bad` are for images of a data set, and none is read: leave them out"
                    .into(),
            )),
        }
    }
}
