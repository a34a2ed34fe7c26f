//! How the bounds of values are chosen.

mod entropy;
mod moving_average;
mod mse;
mod percentile;

use std::{collections::BTreeMap, fmt, str::FromStr};

use burn::prelude::Device;
use sapwood_core::Network;
use sapwood_graph::{Histogram, Points, Range, Ranges, Scheme, UnknownName};

use crate::{Error, Examples, observed};

/// How the bounds of a value are chosen of what was seen.
///
/// ```
/// use sapwood_quant::RangeMethod;
///
/// let method: RangeMethod = "percentile".parse()?;
/// assert_eq!((method, method.to_string()), (RangeMethod::Percentile, "percentile".into()));
/// # Ok::<(), sapwood_graph::UnknownName>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RangeMethod {
    /// The extremes.
    #[default]
    MinMax,
    /// A moving average of the extremes of batches.
    MovingAverage,
    /// All but 0.001 % of the numbers.
    Percentile,
    /// The bounds with the least squared error.
    Mse,
    /// The bounds around 0 whose distribution is nearest.
    Entropy,
}

/// The methods by their names.
const METHODS: [(&str, RangeMethod); 5] = [
    ("min-max", RangeMethod::MinMax),
    ("moving-average", RangeMethod::MovingAverage),
    ("percentile", RangeMethod::Percentile),
    ("mse", RangeMethod::Mse),
    ("entropy", RangeMethod::Entropy),
];

impl fmt::Display for RangeMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = METHODS.iter().find(|(_, method)| method == self);
        f.write_str(row.map_or("", |(name, _)| name))
    }
}

impl FromStr for RangeMethod {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let row = METHODS.iter().find(|(other, _)| *other == name);
        row.map(|(_, method)| *method)
            .ok_or_else(|| UnknownName::new("range method", name, METHODS.map(|(name, _)| name)))
    }
}

/// Bins of a histogram of which bounds are chosen.
const BINS: usize = 2048;

impl RangeMethod {
    /// The bounds of all values of a network that are rounded, as `scheme` will represent them. The network is
    /// passed once, and once more where numbers are counted; in memory is never more than what one batch needs.
    ///
    /// # Errors
    /// The source's; values that are not finite.
    pub async fn ranges<N: Network>(
        self,
        network: &N,
        points: &Points,
        examples: Examples<'_>,
        scheme: Scheme,
        device: &Device,
    ) -> Result<Ranges, Error> {
        let extremes = observed::extremes(network, points, examples, device).await?;
        let widest = |all: &Vec<[f32; 2]>| {
            all.iter().fold([f32::INFINITY, f32::NEG_INFINITY], |[a, b], [c, d]| [a.min(*c), b.max(*d)])
        };
        let bounds: BTreeMap<usize, [f32; 2]> =
            extremes.iter().map(|(node, all)| (*node, widest(all))).collect();
        let histograms = match self {
            Self::MinMax | Self::MovingAverage => BTreeMap::new(),
            Self::Percentile | Self::Mse => {
                observed::histograms(network, points, examples, &bounds, BINS, device).await?
            }
            // Sizes are counted, on both sides of 0.
            Self::Entropy => {
                let around = bounds.iter().map(|(node, [min, max])| (*node, max.max(-min)));
                let around = around.map(|(node, most)| (node, [-most, most])).collect();
                observed::histograms(network, points, examples, &around, 2 * BINS, device).await?
            }
        };
        let chosen = bounds.iter().map(|(node, [min, max])| {
            let counted = histograms.get(node).filter(|_| min < max);
            let [low, high] = match (self, counted) {
                (Self::MovingAverage, _) => moving_average::moving_average(&extremes[node]),
                (Self::Percentile, Some(counted)) => percentile::percentile(counted, percentile::USUAL),
                (Self::Mse, Some(counted)) => mse::mse(counted, scheme)?,
                (Self::Entropy, Some(counted)) => entropy::entropy(counted),
                _ => [*min, *max],
            };
            // Never wider than what was seen.
            let range = Range::of(low.clamp(*min, *max), high.clamp(*min, *max))?;
            Ok((points.name(*node).to_string(), range))
        });
        chosen.collect()
    }
}

/// The middle of a bin.
fn middle(histogram: &Histogram, bin: usize) -> f64 {
    let (low, high) = (f64::from(histogram.low), f64::from(histogram.high));
    low + (bin as f64 + 0.5) * (high - low) / histogram.counts.len() as f64
}

/// Where a bin begins, and behind the last one where that ends.
fn edge(histogram: &Histogram, bin: usize) -> f64 {
    let (low, high) = (f64::from(histogram.low), f64::from(histogram.high));
    low + bin as f64 * (high - low) / histogram.counts.len() as f64
}
