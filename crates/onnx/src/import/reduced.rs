//! Constants of which sums, products, largest values or shares are computed while a file is read.

use super::{
    call::{axis, plain},
    known::{Items, Known},
    making::Making,
    refusal::Refusal,
    value::{Size, Value},
};

/// What a reduction of this name makes of values; none where it is no reduction.
fn floats(op: &str) -> Option<fn(&[f64]) -> f64> {
    let sum: fn(&[f64]) -> f64 = |all| all.iter().sum();
    Some(match op {
        "ReduceSum" => sum,
        "ReduceMean" => |all| all.iter().sum::<f64>() / all.len() as f64,
        "ReduceProd" => |all| all.iter().product(),
        "ReduceMax" => |all| all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "ReduceMin" => |all| all.iter().copied().fold(f64::INFINITY, f64::min),
        "ReduceL1" => |all| all.iter().map(|x| x.abs()).sum(),
        "ReduceL2" => |all| all.iter().map(|x| x * x).sum::<f64>().sqrt(),
        "ReduceSumSquare" => |all| all.iter().map(|x| x * x).sum(),
        "ReduceLogSum" => |all| all.iter().sum::<f64>().ln(),
        "ReduceLogSumExp" => |all| {
            let most = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            most + all.iter().map(|x| (x - most).exp()).sum::<f64>().ln()
        },
        _ => return None,
    })
}

/// What becomes of integers; none where it is none.
type OfIntegers = fn(&[i64]) -> Option<i64>;

/// The same of integers, which sizes are.
fn integers(op: &str) -> Option<OfIntegers> {
    Some(match op {
        "ReduceSum" => |all| all.iter().try_fold(0i64, |sum, x| sum.checked_add(*x)),
        "ReduceProd" => |all| all.iter().try_fold(1i64, |product, x| product.checked_mul(*x)),
        "ReduceMax" => |all| all.iter().copied().max(),
        "ReduceMin" => |all| all.iter().copied().min(),
        _ => return None,
    })
}

/// A reduction of a constant over these dimensions, of none over all.
pub(super) fn reduce<'a>(
    making: &mut Making<'a>,
    (op, known): (&str, Known),
    axes: &[i64],
    keep: bool,
) -> Result<Value<'a>, Refusal> {
    let rank = known.shape.len();
    let mut axes = axes.iter().map(|at| axis(*at, rank)).collect::<Result<Vec<usize>, _>>()?;
    if axes.is_empty() {
        axes = (0..rank).collect();
    }
    making.afford(known.items.len())?;
    let kept: Vec<usize> = (0..rank).filter(|at| !axes.contains(at)).collect();
    let order: Vec<usize> = kept.iter().copied().chain((0..rank).filter(|at| axes.contains(at))).collect();
    let count: usize = kept.iter().map(|at| known.shape[*at]).product();
    let size = known.items.len().checked_div(count).unwrap_or_default();
    if size == 0 {
        return Err(Refusal::Cannot("of no values".into()));
    }
    let shape: Vec<usize> = match keep {
        true => (0..rank).map(|at| if axes.contains(&at) { 1 } else { known.shape[at] }).collect(),
        false => kept.iter().map(|at| known.shape[*at]).collect(),
    };
    // Those that become one lie behind each other.
    let items = match known.transpose(&order)?.items {
        Items::Floats(all) => {
            let one = floats(op).ok_or(Refusal::Unheard)?;
            let row = |row: &[f32]| one(&row.iter().map(|x| f64::from(*x)).collect::<Vec<_>>()) as f32;
            Items::Floats(all.chunks_exact(size).map(row).collect())
        }
        Items::Sizes(all) => {
            let one = integers(op).ok_or_else(|| Refusal::Cannot("of integers".into()))?;
            let found = plain(&all)?.chunks_exact(size).map(one).collect::<Option<Vec<_>>>();
            let found = found.ok_or_else(|| Refusal::Damaged("its result is no integer".into()))?;
            Items::Sizes(found.into_iter().map(Size::Number).collect())
        }
    };
    Ok(Known { shape, items }.into_value())
}

