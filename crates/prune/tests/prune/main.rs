//! The laws of pruning, on a small network of Burn's own layers and on scores
//! made by hand.

mod attach;
mod channels;
mod formulas;
mod granularity;
mod paths;
mod reasons;
mod rounds;
mod stored;
mod sweep;

use std::sync::LazyLock;

use burn::{
    module::Module,
    nn::{
        BatchNorm, BatchNormConfig, Linear, LinearConfig,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{Tensor, TensorData, activation::relu},
};
use proptest::prelude::*;
use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_core::{
    Batch, Conv, Graph, Layout, ModuleState, Network, Norm, Observed, ParamInfo, ParamPath, Pass, Role,
    State, Target, infos, map, tensors,
};
use sapwood_prune::{
    ALLOCATIONS, Allocation, CRITERIA, Criterion, Cut, Error, Magnitude, MaskSet, Needs, NetworkProbe, Probe,
    Prunable, Random, Removed, Response, Scope, ScoreTensors, Scores, Snip, Sparsity, Warning, criterion,
};

#[derive(Module, Debug)]
struct Net {
    conv: Conv2d,
    bn: BatchNorm,
    fc: Linear,
}

impl Network for Net {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2> {
        let input = pass.show("conv", input);
        let x = relu(self.bn.forward(self.conv.forward(input)));
        let x: Tensor<2> = x.flatten(1, 3);
        let x = pass.show("fc", x);
        self.fc.forward(x)
    }
}

static GRAPH: LazyLock<Graph> = LazyLock::new(|| {
    let mut g = Graph::builder([1, 4, 4]);
    let x = g.input();
    let x = g.conv("conv", x, Conv::new(4, 3));
    let x = g.batch_norm("bn", x);
    let x = g.relu(x);
    let x = g.flatten(x);
    g.linear("fc", x, 3);
    g.finish().unwrap()
});

impl Observed for Net {
    fn graph(&self) -> &Graph {
        &GRAPH
    }
}

/// 36 weights in `conv`, 48 in `fc`, each with a value of its own.
fn net() -> Net {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = Net {
        conv: Conv2dConfig::new([1, 4], [3, 3]).init(&device),
        bn: BatchNormConfig::new(4).init(&device),
        fc: LinearConfig::new(16, 3).init(&device),
    };
    filled(net, |index| ((index * 37 % 101) as f32 - 50.0) / 100.0)
}

/// The network with every parameter a function of the flat index in PyTorch's
/// layout: nothing is left to Burn's initialisation, which draws anew each time.
fn filled<N: Network>(net: N, value: impl Fn(usize) -> f32) -> N {
    map(net, Layout::Torch, |info, old| match info.role != Role::Buffer {
        true => {
            let values: Vec<f32> = (0..info.len()).map(&value).collect();
            Tensor::from_data(TensorData::new(values, [info.len()]), &old.device())
        }
        false => old,
    })
}

fn batch(examples: usize) -> Batch {
    let input = (0..examples * 16).map(|index| (index * 29 % 17) as f32 / 17.0).collect();
    let classes = (0..examples).map(|index| index as u32 % 3).collect();
    Batch::new([examples, 1, 4, 4], input, Target::Class(classes)).unwrap()
}

fn sparsity(text: &str) -> Sparsity {
    text.parse().unwrap()
}

fn state<N: Network>(net: &N) -> State {
    block_on(State::read(net)).unwrap()
}

fn values<N: Network>(net: &N, path: &str) -> Vec<f32> {
    let found = tensors(net, Layout::Torch).into_iter().find(|(info, _)| info.path.as_str() == path);
    found.unwrap().1.into_data().try_to_vec().unwrap()
}

/// Layers made of thin air, named so that their order by path is not by number.
fn prunable(lens: &[usize]) -> Prunable {
    let layer = |(index, len): (usize, &usize)| ParamInfo {
        path: format!("layer{}.weight", index + 8).into(),
        role: Role::ConvWeight,
        shape: vec![*len],
        transposed: false,
    };
    Scope::default().of(&lens.iter().enumerate().map(layer).collect::<Vec<_>>()).unwrap()
}

/// Every row of the table is what it says, on the same network.
#[test]
fn every_criterion_keeps_its_promises() {
    let plain = conformance(net());
    assert!(conformance(net().train()) == plain, "a network in training is scored as one at rest");
}

fn conformance(net: Net) -> Vec<MaskSet> {
    let examples = [batch(4), batch(2)];
    let mut found = Vec::new();
    let before = block_on(State::read(&net)).unwrap();
    for row in CRITERIA {
        let criterion = criterion(row.name, Seed(1)).unwrap();
        assert_eq!((criterion.name(), criterion.needs()), (row.name, row.needs));
        let bare = NetworkProbe::new(&net);
        match (row.needs, Cut::to(sparsity("0.7")).prune_blocking(criterion.as_ref(), &bare, None)) {
            (Needs::Weights, Ok(_)) => {}
            (need, Err(Error::Unmet { need: unmet })) if unmet == need => {}
            (_, other) => panic!("{}: {other:?}", row.name),
        }
        let probe = NetworkProbe::observed(&net).with_examples(&examples);
        let prunable = criterion.scope(&probe, Scope::default().on(&net).unwrap()).unwrap();
        let score = || block_on(criterion.score(&probe, &prunable).unwrap().read()).unwrap();
        assert_eq!(score(), score(), "{} is not a function of its seed", row.name);
        assert!(score().iter().any(|(_, scores)| scores.iter().any(|score| *score != scores[0])));
        let total = prunable.weights();
        for allocation in ALLOCATIONS {
            let cut = Cut::to(sparsity("0.7")).allocation(allocation.allocation.clone());
            let masks = cut.prune_blocking(criterion.as_ref(), &probe, None).unwrap().masks;
            let kept = sparsity("0.7").kept(total);
            assert_eq!((masks.kept(), masks.total()), (kept, total), "{} {}", row.name, allocation.name);
            found.push(masks);
        }
    }
    assert_eq!(block_on(State::read(&net)).unwrap(), before, "scoring changed the network");
    found
}

#[test]
fn a_misspelt_criterion_is_told_its_name() {
    let error = criterion("magnitued", Seed(1)).unwrap_err().to_string();
    assert!(error.contains("magnitude"), "{error}");
}

#[test]
fn random_scores_stay_where_they_are_when_a_layer_is_excluded() {
    let net = net();
    let scores = |scope: Scope, seed, path: &str| {
        let scores = Random(Seed(seed)).score(&NetworkProbe::new(&net), &scope.on(&net).unwrap()).unwrap();
        block_on(scores.read()).unwrap().get(&path.into()).unwrap().to_vec()
    };
    let all = scores(Scope::default(), 1, "fc.weight");
    assert_eq!(scores(Scope::excluding(["conv.*"]).unwrap(), 1, "fc.weight"), all);
    assert_ne!(scores(Scope::default(), 2, "fc.weight"), all);
    assert_ne!(scores(Scope::default(), 1, "conv.weight"), all[..36]);
    assert!(all.iter().all(|score| (0.0..1.0).contains(score)));
}

/// Burn stores a linear weight as `[in, out]`; ranks and ties go by `[out, in]`.
#[test]
fn equal_weights_of_a_linear_layer_are_kept_in_pytorchs_order() {
    let net = filled(net(), |_| 0.5);
    let cut = Cut::to(sparsity("0.5")).scope(Scope::excluding(["conv.weight"]).unwrap());
    let masks = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap();
    assert!(masks.get(&"fc.weight".into()).unwrap().iter().eq((0..48).map(|index| index < 24)));

    let pruned = masks.apply(net).unwrap();
    // 24 weights are the first row of outputs and half of the second.
    let stored: Vec<f32> = pruned.fc.weight.val().into_data().try_to_vec().unwrap();
    for (position, weight) in stored.iter().enumerate() {
        let (input, output) = (position / 3, position % 3);
        let kept = output == 0 || output == 1 && input < 8;
        assert_eq!(*weight, if kept { 0.5 } else { 0.0 }, "input {input}, output {output}");
    }
    assert!(values(&pruned, "conv.weight").iter().all(|weight| *weight == 0.5), "excluded, so dense");
}

#[test]
fn ties_between_layers_go_to_the_first_path() {
    // Zeros, but for one weight of the first layer.
    let one = |info: &ParamInfo| {
        (0..3).map(|at| f64::from(info.path.as_str() == "layer10.weight" && at == 2)).collect()
    };
    let scores = Scores::try_from_fn(&prunable(&[3, 3, 3]), one).unwrap();
    let masks = MaskSet::of_scores(&scores, sparsity("0.5"), &Allocation::Global, None).unwrap();
    let kept: Vec<_> = masks.layers().iter().map(|layer| (layer.path.to_string(), layer.kept)).collect();
    // 9 - floor(4.5 + 0.5) = 4; as text, layer10 comes before layer8.
    let expected = [("layer10.weight", 3), ("layer8.weight", 1), ("layer9.weight", 0)];
    assert_eq!(kept, expected.map(|(path, kept)| (path.to_string(), kept)));
    assert!(masks.get(&"layer8.weight".into()).unwrap().get(0));
    let collapsed = Warning::LayerCollapse { layers: vec!["layer9.weight".into()], total: 3 };
    assert_eq!(masks.warnings(), [collapsed]);
    // Of two in a thousand the first path's goes ahead too.
    let two = Scores::try_from_fn(&prunable(&[1000, 1000]), |info| {
        (0..info.len()).map(|at| at.max(1) as f64).collect()
    });
    let masks = MaskSet::of_scores(&two.unwrap(), sparsity("0.9985"), &Allocation::Global, None).unwrap();
    let kept: Vec<usize> = masks.layers().iter().map(|layer| layer.kept).collect();
    assert_eq!(kept, [2, 1]);
}

#[test]
fn many_equal_weights_are_drawn_in_each_layer_so_that_none_is_empty() {
    let scores = Scores::try_from_fn(&prunable(&[3000, 300, 30]), |info| vec![0.05; info.len()]).unwrap();
    let cut = |written| MaskSet::of_scores(&scores, sparsity(written), &Allocation::Global, None).unwrap();
    for (written, expected) in [("0.5", [15, 1500, 150]), ("0.9", [3, 300, 30]), ("0.9991", [1, 1, 1])] {
        let masks = cut(written);
        let kept: Vec<usize> = masks.layers().iter().map(|layer| layer.kept).collect();
        assert_eq!(kept, expected, "{written}");
        let large = masks.get(&"layer8.weight".into()).unwrap();
        let early = (0..1500).filter(|at| large.get(*at)).count();
        let half = expected[1] * 2 / 5..=expected[1] * 3 / 5;
        assert!(expected[1] == 1 || half.contains(&early), "all over the layer, not {early}");
        assert_eq!(masks, cut(written), "the same scores give the same masks");
    }
    // In layers that are ranked by themselves the order decides.
    let uniform = MaskSet::of_scores(&scores, sparsity("0.5"), &Allocation::Uniform, None).unwrap();
    assert!(uniform.as_masks().values().all(|mask| (0..mask.len() / 2).all(|at| mask.get(at))));
}

#[test]
fn a_million_equal_scores_are_cut_to_the_weight() {
    let scores = Scores::try_from_fn(&prunable(&[600_000, 400_001]), |info| vec![-1.5; info.len()]).unwrap();
    for (written, kept) in [("0", 1_000_001), ("0.9", 100_000), ("99.9999%", 1), ("1", 0)] {
        for row in ALLOCATIONS {
            let masks = MaskSet::of_scores(&scores, sparsity(written), &row.allocation, None).unwrap();
            assert_eq!(masks.kept(), kept, "{written} {}", row.name);
        }
    }
    let empty = MaskSet::of_scores(&scores, sparsity("1"), &Allocation::Global, None).unwrap();
    assert_eq!(empty.warnings(), [Warning::NothingKept { total: 1_000_001 }]);
}

#[test]
fn scores_that_cannot_be_ranked_name_their_parameter() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let net = filled(net(), |index| if index == 40 { bad } else { 1.0 });
        let cut = Cut::to(sparsity("0.5"));
        let error = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap_err();
        let Error::NotFinite { path, count: 1, index: 40, .. } = &error else { panic!("{error}") };
        assert_eq!(path.as_str(), "fc.weight");
    }
}

