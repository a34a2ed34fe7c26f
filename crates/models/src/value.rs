//! What passes between the nodes of a network: a tensor of whichever rank.

use burn::{prelude::Int, tensor::Tensor};
use sapwood_core::Pass;

use crate::Error;

/// A tensor of 1 to 6 dimensions, of numbers or of integers, that a network reads or gives. What has no
/// dimension on paper is `[1]` here.
///
/// ```
/// # use burn::tensor::Tensor;
/// # use sapwood_backend::DeviceSpec;
/// # use sapwood_models::Value;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = DeviceSpec::CPU.resolve()?;
/// let value = Value::from(Tensor::<3>::zeros([2, 5, 7], &device));
/// assert_eq!(value.dims(), [2, 5, 7]);
/// let boxes: Tensor<3> = value.try_into()?;
/// # let _ = boxes;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Value(pub(crate) Held);

/// The tensor, typed by its rank. Burn has a form of its own without ranks beneath its tensors, and keeps it
/// private.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    One(Tensor<1>),
    Two(Tensor<2>),
    Three(Tensor<3>),
    Four(Tensor<4>),
    Five(Tensor<5>),
    Six(Tensor<6>),
    /// In one row, and the sizes.
    Integers(Tensor<1, Int>, Vec<usize>),
}

/// What an expression makes of the tensor in a value, whichever rank it has.
macro_rules! ranked {
    ($value:expr, $x:ident => $made:expr) => {
        match $crate::value::Value::of_numbers($value).0 {
            $crate::value::Held::One($x) => $crate::value::Value::from($made),
            $crate::value::Held::Two($x) => $crate::value::Value::from($made),
            $crate::value::Held::Three($x) => $crate::value::Value::from($made),
            $crate::value::Held::Four($x) => $crate::value::Value::from($made),
            $crate::value::Held::Five($x) => $crate::value::Value::from($made),
            $crate::value::Held::Six($x) => $crate::value::Value::from($made),
            integers @ $crate::value::Held::Integers(..) => $crate::value::Value(integers),
        }
    };
}
pub(crate) use ranked;

/// The conversions of each rank.
macro_rules! conversions {
    ($($rank:literal $held:ident)*) => {
        $(impl From<Tensor<$rank>> for Value {
            fn from(tensor: Tensor<$rank>) -> Self {
                Self(Held::$held(tensor))
            }
        }

        impl TryFrom<Value> for Tensor<$rank> {
            type Error = Error;

            /// # Errors
            /// [`Error::Core`] says what it is instead.
            fn try_from(value: Value) -> Result<Self, Error> {
                match value.0 {
                    Held::$held(tensor) => Ok(tensor),
                    other => Err(Value(other).is_no(concat!("numbers of rank ", $rank))),
                }
            }
        }

        impl From<Tensor<$rank, Int>> for Value {
            fn from(tensor: Tensor<$rank, Int>) -> Self {
                let sizes = tensor.dims().to_vec();
                Self(Held::Integers(in_a_row(tensor), sizes))
            }
        }

        impl TryFrom<Value> for Tensor<$rank, Int> {
            type Error = Error;

            /// # Errors
            /// [`Error::Core`] says what it is instead.
            fn try_from(value: Value) -> Result<Self, Error> {
                let sizes: Result<[usize; $rank], _> = value.dims().try_into();
                match (value.0, sizes) {
                    (Held::Integers(row, _), Ok(sizes)) => Ok(row.reshape(sizes)),
                    (other, _) => Err(Value(other).is_no(concat!("integers of rank ", $rank))),
                }
            }
        })*
    };
}

conversions!(1 One 2 Two 3 Three 4 Four 5 Five 6 Six);

fn in_a_row<const D: usize>(tensor: Tensor<D, Int>) -> Tensor<1, Int> {
    let count = tensor.shape().num_elements();
    tensor.reshape([count])
}

impl Value {
    /// What all that read a node's value see: numbers, which a tap may replace; integers are no one's to change.
    pub(crate) fn passed_on(self, node: usize, pass: &mut Pass<'_>) -> Self {
        match self.is_integers() {
            true => self,
            false => ranked!(self, x => pass.pass_on(node, x)),
        }
    }

    /// The size of each dimension.
    pub fn dims(&self) -> Vec<usize> {
        match &self.0 {
            Held::One(x) => x.dims().into(),
            Held::Two(x) => x.dims().into(),
            Held::Three(x) => x.dims().into(),
            Held::Four(x) => x.dims().into(),
            Held::Five(x) => x.dims().into(),
            Held::Six(x) => x.dims().into(),
            Held::Integers(_, sizes) => sizes.clone(),
        }
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        match &self.0 {
            Held::One(_) => 1,
            Held::Two(_) => 2,
            Held::Three(_) => 3,
            Held::Four(_) => 4,
            Held::Five(_) => 5,
            Held::Six(_) => 6,
            Held::Integers(_, sizes) => sizes.len(),
        }
    }

