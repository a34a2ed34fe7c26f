//! A data set, and what is made of it for a network.

use std::{path::Path, sync::Arc};

use sapwood_core::{Shape, TrainedOn};
use sapwood_data::{
    Augment, Dataset, Layout, Loader, LoaderOptions, OpenOptions, Reading, Split, life::Boundary,
};
use sapwood_models::{Opened, Padding, Spec};
use sapwood_supernet::Family;
use serde::{Deserialize, Serialize};

use crate::{Augmenting, Chosen, Datasets, Error, SeenBy, seen_by::is_own};

/// The examples of an evaluation batch. Results do not depend on it.
const TEST_BATCH: usize = 256;

/// A data set and what is made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Its name.
    pub name: String,
    /// What the weights that are to see its images say of them.
    #[serde(skip)]
    pub seen_by: SeenBy,
    /// At most this many examples of the training split: the first; of an `image-folder`, which is
    /// sorted by class, a random sample with each class's share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples: Option<usize>,
    /// Size of a random validation split, set aside before `examples` is applied: by it one network
    /// is selected from many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<usize>,
    /// How many training examples of each class, fixed by chance: the same ones in every run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_class: Option<usize>,
    /// The list of the training examples that are learnt from, before anything else is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Chosen>,
    /// How its examples are changed in training.
    #[serde(default)]
    pub augment: Augmenting,
    /// Whether images of an `image-folder` that cannot be read are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_bad: bool,
    /// What some data sets need to know.
    #[serde(default)]
    pub options: OpenOptions,
    /// BLAKE3 of what both splits hold, for images of the user's own: of other data sets the name
    /// says it. See [`Datasets::identified`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}
impl DataConfig {
    /// A data set as it is.
    pub fn named(name: &str) -> Self {
        let options = OpenOptions::default();
        let name = name.into();
        let augment = Augmenting::NONE;
        let (examples, held_out, per_class, only, content) = (None, None, None, None, None);
        let (seen_by, skip_bad) = (SeenBy::default(), false);
        Self { name, seen_by, examples, held_out, per_class, only, augment, skip_bad, options, content }
    }

    /// The data on which a network is at home: boards as far ahead and with the edge that it was made for, images of
    /// one's own in its size. One of the zoo takes images of the catalogue as they are, another one in its size too.
    pub fn of(name: &str, spec: &Spec) -> Self {
        let mut data = Self::named(name);
        data.options.life.steps = spec.steps;
        data.options.life.boundary = match spec.padding {
            _ if spec.model != "life-net" => Boundary::Torus,
            Padding::Zeros => Boundary::Zero,
            Padding::Circular => Boundary::Torus,
        };
        if has_own_size(spec) || is_of_any_size(name) {
            data.options.image = resized(name, spec.input);
        }
        data
    }

    /// [`DataConfig::of`] for a weight file: one that says what it was trained on knows the size of
    /// images better than the network does, and may know how they are made into inputs.
    pub fn of_opened(name: &str, opened: &Opened) -> Self {
        Self::of_known(name, &opened.spec, opened.trained_on.as_ref())
    }

    fn of_known(name: &str, spec: &Spec, trained_on: Option<&TrainedOn>) -> Self {
        let mut data = Self::of(name, spec);
        data.seen_by = SeenBy::of(spec, trained_on);
        if let Some(trained_on) = trained_on {
            // How pixels are scaled says nothing of the size.
            let says_size = !trained_on.data.is_empty() || trained_on.input != spec.input;
            if says_size || has_own_size(spec) || is_of_any_size(name) {
                data.options.image = resized(name, trained_on.input);
            }
            data.options.preprocess = trained_on.preprocess();
        }
        if data.is_own() {
            data.options.trained_with = data.seen_by.of_images().cloned();
            data.options.channels_last = !spec.onnx.channels_last.is_empty();
        }
        data
    }

    /// The same data as a network takes them, wherever this does not say it: in its size, and made into inputs as it was
    /// trained with them.
    pub(crate) fn suited_to(mut self, spec: &Spec, trained_on: Option<&TrainedOn>) -> Self {
        let known = Self::of_known(&self.name, spec, trained_on);
        self.options.image = self.options.image.or(known.options.image);
        self.options.preprocess = self.options.preprocess.or(known.options.preprocess);
        let is_stated = self.options.preprocess.is_some();
        let trained_with = self.options.trained_with.or(known.options.trained_with);
        self.options.trained_with = trained_with.filter(|_| !is_stated);
        self.options.channels_last |= known.options.channels_last;
        self.seen_by = if is_stated { known.seen_by.stated() } else { known.seen_by };
        self
    }