#[test]
fn masks_of_another_model_are_refused_with_a_list() {
    let net = net();
    let other = MaskSet::dense(&prunable(&[5]));
    let fit = MaskSet::dense(&Scope::default().on(&net).unwrap());
    let error = other.apply(net.clone()).unwrap_err().to_string();
    assert_eq!(error, "the masks do not belong to this network: unexpected layer8.weight");

    let mut masks = fit.clone().into_masks();
    masks.insert("fc.weight".into(), (0..7).map(|_| true).collect());
    let wrong = MaskSet::from(masks);
    let error = wrong.fits(&net).unwrap_err().to_string();
    assert!(error.ends_with("fc.weight should be [3, 16] but is [7]"), "{error}");

    let error = fit.and(&other).unwrap_err().to_string();
    assert!(error.contains("missing layer8.weight") && error.contains("unexpected conv.weight"), "{error}");
    let cut = Cut::to(sparsity("0.5"));
    assert!(cut.masks_blocking(&Magnitude, &NetworkProbe::new(&net), Some(&other)).is_err());
}

/// A criterion of another crate, under which weights may return.
#[derive(Debug)]
struct Last;

impl Criterion for Last {
    fn name(&self) -> &str {
        "last"
    }

    fn removed(&self) -> Removed {
        Removed::MayReturn
    }