/// A constant between two bounds.
pub(super) fn clip<'a>(
    making: &mut Making<'a>,
    known: Known,
    low: f32,
    high: f32,
) -> Result<Value<'a>, Refusal> {
    making.afford(known.items.len())?;
    let Items::Floats(all) = known.items else { return Err(Refusal::Cannot("of integers".into())) };
    let all = all.into_iter().map(|x| x.max(low).min(high)).collect();
    Ok(Known::floats(known.shape, all).into_value())
}

/// The shares `exp(x) / sum exp(x)` of a constant along a dimension, or their logarithms.
pub(super) fn softmax<'a>(
    making: &mut Making<'a>,
    known: Known,
    at: usize,
    log: bool,
) -> Result<Value<'a>, Refusal> {
    making.afford(known.items.len())?;
    let (size, after) = (known.shape[at], known.shape[at + 1..].iter().product::<usize>());
    let Items::Floats(mut all) = known.items else { return Err(Refusal::Cannot("of integers".into())) };
    let sum = floats("ReduceLogSumExp").ok_or(Refusal::Unheard)?;
    let starts = (0..all.len()).filter(|start| start / after.max(1) % size.max(1) == 0);
    for start in starts.collect::<Vec<_>>() {
        let places = || (0..size).map(|step| start + step * after);
        let row: Vec<f64> = places().map(|place| f64::from(all[place])).collect();
        let sum = sum(&row);
        for (place, x) in places().zip(&row) {
            all[place] = if log { x - sum } else { (x - sum).exp() } as f32;
        }
    }
    Ok(Known::floats(known.shape, all).into_value())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn numbers(value: Value<'_>) -> (Vec<usize>, Vec<f32>) {
        let known = Known::of(&value).unwrap();
        match known.items {
            Items::Floats(all) => (known.shape, all),
            Items::Sizes(all) => (known.shape, plain(&all).unwrap().into_iter().map(|x| x as f32).collect()),
        }
    }

    #[test]
    fn constants_are_reduced_bounded_and_shared_out() {
        let files = BTreeMap::new();
        let mut making = Making::new(18, 1000, &files);
        let six = || Known::floats(vec![2, 3], vec![1.0, -2.0, 3.0, 4.0, 5.0, -6.0]);
        for (op, axes, keep, expected) in [
            ("ReduceSum", vec![1], false, (vec![2], vec![2.0, 3.0])),
            ("ReduceSum", vec![0], true, (vec![1, 3], vec![5.0, 3.0, -3.0])),
            ("ReduceMean", vec![-1], false, (vec![2], vec![2.0 / 3.0, 1.0])),
            ("ReduceProd", vec![], false, (vec![], vec![720.0])),
            ("ReduceMax", vec![0, 1], true, (vec![1, 1], vec![5.0])),
            ("ReduceMin", vec![1], false, (vec![2], vec![-2.0, -6.0])),
            ("ReduceL1", vec![1], false, (vec![2], vec![6.0, 15.0])),
            ("ReduceSumSquare", vec![1], false, (vec![2], vec![14.0, 77.0])),
            ("ReduceL2", vec![1], false, (vec![2], vec![14f32.sqrt(), 77f32.sqrt()])),
        ] {
            let found = numbers(reduce(&mut making, (op, six()), &axes, keep).unwrap());
            assert_eq!(found, expected, "{op} {axes:?}");
        }
        let sizes = || Known::sizes(vec![3], [2, 3, 4].map(Size::Number).to_vec());
        assert_eq!(
            numbers(reduce(&mut making, ("ReduceProd", sizes()), &[0], true).unwrap()),
            (vec![1], vec![24.0])
        );
        assert!(reduce(&mut making, ("ReduceMean", sizes()), &[], true).is_err());
        assert!(reduce(&mut making, ("ReduceSum", six()), &[2], true).is_err());
        assert_eq!(numbers(clip(&mut making, six(), -1.0, 4.5).unwrap()).1, [1.0, -1.0, 3.0, 4.0, 4.5, -1.0]);
        let (_, shares) = numbers(softmax(&mut making, six(), 0, false).unwrap());
        for column in 0..3 {
            assert!((shares[column] + shares[column + 3] - 1.0).abs() < 1e-6);
        }
        assert!((shares[0] - 1.0 / (1.0 + 3f32.exp())).abs() < 1e-6);
        let (_, logs) = numbers(softmax(&mut making, six(), 1, true).unwrap());
        assert!((logs[..3].iter().map(|x| x.exp()).sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