    /// The same data for a new network that learns from a teacher, wherever this does not say it: made into inputs as those
    /// were that the teacher learnt from, if that is not as is customary.
    #[must_use]
    pub fn as_taught(mut self, teacher: &Spec, trained_on: Option<&TrainedOn>) -> Self {
        let options = &mut self.options;
        options.preprocess = options.preprocess.take().or_else(|| trained_on?.preprocess());
        if self.is_own() && self.options.preprocess.is_none() {
            self.options.trained_with = SeenBy::of(teacher, trained_on).of_images().cloned();
        }
        self
    }

    /// The same data as nested networks take them, wherever this does not say it: in the size of their images, and made
    /// into inputs as those were that their weights learnt from.
    ///
    /// # Errors
    /// Layers that do not fit one another.
    pub fn suited_to_family(self, family: &Family, trained_on: Option<&TrainedOn>) -> Result<Self, Error> {
        Ok(self.suited_to(&Spec::of_layers(family.name(), family.whole().clone())?, trained_on))
    }

    /// Whether these are the user's own, which the name says nothing of.
    pub fn is_own(&self) -> bool {
        is_own(&self.name)
    }

    /// What is done to its examples in training.
    ///
    /// # Errors
    /// Changes that the data set cannot have.
    pub fn augmentation(&self) -> Result<Vec<Augment>, Error> {
        self.augment.of(&self.name)
    }

    /// One split.
    ///
    /// # Errors
    /// Files that are not there or cannot be read; settings that the data set does not have, or that leave no examples.
    pub fn open(&self, split: Split, root: &Path) -> Result<Dataset, Error> {
        let reading = Reading { skip_bad: self.skip_bad, ..Reading::default() };
        Ok(self.open_with(split, root, &reading)?.dataset)
    }

    /// One split, and what is to be said of it.
    pub(crate) fn open_with(
        &self,
        split: Split,
        root: &Path,
        reading: &Reading<'_>,
    ) -> Result<sapwood_data::Opened, Error> {
        // What is left out is not resized first.
        let bare = match self.is_own() {
            true => self.options.clone(),
            false => OpenOptions { life: self.options.life.clone(), ..OpenOptions::default() },
        };
        let mut opened = sapwood_data::open_with(&self.name, split, root, &bare, reading)?;
        if split == Split::Train {
            opened.dataset = self.portion(opened.dataset)?;
        }
        if !self.is_own() {
            opened.dataset = opened.dataset.as_inputs(&self.options)?;
        }
        Ok(opened)
    }

    /// What is learnt from, of a whole training split.
    pub(crate) fn portion(&self, mut dataset: Dataset) -> Result<Dataset, Error> {
        if let Some(chosen) = &self.only {
            dataset = chosen.of(&dataset)?;
        }
        if let Some(n) = self.held_out {
            dataset = dataset.hold_out(n)?.0;
        }
        if let Some(n) = self.per_class {
            dataset = dataset.draw_of_each(n)?;
        }
        if let Some(n) = self.examples {
            // The first images of folders are all of one class.
            dataset = if self.is_own() { dataset.draw(n)? } else { dataset.take(n)? };
        }
        Ok(dataset)
    }

    /// The examples of the training split that are held out.
    ///
    /// # Errors
    /// None are held out, or as many as there are; those of [`Datasets::open`].
    pub fn open_held_out(&self, datasets: &Datasets) -> Result<Dataset, Error> {
        let held_out = self.held_out.ok_or_else(|| {
            let name = &self.name;
            Error::setting(
                "data.held_out",
                format!("no examples of `{name}` are held out: say how many, by `held_out`"),
            )
        })?;
        let whole = datasets.open(&self.whole(), Split::Train)?;
        // Of the listed ones, as those that are learnt from.
        Ok(match &self.only {
            Some(chosen) => chosen.of(&whole)?.hold_out(held_out)?.1,
            None => whole.hold_out(held_out)?.1,
        })
    }

