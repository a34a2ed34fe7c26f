//! Criteria that look at what layers see.

use std::sync::LazyLock;

use burn::nn::LinearConfig;
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{Batch, Bits, Graph, Layout, Masks, Network, Observed, Pass, Target, Values, tensors};
use sapwood_prune::{
    Ablation, Criterion, Cut, Error, LayerColumns, LayerProblem, Magnitude, Needs, NetworkProbe,
    ParamTensors, Pruned, Reconstruction, Scope, SparseGpt, Wanda,
};

use super::{Net, Softmax, batch, net, sparsity};

/// Every column of the matrix, by its definition: the pixel that a weight sees.
fn columns(input: &Batch) -> Vec<Vec<f64>> {
    let Values::Float(pixels) = &input.inputs()[0].values else { unreachable!("images are numbers") };
    let at = |n: usize, y: usize, x: usize| f64::from(pixels[n * 16 + y * 4 + x]);
    let mut rows = Vec::new();
    for (n, y, x) in (0..input.len()).flat_map(|n| (0..2).flat_map(move |y| (0..2).map(move |x| (n, y, x)))) {
        rows.push((0..9).map(|k| at(n, y + k / 3, x + k % 3)).collect());
    }
    rows
}

#[test]
fn columns_are_the_pixels_that_each_weight_sees() {
    let (net, examples) = (net(), [batch(4), batch(2)]);
    let probe = NetworkProbe::observed(&net).with_examples(&examples).in_f64();
    let prunable = Scope::default().on(&net).unwrap();
    let layers = LayerColumns::of(&probe, &prunable).unwrap();
    let seen: Vec<Vec<f64>> = examples.iter().flat_map(columns).collect();
    let gram = layers.gram(&probe, None, &"conv.weight".into()).unwrap();
    assert_eq!((gram.columns, gram.sum.dims()), (24, [1, 9, 9]));
    let found: Vec<f64> = gram.sum.into_data().iter().collect();
    for (at, found) in found.iter().enumerate() {
        let expected: f64 = seen.iter().map(|x| x[at / 9] * x[at % 9]).sum();
        assert!((found - expected).abs() < 1e-10 * expected, "{at}: {found} {expected}");
    }
    let scores = block_on(Wanda.score(&probe, &prunable).unwrap().read()).unwrap();
    let weights = super::values(&net, "conv.weight");
    for (at, score) in scores.get(&"conv.weight".into()).unwrap().iter().enumerate() {
        let norm = seen.iter().map(|x| x[at % 9].powi(2)).sum::<f64>().sqrt();
        let expected = f64::from(weights[at]).abs() * norm;
        assert!((score - expected).abs() < 1e-10, "{at}: {score} {expected}");
    }
}

/// Without dampening and in one block of one column's choice, what is left is the
/// least-squares solution: no change of the kept weights gives a smaller error.
#[test]
fn kept_weights_make_up_for_removed_ones() {
    let (rows, n, inputs) = (2, 4, 50);
    let x: Vec<f64> =
        (0..inputs * n).map(|i| ((i * 37 % 101) as f64 - 50.0) / 50.0 + (i % n) as f64 / 4.0).collect();
    let gram: Vec<f64> =
        (0..n * n).map(|at| (0..inputs).map(|i| x[i * n + at / n] * x[i * n + at % n]).sum()).collect();
    let weights: Vec<f64> = (0..rows * n).map(|i| [1.0, -2.0, 0.5, 1.5, 0.1, 3.0, -1.0, 0.7][i]).collect();
    // The first column alone may go: with weights after it that can all make up for it.
    let alive: Bits = (0..rows * n).map(|at| at % n != 0).collect();
    let path = "fc.weight".into();
    let problem = LayerProblem {
        path: &path,
        weights: weights.clone(),
        rows,
        columns: n,
        gram: gram.clone(),
        inputs,
        keep: 6,
        keep_of_rows: None,
        pattern: None,
        alive,
    };
    let swept = SparseGpt { dampening: 0.0, block: 2 }.sweep(problem).unwrap();
    assert_eq!(swept.mask.iter().collect::<Vec<_>>(), [false, true, true, true, false, true, true, true]);
    for row in 0..rows {
        let change: Vec<f64> = (0..n).map(|j| swept.weights[row * n + j] - weights[row * n + j]).collect();
        // The error's gradient, G (w' - w), vanishes at every weight that is kept.
        for j in 1..n {
            let gradient: f64 = (0..n).map(|k| gram[j * n + k] * change[k]).sum();
            assert!(gradient.abs() < 1e-9, "row {row}, column {j}: {gradient}");
        }
    }
}

