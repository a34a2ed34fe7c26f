//! Channels in the order of their importance.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Int, Tensor, TensorData};
use sapwood_backend::{ordered, read};
use sapwood_core::{Axis, Channels, Layout, ParamInfo, ParamPath, map};

use crate::{Error, Opened, Supernet, subnet::Values};

impl Supernet {
    /// [`Supernet::sort`], on this thread. It does not exist in a browser.
    ///
    /// # Errors
    /// Those of [`Supernet::sort`].
    #[cfg(not(target_family = "wasm"))]
    pub fn sort_blocking(self, trained: &Opened) -> Result<Self, Error> {
        sapwood_backend::block_on(self.sort(trained))
    }

    /// Puts the channels whose number can be chosen in the order of their importance, so that a
    /// narrower network keeps the important ones (Cai et al. 2020, section 3.3 and their
    /// code's `re_organize_middle_weights`). The largest network computes what it did.
    ///
    /// The importance of a channel is the sum of the absolute weights that read it, in the
    /// layers behind; layers that only scale channels do not count, but where there are no
    /// others. Ties go by index. Channels that a residual connection ties to others stay, and those
    /// that one layer reads in turn, in networks of different depth, are sorted together.
    ///
    /// `trained` are the networks that were trained so far: no channel crosses a width of
    /// theirs, so they compute what they did as well. The reference has this for the channels
    /// of a block, but not for the hidden ones of squeeze and excitation.
    ///
    /// # Errors
    /// `trained` of another space; a network of the family that cannot be built; a device that fails.
    pub async fn sort(self, trained: &Opened) -> Result<Self, Error> {
        let family = self.family().clone();
        let borders = trained.widths(&family)?;
        let graphs = Opened::all(family.space()).variants(&family)?;
        let mut sorted = self;
        // From the back: what is read decides the order, and is not changed afterwards.
        for set in Channels::of(&graphs).into_iter().rev().filter(|set| !set.tied) {
            let values = sorted.values();
            let mut outputs =
                set.axes.iter().filter(|axis| axis.outputs && family.elastic().contains_key(&axis.layer));
            let is_elastic = |axis: &Axis| 1 < family.elastic()[&axis.layer].outputs.len();
            let counts: BTreeSet<usize> = set
                .axes
                .iter()
                .filter_map(|axis| Some(around(&values.get(&weight(axis))?.0, axis)[1]))
                .collect();
            // Layers of different widths have no order in common.
            if counts.len() != 1 || !outputs.any(is_elastic) {
                continue;
            }
            let importance = importance(&set, &values).await?;
            let widths =
                set.axes.iter().filter(|axis| axis.outputs).filter_map(|axis| borders.get(&axis.layer));
            let order = order(&importance, &widths.flatten().copied().collect());
            sorted = permute(sorted, &set, &order);
        }
        Ok(sorted)
    }
}

/// The sum of absolute weights that read each channel.
async fn importance(set: &Channels, values: &Values) -> Result<Vec<f64>, Error> {
    let readers: Vec<&Axis> = set.axes.iter().filter(|axis| !axis.outputs).collect();
    let main: Vec<&&Axis> = readers.iter().filter(|axis| !axis.gate).collect();
    let counted = if main.is_empty() { readers.iter().collect() } else { main };
    let mut sums: Vec<f64> = Vec::new();
    for axis in counted {
        let Some((info, value)) = values.get(&weight(axis)) else { continue };
        let [before, channels, after] = around(info, axis);
        let read = read(ordered::sum_last(value.clone().abs().reshape([before, channels, after])).sum_dim(0))
            .await?;
        sums.resize(channels, 0.0);
        sums.iter_mut().zip(read.iter::<f64>()).for_each(|(sum, more)| *sum += more);
    }
    Ok(sums)
}

/// Descending, within the borders of these widths.
fn order(importance: &[f64], widths: &BTreeSet<usize>) -> Vec<usize> {
    let band = |channel: usize| widths.iter().filter(|width| **width <= channel).count();
    let mut order: Vec<usize> = (0..importance.len()).collect();
    order.sort_by(|a, b| band(*a).cmp(&band(*b)).then(importance[*b].total_cmp(&importance[*a])));
    order
}

fn weight(axis: &Axis) -> ParamPath {
    format!("{}.weight", axis.layer).into()
}

fn permute(supernet: Supernet, set: &Channels, order: &[usize]) -> Supernet {
    // A depthwise layer or a normalisation has one dimension for what goes in and what comes out.
    let mut axes: BTreeMap<&str, Vec<&Axis>> = BTreeMap::new();
    set.axes.iter().for_each(|axis| axes.entry(&axis.layer).or_default().push(axis));
    map(supernet, Layout::Stored, |info, value| {
        let (layer, name) = info.path.as_str().rsplit_once('.').unwrap_or_default();
        let along = axes.get(layer).into_iter().flatten();
        // What is not a weight runs over what comes out.
        let along = along.filter(|axis| axis.outputs || (name == "weight" && 1 < info.shape.len()));
        along.fold(value, |value, axis| {
            let [before, channels, after] = around(info, axis);
            // Matrices between kernels are the same for all channels.
            if name.ends_with("_matrix") {
                return value;
            }
            let indices: Vec<i64> = order.iter().map(|channel| *channel as i64).collect();
            let indices = TensorData::new(indices, [channels]);
            let indices = Tensor::<1, Int>::from_data(indices, &value.device());
            value.reshape([before, channels, after]).select(1, indices).reshape([-1])
        })
    })
}

/// How a parameter, as it is stored, looks with the dimension of an axis in the middle: how
/// much there is before it, its channels, and how much for each of them.
fn around(info: &ParamInfo, axis: &Axis) -> [usize; 3] {
    let mut shape = info.shape.clone();
    // A normalisation or a bias has one dimension.
    let mut dim = usize::from(!axis.outputs && 1 < shape.len());
    if info.transposed {
        shape.reverse();
        dim = 1 - dim;
    }
    let before = shape[..dim].iter().product();
    let after: usize = shape[dim + 1..].iter().product();
    [before, shape[dim] / axis.stride, after * axis.stride]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_channel_crosses_a_width_that_was_trained() {
        let importance = [1.0, 3.0, 2.0, 9.0, 8.0, 8.0];
        assert_eq!(order(&importance, &BTreeSet::from([6])), [3, 4, 5, 1, 2, 0]);
        assert_eq!(order(&importance, &BTreeSet::from([3, 6])), [1, 2, 0, 3, 4, 5]);
    }
}
