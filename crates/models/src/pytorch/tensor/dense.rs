//! Views of storages, laid out row by row.

use burn::tensor::{DType, TensorData};

use super::{Budget, Element};

/// More dimensions than a tensor of any use has.
const RANK: usize = 64;

/// Which elements of a storage a tensor has, all in numbers of elements.
pub(super) struct View {
    pub(super) offset: usize,
    pub(super) sizes: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// The number of elements of a shape, or why there is none.
pub(super) fn count(sizes: &[usize]) -> Result<usize, String> {
    let too_large = || format!("of the shape {sizes:?}, which no memory holds");
    if sizes.len() > RANK {
        return Err(format!("of {} dimensions", sizes.len()));
    }
    // With a dimension of zero the others might still overflow elsewhere.
    let product = |all: usize, size: &usize| all.checked_mul((*size).max(1));
    let largest = sizes.iter().try_fold(1, product).filter(|all| *all <= isize::MAX as usize / 16);
    let largest = largest.ok_or_else(too_large)?;
    Ok(if sizes.contains(&0) { 0 } else { largest })
}

/// The values of a view of `storage`.
pub(super) fn values(
    storage: &[u8],
    element: Element,
    big_endian: bool,
    view: &View,
    budget: &mut Budget,
) -> Result<TensorData, String> {
    let dtype = element.dtype()?;
    let View { offset, sizes, strides } = view;
    if sizes.len() != strides.len() {
        return Err(format!("of {} dimensions with {} strides", sizes.len(), strides.len()));
    }
    let elements = count(sizes)?;
    let size = element.size;
    let mut bytes = Vec::new();
    if elements > 0 {
        let end = end(*offset, sizes, strides).filter(|end| *end <= storage.len() / size);
        if end.is_none() {
            let has = storage.len() / size;
            return Err(format!(
                "of the shape {sizes:?} at {offset}, and its storage has only {has} elements"
            ));
        }
        budget.take(elements * size)?;
        bytes = match size {
            1 => gather::<1>(storage, view, elements),
            2 => gather::<2>(storage, view, elements),
            4 => gather::<4>(storage, view, elements),
            _ => gather::<8>(storage, view, elements),
        };
    }
    if big_endian {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    data(bytes, sizes, dtype)
}

/// Values whose bytes are in order.
pub(super) fn data(mut bytes: Vec<u8>, sizes: &[usize], dtype: DType) -> Result<TensorData, String> {
    if matches!(dtype, DType::Bool(_)) {
        bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
    }
    TensorData::try_from_bytes_vec(bytes, sizes.to_vec(), dtype).map_err(|error| error.to_string())
}

/// One more than the last element of a view that has elements.
fn end(offset: usize, sizes: &[usize], strides: &[usize]) -> Option<usize> {
    let last = sizes.iter().zip(strides);
    let last = last.map(|(size, stride)| (size - 1).checked_mul(*stride));
    last.chain([Some(1)]).try_fold(offset, |end, more| end.checked_add(more?))
}

/// The elements of a view that lies within its storage.
fn gather<const N: usize>(storage: &[u8], view: &View, elements: usize) -> Vec<u8> {
    let (storage, _) = storage.as_chunks::<N>();
    // Dimensions that follow each other in memory are one.
    let mut dims: Vec<(usize, usize)> = Vec::new();
    for (size, stride) in view.sizes.iter().zip(&view.strides).filter(|(size, _)| **size != 1) {
        match dims.last_mut() {
            Some(outer) if outer.1 == size * stride => *outer = (outer.0 * size, *stride),
            _ => dims.push((*size, *stride)),
        }
    }
    let (inner, step) = dims.pop().unwrap_or((1, 1));
    let mut bytes = vec![0; elements * N];
    let rows = bytes.as_chunks_mut::<N>().0.chunks_exact_mut(inner);
    let mut place = vec![0; dims.len()];
    let mut at = view.offset;
    for row in rows {
        if step == 1 {
            row.copy_from_slice(&storage[at..at + inner]);
        } else if step == 0 {
            row.fill(storage[at]);
        } else {
            row.iter_mut().zip(storage[at..].iter().step_by(step)).for_each(|(to, from)| *to = *from);
        }
        // The next row, as an odometer counts.
        for dim in (0..dims.len()).rev() {
            let (size, stride) = dims[dim];
            place[dim] += 1;
            at += stride;
            if place[dim] < size {
                break;
            }
            at -= size * stride;
            place[dim] = 0;
        }
    }
    bytes
}
