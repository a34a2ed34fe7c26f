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
        self.described(TrainedOn::stated(preprocess, input)?)
    }

    /// The same network with what somebody, or another file, says of its images and classes. Names that are not said
    /// stay those that its own file says.
    ///
    /// # Errors
    /// What cannot belong to this network.
    pub fn described(mut self, said: TrainedOn) -> Result<Self, Error> {
        let known = self.trained_on.take();
        self.is_stated = true;
        self.checked(match known {
            Some(TrainedOn { data, classes, other, .. }) => TrainedOn {
                data: if said.data.is_empty() { data } else { said.data },
                classes: if said.classes.is_empty() { classes } else { said.classes },
                other: other.into_iter().chain(said.other).collect(),
                ..said
            },
            None => said,
        })
    }

    fn checked(self, trained_on: TrainedOn) -> Result<Self, Error> {
        self.check(&trained_on)?;
        Ok(Self { trained_on: Some(trained_on), ..self })
    }

    /// Refuses what cannot be said of this network.
    pub(crate) fn check(&self, said: &TrainedOn) -> Result<(), Error> {
        said.check(self.spec.classes)?;
        self.spec.output(said.input)?;
        Ok(())
    }

    /// The same network with names for its first outputs. How images are made into inputs has to be known.
    ///
    /// # Errors
    /// More names than outputs, or nothing known of images.
    pub fn with_classes(self, classes: Vec<String>) -> Result<Self, Error> {
        match self.trained_on.clone() {
            Some(trained_on) => self.checked(TrainedOn { classes, ..trained_on }),
            None => Err(Error::ImagesUnknown),
        }
    }
}
