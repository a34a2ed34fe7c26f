//! What goes into a network.

use burn::{
    prelude::{Device, Int},
    tensor::{DType, Tensor, TensorData},
};

use crate::{BatchInput, Error, Values};

/// What goes into a network: one tensor or several, made from the inputs of a
/// [`Batch`](crate::Batch).
///
/// Tensors of numbers and of whole numbers (tokens) are inputs, and pairs and triples of inputs.
/// A network that takes anything else implements [`Input::take`] for a type of its own:
///
/// ```
/// use burn::{prelude::Int, tensor::{DType, Tensor}};
/// use sapwood_core::{Error, Input, InputsLeft};
///
/// #[derive(Clone)]
/// struct Question {
///     picture: Tensor<4>,
///     words: Tensor<2, Int>,
/// }
///
/// impl Input for Question {
///     fn take(left: &mut InputsLeft<'_>) -> Result<Self, Error> {
///         Ok(Question { picture: Input::take(left)?, words: Input::take(left)? })
///     }
///
///     fn cast(self, dtype: DType) -> Self {
///         Question { picture: self.picture.cast(dtype), ..self }
///     }
/// }
/// ```
pub trait Input: Clone {
    /// Takes what it consists of from the inputs that are left, in order.
    ///
    /// # Errors
    /// [`Error::Input`] if the next ones are of another kind or rank.
    fn take(left: &mut InputsLeft<'_>) -> Result<Self, Error>;

    /// The same input with all its numbers in this type. Tokens stay as they are.
    #[must_use]
    fn cast(self, dtype: DType) -> Self;

    /// The inputs of a batch on a device, all of them.
    ///
    /// # Errors
    /// [`Error::Input`] if the network takes others, or fewer.
    fn of_inputs(inputs: &[BatchInput], device: &Device) -> Result<Self, Error> {
        let mut left = InputsLeft { inputs, device };
        let input = Self::take(&mut left)?;
        match left.inputs {
            [] => Ok(input),
            more => Err(Error::Input {
                expected: listed(&inputs[..inputs.len() - more.len()]),
                found: listed(inputs),
            }),
        }
    }
}

/// The inputs of a batch that a network has not taken yet.
#[derive(Debug)]
pub struct InputsLeft<'a> {
    inputs: &'a [BatchInput],
    device: &'a Device,
}

impl<'a> InputsLeft<'a> {
    /// The next input and the device that it should be on, where `expected` says what the network
    /// takes, if `read` understands it.
    ///
    /// # Errors
    /// [`Error::Input`] if there is none, or `read` gives `None`.
    pub fn next<T>(
        &mut self,
        expected: &str,
        read: impl FnOnce(&'a BatchInput, &'a Device) -> Option<T>,
    ) -> Result<T, Error> {
        let wrong = |found: String| Error::Input { expected: expected.into(), found };
        let Some((first, rest)) = self.inputs.split_first() else { return Err(wrong("nothing more".into())) };
        self.inputs = rest;
        read(first, self.device).ok_or_else(|| wrong(first.to_string()))
    }
}

/// # Shapes
/// `[N, ..]`, of numbers.
impl<const D: usize> Input for Tensor<D> {
    fn take(left: &mut InputsLeft<'_>) -> Result<Self, Error> {
        left.next(&format!("numbers of rank {D}"), |input, device| {
            let shape: [usize; D] = input.shape[..].try_into().ok()?;
            let Values::Float(values) = &input.values else { return None };
            Some(Tensor::from_data(TensorData::new(values.clone(), shape), device))
        })
    }

    fn cast(self, dtype: DType) -> Self {
        Tensor::<D>::cast(self, dtype)
    }
}

/// # Shapes
/// `[N, ..]`, of tokens.
impl<const D: usize> Input for Tensor<D, Int> {
    fn take(left: &mut InputsLeft<'_>) -> Result<Self, Error> {
        left.next(&format!("tokens of rank {D}"), |input, device| {
            let shape: [usize; D] = input.shape[..].try_into().ok()?;
            let Values::Index(values) = &input.values else { return None };
            let values: Vec<i64> = values.iter().map(|token| i64::from(*token)).collect();
            Some(Tensor::from_data(TensorData::new(values, shape), device))
        })
    }

    fn cast(self, _dtype: DType) -> Self {
        self
    }
}

impl<A: Input, B: Input> Input for (A, B) {
    fn take(left: &mut InputsLeft<'_>) -> Result<Self, Error> {
        Ok((A::take(left)?, B::take(left)?))
    }

    fn cast(self, dtype: DType) -> Self {
        (self.0.cast(dtype), self.1.cast(dtype))
    }
}

impl<A: Input, B: Input, C: Input> Input for (A, B, C) {
    fn take(left: &mut InputsLeft<'_>) -> Result<Self, Error> {
        Ok((A::take(left)?, B::take(left)?, C::take(left)?))
    }

    fn cast(self, dtype: DType) -> Self {
        (self.0.cast(dtype), self.1.cast(dtype), self.2.cast(dtype))
    }
}

fn listed(inputs: &[BatchInput]) -> String {
    inputs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Target};
    use sapwood_backend::DeviceSpec;

    #[test]
    fn a_network_takes_its_inputs_in_order_and_all_of_them() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let image = BatchInput { shape: vec![1, 1, 1, 2], values: Values::Float(vec![0.5, 1.0]) };
        let text = BatchInput { shape: vec![1, 3], values: Values::Index(vec![4, 0, 7]) };
        let batch = Batch::of_inputs(vec![image, text], Target::Class(vec![0])).unwrap();
        let (image, text): (Tensor<4>, Tensor<2, Int>) = batch.input(&device).unwrap();
        assert_eq!(image.into_data().iter::<f32>().collect::<Vec<_>>(), [0.5, 1.0]);
        assert_eq!(text.into_data().iter::<i64>().collect::<Vec<_>>(), [4, 0, 7]);

        let said = |error: Error| error.to_string();
        assert_eq!(
            said(batch.input::<Tensor<4>>(&device).unwrap_err()),
            "the network takes numbers [1, 1, 1, 2], but the batch has numbers [1, 1, 1, 2] and tokens [1, 3]"
        );
        assert_eq!(
            said(batch.input::<(Tensor<4>, Tensor<2>)>(&device).unwrap_err()),
            "the network takes numbers of rank 2, but the batch has tokens [1, 3]"
        );
        assert_eq!(
            said(batch.input::<(Tensor<4>, Tensor<2, Int>, Tensor<1>)>(&device).unwrap_err()),
            "the network takes numbers of rank 1, but the batch has nothing more"
        );
    }
}
