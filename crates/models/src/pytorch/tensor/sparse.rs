//! Sparse tensors, made dense.

use burn::tensor::{DType, TensorData, bf16, f16};
use sapwood_core::Bits;

use super::{Budget, dense};
use crate::pytorch::Stored;

/// The tensor of a layout of PyTorch's (`torch.sparse`): coordinates and values, or
/// compressed rows or columns, of elements or blocks.
pub(super) fn values(
    layout: &str,
    parts: &[TensorData],
    sizes: &[usize],
    budget: &mut Budget,
) -> Result<Stored, String> {
    let mut dense = match parts {
        [indices, values] => coordinates(indices, Dense::of(values, sizes, budget)?)?,
        [starts, indices, values] => {
            let by_rows = matches!(layout, "sparse_csr" | "sparse_bsr");
            compressed(by_rows, starts, indices, Dense::of(values, sizes, budget)?)?
        }
        _ => return Err("made of too little".into()),
    };
    dense.bytes.shrink_to_fit();
    let value = dense::data(dense.bytes, sizes, dense.values.dtype())?;
    Ok(Stored::Sparse { value, stored: dense.stored })
}

/// A tensor that is being filled.
struct Dense<'v> {
    values: &'v TensorData,
    sizes: &'v [usize],
    bytes: Vec<u8>,
    stored: Bits,
}

impl<'v> Dense<'v> {
    fn of(values: &'v TensorData, sizes: &'v [usize], budget: &mut Budget) -> Result<Self, String> {
        let count = dense::count(sizes)?;
        budget.take(count * values.dtype().size())?;
        let bytes = vec![0; count * values.dtype().size()];
        Ok(Self { values, sizes, bytes, stored: Bits::zeros(count) })
    }

    /// Puts the value at `from` into its place. Coordinates may name a place
    /// several times, which stands for the sum.
    fn put(&mut self, place: usize, from: usize, sums: bool) -> Result<(), String> {
        let dtype = self.values.dtype();
        let size = dtype.size();
        let value = self.values.as_bytes().get(from * size..(from + 1) * size);
        let old = self.bytes.get_mut(place * size..(place + 1) * size);
        let (Some(value), Some(old)) = (value, old) else {
            return Err("which names an element that it does not have".into());
        };
        if !self.stored.get(place) {
            self.stored.set(place, true);
            old.copy_from_slice(value);
        } else if !sums || !add(dtype, old, value) {
            return Err("which names an element twice".into());
        }
        Ok(())
    }
}

/// `indices` of the shape [dimensions, N], values of the shape [N, the dimensions that are dense].
fn coordinates<'v>(indices: &TensorData, mut dense: Dense<'v>) -> Result<Dense<'v>, String> {
    let odd = || "whose parts do not fit each other".to_string();
    let ([dims, count], [values, inner @ ..]) = (&indices.shape()[..], &dense.values.shape()[..]) else {
        return Err(odd());
    };
    if values != count || dense.sizes.get(*dims..) != Some(inner) {
        return Err(odd());
    }
    let (dims, count, inner) = (*dims, *count, inner.iter().product::<usize>());
    let indices = integers(indices)?;
    for index in 0..count {
        let place = (0..dims).try_fold(0, |place, dim| {
            let at = usize::try_from(indices[dim * count + index]).ok().filter(|at| *at < dense.sizes[dim]);
            at.map(|at| place * dense.sizes[dim] + at).ok_or("which names an element that it does not have")
        })?;
        for more in 0..inner {
            dense.put(place * inner + more, index * inner + more, true)?;
        }
    }
    Ok(dense)
}

/// `starts` of the shape [rows + 1], `indices` [N], values [N] or [N, rows of a block, columns of a block].
fn compressed<'v>(
    by_rows: bool,
    starts: &TensorData,
    indices: &TensorData,
    mut dense: Dense<'v>,
) -> Result<Dense<'v>, String> {
    let odd = || "whose parts do not fit each other".to_string();
    let block = match dense.values.shape()[..] {
        [_] => [1, 1],
        [_, rows, columns] if rows > 0 && columns > 0 => [rows, columns],
        _ => return Err("which is no matrix: save it after `.to_dense()`".into()),
    };
    let [rows, columns] = dense.sizes[..] else {
        return Err("which is no matrix: save it after `.to_dense()`".into());
    };
    let lines = if by_rows { rows / block[0] } else { columns / block[1] };
    let (starts, indices) = (integers(starts)?, integers(indices)?);
    if starts.len() != lines + 1 || dense.values.shape()[0] != indices.len() {
        return Err(odd());
    }
    for (line, start) in starts.windows(2).enumerate() {
        let place = |at: i64| usize::try_from(at).ok().filter(|at| *at <= indices.len());
        let range = place(start[0]).zip(place(start[1])).filter(|(start, end)| start <= end);
        let (start, end) = range.ok_or_else(odd)?;
        for (at, index) in indices.iter().enumerate().take(end).skip(start) {
            let other = usize::try_from(*index).map_err(|_| odd())?;
            let [top, left] = if by_rows { [line, other] } else { [other, line] };
            for (i, j) in (0..block[0]).flat_map(|i| (0..block[1]).map(move |j| (i, j))) {
                let row = top.checked_mul(block[0]).map(|row| row + i).filter(|row| *row < rows);
                let column = left.checked_mul(block[1]).map(|column| column + j).filter(|at| *at < columns);
                let (row, column) = row.zip(column).ok_or("which names an element that it does not have")?;
                dense.put(row * columns + column, (at * block[0] + i) * block[1] + j, false)?;
            }
        }
    }
    Ok(dense)
}

fn integers(data: &TensorData) -> Result<Vec<i64>, String> {
    match data.dtype() {
        DType::I64 | DType::I32 => Ok(data.iter::<i64>().collect()),
        other => Err(format!("whose indices are {other:?}")),
    }
}

/// Adds a value to another one of its type; whether that is a type that is added.
fn add(dtype: DType, old: &mut [u8], value: &[u8]) -> bool {
    macro_rules! sum {
        ($($dtype:ident: $type:ty),*) => {
            match dtype {
                $(DType::$dtype => {
                    let number = |bytes: &[u8]| bytes.try_into().map(<$type>::from_le_bytes);
                    let (Ok(a), Ok(b)) = (number(old), number(value)) else { return false };
                    old.copy_from_slice(&(a + b).to_le_bytes());
                    true
                })*
                _ => false,
            }
        };
    }
    sum!(F64: f64, F32: f32, F16: f16, BF16: bf16)
}