fn outputs(net: &Net, examples: &[Batch]) -> Vec<f64> {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let run = |batch: &Batch| net.forward(batch.input(&device).unwrap(), &mut Pass::evaluate()).into_data();
    examples.iter().flat_map(|batch| run(batch).iter::<f64>().collect::<Vec<_>>()).collect()
}

#[test]
fn sparsegpt_keeps_exact_counts_and_stays_closer_than_its_masks_alone() {
    let (net, examples) = (net(), [batch(64)]);
    let probe = NetworkProbe::observed(&net).with_examples(&examples).in_f64();
    let cut = Cut::to(sparsity("0.5")).allocation(sapwood_prune::Allocation::Uniform);
    let pruned = cut.prune_blocking(&SparseGpt { block: 5, ..SparseGpt::default() }, &probe, None).unwrap();
    assert_eq!(pruned.masks.layers().iter().map(|layer| layer.kept).collect::<Vec<_>>(), [18, 24]);
    // What is masked is zero, in the new values too.
    let applied = pruned.apply(net.clone()).unwrap();
    for (info, value) in tensors(&applied, Layout::Torch) {
        if let Some(mask) = pruned.masks.get(&info.path) {
            let values: Vec<f64> = value.into_data().iter().collect();
            assert!(values.iter().zip(mask.iter()).all(|(value, keep)| keep || *value == 0.0));
        }
    }

    // The error that is made small is that of a layer: of the last one, the outputs'.
    let cut = cut.scope(Scope::excluding(["conv.*"]).unwrap());
    let pruned = cut.prune_blocking(&SparseGpt { block: 5, ..SparseGpt::default() }, &probe, None).unwrap();
    let dense = outputs(&net, &examples);
    let far = |net: &Net| {
        let found = outputs(net, &examples);
        found.iter().zip(&dense).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
    };
    let made_up_for = far(&pruned.apply(net.clone()).unwrap());
    let masks_alone = far(&pruned.masks.apply(net.clone()).unwrap());
    let magnitude = cut.prune_blocking(&Magnitude, &probe, None).unwrap();
    assert!(magnitude.weights.is_none());
    assert!(made_up_for < masks_alone, "{made_up_for} {masks_alone}");
    assert!(made_up_for < far(&magnitude.apply(net).unwrap()));
}

#[test]
fn sparsegpt_keeps_of_each_output_what_the_allocation_says() {
    let (net, examples) = (net(), [batch(64)]);
    let probe = NetworkProbe::observed(&net).with_examples(&examples).in_f64();
    let rows = Cut::to(sparsity("0.5")).allocation(sapwood_prune::Allocation::Rows);
    let kept_of_rows = |masks: &sapwood_prune::MaskSet| -> Vec<usize> {
        let mask = masks.get(&"conv.weight".into()).unwrap();
        (0..mask.len() / 9).map(|row| (0..9).filter(|at| mask.get(row * 9 + at)).count()).collect()
    };
    let swept = rows.prune_blocking(&SparseGpt { block: 5, ..SparseGpt::default() }, &probe, None).unwrap();
    let ranked = rows.masks_blocking(&Magnitude, &probe, None).unwrap();
    assert_eq!(kept_of_rows(&swept.masks), kept_of_rows(&ranked));
    let uniform = rows.allocation(sapwood_prune::Allocation::Uniform);
    let swept =
        uniform.prune_blocking(&SparseGpt { block: 5, ..SparseGpt::default() }, &probe, None).unwrap();
    assert_ne!(kept_of_rows(&swept.masks), kept_of_rows(&ranked));
}

#[test]
fn sparsegpt_takes_patterns_and_refuses_what_it_cannot_divide() {
    let (net, examples) = (net(), [batch(64)]);
    let probe = NetworkProbe::observed(&net).with_examples(&examples).in_f64();
    let cut = Cut::to(sparsity("0.5")).granularity("2:4".parse().unwrap());
    let error = cut.prune_blocking(&SparseGpt::default(), &probe, None).unwrap_err().to_string();
    assert!(error.contains("the 1 inputs of `conv.weight` cannot be divided so"), "{error}");
    let linear = cut.scope(Scope::excluding(["conv.*"]).unwrap());
    let Pruned { masks, weights, .. } = linear.prune_blocking(&SparseGpt::default(), &probe, None).unwrap();
    let fc = masks.get(&"fc.weight".into()).unwrap();
    assert!((0..12).all(|group| (0..4).filter(|i| fc.get(4 * group + i)).count() == 2));
    assert!(weights.unwrap().find(&"conv.weight".into()).is_none());
    // All columns are one block, however wide it may be.
    let widest = SparseGpt { block: usize::MAX, ..SparseGpt::default() };
    assert_eq!(linear.prune_blocking(&widest, &probe, None).unwrap().masks, masks);
    let blocks = Cut::to(sparsity("0.5")).granularity("2x2".parse().unwrap());
    assert!(blocks.prune_blocking(&SparseGpt::default(), &probe, None).is_err());
}