    /// Whether the training split has the size that the catalogue says, or the first `examples` of it.
    pub(crate) fn is_whole(&self) -> bool {
        self.held_out.is_none() && self.per_class.is_none() && self.only.is_none()
    }

    /// The same data with nothing left out.
    pub(crate) fn whole(&self) -> Self {
        Self { examples: None, held_out: None, per_class: None, only: None, ..self.clone() }
    }

    /// The test split, in order.
    ///
    /// # Errors
    /// Those of [`Datasets::open`].
    pub fn test_source(&self, datasets: &Datasets) -> Result<Loader, Error> {
        Ok(Loader::new(datasets.open(self, Split::Test)?, judging())?)
    }

    /// What is held out, in order.
    ///
    /// # Errors
    /// Those of [`DataConfig::open_held_out`].
    pub fn held_out_source(&self, datasets: &Datasets) -> Result<Loader, Error> {
        Ok(Loader::new(Arc::new(self.open_held_out(datasets)?), judging())?)
    }
}

/// How examples are cut into batches for an evaluation: in their order.
pub(crate) fn judging() -> LoaderOptions {
    LoaderOptions { batch_size: TEST_BATCH, ..LoaderOptions::default() }
}

/// Whether a network takes images of the size that it is written down for. One of the zoo, whole or shrunk, takes others
/// too.
fn has_own_size(spec: &Spec) -> bool {
    let is_usual = |zoo: Spec| zoo.model == spec.model && zoo.input == spec.input;
    spec.layers.is_some() && !Spec::named(&spec.model).is_ok_and(is_usual)
}

/// Whether a data set is a user's own, of a size that only its reading tells.
fn is_of_any_size(name: &str) -> bool {
    sapwood_data::entry(name).is_ok_and(|entry| matches!(entry.layout, Layout::Folders | Layout::Arrays))
}

/// The size that the images of a data set get for a network with this input, where that is not the one that they are
/// stored in. What is no photograph keeps its size, and no image is made into a row of values.
fn resized(name: &str, input: Shape) -> Option<Shape> {
    let entry = sapwood_data::entry(name).ok()?;
    let Some(native) = entry.shape else {
        return is_of_any_size(name).then_some(match (entry.layout, input) {
            // `[N, H, W]` are grey images, whose values lie in this order too.
            (Layout::Folders, [h, 1, w]) if 1 < w && !matches!(h, 1 | 3) => [1, h, w],
            _ => input,
        });
    };
    let is_image = matches!(input, [1 | 3, h, w] if h > 1 && w > 1);
    (is_image && entry.normalisation.scale == 255.0 && native != input).then_some(input)
}

#[cfg(test)]
mod tests {
    use sapwood_core::Graph;

    use super::*;

    fn input(name: &str, spec: &Spec, trained_on: Option<&TrainedOn>) -> Option<Shape> {
        DataConfig::of_known(name, spec, trained_on).options.image
    }

    #[test]
    fn images_of_ones_own_become_inputs_as_those_that_the_weights_learnt_from() {
        let spec = Spec::named("lenet-300-100").unwrap();
        let how: sapwood_core::Preprocess = "(x/255-0.1307)/0.3081".parse().unwrap();
        let stated = TrainedOn::stated(&how, [1, 28, 28]).unwrap();
        let learnt = TrainedOn { data: "mnist".into(), image: None, ..stated };
        let options = |data: DataConfig, known: &TrainedOn| {
            let options = data.suited_to(&spec, Some(known)).options;
            (options.preprocess, options.trained_with)
        };
        for own in ["image-folder", "arrays"].map(DataConfig::named) {
            assert_eq!(options(own.clone(), &learnt), (None, Some(how.clone())));
            let mut said = own.clone();
            said.options.preprocess = Some("x/255".parse().unwrap());
            assert_eq!(options(said.clone(), &learnt), (said.options.preprocess, None));
            // Boards, and numbers of one's own, became inputs as they were.
            assert_eq!(options(own, &TrainedOn { scale: 1.0, ..learnt.clone() }), (None, None));
        }
        assert_eq!(options(DataConfig::named("fashion-mnist"), &learnt), (None, None));
    }

