//! What gradual pruning leaves, and by which numbers.

use std::collections::BTreeMap;

use burn::{
    module::Module,
    nn::conv::{ConvTranspose2d, ConvTranspose2dConfig},
    tensor::Tensor,
};
use sapwood_backend::{DeviceSpec, Seed};
use sapwood_core::{Gradients, Layout, Masks, Network, ParamPath, Pass, Source, Step, infos};
use sapwood_prune::{Allocation, Sparsity};
use sapwood_sparse::{During, GradualScore, SparseTraining};
use sapwood_train::{Hook, HookError, Live, Recipe, Sgd, StepReport, Trainer};

use crate::small::{Examples, TwoLayers, read, weights};

fn at(iterations: usize) -> Step {
    Step::At { epochs: 0, iterations }
}

/// Half of the weights go in iterations 2 to 8.
fn gradual(score: GradualScore) -> SparseTraining {
    let during = During::Gradual { score, begin: at(2), end: at(8), every: at(2) };
    during.to("0.5".parse().unwrap(), Allocation::Global)
}

/// The movement of each weight, added up beside the method, and the masks after each step.
#[derive(Default)]
struct Beside {
    moved: BTreeMap<ParamPath, Vec<f32>>,
    after: Vec<(BTreeMap<ParamPath, Vec<f32>>, Masks)>,
}

impl Hook<TwoLayers> for &mut Beside {
    fn on_gradients(
        &mut self,
        _: &StepReport,
        gradients: &mut Gradients,
        live: &Live<TwoLayers>,
    ) -> Result<(), HookError> {
        let known = infos(&live.network);
        for (path, w) in weights(live) {
            let info = known.iter().find(|info| info.path == path).unwrap();
            let g = info.reorder(gradients[&path].clone(), Layout::Stored, Layout::Torch);
            let g = read([(path.clone(), g)].into_iter()).remove(0).1;
            let sums = self.moved.entry(path).or_insert_with(|| vec![0.0; w.len()]);
            sums.iter_mut().zip(w.iter().zip(&g)).for_each(|(sum, (w, g))| *sum -= w * g);
        }
        Ok(())
    }

    fn on_step_end(&mut self, _: &StepReport, live: &mut Live<TwoLayers>) -> Result<(), HookError> {
        self.after.push((self.moved.clone(), live.masks().clone()));
        Ok(())
    }
}

fn trained(score: GradualScore) -> Beside {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = TwoLayers::new(&device);
    let recipe = Recipe::new(1, Sgd { momentum: 0.9, nesterov: false }, 0.05);
    let plan = recipe.clone().plan(Examples.batches()).unwrap();
    let hook = gradual(score).hook(&plan, Seed(1), &net, &Masks::new()).unwrap();
    let mut beside = Beside::default();
    Trainer::new(recipe, &device).hooks([hook]).hook(&mut beside).run_blocking(net, &Examples).unwrap();
    beside
}

fn kept(masks: &Masks) -> usize {
    masks.values().map(|mask| mask.count_ones()).sum()
}

#[test]
fn half_of_the_weights_are_gone_in_the_end_and_none_came_back() {
    for score in [GradualScore::Magnitude, GradualScore::Movement] {
        let beside = trained(score);
        assert_eq!(beside.after.len(), 12);
        let (_, last) = beside.after.last().unwrap();
        assert_eq!((kept(last), kept(&beside.after[8].1)), (1110, 1110), "of 30 * 64 + 10 * 30");
        let pairs = beside.after[2..].windows(2);
        for (path, before, after) in pairs.flat_map(|pair| {
            pair[0].1.iter().map(|(path, before)| (path.clone(), before.clone(), pair[1].1[path].clone()))
        }) {
            assert!((0..before.len()).all(|bit| before.get(bit) || !after.get(bit)), "{path}");
        }
    }
}

#[test]
fn the_weights_that_moved_most_towards_zero_go_first() {
    let beside = trained(GradualScore::Movement);
    // The first that removes any: 1 - (2/3)^3 of the half.
    let (moved, masks) = &beside.after[4];
    let gone = 2220 - kept(masks);
    assert_eq!(gone, (0.5 * (1.0 - (2.0_f64 / 3.0).powi(3)) * 2220.0 + 0.5).floor() as usize);
    let (mut least_kept, mut most_gone) = (f32::INFINITY, f32::NEG_INFINITY);
    for (path, mask) in masks {
        for (bit, sum) in moved[path].iter().enumerate() {
            match mask.get(bit) {
                true => least_kept = least_kept.min(*sum),
                false => most_gone = most_gone.max(*sum),
            }
        }
    }
    assert!(most_gone <= least_kept + 1e-6, "{most_gone} went, {least_kept} stayed");
}

#[test]
fn what_cannot_be_kept_is_refused_before_the_first_step() {
    let plan = |epochs| {
        Recipe::new(epochs, Sgd { momentum: 0.9, nesterov: false }, 0.05).plan(Examples.batches()).unwrap()
    };
    let late = During::Gradual { score: GradualScore::Magnitude, begin: at(2), end: at(12), every: at(2) };
    let late = late.to(Sparsity::try_from(0.5).unwrap(), Allocation::Global);
    let refused = late.check(&plan(1)).unwrap_err().to_string();
    assert!(refused.starts_with("`end of the gradual pruning` must be "), "{refused}");
    late.check(&plan(2)).unwrap();
}

#[derive(Module, Debug)]
struct Up {
    up: ConvTranspose2d,
}

impl Network for Up {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, _: &mut Pass<'_>) -> Tensor<2> {
        self.up.forward(input).flatten(1, 3)
    }
}

#[test]
fn rows_of_a_transposed_convolution_are_refused_before_the_first_step() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = Up { up: ConvTranspose2dConfig::new([1, 2], [2, 2]).init(&device) };
    let plan = Recipe::new(1, Sgd { momentum: 0.9, nesterov: false }, 0.05).plan(Examples.batches()).unwrap();
    for score in [GradualScore::Magnitude, GradualScore::Movement] {
        let during = During::Gradual { score, begin: at(2), end: at(8), every: at(2) };
        let rule = during.to("0.5".parse().unwrap(), Allocation::Rows);
        let error = rule.hook(&plan, Seed(1), &net, &Masks::new()).err().unwrap().to_string();
        assert!(error.contains("`up.weight`") && error.contains("the allocation `rows`"), "{error}");
    }
}
