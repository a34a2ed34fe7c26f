//! What decides how a data set is read, beside its name.

use sapwood_core::{ImageFit, Preprocess, Shape};
use serde::{Deserialize, Serialize};

use crate::{Error, Normalisation, image_file::is_same, life::LifeOptions};

/// What some data sets need to know beyond their name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct OpenOptions {
    /// Which boards, for `life`.
    pub life: LifeOptions,
    /// The shape `[C, H, W]` to which images are cropped and resized; without it those of an `image-folder` must all
    /// have the size of the first.
    pub image: Option<[usize; 3]>,
    /// How images become inputs, where that is not as is customary for the data set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
    /// The formula by which the weights learnt that are to see these images, where `preprocess` states none and it has
    /// constants for their channels. It is for a user's own images: those of the catalogue have a formula of their own, and
    /// numbers are inputs already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained_with: Option<Preprocess>,
    /// Whether the network's own file has the channels of an example last, for a user's own arrays whose shape does not tell
    /// where they stand.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub channels_last: bool,
}

impl OpenOptions {
    /// The formula of images with this number of channels, where that is not as is customary.
    ///
    /// # Errors
    /// What is stated has constants for another number.
    pub(crate) fn formula(&self, channels: usize) -> Result<Option<Normalisation>, Error> {
        match (&self.preprocess, &self.trained_with) {
            (Some(stated), _) => Normalisation::stated(stated, channels).map(Some),
            (None, trained_with) => {
                Ok(trained_with.as_ref().and_then(|formula| Normalisation::stated(formula, channels).ok()))
            }
        }
    }

    /// Whether images that are stored in this size are resized, or cut.
    pub fn changes(&self, native: Shape) -> bool {
        let [_, h, w] = native;
        self.image.is_some_and(|shape| shape != native) || !is_same([h, w], self.fit().fit)
    }

    pub(crate) fn fit(&self) -> ImageFit {
        self.preprocess.as_ref().map_or_else(ImageFit::default, |preprocess| preprocess.image)
    }
}
