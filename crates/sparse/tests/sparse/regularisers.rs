//! What regularisers add to gradients and take from filters.

use burn::{
    module::Module,
    nn::conv::{Conv2d, Conv2dConfig},
    nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig},
    tensor::{Tensor, TensorData, activation::relu},
};
use sapwood_backend::DeviceSpec;
use sapwood_core::{
    Batch, Conv, ExampleShape, Gradients, Graph, Layout, Network, Observed, ParamPath, Pass, Role, Source,
    SourceError, Target, map, tensors,
};
use sapwood_sparse::Regulariser;
use sapwood_train::{Hook, HookError, Live, Recipe, Sgd, StepReport, Trainer};
use std::{collections::BTreeMap, sync::LazyLock};

#[derive(Module, Debug)]
struct Net {
    conv: Conv2d,
    bn: BatchNorm,
    fc: Linear,
}

impl Network for Net {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, _: &mut Pass<'_>) -> Tensor<2> {
        let x = relu(self.bn.forward(self.conv.forward(input)));
        self.fc.forward(x.flatten(1, 3))
    }
}

static GRAPH: LazyLock<Graph> = LazyLock::new(|| {
    let mut g = Graph::builder([1, 2, 2]);
    let x = g.conv("conv", g.input(), Conv::new(3, 1).no_bias());
    let x = g.batch_norm("bn", x);
    let x = g.relu(x);
    let x = g.flatten(x);
    g.linear("fc", x, 2);
    g.finish().unwrap()
});

impl Observed for Net {
    fn graph(&self) -> &Graph {
        &GRAPH
    }
}

/// The norms of the three channels are in order: the first is the largest.
fn net() -> Net {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = Net {
        conv: Conv2dConfig::new([1, 3], [1, 1]).with_bias(false).init(&device),
        bn: BatchNormConfig::new(3).init(&device),
        fc: LinearConfig::new(12, 2).init(&device),
    };
    map(net, Layout::Torch, |info, old| {
        let channel = |at: usize| if info.path.as_str() == "fc.weight" { at % 12 / 4 } else { at % 3 };
        let values: Vec<f32> = (0..info.len()).map(|at| [0.8, -0.4, 0.2][channel(at)]).collect();
        match info.role {
            Role::Buffer => old,
            _ => Tensor::from_data(TensorData::new(values, [info.len()]), &old.device()),
        }
    })
}

/// Two epochs of two batches.
struct Two;

impl Source for Two {
    fn examples(&self) -> usize {
        4
    }
    fn batches(&self) -> usize {
        2
    }
    fn shape(&self) -> ExampleShape {
        [1, 2, 2].into()
    }
    fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        let batch = |at: usize| {
            let input = (0..8).map(|i| ((i * 7 + at * 3) % 5) as f32 / 5.0).collect();
            Batch::new([2, 1, 2, 2], input, Target::Class(vec![0, 1])).map_err(SourceError::from)
        };
        Box::new((0..2).map(batch).skip(from))
    }
}

type Values = BTreeMap<ParamPath, Vec<f64>>;

fn read(tensors: impl Iterator<Item = (ParamPath, Tensor<1>)>) -> Values {
    tensors.map(|(path, value)| (path, value.into_data().iter::<f64>().collect())).collect()
}

/// What each step had: gradients before and after a rule, and weights.
#[derive(Default)]
struct Seen {
    gradients: Vec<Values>,
    weights: Vec<Values>,
    after: Vec<Values>,
}

fn in_torch(live: &Live<Net>) -> Values {
    read(tensors(&live.network, Layout::Torch).into_iter().map(|(info, value)| (info.path, value)))
}

struct Record<'a>(&'a mut Seen);

impl Hook<Net> for Record<'_> {
    fn on_gradients(&mut self, _: &StepReport, g: &mut Gradients, live: &Live<Net>) -> Result<(), HookError> {
        let infos = sapwood_core::infos(&live.network);
        let found = infos.iter().filter_map(|info| {
            let value = g.get(&info.path)?.clone();
            Some((info.path.clone(), info.reorder(value, Layout::Stored, Layout::Torch)))
        });
        self.0.gradients.push(read(found));
        self.0.weights.push(in_torch(live));
        Ok(())
    }

    fn on_step_end(&mut self, _: &StepReport, live: &mut Live<Net>) -> Result<(), HookError> {
        self.0.after.push(in_torch(live));
        Ok(())
    }
}

/// Two epochs under a rule, seen before it and after it.
fn trained(rule: Regulariser) -> (Seen, Seen) {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let recipe = Recipe::new(2, Sgd { momentum: 0.0, nesterov: false }, 0.01);
    let plan = recipe.clone().plan(Two.batches()).unwrap();
    let (mut before, mut after) = (Seen::default(), Seen::default());
    let hooks: Vec<Box<dyn Hook<Net> + '_>> =
        vec![Box::new(Record(&mut before)), rule.hook(&plan, &GRAPH).unwrap(), Box::new(Record(&mut after))];
    Trainer::new(recipe, &device).hooks(hooks).run_blocking(net(), &Two).unwrap();
    (before, after)
}

/// What was added to the gradients of a step, for the channels of a parameter.
fn added(seen: &(Seen, Seen), step: usize, path: &str) -> Vec<f64> {
    let of = |seen: &Seen| seen.gradients[step][path].clone();
    of(&seen.1).iter().zip(of(&seen.0)).map(|(after, before)| after - before).collect()
}

