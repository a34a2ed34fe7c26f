//! What the images of a folder become.

use sapwood_core::{ImageFit, Preprocess};

use super::photos::Photos;
use crate::{Dataset, Error, Labels, Normalisation, Reading, Task, image_file::check_shape};

/// Their shape, how they get it, and what is customary for the data set of this name.
pub(super) struct Inputs<'a> {
    name: &'static str,
    normalisation: &'a Normalisation,
    shape: [usize; 3],
    /// How they are cropped and resized, if they are.
    fit: Option<ImageFit>,
    /// What somebody said of all that.
    stated: Option<&'a Preprocess>,
}

impl<'a> Inputs<'a> {
    /// In a shape, and as somebody said; without both of the shape of the first image.
    ///
    /// # Errors
    /// A shape that no image is made into; none where it has to be said; no image that can be read.
    pub(super) fn of(
        (name, normalisation): (&'static str, &'a Normalisation),
        (image, stated): (Option<[usize; 3]>, Option<&'a Preprocess>),
        first: impl FnOnce() -> Result<[usize; 3], Error>,
    ) -> Result<Self, Error> {
        let (shape, fit) = match image {
            Some(shape) => {
                check_shape(shape)?;
                let fit = stated.map(|preprocess| preprocess.image).unwrap_or_default();
                fit.check()?;
                (shape, Some(fit))
            }
            None if stated.is_some() => {
                return Err(Error::Option {
                    option: "the shape of an image",
                    found: "missing".into(),
                    expected: "[C, H, W] beside `preprocess`",
                });
            }
            None => (first()?, None),
        };
        Ok(Self { name, normalisation, shape, fit, stated })
    }

    /// How they are read.
    pub(super) fn photos<'b>(&self, reading: &Reading<'b>) -> Photos<'b> {
        Photos { shape: self.shape, fit: self.fit, cache: reading.cache, watch: reading.watch }
    }

    /// The data set of these values, `[N, C, H, W]`, with this number of classes.
    pub(super) fn dataset(&self, classes: usize, images: Vec<u8>, labels: Labels) -> Result<Dataset, Error> {
        let normalisation = match self.stated {
            Some(preprocess) => Normalisation::stated(preprocess, self.shape[0])?,
            None if self.shape[0] == 1 => Normalisation::GREY,
            None => self.normalisation.clone(),
        };
        let task = Task::Classes(classes);
        let made = Dataset::new(self.name, self.shape, task, normalisation, images, labels)?;
        Ok(made.with_image(self.stated.map(|preprocess| preprocess.image)))
    }
}