    /// Whether it holds integers.
    pub fn is_integers(&self) -> bool {
        matches!(self.0, Held::Integers(..))
    }

    /// All numbers in one row; integers become numbers.
    pub fn into_row(self) -> Tensor<1> {
        let count = self.dims().iter().product();
        self.into_rank([count])
    }

    /// Numbers in one row, in these sizes: `[1]` where there are none.
    ///
    /// # Panics
    /// If the sizes ask for another number of values.
    pub fn of_row(row: Tensor<1>, sizes: &[usize]) -> Self {
        Self(Held::One(row)).reshaped(sizes)
    }

    /// Integers in one row, in these sizes.
    pub fn of_integers(row: Tensor<1, Int>, sizes: &[usize]) -> Self {
        Self(Held::Integers(row, sizes.to_vec()))
    }

    fn is_no(&self, expected: &str) -> Error {
        sapwood_core::Error::Input { expected: expected.into(), found: self.to_string() }.into()
    }

    /// The same, where integers have become numbers.
    pub(crate) fn of_numbers(self) -> Self {
        match self.0 {
            Held::Integers(row, sizes) => Self::from(row.float()).reshaped(&sizes),
            _ => self,
        }
    }

    /// The integers in one row, and their sizes.
    pub(crate) fn row_of_integers(self) -> (Tensor<1, Int>, Vec<usize>) {
        let sizes = self.dims();
        match self.0 {
            Held::Integers(row, sizes) => (row, sizes),
            _ => (self.into_rank([sizes.iter().product()]).int(), sizes),
        }
    }

    /// The same numbers as a tensor of these sizes.
    pub(crate) fn into_rank<const D: usize>(self, sizes: [usize; D]) -> Tensor<D> {
        match self.0 {
            Held::One(x) => x.reshape(sizes),
            Held::Two(x) => x.reshape(sizes),
            Held::Three(x) => x.reshape(sizes),
            Held::Four(x) => x.reshape(sizes),
            Held::Five(x) => x.reshape(sizes),
            Held::Six(x) => x.reshape(sizes),
            Held::Integers(row, _) => row.float().reshape(sizes),
        }
    }

    /// The same numbers in these sizes; in one where there are none.
    pub(crate) fn reshaped(self, sizes: &[usize]) -> Self {
        if self.dims() == sizes && !self.is_integers() {
            return self;
        }
        match *sizes {
            [] => self.into_rank([1]).into(),
            [a] => self.into_rank([a]).into(),
            [a, b] => self.into_rank([a, b]).into(),
            [a, b, c] => self.into_rank([a, b, c]).into(),
            [a, b, c, d] => self.into_rank([a, b, c, d]).into(),
            [a, b, c, d, e] => self.into_rank([a, b, c, d, e]).into(),
            [a, b, c, d, e, ref rest @ ..] => self.into_rank([a, b, c, d, e, rest.iter().product()]).into(),
        }
    }

    /// Examples of channels as images: a height of 1 is put into sequences `[N, C, L]`, both sides into rows,
    /// and what has more dimensions has its last ones together.
    pub(crate) fn images(self) -> Tensor<4> {
        match self.0 {
            Held::Four(x) => x,
            _ => match self.dims()[..] {
                [n, c] => self.into_rank([n, c, 1, 1]),
                [n, c, l] => self.into_rank([n, c, 1, l]),
                [n, c, h, ref rest @ ..] => self.into_rank([n, c, h, rest.iter().product()]),
                [n] => self.into_rank([n, 1, 1, 1]),
                [] => self.into_rank([1; 4]),
            },
        }
    }

    /// Images as what they were made of: without their height where that had rank 3.
    pub(crate) fn of_images(x: Tensor<4>, rank: usize) -> Self {
        let [n, c, h, w] = x.dims();
        match rank {
            3 => x.reshape([n, c, h * w]).into(),
            _ => x.into(),
        }
    }

    /// All values of an example in one row.
    pub(crate) fn rows(self) -> Tensor<2> {
        match self.0 {
            Held::Two(x) => x,
            _ => {
                let sizes = self.dims();
                self.into_rank([sizes[0], sizes[1..].iter().product()])
            }
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = if self.is_integers() { "integers" } else { "numbers" };
        write!(f, "{of} {:?}", self.dims())
    }
}
