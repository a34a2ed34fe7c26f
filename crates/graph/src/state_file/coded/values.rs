//! Arrays as the values that are coded, and back.

use sapwood_codec::{Bf16, Coded, Coder, F16 as Half, Result};

use super::{Entry, WHAT, of_tensor};
use crate::{Array, BF16, DType, Error, F16, Number, Packed, Values};

/// The values of arrays of one type, one after the other.
fn all<T: Number>(arrays: &[&Array]) -> Vec<T> {
    match arrays {
        [only] if let Some(values) = only.as_slice::<T>() => values.to_vec(),
        _ => arrays.iter().flat_map(|array| array.iter::<T>()).collect(),
    }
}

/// An integer for each value, one to one, and 0 for 0.
pub(super) fn levels(arrays: &[&Array]) -> Vec<i64> {
    fn of<T: Number>(arrays: &[&Array], level: impl Fn(T) -> i64) -> Vec<i64> {
        all(arrays).into_iter().map(level).collect()
    }
    match arrays.first().map_or(DType::I64, |array| array.dtype()) {
        DType::F64 => of(arrays, |x: f64| x.to_bits() as i64),
        DType::F32 => of(arrays, |x: f32| i64::from(x.to_bits())),
        DType::F16 => of(arrays, |x: F16| i64::from(x.to_bits())),
        DType::BF16 => of(arrays, |x: BF16| i64::from(x.to_bits())),
        _ => all(arrays),
    }
}

/// Codes arrays of one type, which are not none, with rows of so many values.
pub(super) fn code(arrays: &[&Array], rows: usize) -> Result<Coded> {
    let coder = Coder::rows(rows);
    match arrays.first().map_or(DType::I64, |array| array.dtype()) {
        DType::F32 => coder.encode(&all::<f32>(arrays)),
        DType::F16 => {
            coder.encode(&all::<F16>(arrays).into_iter().map(|x| Half(x.to_bits())).collect::<Vec<_>>())
        }
        DType::BF16 => {
            coder.encode(&all::<BF16>(arrays).into_iter().map(|x| Bf16(x.to_bits())).collect::<Vec<_>>())
        }
        DType::I32 => coder.encode(&all::<i32>(arrays)),
        // The upper halves of all, then the lower ones.
        DType::F64 | DType::I64 => {
            let wide = levels(arrays);
            let upper = wide.iter().map(|x| (x >> 32) as i32);
            coder.encode(&upper.chain(wide.iter().map(|x| *x as i32)).collect::<Vec<_>>())
        }
        DType::U8 => coder.encode(&all::<u8>(arrays).into_iter().map(|x| x as i8).collect::<Vec<_>>()),
        DType::I8 | DType::I4 | DType::U4 | DType::I2 | DType::U2 | DType::U1 => {
            coder.encode(&all::<i8>(arrays))
        }
    }
}

/// The arrays of a piece, which has as many values as these entries.
pub(super) fn decode(coded: &Coded, entries: &[Entry]) -> std::result::Result<Vec<Array>, Error> {
    let wrong = |error| of_tensor(entries, error);
    let Some(Entry(name, dtype, ..)) = entries.first() else { return Ok(Vec::new()) };
    if let Some(Entry(other, ..)) =
        entries.iter().find(|entry| entry.1 != *dtype || 1 < entries.len() && dtype.is_packed())
    {
        return Err(Error::format(WHAT, format!("`{name}` and `{other}` cannot lie together")));
    }
    let bytes = || Ok::<_, Error>(coded.decode::<i8>().map_err(wrong)?.into_iter());
    let wide = || {
        let halves = coded.decode::<i32>().map_err(wrong)?;
        let (upper, lower) = halves.split_at(halves.len() / 2);
        let wide = |(upper, lower): (&i32, &i32)| i64::from(*upper) << 32 | i64::from(*lower as u32);
        Ok::<_, Error>(upper.iter().zip(lower).map(wide).collect::<Vec<i64>>())
    };
    match dtype {
        DType::F32 => split(coded.decode::<f32>().map_err(wrong)?, entries),
        DType::F16 => {
            let halves = coded.decode::<Half>().map_err(wrong)?;
            split(halves.into_iter().map(|half| F16::from_bits(half.0)).collect(), entries)
        }
        DType::BF16 => {
            let halves = coded.decode::<Bf16>().map_err(wrong)?;
            split(halves.into_iter().map(|half| BF16::from_bits(half.0)).collect(), entries)
        }
        DType::I32 => split(coded.decode::<i32>().map_err(wrong)?, entries),
        DType::I64 => split(wide()?, entries),
        DType::F64 => split(wide()?.into_iter().map(|bits| f64::from_bits(bits as u64)).collect(), entries),
        DType::U8 => split(bytes()?.map(|byte| byte as u8).collect(), entries),
        DType::I8 => split(bytes()?.collect(), entries),
        DType::I4 | DType::U4 | DType::I2 | DType::U2 | DType::U1 => {
            let packed = Packed::new(*dtype, bytes()?.map(i64::from))?;
            Ok(vec![Array::new(entries[0].2.clone(), packed)?])
        }
    }
}

/// Each entry's values off the front.
fn split<T: Number>(values: Vec<T>, entries: &[Entry]) -> std::result::Result<Vec<Array>, Error>
where
    Values: From<Vec<T>>,
{
    if let [Entry(_, _, shape, _)] = entries {
        return Ok(vec![Array::new(shape.clone(), values)?]);
    }
    let mut rest = values.as_slice();
    let mut arrays = Vec::with_capacity(entries.len());
    for Entry(_, _, shape, _) in entries {
        let (mine, after) = rest.split_at(rest.len().min(shape.iter().product()));
        arrays.push(Array::new(shape.clone(), mine.to_vec())?);
        rest = after;
    }
    Ok(arrays)
}
