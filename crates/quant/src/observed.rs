//! What the values of a network are, batch by batch.

use std::collections::BTreeMap;

use burn::{
    prelude::{Device, Int},
    tensor::{IndexingUpdateOp, Tensor},
};
use sapwood_backend::read_all;
use sapwood_core::{Network, Pass, Tap};
use sapwood_graph::{Histogram, Points};

use crate::{Error, Examples};

/// Values that are counted at once: an f32 holds every number of them.
const COUNTED: usize = 1 << 24;

/// The extremes of each value that is rounded, by its node: for each batch `[least, largest]`. In memory are a batch's
/// extremes and what the network itself keeps.
///
/// # Errors
/// The source's; values that are not finite.
pub async fn extremes<N: Network>(
    network: &N,
    points: &Points,
    examples: Examples<'_>,
    device: &Device,
) -> Result<BTreeMap<usize, Vec<[f32; 2]>>, Error> {
    let mut found: BTreeMap<usize, Vec<[f32; 2]>> = BTreeMap::new();
    let network = network.valid();
    for batch in examples.batches() {
        let mut tap = Reduced {
            points,
            reduce: |_, x: Tensor<4>| {
                // Zero times what is not finite is not a number; the least and the largest may pass over it.
                let finite = (x.clone() * 0.0).sum();
                Tensor::cat(vec![x.clone().min(), x.max(), finite], 0)
            },
            seen: Vec::new(),
        };
        network.forward(batch?.input(&device.clone().inner())?, &mut Pass::evaluate().with_tap(&mut tap));
        let (nodes, values): (Vec<_>, Vec<_>) = tap.seen.into_iter().unzip();
        for (node, value) in nodes.into_iter().zip(read_all(values).await?) {
            let value: Vec<f32> = value.iter().collect();
            if let Some(wrong) = value.iter().find(|x| !x.is_finite()) {
                return Err(Error::NotFinite { value: points.name(node).into(), found: *wrong });
            }
            found.entry(node).or_default().push([value[0], value[1]]);
        }
    }
    Ok(found)
}

/// How often what was seen of each value, in bins of equal width between these bounds. What lies beyond is counted in
/// the outermost.
///
/// # Errors
/// The source's.
pub async fn histograms<N: Network>(
    network: &N,
    points: &Points,
    examples: Examples<'_>,
    bounds: &BTreeMap<usize, [f32; 2]>,
    bins: usize,
    device: &Device,
) -> Result<BTreeMap<usize, Histogram>, Error> {
    let mut found: BTreeMap<usize, Histogram> = BTreeMap::new();
    let network = network.valid();
    for batch in examples.batches() {
        let mut tap = Reduced {
            points,
            reduce: |node, x: Tensor<4>| {
                let [low, high] = bounds.get(&node).copied().unwrap_or([0.0, 0.0]).map(f64::from);
                let width = (high - low).max(f64::MIN_POSITIVE) / bins as f64;
                let size: usize = x.dims().iter().product();
                let place = ((x.reshape([size]) - low) / width).floor().clamp(0.0, (bins - 1) as f64);
                let place: Tensor<1, Int> = place.int();
                let (device, dtype) = (place.device(), burn::tensor::DType::F32);
                let counts = |part: Tensor<1, Int>| {
                    let ones = Tensor::ones(part.dims(), (&device, dtype));
                    let none = Tensor::<1>::zeros([bins], (&device, dtype));
                    none.scatter(0, part, ones, IndexingUpdateOp::Add)
                };
                // One row of counts for as many values as an f32 can count.
                Tensor::cat(place.split(COUNTED, 0).into_iter().map(counts).collect(), 0)
            },
            seen: Vec::new(),
        };
        network.forward(batch?.input(&device.clone().inner())?, &mut Pass::evaluate().with_tap(&mut tap));
        let (nodes, values): (Vec<_>, Vec<_>) = tap.seen.into_iter().unzip();
        for (node, value) in nodes.into_iter().zip(read_all(values).await?) {
            let [low, high] = bounds.get(&node).copied().unwrap_or([0.0, 0.0]);
            let all = found.entry(node).or_insert_with(|| Histogram { low, high, counts: vec![0; bins] });
            for (at, more) in value.iter::<f32>().enumerate() {
                all.counts[at % bins] += more as u64;
            }
        }
    }
    Ok(found)
}

/// Keeps of each value that is rounded what a function makes of it.
struct Reduced<'a, F> {
    points: &'a Points,
    reduce: F,
    seen: Vec<(usize, Tensor<1>)>,
}

impl<F: FnMut(usize, Tensor<4>) -> Tensor<1>> Tap for Reduced<'_, F> {
    fn value(&mut self, node: usize, value: Tensor<4>) -> Tensor<4> {
        if self.points.grid_of(node) == Some(node) {
            self.seen.push((node, (self.reduce)(node, value.clone())));
        }
        value
    }
}