    #[test]
    fn what_is_said_of_inputs_goes_before_what_a_network_knows_of_them() {
        let spec = Spec::named("mobilenet-v2").unwrap();
        let how: sapwood_core::Preprocess = "imagenet, bgr".parse().unwrap();
        let said = TrainedOn { data: "cifar10".into(), ..TrainedOn::stated(&how, [3, 64, 64]).unwrap() };
        let options = |data: DataConfig| {
            let data = data.suited_to(&spec, Some(&said));
            (data.options.image, data.options.preprocess, data.seen_by.is_guessed)
        };
        let plain = DataConfig::named("cifar10");
        assert_eq!(options(plain.clone()), (Some([3, 64, 64]), Some(how), false));
        let mut own = plain.clone();
        own.options.image = Some([3, 32, 32]);
        own.options.preprocess = Some("(x-127)/128".parse().unwrap());
        let expected = (own.options.image, own.options.preprocess.clone(), false);
        assert_eq!(options(own), expected);
        assert!(plain.suited_to(&spec, None).seen_by.is_guessed);
    }

    #[test]
    fn nested_networks_see_images_as_their_weights_learnt_them() {
        let family = sapwood_supernet::family("resnet-tiny-image", Some([1, 56, 56]), None).unwrap();
        let how: sapwood_core::Preprocess = "(x/255-0.1307)/0.3081".parse().unwrap();
        let stated = TrainedOn::stated(&how, [1, 56, 56]).unwrap();
        let stated = TrainedOn { data: "fashion-mnist".into(), ..stated };
        let learnt = TrainedOn { image: None, ..stated.clone() };
        let options = |name: &str, known: Option<&TrainedOn>| {
            let data = DataConfig::named(name).suited_to_family(&family, known).unwrap();
            (data.options.image, data.options.preprocess, data.options.trained_with)
        };
        let size = Some([1, 56, 56]);
        assert_eq!(options("fashion-mnist", Some(&stated)), (size, Some(how.clone()), None));
        assert_eq!(options("fashion-mnist", Some(&learnt)), (size, None, None));
        assert_eq!(options("image-folder", Some(&learnt)), (size, None, Some(how)));
        assert_eq!(options("fashion-mnist", None), (size, None, None));
    }

    #[test]
    fn images_get_the_size_of_a_network_that_has_one_of_its_own() {
        let own = |input: Shape| {
            let mut layers = Graph::builder(input);
            let flat = layers.flatten(layers.input());
            layers.linear("fc", flat, 10);
            Spec::of_layers("own", layers.finish().unwrap()).unwrap()
        };
        let large = own([3, 224, 224]);
        assert_eq!(input("cifar10", &large, None), Some([3, 224, 224]));
        assert_eq!(input("image-folder", &large, None), Some([3, 224, 224]));
        assert_eq!(input("cifar10", &own([3, 32, 32]), None), None);
        // The zoo's take another size than the one that they are written down for.
        let zoo = Spec::named("mobilenet-v2").unwrap();
        assert_eq!(input("cifar10", &zoo, None), None);
        // What is no photograph, and what is taken as a row.
        assert_eq!(input("digits", &own([1, 16, 16]), None), None);
        assert_eq!(input("mnist", &own([784, 1, 1]), None), None);
        // Without channels they are grey.
        assert_eq!(input("image-folder", &own([28, 1, 20]), None), Some([1, 28, 20]));
        assert_eq!(input("arrays", &own([28, 1, 20]), None), Some([28, 1, 20]));

        let how = "imagenet".parse().unwrap();
        let said = TrainedOn::stated(&how, [3, 224, 224]).unwrap();
        assert_eq!(input("cifar10", &zoo, Some(&said)), None);
        assert_eq!(input("cifar10", &large, Some(&said)), Some([3, 224, 224]));
        let shrunk = Spec { model: "mobilenet-v2".into(), ..large.clone() };
        assert_eq!(input("cifar10", &shrunk, Some(&said)), None);
        let at = |input| TrainedOn { data: "cifar10".into(), input, ..said.clone() };
        assert_eq!(input("cifar10", &zoo, Some(&at([3, 32, 32]))), None);
        assert_eq!(input("cifar10", &large, Some(&at([3, 96, 96]))), Some([3, 96, 96]));
    }
}
