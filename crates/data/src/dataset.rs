//! The examples of one split, in memory.

use std::borrow::Cow;

use rayon::prelude::*;
use sapwood_core::{Batch, ImageFit, Order, Preprocess, Shape, Target};

use crate::{
    Error, Normalisation,
    resizing::Resizing,
    stored::{Given, Stored},
};

/// What a network is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// One of this number of classes.
    Classes(usize),
    /// This number of values in [0, 1].
    Dense(usize),
}

impl Task {
    /// The number of outputs that a network for it has.
    pub fn outputs(self) -> usize {
        match self {
            Self::Classes(n) | Self::Dense(n) => n,
        }
    }
}

/// What the examples should give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labels {
    /// A class per example.
    Class(Vec<u32>),
    /// Zeros and ones, row-major, equally many per example.
    Dense(Vec<u8>),
}

/// The examples of one split: images as bytes, or numbers, labels, and the constants that
/// normalise them. Images that get a much larger size are stored as they were, and resized
/// each time they are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    name: String,
    shape: [usize; 3],
    task: Task,
    classes: Vec<String>,
    normalisation: Normalisation,
    /// How its images were made, where somebody said it.
    image: Option<ImageFit>,
    /// The shape that its images had, where they are resized or cut.
    native: Option<Shape>,
    /// How a stored image becomes one of the shape, where it is not stored so.
    resizing: Option<Resizing>,
    stored: Stored,
    labels: Labels,
}

impl Dataset {
    /// A data set, if its parts fit each other and are not empty.
    ///
    /// # Shapes
    /// - `shape`: `[C, H, W]` of one example
    /// - `images`: `[N, C, H, W]`, row-major
    /// - `labels`: `[N]` classes, or `[N, K]` zeros and ones
    ///
    /// # Errors
    /// [`Error::Inconsistent`] says which parts do not fit, or that there are no examples.
    pub fn new(
        name: impl Into<String>,
        shape: [usize; 3],
        task: Task,
        normalisation: Normalisation,
        images: Vec<u8>,
        labels: Labels,
    ) -> Result<Self, Error> {
        Self::of_stored(name.into(), shape, task, normalisation, Stored::Bytes(images), labels).checked()
    }

