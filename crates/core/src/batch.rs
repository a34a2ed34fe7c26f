//! A batch of examples, on the host.

use burn::prelude::Device;

use crate::{Error, ExampleShape, Input};

/// What the examples of a batch should give.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// One class per example.
    Class(Vec<u32>),
    /// One value in [0, 1] per output of each example, row-major.
    Dense(Vec<f32>),
    /// One class per token of each example, row-major; `None` for a token that does not count,
    /// such as padding.
    Token(Vec<Option<u32>>),
}

/// The values of one input, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers: images, boards, signals.
    Float(Vec<f32>),
    /// Indices into a vocabulary: tokens.
    Index(Vec<u32>),
}

/// One of the inputs of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchInput {
    /// `[N, ..]`: the examples come first.
    pub shape: Vec<usize>,
    /// As many as the shape asks for.
    pub values: Values,
}

/// Some examples and their targets, as plain numbers on the host, so that a
/// loader can make them on any thread and on any platform.
///
/// ```
/// use sapwood_core::{Batch, BatchInput, Target, Values};
/// # fn main() -> Result<(), sapwood_core::Error> {
/// let images = Batch::new([2, 1, 28, 28], vec![0.0; 2 * 784], Target::Class(vec![7, 2]))?;
/// let text = Batch::of_tokens([2, 3], vec![5, 1, 4, 2, 6, 0], Target::Class(vec![0, 1]))?;
/// let both = Batch::of_inputs([images.inputs(), text.inputs()].concat(), images.target().clone())?;
/// assert_eq!(both.shape().to_string(), "1x28x28 and 3");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    inputs: Vec<BatchInput>,
    target: Target,
}

impl Batch {
    /// A batch of one tensor of numbers.
    ///
    /// # Shapes
    /// `[N, ..]`; images and boards are `[N, C, H, W]`.
    ///
    /// # Errors
    /// [`Error::BatchSize`] if a part has another size than the shape asks for.
    pub fn new<const D: usize>(shape: [usize; D], input: Vec<f32>, target: Target) -> Result<Self, Error> {
        Self::of_inputs(vec![BatchInput { shape: shape.to_vec(), values: Values::Float(input) }], target)
    }

    /// A batch of one tensor of tokens.
    ///
    /// # Shapes
    /// `[N, ..]`; texts are `[N, T]`.
    ///
    /// # Errors
    /// As for [`Batch::new`].
    pub fn of_tokens<const D: usize>(
        shape: [usize; D],
        tokens: Vec<u32>,
        target: Target,
    ) -> Result<Self, Error> {
        Self::of_inputs(vec![BatchInput { shape: shape.to_vec(), values: Values::Index(tokens) }], target)
    }

    /// A batch of several inputs, in the order in which the network takes them.
    ///
    /// # Errors
    /// As for [`Batch::new`]; and if the inputs differ in the number of examples, or there is none.
    pub fn of_inputs(inputs: Vec<BatchInput>, target: Target) -> Result<Self, Error> {
        let wrong = |what, expected, found| Err(Error::BatchSize { what, expected, found });
        let examples = inputs.first().and_then(|input| input.shape.first()).copied();
        let Some(examples) = examples else { return wrong("inputs with a dimension for examples", 1, 0) };
        for BatchInput { shape, values } in &inputs {
            let found = shape.first().copied().unwrap_or(0);
            if found != examples {
                return wrong("examples in each input", examples, found);
            }
            let (expected, found) = (shape.iter().product(), values.len());
            if found != expected {
                return wrong("input values", expected, found);
            }
        }
        let whole = |values: usize| values == values / examples.max(1) * examples;
        match &target {
            Target::Class(classes) if classes.len() != examples => wrong("labels", examples, classes.len()),
            Target::Dense(values) if !whole(values.len()) => {
                wrong("times the same number of target values", examples, values.len())
            }
            Target::Token(tokens) if !whole(tokens.len()) => {
                wrong("times the same number of target tokens", examples, tokens.len())
            }
            _ => Ok(Self { inputs, target }),
        }
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.inputs[0].shape[0]
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The inputs, in the order in which the network takes them.
    pub fn inputs(&self) -> &[BatchInput] {
        &self.inputs
    }

    /// What the examples should give.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The shape of one example.
    pub fn shape(&self) -> ExampleShape {
        ExampleShape(self.inputs.iter().map(|input| input.shape[1..].to_vec()).collect())
    }

    /// The inputs as a network takes them, on a device.
    ///
    /// # Errors
    /// [`Error::Input`] if the network takes others.
    pub fn input<I: Input>(&self, device: &Device) -> Result<I, Error> {
        I::of_inputs(&self.inputs, device)
    }

    /// The batch of these examples.
    ///
    /// # Panics
    /// If one of them is not there.
    pub fn select(&self, examples: &[usize]) -> Self {
        let all = self.len();
        let inputs = self.inputs.iter().map(|BatchInput { shape, values }| {
            let mut shape = shape.clone();
            shape[0] = examples.len();
            let values = match values {
                Values::Float(values) => Values::Float(rows(values, all, examples)),
                Values::Index(values) => Values::Index(rows(values, all, examples)),
            };
            BatchInput { shape, values }
        });
        let target = match &self.target {
            Target::Class(classes) => Target::Class(rows(classes, all, examples)),
            Target::Dense(values) => Target::Dense(rows(values, all, examples)),
            Target::Token(tokens) => Target::Token(rows(tokens, all, examples)),
        };
        Self { inputs: inputs.collect(), target }
    }

    /// The examples of this batch and then those of another.
    ///
    /// # Errors
    /// [`Error::Input`] if the other's inputs or targets are of another kind or shape.
    pub fn join(mut self, other: &Self) -> Result<Self, Error> {
        let differs = || Error::Input { expected: self.to_string(), found: other.to_string() };
        let error = differs();
        if self.inputs.len() != other.inputs.len() || self.shape() != other.shape() {
            return Err(error);
        }
        for (own, more) in self.inputs.iter_mut().zip(&other.inputs) {
            match (&mut own.values, &more.values) {
                (Values::Float(own), Values::Float(more)) => own.extend_from_slice(more),
                (Values::Index(own), Values::Index(more)) => own.extend_from_slice(more),
                _ => return Err(error),
            }
            own.shape[0] += more.shape[0];
        }
        match (&mut self.target, &other.target) {
            (Target::Class(own), Target::Class(more)) => own.extend_from_slice(more),
            (Target::Dense(own), Target::Dense(more)) => own.extend_from_slice(more),
            (Target::Token(own), Target::Token(more)) => own.extend_from_slice(more),
            _ => return Err(error),
        }
        Self::of_inputs(self.inputs, self.target)
    }
}

impl std::fmt::Display for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inputs: Vec<String> = self.inputs.iter().map(ToString::to_string).collect();
        f.write_str(&inputs.join(" and "))
    }
}

