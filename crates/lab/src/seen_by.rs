//! What weights say of the images that they are to see.

use sapwood_core::{ImageFit, Preprocess, Shape, TrainedOn};
use sapwood_data::{Dataset, Normalisation, Origin};
use sapwood_models::Spec;

use crate::{
    Error,
    doubt::{doubt, span},
};

/// The examples whose numbers are looked at together.
const AT_ONCE: usize = 256;

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
        Self {
            is_guessed: trained_on.is_none(),
            formula: trained_on.filter(|known| known.image.is_none()).map(formula_of),
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
        match self.formula.as_ref().filter(|formula| differs(formula, dataset)) {
            Some(formula) => Some(format!(
                "inputs are {customary}: the weights were trained with {formula}, on what is no such image"
            )),
            None => {
                self.is_guessed.then(|| format!("inputs are {customary}, since the weights do not say how"))
            }
        }
    }

    /// What speaks against the numbers of a data set being inputs as those were that the weights learnt from, where these
    /// were made of images.
    pub(crate) fn doubt(&self, dataset: &Dataset) -> Option<String> {
        let Preprocess { scale, mean, std, .. } = self.of_images().filter(|_| dataset.is_of_numbers())?;
        let rows: Vec<usize> = (0..dataset.len()).collect();
        let mut found = span([]);
        for rows in rows.chunks(AT_ONCE) {
            let [low, high] = span([&dataset.batch(rows).ok()?]);
            found = [found[0].min(low), found[1].max(high)];
        }
        doubt(found, (*scale, mean, std))
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

/// Says that inputs are made otherwise than those were that the weights learnt from, where they are.
pub fn other_formula(learnt: &TrainedOn, now: &TrainedOn) -> Option<String> {
    let [of_learnt, of_now] = [learnt, now].map(formula_of);
    let is_turned = now.mean.len() == 3 && of_learnt.image.order != of_now.image.order;
    let is_other = is_turned || !are_same(&Normalisation::from(learnt), &Normalisation::from(now));
    is_other.then(|| {
        format!("the weights were trained with {of_learnt}, and inputs are made with {of_now}, as was said")
    })
}

/// How the inputs were made that weights learnt from, and how those of a data set are, where that is known and differs.
/// Of other data in the catalogue it is known only where somebody said it: each has a custom of its own.
pub fn other_inputs(learnt: Option<&TrainedOn>, data: &Dataset) -> Option<[Preprocess; 2]> {
    let (learnt, now) = (learnt?, data.trained_on());
    let is_of_these = learnt.data == data.name() || is_own(data.name());
    let is_of_images = learnt.scale != 1.0 && !data.is_of_numbers();
    let is_known = learnt.image.is_some() || (is_of_these && is_of_images);
    let formulas = [learnt, &now].map(formula_of);
    let [of_learnt, of_now] = &formulas;
    let is_turned = data.shape()[0] == 3 && of_learnt.image.order != of_now.image.order;
    (is_known && (is_turned || differs(of_learnt, data))).then_some(formulas)
}

/// Whether a data set is the user's own, which the name says nothing of.
pub(crate) fn is_own(name: &str) -> bool {
    sapwood_data::entry(name).is_ok_and(|entry| entry.sources.contains(&Origin::Own))
}

/// How images become inputs, as their values go: nothing of their sides.
fn formula_of(known: &TrainedOn) -> Preprocess {
    let TrainedOn { scale, mean, std, image, .. } = known.clone();
    let order = image.unwrap_or_default().order;
    Preprocess { scale, mean, std, image: ImageFit { order, ..ImageFit::default() } }
}

/// Whether a formula makes other inputs of a data set than it has.
fn differs(formula: &Preprocess, dataset: &Dataset) -> bool {
    let made = Normalisation::stated(formula, dataset.shape()[0]);
    !made.is_ok_and(|made| are_same(&made, dataset.normalisation()))
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
    fn a_stated_formula_is_told_where_it_makes_other_inputs_than_the_weights_learnt_from() {
        let learnt = trained("(x/255-0.1307)/0.3081", None);
        assert_eq!(other_formula(&learnt, &learnt), None);
        // 255 * 0.1307 and 255 * 0.3081.
        assert_eq!(other_formula(&learnt, &trained("(x-33.3285)/78.5655", None)), None);
        let told = other_formula(&learnt, &trained("x/255", None)).unwrap();
        assert!(
            told.contains("trained with (x/255-0.1307)/0.3081") && told.contains("made with x/255"),
            "{told}"
        );
        let colours = |order: &str| {
            let formula = format!("(x/255-[0.1,0.2,0.3])/0.5{order}").parse().unwrap();
            TrainedOn::stated(&formula, [3, 8, 8]).unwrap()
        };
        assert_eq!(other_formula(&colours(""), &colours("")), None);
        assert!(other_formula(&colours(""), &colours(", bgr")).unwrap().contains("bgr"));
    }

    #[test]
    fn inputs_are_others_where_it_is_known_how_both_are_made() {
        let digits = open("digits", Split::Test, Path::new("nowhere"), &OpenOptions::default()).unwrap();
        let stated = trained("x/255", Some(ImageFit::default()));
        let [learnt, now] = other_inputs(Some(&stated), &digits).unwrap().map(|formula| formula.to_string());
        assert_eq!((learnt.as_str(), now.as_str()), ("x/255", "x/16"));
        let same = trained("x/16", Some(ImageFit::default()));
        assert_eq!(other_inputs(Some(&same), &digits), None);
        assert_eq!(other_inputs(Some(&digits.trained_on()), &digits), None);
        // As was customary for these, and as was for others.
        let before = TrainedOn { data: "digits".into(), ..trained("x/255", None) };
        assert!(other_inputs(Some(&before), &digits).is_some());
        assert_eq!(other_inputs(Some(&trained("x/255", None)), &digits), None);
        assert_eq!(other_inputs(None, &digits), None);
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
