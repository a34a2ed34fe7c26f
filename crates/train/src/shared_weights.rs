//! Shared weights: those of one value move together.
//!
//! The gradient of a centroid is the sum of the gradients of its weights, dL/dC_k = sum_{i: I_i = k}
//! dL/dW_i, with assignments that stay (Han, Mao and Dally 2016, "Deep Compression", section 3.3). Each
//! weight gets its centroid's gradient, so that an optimiser, which treats equal numbers alike, does with
//! all of them what it would do with the centroid.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Bool, IndexingUpdateOp, Int, Tensor, TensorData};
use sapwood_backend::read_all;
use sapwood_core::{Gradients, Layout, Network, ParamPath, map, tensors};

use crate::{Error, Hook, HookError, Live, StepReport};

/// Weights that are equal when training begins stay equal, and zeros stay zero.
///
/// ```no_run
/// # async fn example<N: sapwood_core::Network>(
/// #     network: N,
/// #     recipe: sapwood_train::Recipe,
/// #     train: &dyn sapwood_core::Source,
/// #     device: &burn::prelude::Device,
/// # ) -> Result<(), sapwood_train::Error> {
/// use sapwood_train::{SharedWeights, Trainer};
///
/// let shared = SharedWeights::of(&network, &["fc1.weight".into()].into()).await?;
/// let trained = Trainer::new(recipe, device).hook(shared).run(network, train).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SharedWeights {
    groups: BTreeMap<ParamPath, Groups>,
}

/// Which weights of a parameter are equal, flat and in the stored order.
#[derive(Debug)]
struct Groups {
    /// The number of each weight's value; 0 for zero.
    codes: Tensor<1, Int>,
    /// Where each value stands first.
    places: Tensor<1, Int>,
    /// Which value is zero: the first.
    zero: Tensor<1, Bool>,
}

impl SharedWeights {
    /// Of these parameters of a network, as it is now.
    ///
    /// # Errors
    /// [`Error::NothingShared`] for a parameter that the network does not have; a device that cannot be
    /// read.
    pub async fn of<N: Network>(network: &N, paths: &BTreeSet<ParamPath>) -> Result<Self, Error> {
        let all = tensors(network, Layout::Stored).into_iter();
        let (infos, values): (Vec<_>, Vec<_>) = all.filter(|(info, _)| paths.contains(&info.path)).unzip();
        let found: BTreeSet<&ParamPath> = infos.iter().map(|info| &info.path).collect();
        if let Some(path) = paths.iter().find(|path| !found.contains(path)) {
            return Err(Error::NothingShared { path: path.clone() });
        }
        let devices: Vec<_> = values.iter().map(Tensor::device).collect();
        let values = read_all(values).await?;
        let groups = infos.into_iter().zip(values).zip(devices).map(|((info, data), device)| {
            let (codes, places) = codes(data.iter::<f32>());
            let len = places.len();
            let groups = Groups {
                codes: Tensor::from_data(TensorData::new(codes, [info.len()]), &device),
                places: Tensor::from_data(TensorData::new(places, [len]), &device),
                zero: Tensor::from_data(
                    TensorData::new((0..len).map(|at| at == 0).collect(), [len]),
                    &device,
                ),
            };
            (info.path, groups)
        });
        Ok(Self { groups: groups.collect() })
    }
}

impl Groups {
    /// For each weight the sum over all that are equal to it, and 0 for zeros.
    fn sums(&self, gradient: Tensor<1>) -> Tensor<1> {
        let sums = Tensor::zeros(self.places.shape(), &gradient.device());
        let sums = sums.scatter(0, self.codes.clone(), gradient, IndexingUpdateOp::Add);
        sums.mask_fill(self.zero.clone(), 0.0).gather(0, self.codes.clone())
    }