/// The norm of what leaves with each channel, as DepGraph's code has it: the root of the mean over three members.
fn norms(weights: &Values) -> Vec<f64> {
    let square = |path: &str, at: &dyn Fn(usize) -> bool| -> f64 {
        let values = weights[path].iter().enumerate();
        values.filter(|(index, _)| at(*index)).map(|(_, w)| w * w).sum()
    };
    let norm = |c: usize| {
        let made = square("conv.weight", &|at| at == c) + square("bn.weight", &|at| at == c);
        ((made + square("fc.weight", &|at| at % 12 / 4 == c)) / 3.0).sqrt()
    };
    (0..3).map(norm).collect()
}

fn below(weights: &Values) -> Vec<f64> {
    let norms = norms(weights);
    let (most, least) =
        (norms.iter().copied().fold(0.0, f64::max), norms.iter().copied().fold(9.0, f64::min));
    norms.iter().map(|norm| (most - norm) / (most - least)).collect()
}

fn near(found: &[f64], expected: impl IntoIterator<Item = f64>) {
    let expected: Vec<f64> = expected.into_iter().collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5 * expected.abs().max(1e-2), "{found} and not {expected}");
    }
}

#[test]
fn group_norm_decays_the_least_channel_sixteen_times_as_fast_as_the_best() {
    let seen = trained(Regulariser::GroupNorm { strength: 0.1 });
    for step in 0..4 {
        let weights = &seen.0.weights[step];
        let gammas: Vec<f64> = below(weights).iter().map(|below| 0.1 * 16f64.powf(*below)).collect();
        let of = |path: &str| weights[path].clone();
        near(&added(&seen, step, "conv.weight"), of("conv.weight").iter().zip(&gammas).map(|(w, g)| w * g));
        near(&added(&seen, step, "bn.weight"), of("bn.weight").iter().zip(&gammas).map(|(w, g)| w * g));
        let fc = of("fc.weight");
        near(&added(&seen, step, "fc.weight"), fc.iter().enumerate().map(|(at, w)| w * gammas[at % 12 / 4]));
    }
    assert_eq!(added(&seen, 0, "fc.bias"), [0.0, 0.0]);
}

#[test]
fn slimming_adds_the_sign_of_scales_and_nothing_else() {
    let seen = trained(Regulariser::Slimming { strength: 0.05 });
    near(&added(&seen, 0, "bn.weight"), [0.05, -0.05, 0.05]);
    assert!(added(&seen, 0, "conv.weight").iter().all(|added| *added == 0.0));
}

#[test]
fn growing_decay_is_nothing_in_the_first_epoch_and_one_step_in_the_second() {
    let seen = trained(Regulariser::Growing { step: 0.1 });
    assert!(added(&seen, 1, "conv.weight").iter().all(|added| *added == 0.0));
    let decay: Vec<f64> = below(&seen.1.after[1]).iter().map(|below| 0.1 * below).collect();
    for step in [2, 3] {
        let weights = seen.0.weights[step]["conv.weight"].clone();
        near(&added(&seen, step, "conv.weight"), weights.iter().zip(&decay).map(|(w, d)| w * d));
    }
}

#[test]
fn soft_filters_become_zero_after_each_epoch_and_learn_again() {
    let seen = trained(Regulariser::SoftFilters { share: 0.34 });
    let conv = |values: &Values| values["conv.weight"].clone();
    assert_eq!(conv(&seen.1.after[1])[2], 0.0);
    assert!(conv(&seen.1.after[0]).iter().all(|w| *w != 0.0));
    // All weights but the filter are as the step left them.
    assert_eq!(conv(&seen.1.after[1])[..2], conv(&seen.0.after[1])[..2]);
}

#[test]
fn what_would_change_nothing_of_a_network_is_refused_before_the_first_step() {
    let plan = Recipe::new(2, Sgd { momentum: 0.0, nesterov: false }, 0.01).plan(Two.batches()).unwrap();
    let said = |rule: &str, graph: &Graph| {
        let rule: Regulariser = rule.parse().unwrap();
        rule.hook::<Net>(&plan, graph).err().map_or_else(String::new, |error| error.to_string())
    };
    // One layer, the outputs of which go out.
    let mut g = Graph::builder([1, 2, 2]);
    let x = g.input();
    let x = g.flatten(x);
    g.linear("fc", x, 2);
    let (whole, net): (Graph, &Graph) = (g.finish().unwrap(), &GRAPH);
    for (rule, graph, expected) in [
        ("slimming=1e-4", &whole, "has no normalisation"),
        ("group-norm=1e-4", &whole, "all channels of the network have to stay"),
        ("growing=1e-4", &whole, "all channels of the network have to stay"),
        ("soft-filters=0.3", &whole, "every group has to stay whole"),
        // Of three filters.
        ("soft-filters=0.1", net, "10% of each group, rounded, is none"),
    ] {
        let said = said(rule, graph);
        assert!(said.contains(expected), "{rule}: {said}");
    }
    for rule in ["slimming=1e-4", "group-norm=1e-4", "growing=1e-4", "soft-filters=0.2"] {
        assert_eq!(said(rule, net), "", "{rule}");
    }
}

#[test]
fn what_is_no_regulariser_is_refused_in_a_line() {
    let said = |text: &str| text.parse::<Regulariser>().unwrap_err().to_string();
    assert!(said("group-norm").contains("expected a regulariser such as group-norm=5e-4"));
    assert_eq!(said("soft-filters=1"), "the share of a regulariser must be above 0 and below 1, found 1");
    assert_eq!(said("slimming=-1"), "the strength of a regulariser must be above 0 and finite, found -1");
    assert!(said("growing=inf").ends_with("above 0 and finite, found inf"));
    assert_eq!("growing=1e-4".parse::<Regulariser>().unwrap(), Regulariser::Growing { step: 1e-4 });
}
