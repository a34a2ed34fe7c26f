//! Matrices of integers, the other way round.

use sapwood_graph::{Array, DType, Error, Packed, Per, Quantized, Values};

/// A matrix of integers with columns for rows.
pub(crate) fn turned(matrix: &Quantized) -> Result<Quantized, Error> {
    let per = match matrix.per() {
        Per::Tensor => Per::Tensor,
        Per::Axis(axis) => Per::Axis(1 - axis.min(1)),
        Per::Group { axis, size } => Per::Group { axis: 1 - axis.min(1), size },
    };
    let small =
        |array: &Array| if array.shape().len() == 2 { turned_array(array) } else { Ok(array.clone()) };
    let points = matrix.zero_point().map(small).transpose()?;
    Quantized::new(turned_array(matrix.values())?, per, small(matrix.scale())?, points)
}

fn turned_array(array: &Array) -> Result<Array, Error> {
    let &[rows, columns] = array.shape() else {
        return Err(Error::Quantization(format!("expected a matrix, found {:?}", array.shape())));
    };
    let from = |at: usize| at % rows * columns + at / rows;
    let order = 0..rows * columns;
    let values: Values = match (array.dtype(), array.as_slice::<i8>(), array.as_slice::<f32>()) {
        (_, Some(all), _) => order.map(|at| all[from(at)]).collect::<Vec<_>>().into(),
        (_, _, Some(all)) => order.map(|at| all[from(at)]).collect::<Vec<_>>().into(),
        (dtype, _, _) => {
            let all: Vec<i64> = array.iter().collect();
            let turned = order.map(|at| all[from(at)]);
            match dtype {
                dtype if dtype.is_packed() => Packed::new(dtype, turned)?.into(),
                DType::U8 => turned.map(|value| value as u8).collect::<Vec<_>>().into(),
                _ => turned.map(|value| value as i32).collect::<Vec<_>>().into(),
            }
        }
    };
    Array::new([columns, rows], values)
}
