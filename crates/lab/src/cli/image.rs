//! The size of a user's own images on the command line.

use clap::Args;
use sapwood_core::Shape;
use sapwood_data::Layout;

use super::shape;
use crate::{DataConfig, Error};

/// What an `image-folder` is made into.
#[derive(Args)]
pub(super) struct ImageShape {
    /// image-folder: crop and resize each image to this, as in 3x32x32 [default: that
    /// of the weights; without weights that of the images, which must all have one]
    #[arg(long, value_parser = shape::parse, value_name = "CxHxW")]
    image: Option<Shape>,
}

impl ImageShape {
    /// The data with this shape, if one was given.
    pub(super) fn apply(&self, data: &mut DataConfig) -> Result<(), Error> {
        let Some(shape) = self.image else { return Ok(()) };
        if sapwood_data::entry(&data.name)?.layout != Layout::Folders {
            let problem =
                format!("`--image` belongs to `--data image-folder`, not to `{}`: leave it out", data.name);
            return Err(Error::Usage(problem));
        }
        data.options.image = Some(shape);
        Ok(())
    }
}