    fn score(&self, _probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let device = DeviceSpec::CPU.resolve()?;
        ScoreTensors::try_from_fn(prunable, |info| {
            let scores: Vec<f32> = (0..info.len()).map(|index| index as f32).collect();
            Ok(Tensor::from_data(TensorData::new(scores, [info.len()]), &device))
        })
    }
}

#[test]
fn what_is_removed_returns_only_under_a_criterion_that_says_so() {
    let net = net();
    let cut = |text| Cut::to(sparsity(text));
    let half = cut("0.5").masks_blocking(&Magnitude, &NetworkProbe::new(&net), None).unwrap();
    let net = half.apply(net).unwrap();
    let probe = NetworkProbe::new(&net);
    let random = cut("0.7").masks_blocking(&Random(Seed(3)), &probe, Some(&half)).unwrap();
    assert!(random.is_subset(&half).unwrap() && random.kept() == 25);
    let last = cut("0.7").masks_blocking(&Last, &probe, Some(&half)).unwrap();
    assert!(!last.is_subset(&half).unwrap() && last.kept() == 25);
    let denser = cut("0.4").masks_blocking(&Magnitude, &probe, Some(&half)).unwrap_err();
    assert!(matches!(denser, Error::TooFewAlive { asked: 50, total: 84, alive: 42 }), "{denser}");
}