#[test]
fn masks_alone_are_refused_to_a_criterion_that_also_changes_what_it_keeps() {
    let (net, examples) = (net(), [batch(4)]);
    let probe = NetworkProbe::observed(&net).with_examples(&examples);
    let cut = Cut::to(sparsity("0.5"));
    let error = cut.masks_blocking(&SparseGpt::default(), &probe, None).unwrap_err();
    assert!(matches!(&error, Error::ChangesWeights { criterion } if criterion == "sparsegpt"), "{error}");
    assert!(error.to_string().contains("`Cut::prune`"), "{error}");
    let error =
        cut.ablation(Ablation::Shuffle).prune_blocking(&SparseGpt::default(), &probe, None).unwrap_err();
    assert!(
        matches!(&error, Error::NothingToAblate { criterion, .. } if criterion == "sparsegpt"),
        "{error}"
    );
}

#[test]
fn new_weights_of_another_network_are_refused() {
    let (net, examples) = (net(), [batch(64)]);
    let probe = NetworkProbe::observed(&net).with_examples(&examples).in_f64();
    let cut = Cut::to(sparsity("0.5")).scope(Scope::excluding(["conv.*"]).unwrap());
    let pruned = cut.prune_blocking(&SparseGpt::default(), &probe, None).unwrap();
    let device = DeviceSpec::CPU.resolve().unwrap();
    let narrow = Softmax { fc: LinearConfig::new(8, 3).init(&device) };
    let error = pruned.apply(narrow.clone()).unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");

    let unmasked = Pruned { masks: Masks::new().into(), ..pruned };
    let error = unmasked.apply(narrow).unwrap_err().to_string();
    assert_eq!(error, "the weights do not fit the network: fc.weight should be [3, 8] but is [48]");
    let weights = unmasked.weights.unwrap();
    let weights: ParamTensors = weights.iter().map(|(_, new)| ("head.weight".into(), new.clone())).collect();
    let renamed = Pruned { masks: unmasked.masks, weights: Some(weights), warnings: Vec::new() };
    let error = renamed.apply(net.clone()).unwrap_err().to_string();
    assert_eq!(error, "the weights do not fit the network: unexpected head.weight");
}

/// It has a graph, and its forward pass shows nothing.
impl Observed for Softmax {
    fn graph(&self) -> &Graph {
        static GRAPH: LazyLock<Graph> = LazyLock::new(|| {
            let mut g = Graph::builder([1, 1, 2]);
            let x = g.flatten(g.input());
            g.linear("fc", x, 2);
            g.finish().unwrap()
        });
        &GRAPH
    }
}

#[test]
fn a_layer_whose_input_is_not_shown_is_named() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = Softmax { fc: LinearConfig::new(2, 2).init(&device) };
    let examples = [Batch::new([2, 1, 1, 2], vec![1.0, 0.0, 0.0, 1.0], Target::Class(vec![0, 1])).unwrap()];
    let probe = NetworkProbe::observed(&net).with_examples(&examples);
    for criterion in [&Wanda as &dyn Criterion, &SparseGpt::default()] {
        let error = Cut::to(sparsity("0.5")).prune_blocking(criterion, &probe, None).unwrap_err();
        assert!(matches!(&error, Error::NotShown { path } if path.as_str() == "fc.weight"), "{error}");
        assert!(error.to_string().contains("what comes into `fc`: call `Pass::show`"), "{error}");
    }
}

#[test]
fn a_network_that_shows_nothing_cannot_be_asked_what_its_layers_see() {
    let (net, examples) = (net(), [batch(4)]);
    let probe = NetworkProbe::new(&net).with_examples(&examples);
    let error = Cut::to(sparsity("0.5")).masks_blocking(&Wanda, &probe, None).unwrap_err().to_string();
    assert!(error.contains("the inputs of the layers") && error.contains("implement `Observed`"), "{error}");
    // Nor can one of which there are no examples.
    let probe = NetworkProbe::observed(&net);
    for criterion in [&Wanda as &dyn Criterion, &SparseGpt::default()] {
        let error = Cut::to(sparsity("0.5")).prune_blocking(criterion, &probe, None).unwrap_err();
        assert!(matches!(error, Error::Unmet { need: Needs::LayerInputs }), "{error}");
    }
}
