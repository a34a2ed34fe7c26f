//! What the images of a folder become.

use sapwood_core::ImageFit;

use super::photos::Photos;
use crate::{Dataset, Error, Labels, Normalisation, OpenOptions, Reading, Task, image_file::check_shape};

/// Their shape, how they get it, and what is customary for the data set of this name.
pub(super) struct Inputs<'a> {
    name: &'static str,
    normalisation: &'a Normalisation,
    shape: [usize; 3],
    /// How they are cropped and resized, if they are.
    fit: Option<ImageFit>,
    /// What is said of all that.
    options: &'a OpenOptions,
}

impl<'a> Inputs<'a> {
    /// In the shape and by the formula that the options say; without both of the shape of the first image.
    ///
    /// # Errors
    /// A shape that no image is made into; none where it has to be said; no image that can be read.
    pub(super) fn of(
        (name, normalisation): (&'static str, &'a Normalisation),
        options: &'a OpenOptions,
        first: impl FnOnce() -> Result<[usize; 3], Error>,
    ) -> Result<Self, Error> {
        let (shape, fit) = match options.image {
            Some(shape) => {
                check_shape(shape)?;
                let fit = options.fit();
                fit.check()?;
                (shape, Some(fit))
            }
            None if options.preprocess.is_some() => {
                return Err(Error::Option {
                    option: "the shape of an image",
                    found: "missing".into(),
                    expected: "[C, H, W] beside `preprocess`",
                });
            }
            None => (first()?, None),
        };
        Ok(Self { name, normalisation, shape, fit, options })
    }

    /// How they are read.
    pub(super) fn photos<'b>(&self, reading: &Reading<'b>) -> Photos<'b> {
        Photos { shape: self.shape, fit: self.fit, cache: reading.cache, watch: reading.watch }
    }

    /// The data set of these values, `[N, C, H, W]`, with this number of classes.
    pub(super) fn dataset(&self, classes: usize, images: Vec<u8>, labels: Labels) -> Result<Dataset, Error> {
        let normalisation = match self.options.formula(self.shape[0])? {
            Some(formula) => formula,
            None if self.shape[0] == 1 => Normalisation::GREY,
            None => self.normalisation.clone(),
        };
        let task = Task::Classes(classes);
        let made = Dataset::new(self.name, self.shape, task, normalisation, images, labels)?;
        Ok(made.with_image(self.options.preprocess.as_ref().map(|stated| stated.image)))
    }
}
