//! The examples of one split, in memory.

use std::fmt;

use sapwood_core::{Batch, ImageFit, Order, Preprocess, Target};

use crate::{Error, Normalisation};

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// What a network learns from.
    Train,
    /// What it is judged by.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Test => "test",
        })
    }
}

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

/// The examples of one split: images as bytes, labels, and the constants that
/// normalise them.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    name: String,
    shape: [usize; 3],
    task: Task,
    classes: Vec<String>,
    normalisation: Normalisation,
    /// How its images were made, where somebody said it.
    image: Option<ImageFit>,
    images: Vec<u8>,
    labels: Labels,
}

impl Dataset {
    /// A data set, if its parts fit each other and are not empty.
    ///
    /// # Shapes
    /// - `shape`: `[C, H, W]` of one example
    /// - `images`: `[N, C, H, W]`, row-major
    /// - `labels`: `[N]` classes, or `[N, K]` zeros and ones
    pub fn new(
        name: impl Into<String>,
        shape: [usize; 3],
        task: Task,
        normalisation: Normalisation,
        images: Vec<u8>,
        labels: Labels,
    ) -> Result<Self, Error> {
        let name = name.into();
        let (classes, image) = (Vec::new(), None);
        let dataset = Self { name, shape, task, classes, normalisation, image, images, labels };
        match dataset.problem() {
            Some(problem) => Err(Error::Inconsistent { name: dataset.name, problem }),
            None => Ok(dataset),
        }
    }

    fn problem(&self) -> Option<String> {
        let size: usize = self.shape.iter().product();
        let channels = self.normalisation.channels.len();
        if size == 0 || self.images.is_empty() {
            return Some("it has no examples, or empty ones".into());
        }
        if channels != self.shape[0] {
            return Some(format!("there are constants for {channels} channels, but {}", self.shape[0]));
        }
        if !self.images.len().is_multiple_of(size) {
            return Some(format!(
                "{} values are no whole number of {:?} images",
                self.images.len(),
                self.shape
            ));
        }
        let examples = self.len();
        let per_example = |found: usize, expected: usize, what: &str| {
            (found != expected).then(|| format!("{examples} images ask for {expected} {what}, found {found}"))
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

    /// The same examples as somebody says that they become inputs. Their size is theirs already.
    ///
    /// # Errors
    /// There are constants for another number of channels.
    pub(crate) fn preprocessed(mut self, preprocess: &Preprocess) -> Result<Self, Error> {
        let [channels, h, w] = self.shape;
        self.normalisation = Normalisation::stated(preprocess, channels)?;
        if (preprocess.image.order, channels) == (Order::Bgr, 3) {
            for image in self.images.chunks_exact_mut(channels * h * w) {
                let (red, rest) = image.split_at_mut(h * w);
                red.swap_with_slice(&mut rest[h * w..]);
            }
        }
        Ok(self.with_image(Some(preprocess.image)))
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

    /// The stored values, `[N, C, H, W]`.
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// What the examples should give.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.images.len() / self.size()
    }

    /// Never: an empty data set cannot be made.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The values of one example.
    fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The stored values of one example, if there is such a one.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let start = index.checked_mul(self.size())?;
        self.images.get(start..start.checked_add(self.size())?)
    }

    /// Some examples, normalised.
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
        let mut input = Vec::with_capacity(indices.len() * self.size());
        for (position, index) in indices.iter().enumerate() {
            let bytes = self.image(*index).ok_or_else(|| self.out_of_range(*index))?;
            let mut example: Vec<f32> =
                bytes.iter().map(|byte| f32::from(*byte) / self.normalisation.scale).collect();
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
        let [c, h, w] = self.shape;
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
        let (task, normalisation) = (Task::Classes(names.len()), self.normalisation.clone());
        let images = self.images.clone();
        Ok(Self::new(self.name.clone(), self.shape, task, normalisation, images, labels)?
            .with_classes(names)
            .with_image(self.image))
    }

    /// The first `n` examples, or all if there are fewer.
    pub fn take(&self, n: usize) -> Result<Self, Error> {
        self.subset(&(0..n.min(self.len())).collect::<Vec<_>>())
    }

    /// These examples, in this order.
    pub fn subset(&self, indices: &[usize]) -> Result<Self, Error> {
        let mut images = Vec::with_capacity(indices.len() * self.size());
        for index in indices {
            images.extend_from_slice(self.image(*index).ok_or_else(|| self.out_of_range(*index))?);
        }
        let labels = match &self.labels {
            Labels::Class(labels) => Labels::Class(indices.iter().map(|index| labels[*index]).collect()),
            Labels::Dense(values) => {
                Labels::Dense(indices.iter().flat_map(|index| self.dense(values, *index)).copied().collect())
            }
        };
        let normalisation = self.normalisation.clone();
        let subset = Self::new(self.name.clone(), self.shape, self.task, normalisation, images, labels)?;
        Ok(subset.with_classes(self.classes.iter().cloned()).with_image(self.image))
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
        check(vec![1, 2], vec![0, 0], "1 images ask for 1 labels, found 2");
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
}
