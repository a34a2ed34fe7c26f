//! NumPy's arrays, as they pickle themselves.

use burn::tensor::TensorData;

use super::{
    Budget, Element,
    dense::{self, View},
    storage::encoded,
};
use crate::pytorch::pickle::{Instance, Pickle, Value};

/// NumPy's codes of types, and PyTorch's names.
const TYPES: &[(&str, &str)] = &[
    ("f8", "float64"),
    ("f4", "float32"),
    ("f2", "float16"),
    ("i8", "int64"),
    ("i4", "int32"),
    ("i2", "int16"),
    ("i1", "int8"),
    ("u8", "uint64"),
    ("u4", "uint32"),
    ("u2", "uint16"),
    ("u1", "uint8"),
    ("b1", "bool"),
];

/// The array that `_reconstruct` makes and fills with the state `(version, shape,
/// type, column by column, bytes)`; `None` if its elements are no numbers.
pub(super) fn values<'a>(
    pickle: &Pickle<'a>,
    instance: &Instance<'a>,
    budget: &mut Budget,
) -> Option<Result<TensorData, String>> {
    let [_, shape, dtype, by_columns, bytes] = pickle.elements(*instance.state.last()?)? else { return None };
    let by_columns = matches!(by_columns, Value::Bool(true) | Value::Int(1));
    filled(pickle, [*bytes, *dtype, *shape], by_columns, budget)
}

/// The array that `_frombuffer(bytes, type, shape, order)` makes.
pub(super) fn of_buffer<'a>(
    pickle: &Pickle<'a>,
    arguments: &[Value<'a>],
    budget: &mut Budget,
) -> Option<Result<TensorData, String>> {
    let [bytes, dtype, shape, order] = arguments else { return None };
    filled(pickle, [*bytes, *dtype, *shape], pickle.text(*order)? == "F", budget)
}

fn filled<'a>(
    pickle: &Pickle<'a>,
    [bytes, dtype, shape]: [Value<'a>; 3],
    by_columns: bool,
    budget: &mut Budget,
) -> Option<Result<TensorData, String>> {
    let dtype = pickle.instance(dtype)?;
    let code = pickle.text(*pickle.elements(dtype.arguments)?.first()?)?;
    let name = TYPES.iter().find(|(numpy, _)| *numpy == code)?.1;
    let order = dtype.state.last().and_then(|state| pickle.text(*pickle.elements(*state)?.get(1)?));
    let sizes = pickle.sizes(shape)?;
    let bytes = encoded(pickle, bytes)?;
    Some(Element::named(name).ok_or_else(|| name.to_string()).and_then(|element| {
        dense::count(&sizes)?;
        let mut strides = vec![1; sizes.len()];
        let mut stride = 1;
        let dims: &mut dyn Iterator<Item = usize> =
            if by_columns { &mut (0..sizes.len()) } else { &mut (0..sizes.len()).rev() };
        for dim in dims {
            strides[dim] = stride;
            stride *= sizes[dim].max(1);
        }
        let view = View { offset: 0, sizes, strides };
        dense::values(&bytes, element, order == Some(">"), &view, budget)
    }))
}