impl std::fmt::Display for BatchInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = match self.values {
            Values::Float(_) => "numbers",
            Values::Index(_) => "tokens",
        };
        write!(f, "{of} {:?}", self.shape)
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Index(values) => values.len(),
        }
    }
}

/// Some of the rows of a matrix with `all` rows.
fn rows<T: Clone>(values: &[T], all: usize, chosen: &[usize]) -> Vec<T> {
    let each = values.len() / all.max(1);
    chosen.iter().flat_map(|row| &values[row * each..(row + 1) * each]).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Batch {
        let image = BatchInput { shape: vec![2, 1, 1, 2], values: Values::Float(vec![0.0, 1.0, 2.0, 3.0]) };
        let text = BatchInput { shape: vec![2, 2], values: Values::Index(vec![4, 5, 6, 7]) };
        Batch::of_inputs(vec![image, text], Target::Token(vec![Some(1), None, Some(3), Some(4)])).unwrap()
    }

    #[test]
    fn examples_that_were_selected_and_joined_are_the_same_examples() {
        let both = pair();
        let [first, second] = [both.select(&[0]), both.select(&[1])];
        assert_eq!(second.target(), &Target::Token(vec![Some(3), Some(4)]));
        assert_eq!(first.join(&second).unwrap(), both);
        let other = Batch::new([1, 1, 1, 2], vec![0.0; 2], Target::Class(vec![0])).unwrap();
        let error = both.join(&other).unwrap_err().to_string();
        assert!(error.contains("numbers [2, 1, 1, 2] and tokens [2, 2]"), "{error}");
    }

    #[test]
    fn parts_of_another_size_are_refused() {
        let refused = |batch: Result<Batch, Error>| batch.unwrap_err().to_string();
        let said = refused(Batch::new([2, 3], vec![0.0; 5], Target::Class(vec![0, 1])));
        assert_eq!(said, "the batch's shape asks for 6 input values, but there are 5");
        let said = refused(Batch::of_tokens([2, 3], vec![0; 6], Target::Class(vec![0])));
        assert_eq!(said, "the batch's shape asks for 2 labels, but there are 1");
        let said = refused(Batch::of_tokens([2, 3], vec![0; 6], Target::Token(vec![None; 5])));
        assert_eq!(
            said,
            "the batch's shape asks for 2 times the same number of target tokens, but there are 5"
        );
        let [one, two] = [vec![1, 1], vec![2, 1]]
            .map(|shape| BatchInput { values: Values::Float(vec![0.0; shape[0]]), shape });
        let said = refused(Batch::of_inputs(vec![one, two], Target::Class(vec![0])));
        assert_eq!(said, "the batch's shape asks for 1 examples in each input, but there are 2");
        assert!(Batch::of_inputs(vec![], Target::Class(vec![])).is_err());
    }
}