    /// Each weight as the first of its group.
    fn equal(&self, weights: Tensor<1>) -> Tensor<1> {
        let values = weights.select(0, self.places.clone()).mask_fill(self.zero.clone(), 0.0);
        values.gather(0, self.codes.clone())
    }
}

impl<N: Network> Hook<N> for SharedWeights {
    fn on_gradients(
        &mut self,
        _step: &StepReport,
        gradients: &mut Gradients,
        _live: &Live<N>,
    ) -> Result<(), HookError> {
        for (path, groups) in &self.groups {
            if let Some(gradient) = gradients.remove(path) {
                gradients.insert(path.clone(), groups.sums(gradient));
            }
        }
        Ok(())
    }

    fn on_step_end(&mut self, _step: &StepReport, live: &mut Live<N>) -> Result<(), HookError> {
        // The last digit of a step may depend on where in a vector register a weight was.
        live.network =
            map(live.network.clone(), Layout::Stored, |info, weights| match self.groups.get(&info.path) {
                Some(groups) => groups.equal(weights),
                None => weights,
            });
        Ok(())
    }
}

/// The number of each value, 0 for zero, and where each stands first.
fn codes(values: impl Iterator<Item = f32>) -> (Vec<i64>, Vec<i64>) {
    let mut known = BTreeMap::from([(0, 0)]);
    let mut places = vec![0];
    let code = |(place, value): (usize, f32)| {
        // A negative zero is a zero.
        let bits = if value == 0.0 { 0 } else { value.to_bits() };
        *known.entry(bits).or_insert_with(|| {
            places.push(place as i64);
            places.len() as i64 - 1
        })
    };
    let codes = values.enumerate().map(code).collect();
    (codes, places)
}

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;

    use super::*;

    #[test]
    fn equal_values_have_one_code_and_zeros_have_none_of_their_own() {
        let (codes, places) = codes([0.5, 0.0, -1.0, 0.5, -0.0, -1.0, 2.0].into_iter());
        assert_eq!(codes, [1, 0, 2, 1, 0, 2, 3]);
        assert_eq!(places, [0, 0, 2, 6]);
    }

    #[test]
    fn the_figure_of_the_paper_moves_its_centroids() {
        let codes = [3, 0, 2, 1, 1, 1, 0, 3, 0, 3, 1, 0, 3, 1, 2, 2];
        let gradient = [
            -0.03, -0.01, 0.03, 0.02, -0.01, 0.01, -0.02, 0.12, -0.01, 0.02, 0.04, 0.01, -0.07, -0.02, 0.01,
            -0.02f32,
        ];
        let device = DeviceSpec::CPU.resolve().unwrap();
        let ints = |values: Vec<i64>| {
            let len = values.len();
            Tensor::<1, Int>::from_data(TensorData::new(values, [len]), &device)
        };
        // The second centroid of the figure is 0.00, but not the zero of pruned weights.
        let groups = Groups {
            codes: ints(codes.iter().map(|code| code + 1).collect()),
            places: ints(vec![0, 1, 3, 2, 0]),
            zero: Tensor::from_data(TensorData::new(vec![true, false, false, false, false], [5]), &device),
        };
        let gradient = Tensor::from_data(TensorData::new(gradient.to_vec(), [16]), &device);
        let sums = groups.sums(gradient).into_data();
        let sums: Vec<f32> = sums.iter::<f32>().collect();
        for (code, sum) in codes.iter().zip(&sums) {
            let expected = [-0.03, 0.04, 0.02, 0.04][*code as usize];
            assert!((sum - expected).abs() < 1e-6, "{code}: {sum}");
        }
        let moved = [-1.0, 0.0, 1.5, 2.0].iter().zip([1, 3, 2, 0]).map(|(centroid, at)| centroid - sums[at]);
        for (moved, expected) in moved.zip([-0.97, -0.04, 1.48, 1.96]) {
            assert!((moved - expected).abs() < 1e-6, "{moved} should be {expected}");
        }
    }
}
