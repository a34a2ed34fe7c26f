//! What weights say of the images that they are to see.

use sapwood_core::{ImageFit, Preprocess, Shape, TrainedOn};
use sapwood_data::{Dataset, Normalisation};
use sapwood_models::Spec;

use crate::Error;

/// What the weights that are to see images of the user's own say of them, where the user says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenBy {
    /// Whether the weights do not say how images become inputs, so that what is customary is taken.
    pub is_guessed: bool,
    /// How what the weights learnt from became inputs, where that was as is customary for those data.
    pub formula: Option<Preprocess>,
    /// The input of the network.
    pub input: Option<Shape>,
}

impl SeenBy {
    pub(crate) fn of(spec: &Spec, trained_on: Option<&TrainedOn>) -> Self {
        let formula = |known: &TrainedOn| {
            let TrainedOn { scale, mean, std, .. } = known.clone();
            Preprocess { scale, mean, std, image: ImageFit::default() }
        };
        Self {
            is_guessed: trained_on.is_none(),
            formula: trained_on.filter(|known| known.image.is_none()).map(formula),
            input: Some(spec.input),
        }
    }

    /// The same where somebody says how images become inputs.
    pub(crate) fn stated(self) -> Self {
        Self { is_guessed: false, formula: None, ..self }
    }

    /// The formula by which the weights learnt from images. Of what is no image, 1 stands for 1: boards, and inputs of a
    /// user's own.
    pub(crate) fn of_images(&self) -> Option<&Preprocess> {
        self.formula.as_ref().filter(|formula| formula.scale != 1.0)
    }

    /// How images become inputs, where that is a guess, or not what the weights were trained with.
    pub(crate) fn note(&self, dataset: &Dataset) -> Option<String> {
        let customary = match dataset.shape()[0] {
            1 | 3 => "made with ImageNet's mean and standard deviation",
            _ => "divided by 255",
        };
        let differs = |formula: &&Preprocess| {
            let trained = Normalisation::stated(formula, dataset.shape()[0]);
            !trained.is_ok_and(|trained| are_same(&trained, dataset.normalisation()))
        };
        match self.formula.as_ref().filter(differs) {
            Some(formula) => Some(format!(
                "inputs are {customary}: the weights were trained with {formula}, on what is no such image"
            )),
            None => {
                self.is_guessed.then(|| format!("inputs are {customary}, since the weights do not say how"))
            }
        }
    }

    /// Refuses images of which the network would see the values in another order: its channels come last.
    ///
    /// # Errors
    /// [`Error::ChannelsLast`].
    pub fn check_order(&self, images: &str, shape: Shape) -> Result<(), Error> {
        let [c, h, w] = shape;
        // A single channel has no order, and neither have the pixels of a single row.
        let has_order = 1 < c && 1 < h && 1 < w && shape != [h, w, c];
        match has_order && self.input == Some([h, w, c]) {
            true => Err(Error::ChannelsLast { images: images.into(), shape }),
            false => Ok(()),
        }
    }
}

/// Whether these make the same inputs, however they are written: `x / 16` is `(x / 255) / (16 / 255)`.
fn are_same(one: &Normalisation, other: &Normalisation) -> bool {
    let of_white_and_black = |made: &Normalisation| {
        let ends = [255.0 / made.scale, 0.0];
        made.channels.iter().flat_map(|(mean, std)| ends.map(|x| (x - mean) / std)).collect::<Vec<f32>>()
    };
    let (one, other) = (of_white_and_black(one), of_white_and_black(other));
    one.len() == other.len() && one.iter().zip(&other).all(|(a, b)| (a - b).abs() <= 1e-4 * a.abs().max(1.0))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sapwood_data::{OpenOptions, Split, open};

    use super::*;

    /// Weights that saw images of a data set, made into inputs so.
    fn trained(formula: &str, image: Option<ImageFit>) -> TrainedOn {
        let stated = TrainedOn::stated(&formula.parse().unwrap(), [1, 8, 8]).unwrap();
        TrainedOn { data: "mnist".into(), image, ..stated }
    }

    #[test]
    fn another_formula_than_that_of_the_weights_is_told() {
        let spec = Spec::named("lenet-300-100").unwrap();
        let digits = open("digits", Split::Test, Path::new("nowhere"), &OpenOptions::default()).unwrap();
        let note = |trained_on: Option<&TrainedOn>| SeenBy::of(&spec, trained_on).note(&digits);
        let other = trained("(x/255-0.1307)/0.3081", None);
        assert!(note(Some(&other)).unwrap().contains("were trained with (x/255-0.1307)/0.3081"));
        let colours = TrainedOn { mean: vec![0.1, 0.2, 0.3], std: vec![1.0; 3], ..other.clone() };
        assert!(note(Some(&colours)).unwrap().contains("on what is no such image"));
        assert!(note(None).unwrap().contains("the weights do not say how"));
        // The same formula, and one that is stated and therefore applied.
        let Normalisation { scale, channels } = digits.normalisation().clone();
        let (mean, std) = channels[0];
        assert_eq!(note(Some(&trained(&format!("(x/{scale}-{mean})/{std}"), None))), None);
        assert_eq!(note(Some(&trained("(x/255-0.1307)/0.3081", Some(ImageFit::default())))), None);
        assert_eq!(SeenBy::of(&spec, Some(&other)).stated().note(&digits), None);
    }

    #[test]
    fn images_whose_values_come_in_another_order_are_refused() {
        let last = SeenBy { input: Some([8, 6, 3]), ..SeenBy::default() };
        let error = last.check_order("images of `own`", [3, 8, 6]).unwrap_err().to_string();
        assert!(error.contains("are 3x8x6") && error.contains("takes 8x6x3"), "{error}");
        let grey = SeenBy { input: Some([8, 6, 1]), ..SeenBy::default() };
        let row = SeenBy { input: Some([144, 1, 1]), ..SeenBy::default() };
        let same = SeenBy { input: Some([3, 3, 3]), ..SeenBy::default() };
        assert!(last.check_order("", [8, 6, 3]).is_ok() && grey.check_order("", [1, 8, 6]).is_ok());
        assert!(row.check_order("", [3, 8, 6]).is_ok() && same.check_order("", [3, 3, 3]).is_ok());
        assert!(SeenBy::default().check_order("", [3, 8, 6]).is_ok());
    }
}
