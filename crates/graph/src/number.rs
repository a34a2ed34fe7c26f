//! What can be an element of an array.

use crate::{BF16, DType, F16, Values};

/// A number of at least a byte, as arrays hold them. Closed: there is one for each [`DType`] that is
/// not packed.
pub trait Number: Copy + closed::Closed + 'static {
    /// Its type.
    const DTYPE: DType;
    /// The nearest value to a floating-point number; integers are cut off towards zero, and within
    /// their bounds.
    fn from_f64(value: f64) -> Self;
    /// The nearest value to an integer; its lowest bits where an integer is too narrow.
    fn from_i64(value: i64) -> Self;
    /// The values of an array, if they are of this type.
    fn of(values: &Values) -> Option<&[Self]>;
    /// The same, to be changed.
    fn of_mut(values: &mut Values) -> Option<&mut [Self]>;
}

mod closed {
    pub trait Closed {}
}

macro_rules! number {
    ($type:ty, $dtype:ident, $from_f64:expr, $from_i64:expr) => {
        impl closed::Closed for $type {}

        impl Number for $type {
            const DTYPE: DType = DType::$dtype;

            fn from_f64(value: f64) -> Self {
                $from_f64(value)
            }

            fn from_i64(value: i64) -> Self {
                $from_i64(value)
            }

            fn of(values: &Values) -> Option<&[Self]> {
                match values {
                    Values::$dtype(values) => Some(values),
                    _ => None,
                }
            }

            fn of_mut(values: &mut Values) -> Option<&mut [Self]> {
                match values {
                    Values::$dtype(values) => Some(values),
                    _ => None,
                }
            }
        }

        impl From<Vec<$type>> for Values {
            fn from(values: Vec<$type>) -> Self {
                Self::$dtype(values)
            }
        }
    };
}

number!(f64, F64, |x: f64| x, |x: i64| x as f64);
number!(f32, F32, |x: f64| x as f32, |x: i64| x as f32);
number!(F16, F16, F16::from_f64, |x: i64| F16::from_f64(x as f64));
number!(BF16, BF16, BF16::from_f64, |x: i64| BF16::from_f64(x as f64));
number!(i64, I64, |x: f64| x as i64, |x: i64| x);
number!(i32, I32, |x: f64| x as i32, |x: i64| x as i32);
number!(i8, I8, |x: f64| x as i8, |x: i64| x as i8);
number!(u8, U8, |x: f64| x as u8, |x: i64| x as u8);
