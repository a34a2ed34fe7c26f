//! What somebody says of a network's images and classes, beside what its file says.

use sapwood_core::{Preprocess, TrainedOn};

use crate::{Error, Opened};

impl Opened {
    /// The same network, whose images are made into inputs as somebody says.
    ///
    /// # Errors
    /// Constants for another number of channels.
    pub fn preprocessed(self, preprocess: &Preprocess) -> Result<Self, Error> {
        let input = self.trained_on.as_ref().map_or(self.spec.input, |trained_on| trained_on.input);
        let stated = TrainedOn::stated(preprocess, input)?;
        let trained_on = match self.trained_on {
            Some(TrainedOn { data, classes, other, .. }) => TrainedOn { data, classes, other, ..stated },
            None => stated,
        };
        Ok(Self { trained_on: Some(trained_on), ..self })
    }

    /// The same network with what another file says of its images and classes.
    ///
    /// # Errors
    /// What cannot belong to this network.
    pub fn described(self, trained_on: TrainedOn) -> Result<Self, Error> {
        trained_on.check(self.spec.classes)?;
        self.spec.output(trained_on.input)?;
        Ok(Self { trained_on: Some(trained_on), ..self })
    }

    /// The same network with names for its first outputs. How images are made into inputs has to be known.
    ///
    /// # Errors
    /// More names than outputs, a name that is there twice, or nothing known of images.
    pub fn with_classes(self, classes: Vec<String>) -> Result<Self, Error> {
        match self.trained_on.clone() {
            Some(trained_on) => self.described(TrainedOn { classes, ..trained_on }),
            None => Err(Error::ImagesUnknown),
        }
    }
}