/// `fc` is pruned alone, then `conv` alone, then both.
#[test]
fn masks_out_of_scope_are_carried_over() {
    let net = net();
    let probe = NetworkProbe::new(&net);
    let cut = |exclude: &[&str]| Cut::to(sparsity("0.5")).scope(Scope::excluding(exclude).unwrap());
    let first = cut(&["conv.*"]).masks_blocking(&Magnitude, &probe, None).unwrap();
    for criterion in [&Magnitude as &dyn Criterion, &Last] {
        let second = cut(&["fc.*"]).masks_blocking(criterion, &probe, Some(&first)).unwrap();
        assert_eq!(second.get(&"fc.weight".into()), first.get(&"fc.weight".into()), "{}", criterion.name());
        let kept: Vec<_> = second.layers().iter().map(|layer| layer.kept).collect();
        assert_eq!(kept, [18, 24], "{}", criterion.name());
    }
    let both = cut(&[]).masks_blocking(&Magnitude, &probe, Some(&first)).unwrap();
    assert_eq!((both.kept(), both.total()), (42, 84), "what had no mask was dense");
}

#[derive(Module, Debug)]
struct Softmax {
    fc: Linear,
}

impl Network for Softmax {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
        self.fc.forward(input.flatten(1, 3))
    }
}