    /// The same of numbers in the place of bytes, which are no images: nothing resizes them, and no augmentation
    /// changes them.
    ///
    /// # Shapes
    /// As for [`Dataset::new`]; a row of values is `[C, 1, 1]`, a sequence of channels `[C, 1, L]`.
    ///
    /// # Errors
    /// As for [`Dataset::new`]; numbers that are not finite.
    pub fn of_numbers(
        name: impl Into<String>,
        shape: [usize; 3],
        task: Task,
        normalisation: Normalisation,
        numbers: Vec<f32>,
        labels: Labels,
    ) -> Result<Self, Error> {
        let name = name.into();
        if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
            let problem = format!("value {at} is {}: expected finite numbers", numbers[at]);
            return Err(Error::Inconsistent { name, problem });
        }
        Self::of_stored(name, shape, task, normalisation, Stored::Numbers(numbers), labels).checked()
    }

    fn of_stored(
        name: String,
        shape: [usize; 3],
        task: Task,
        normalisation: Normalisation,
        stored: Stored,
        labels: Labels,
    ) -> Self {
        let (classes, image, native, resizing) = (Vec::new(), None, None, None);
        Self { name, shape, task, classes, normalisation, image, native, resizing, stored, labels }
    }

    /// This, if its parts fit each other and are not empty.
    fn checked(self) -> Result<Self, Error> {
        match self.problem() {
            Some(problem) => Err(Error::Inconsistent { name: self.name, problem }),
            None => Ok(self),
        }
    }

    fn problem(&self) -> Option<String> {
        let shape = self.stored_shape();
        let (size, values): (usize, usize) = (shape.iter().product(), self.stored.count());
        let channels = self.normalisation.channels.len();
        if size == 0 || values == 0 {
            return Some("it has no examples, or empty ones".into());
        }
        if channels != self.shape[0] {
            return Some(format!("there are constants for {channels} channels, but {}", self.shape[0]));
        }
        if !values.is_multiple_of(size) {
            return Some(format!("{values} values are no whole number of examples of {shape:?}"));
        }
        let examples = self.len();
        let per_example = |found: usize, expected: usize, what: &str| {
            (found != expected)
                .then(|| format!("{examples} examples ask for {expected} {what}, found {found}"))
        };
        match (&self.labels, self.task) {
            (Labels::Class(labels), Task::Classes(classes)) => per_example(labels.len(), examples, "labels")
                .or_else(|| {
                    let position = labels.iter().position(|label| *label as usize >= classes)?;
                    Some(format!(
                        "label {} of example {position} is out of range: there are {classes} classes, from 0",
                        labels[position]
                    ))
                }),
            (Labels::Dense(values), Task::Dense(outputs)) => {
                per_example(values.len(), examples * outputs, "target values").or_else(|| {
                    let wrong = values.iter().find(|value| **value > 1)?;
                    Some(format!("a dense target is {wrong}: expected 0 or 1"))
                })
            }
            _ => Some(format!("its labels are not for {:?}", self.task)),
        }
    }

    /// With names for the classes.
    pub(crate) fn with_classes<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        Self { classes: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// With what somebody said of how its images were made.
    pub(crate) fn with_image(self, image: Option<ImageFit>) -> Self {
        Self { image, ..self }
    }

    /// The same examples resized to this shape, with constants for that: now, or else whenever they are asked for.
    ///
    /// # Errors
    /// Constants for another number of channels; images that are resized already.
    pub(crate) fn with_resizing(
        self,
        shape: Shape,
        normalisation: Normalisation,
        resizing: Resizing,
        now: bool,
    ) -> Result<Self, Error> {
        if self.is_resized() {
            let problem = "its images are resized already: ask for one size".into();
            return Err(Error::Inconsistent { name: self.name, problem });
        }
        let native = Some(self.shape);
        let (stored, resizing) = match now {
            true => (self.stored.resized(&resizing, shape), None),
            false => (self.stored, Some(resizing)),
        };
        Self { shape, normalisation, native, resizing, stored, ..self }.checked()
    }

    /// The same examples as somebody says that they become inputs. Their size is theirs already.
    ///
    /// # Errors
    /// There are constants for another number of channels.
    pub(crate) fn preprocessed(mut self, preprocess: &Preprocess) -> Result<Self, Error> {
        let [channels, h, w] = self.shape;
        self.normalisation = Normalisation::stated(preprocess, channels)?;
        // Where images are resized, that gives their channels the order too.
        if !self.is_resized() && (preprocess.image.order, channels) == (Order::Bgr, 3) {
            self.stored.swap_ends(h * w);
        }
        Ok(self.with_image(Some(preprocess.image)))
    }

    /// The same examples with another formula.
    pub(crate) fn with_normalisation(self, normalisation: Normalisation) -> Self {
        Self { normalisation, ..self }
    }

    /// Whether its images are resized, or cut.
    pub fn is_resized(&self) -> bool {
        self.native.is_some()
    }

    /// The shape that its images had before they were resized or cut, `[C, H, W]`.
    pub fn native_shape(&self) -> Shape {
        self.native.unwrap_or(self.shape)
    }

    /// How its images get another size whenever they are asked for, if they do.
    pub(crate) fn resizing(&self) -> Option<&Resizing> {
        self.resizing.as_ref()
    }

    /// How its images were made, where somebody said it.
    pub(crate) fn image_fit(&self) -> Option<ImageFit> {
        self.image
    }

    /// Its name in the catalogue.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of one example, `[C, H, W]`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The shape in which an example is stored.
    pub fn stored_shape(&self) -> [usize; 3] {
        self.resizing.as_ref().map_or(self.shape, |resizing| resizing.from)
    }

    /// What a network is asked for.
    pub fn task(&self) -> Task {
        self.task
    }

    /// The name of a class; its number where it has none.
    pub fn class_name(&self, class: usize) -> String {
        self.classes.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// The names of the classes, in the order of their numbers; empty where they have none.
    pub fn class_names(&self) -> &[String] {
        &self.classes
    }

    /// What each class is called, its number where it has no name; nothing for dense targets.
    pub fn named_classes(&self) -> Vec<String> {
        match self.task {
            Task::Classes(n) => (0..n).map(|class| self.class_name(class)).collect(),
            Task::Dense(_) => Vec::new(),
        }
    }

    /// The constants that turn stored bytes into a network's input.
    pub fn normalisation(&self) -> &Normalisation {
        &self.normalisation
    }

    /// The stored bytes, `[N, C, H, W]` with the shape in which examples are stored; none where these are numbers.
    pub fn images(&self) -> &[u8] {
        match &self.stored {
            Stored::Bytes(bytes) => bytes,
            Stored::Numbers(_) => &[],
        }
    }

    /// Whether its examples are numbers, and no images of bytes.
    pub fn is_of_numbers(&self) -> bool {
        matches!(self.stored, Stored::Numbers(_))
    }

    /// What is stored.
    pub(crate) fn values(&self) -> &Stored {
        &self.stored
    }

    /// What the examples should give.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.stored.count() / self.stored_size()
    }

    /// Never: an empty data set cannot be made.
    pub fn is_empty(&self) -> bool {
        self.stored.count() == 0
    }

    /// The values of one example, as it is stored.
    fn stored_size(&self) -> usize {
        self.stored_shape().iter().product()
    }

    /// One example in its shape, if there is such a one.
    fn given(&self, index: usize) -> Option<Given<'_>> {
        match (self.stored.one(index, self.stored_size())?, &self.resizing) {
            (Given::Bytes(stored), Some(resizing)) => Some(Given::Bytes(Cow::Owned(resizing.apply(&stored)))),
            (given, _) => Some(given),
        }
    }

    /// The bytes of one example in its shape, if there is such a one and it has some.
    pub fn image(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        match self.given(index)? {
            Given::Bytes(bytes) => Some(bytes),
            Given::Numbers(_) => None,
        }
    }

    /// Some examples; those that are resized are so on all threads.
    fn some(&self, indices: &[usize]) -> Result<Vec<Given<'_>>, Error> {
        let one = |index: &usize| self.given(*index).ok_or_else(|| self.out_of_range(*index));
        match self.resizing {
            None => indices.iter().map(one).collect(),
            Some(_) => indices.par_iter().map(one).collect(),
        }
    }

    /// Some examples, normalised.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] for an index without an example.
    pub fn batch(&self, indices: &[usize]) -> Result<Batch, Error> {
        self.batch_with(indices, |_, _| {})
    }

    /// Some examples, changed by `alter` before they are normalised. It is given
    /// the position in `indices` and the values, in [0, 1].
    pub(crate) fn batch_with(
        &self,
        indices: &[usize],
        mut alter: impl FnMut(usize, &mut Vec<f32>),
    ) -> Result<Batch, Error> {
        let [c, h, w] = self.shape;
        let mut input = Vec::with_capacity(indices.len() * c * h * w);
        for (position, given) in self.some(indices)?.into_iter().enumerate() {
            let mut example = given.scaled(self.normalisation.scale);
            alter(position, &mut example);
            self.normalisation.apply(&mut example);
            input.append(&mut example);
        }
        let target = match &self.labels {
            Labels::Class(labels) => Target::Class(indices.iter().map(|index| labels[*index]).collect()),
            Labels::Dense(values) => Target::Dense(
                indices.iter().flat_map(|index| self.dense(values, *index)).map(|x| f32::from(*x)).collect(),
            ),
        };
        Ok(Batch::new([indices.len(), c, h, w], input, target)?)
    }

    fn dense<'a>(&self, values: &'a [u8], index: usize) -> &'a [u8] {
        let outputs = self.task.outputs();
        &values[index * outputs..(index + 1) * outputs]
    }

    fn out_of_range(&self, index: usize) -> Error {
        let problem = format!("there is no example {index}: it has {}, from 0", self.len());
        Error::Inconsistent { name: self.name.clone(), problem }
    }

    /// The same examples under a network's classes: what is class `i` here becomes class `to[i]` of
    /// those names.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] where a class has no place, or one that is not there.
    pub fn relabelled<S: Into<String>>(
        &self,
        to: &[u32],
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let place = |label: &u32| to.get(*label as usize).copied().unwrap_or(u32::MAX);
        let labels = match &self.labels {
            Labels::Class(labels) => Labels::Class(labels.iter().map(place).collect()),
            dense @ Labels::Dense(_) => dense.clone(),
        };
        let task = Task::Classes(names.len());
        Self { task, classes: names, ..self.holding(self.stored.clone(), labels) }.checked()
    }

    /// These values and labels, and all else as here.
    fn holding(&self, stored: Stored, labels: Labels) -> Self {
        let Self { shape, task, image, native, .. } = *self;
        let (name, classes) = (self.name.clone(), self.classes.clone());
        let (normalisation, resizing) = (self.normalisation.clone(), self.resizing.clone());
        Self { name, shape, task, classes, normalisation, image, native, resizing, stored, labels }
    }

    /// The first `n` examples, or all if there are fewer.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] where `n` is 0.
    pub fn take(&self, n: usize) -> Result<Self, Error> {
        self.subset(&(0..n.min(self.len())).collect::<Vec<_>>())
    }

    /// These examples, in this order.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] for an index without an example, or no index at all.
    pub fn subset(&self, indices: &[usize]) -> Result<Self, Error> {
        if let Some(index) = indices.iter().find(|index| self.len() <= **index) {
            return Err(self.out_of_range(*index));
        }
        let stored = self.stored.some(indices, self.stored_size());
        let labels = match &self.labels {
            Labels::Class(labels) => Labels::Class(indices.iter().map(|index| labels[*index]).collect()),
            Labels::Dense(values) => {
                Labels::Dense(indices.iter().flat_map(|index| self.dense(values, *index)).copied().collect())
            }
        };
        self.holding(stored, labels).checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapwood_core::Values;

    fn make(images: Vec<u8>, labels: Vec<u32>) -> Result<Dataset, Error> {
        let labels = Labels::Class(labels);
        Dataset::new("toy", [1, 1, 2], Task::Classes(3), Normalisation::unit(2.0), images, labels)
    }

    #[test]
    fn parts_that_do_not_fit_are_refused_in_one_line() {
        let check = |images: Vec<u8>, labels: Vec<u32>, expected: &str| {
            let error = make(images, labels).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains('\n'), "{error}");
        };
        check(vec![], vec![], "no examples");
        check(vec![1, 2, 3], vec![0], "no whole number");
        check(vec![1, 2], vec![0, 0], "1 examples ask for 1 labels, found 2");
        check(vec![1, 2], vec![3], "label 3 of example 0 is out of range: there are 3 classes");
    }

    #[test]
    fn a_batch_and_a_subset_hold_the_examples_asked_for() {
        let dataset = make(vec![0, 1, 2, 1, 0, 2], vec![0, 1, 2]).unwrap();
        let batch = dataset.batch(&[2, 0]).unwrap();
        assert_eq!(batch.inputs()[0].values, Values::Float(vec![0.0, 1.0, 0.0, 0.5]));
        assert_eq!(batch.target(), &Target::Class(vec![2, 0]));
        assert_eq!(dataset.subset(&[2, 0]).unwrap().batch(&[0, 1]).unwrap(), batch);
        assert_eq!(dataset.take(9).unwrap(), dataset);
        let other = dataset.relabelled(&[1, 3, 0], ["d", "e", "f", "g"]).unwrap();
        assert_eq!((other.labels(), other.class_name(3)), (&Labels::Class(vec![1, 3, 0]), "g".into()));
        assert!(dataset.relabelled(&[1, 3], ["d", "e", "f", "g"]).is_err());
        assert!(dataset.take(0).unwrap_err().to_string().contains("no examples"));
        assert!(dataset.batch(&[3]).unwrap_err().to_string().contains("there is no example 3: it has 3"));
    }

    #[test]
    fn numbers_are_examples_as_they_are_and_no_images() {
        let labels = Labels::Class(vec![0, 1]);
        let of = |numbers: Vec<f32>| {
            let unit = Normalisation { scale: 1.0, channels: vec![(0.0, 1.0); 2].into() };
            Dataset::of_numbers("own", [2, 1, 1], Task::Classes(2), unit, numbers, labels.clone())
        };
        let data = of(vec![-0.1, 1e9, 3.5, 0.0]).unwrap();
        let batch = data.batch(&[1, 0]).unwrap();
        assert_eq!(batch.inputs()[0].values, Values::Float(vec![3.5, 0.0, -0.1, 1e9]));
        assert_eq!((data.len(), data.image(0), data.images()), (2, None, [].as_slice()));
        assert_eq!(data.subset(&[1]).unwrap().batch(&[0]).unwrap(), batch.select(&[0]));
        assert_ne!(data.content(), of(vec![-0.1, 1e9, 3.5, -0.0]).unwrap().content());
        let error = data.batch(&[2]).unwrap_err().to_string();
        assert!(error.contains("there is no example 2"), "{error}");
        let error = of(vec![0.0, f32::NAN, 0.0, 0.0]).unwrap_err().to_string();
        assert!(error.contains("value 1 is NaN: expected finite numbers"), "{error}");
    }
}