/// Of a softmax regression the gradient is known: `(p - y) x`, averaged.
#[test]
fn snip_is_the_sensitivity_that_the_formula_gives() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = Softmax { fc: LinearConfig::new(2, 2).with_bias(false).init(&device) };
    let weights = [0.5f32, -1.0, 2.0, 0.25];
    let net = filled(net, |index| weights[index]);
    let inputs = [[1.0f32, 2.0], [3.0, -1.0], [0.5, 0.5]];
    let classes = [1u32, 0, 0];
    let part = |range: std::ops::Range<usize>| {
        let input = inputs[range.clone()].concat();
        Batch::new([range.len(), 1, 1, 2], input, Target::Class(classes[range].to_vec())).unwrap()
    };
    let batches = [part(0..2), part(2..3)];
    let mut expected = [0.0f64; 4];
    for range in [0..2, 2..3] {
        let mut gradient = [0.0f64; 4];
        for example in range {
            let [a, b] = inputs[example].map(f64::from);
            let logits = [0.5 * a - b, 2.0 * a + 0.25 * b];
            let sum: f64 = logits.iter().map(|z| z.exp()).sum();
            for class in 0..2 {
                let error =
                    logits[class].exp() / sum - f64::from(u8::from(classes[example] as usize == class));
                gradient[2 * class] += error * a;
                gradient[2 * class + 1] += error * b;
            }
        }
        for (index, gradient) in gradient.iter().enumerate() {
            expected[index] += (f64::from(weights[index]) * gradient).abs() / 3.0;
        }
    }
    let prunable = Scope::default().on(&net).unwrap();
    let snip = Snip::default();
    let probe = NetworkProbe::new(&net).with_examples(&batches);
    let scores = block_on(snip.score(&probe, &prunable).unwrap().read()).unwrap();
    for (score, expected) in scores.get(&"fc.weight".into()).unwrap().iter().zip(expected) {
        assert!((score - expected).abs() < 1e-6, "{score} {expected}");
    }
}

#[test]
fn a_frozen_layer_has_gradient_zero() {
    let mut net = net();
    net.conv = net.conv.no_grad();
    let gradient = NetworkProbe::new(&net).gradient(Response::loss(&batch(3)), Norm::Running, None).unwrap();
    let sum = |path: &str| gradient.get(&path.into()).unwrap().abs().sum().into_scalar::<f32>();
    assert_eq!(sum("conv.weight"), 0.0);
    assert!(sum("fc.weight") > 0.0);
    let frozen = net.clone().no_grad();
    let none = NetworkProbe::new(&frozen).gradient(Response::loss(&batch(3)), Norm::Running, None).unwrap();
    assert_eq!(none.get(&"fc.weight".into()).unwrap().abs().sum().into_scalar::<f32>(), 0.0);
    let biases = infos(&net).into_iter().filter(|info| info.role != Role::Buffer);
    assert!(biases.map(|info| gradient.get(&info.path)).all(|found| found.is_ok()));
    assert!(gradient.get(&ParamPath::from("bn.running_mean")).is_err());
}

fn layers_of_few_values() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let value = prop::sample::select(vec![-2.0, -1e-300, -0.0, 0.0, 1e-300, 0.5, 0.5, 7.0]);
    prop::collection::vec(prop::collection::vec(value, 1..60), 1..6)
}

fn scores_of(layers: &[Vec<f64>]) -> Scores {
    let lens: Vec<usize> = layers.iter().map(Vec::len).collect();
    let prunable = prunable(&lens);
    let number = |path: &ParamPath| path.layer().trim_start_matches("layer").parse::<usize>().unwrap() - 8;
    Scores::try_from_fn(&prunable, |info| layers[number(&info.path)].clone()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_count_is_exact_and_sparser_masks_are_nested(
        layers in layers_of_few_values(),
        a in 0u32..=1000,
        b in 0u32..=1000,
    ) {
        let scores = scores_of(&layers);
        let total: usize = layers.iter().map(Vec::len).sum();
        let thousandths = |value: u32| sparsity(&format!("{}.{:03}", value / 1000, value % 1000));
        let (low, high) = (thousandths(a.min(b)), thousandths(a.max(b)));
        let select = |sparsity, alive| MaskSet::of_scores(&scores, sparsity, &Allocation::Global, alive).unwrap();
        let (dense, sparse) = (select(low, None), select(high, None));
        prop_assert_eq!(dense.kept(), total - (total * a.min(b) as usize + 500) / 1000);
        prop_assert_eq!(sparse.kept(), total - (total * a.max(b) as usize + 500) / 1000);
        prop_assert!(sparse.is_subset(&dense).unwrap());
        prop_assert_eq!(&select(high, Some(&dense)), &sparse, "in two steps as in one");
        for row in ALLOCATIONS {
            let masks = MaskSet::of_scores(&scores, high, &row.allocation, None).unwrap();
            prop_assert_eq!(masks.kept(), sparse.kept(), "{}", row.name);
            let within = MaskSet::of_scores(&scores, high, &row.allocation, Some(&dense)).unwrap();
            prop_assert!(within.is_subset(&dense).unwrap());
            prop_assert_eq!(within.kept(), sparse.kept());
        }
        prop_assert_eq!(dense.minus(&sparse).unwrap().or(&sparse).unwrap(), dense);
    }
}
