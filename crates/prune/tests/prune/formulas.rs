//! Scores against what their formulas give.

use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Tensor, activation::relu},
};
use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_core::{Batch, Network, Norm, Pass, Target};
use sapwood_prune::{
    CRITERIA, Criterion, Cut, Error, Fisher, FlowNorm, Force, GradientMagnitude, Grasp, GraspAbs,
    GraspEstimator, Iterations, IterativeSnip, Movement, NetworkProbe, NormalizedMagnitude, Options, Probe,
    Response, Scope, Snip, SnipVariant, SynFlow, find, hessian_vector,
};

use super::{batch, filled, net, sparsity};

/// A linear regression seen as one output per example: with a dense target the loss
/// is that of a logistic regression, whose derivatives are known to any order.
#[derive(Module, Debug)]
pub(crate) struct Logistic {
    pub(crate) fc: Linear,
}

impl Network for Logistic {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
        self.fc.forward(input.flatten(1, 3))
    }
}

pub(crate) const WEIGHTS: [f32; 3] = [0.5, -1.0, 2.0];
const INPUTS: [[f32; 3]; 4] = [[1.0, 2.0, -0.5], [3.0, -1.0, 0.25], [0.5, 0.5, 1.0], [-2.0, 1.0, 0.5]];
const TARGETS: [f32; 4] = [1.0, 0.0, 0.0, 1.0];

pub(crate) fn logistic() -> Logistic {
    let device = DeviceSpec::CPU.resolve().unwrap();
    filled(Logistic { fc: LinearConfig::new(3, 1).with_bias(false).init(&device) }, |index| WEIGHTS[index])
}

pub(crate) fn part(range: std::ops::Range<usize>) -> Batch {
    let input = INPUTS[range.clone()].concat();
    Batch::new([range.len(), 1, 1, 3], input, Target::Dense(TARGETS[range].to_vec())).unwrap()
}

/// `g = mean of (p - y) x` with `p = sigmoid(w x / T)`, all divided by T.
fn gradient(range: std::ops::Range<usize>, t: f64) -> [f64; 3] {
    let mut g = [0.0; 3];
    for example in range.clone() {
        let x = INPUTS[example].map(f64::from);
        let z: f64 = (0..3).map(|i| f64::from(WEIGHTS[i]) * x[i]).sum::<f64>() / t;
        let error = 1.0 / (1.0 + (-z).exp()) - f64::from(TARGETS[example]);
        (0..3).for_each(|i| g[i] += error * x[i] / t / range.len() as f64);
    }
    g
}

/// `H v = mean of p (1 - p) x (x v)`, all divided by T^2.
fn curvature(range: std::ops::Range<usize>, t: f64, v: [f64; 3]) -> [f64; 3] {
    let mut hv = [0.0; 3];
    for example in range.clone() {
        let x = INPUTS[example].map(f64::from);
        let z: f64 = (0..3).map(|i| f64::from(WEIGHTS[i]) * x[i]).sum::<f64>() / t;
        let p = 1.0 / (1.0 + (-z).exp());
        let along: f64 = (0..3).map(|i| x[i] * v[i]).sum();
        (0..3).for_each(|i| hv[i] += p * (1.0 - p) * x[i] * along / t / t / range.len() as f64);
    }
    hv
}

/// What a function of the weight, and of three and one examples, gives: batches of
/// which one is larger.
fn expect(criterion: &dyn Criterion, expected: [f64; 3]) {
    expect_within(1e-7, criterion, expected);
}

fn expect_within(tolerance: f64, criterion: &dyn Criterion, expected: [f64; 3]) {
    let (net, batches) = (logistic(), [part(0..3), part(3..4)]);
    let probe = NetworkProbe::new(&net).with_examples(&batches).in_f64();
    let prunable = Scope::default().on(&net).unwrap();
    let scores = block_on(criterion.score(&probe, &prunable).unwrap().read()).unwrap();
    let found = scores.get(&"fc.weight".into()).unwrap();
    let far = found.iter().zip(expected).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let size = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
    assert!(far < tolerance * size, "{}: {found:?} {expected:?}", criterion.name());
}

fn each(f: impl Fn(usize) -> f64) -> [f64; 3] {
    [f(0), f(1), f(2)]
}

#[test]
fn sensitivities_and_gradients_are_what_their_formulas_give() {
    let w = WEIGHTS.map(f64::from);
    let (a, b, all) = (gradient(0..3, 1.0), gradient(3..4, 1.0), gradient(0..4, 1.0));
    let snip = |variant| Snip { variant };
    expect(
        &snip(SnipVariant::MissingTheMark),
        each(|i| 0.75 * (w[i] * a[i]).abs() + 0.25 * (w[i] * b[i]).abs()),
    );
    expect(&snip(SnipVariant::SynapticFlow), each(|i| (w[i] * all[i]).abs()));
    expect(&snip(SnipVariant::Original), each(|i| (w[i] * a[i]).abs()));
    expect(&IterativeSnip, each(|i| (w[i] * all[i]).abs()));
    expect(&Force, each(|i| (w[i] * all[i]).abs()));
    expect(&GradientMagnitude, each(|i| all[i].abs()));
    expect(&Fisher, each(|i| w[i].powi(2) / 2.0 * (a[i].powi(2) + b[i].powi(2)) / 2.0));
    expect(&Movement, each(|i| -w[i] * (a[i] + b[i])));
    let norm = w.iter().map(|w| w * w).sum::<f64>().sqrt();
    expect(&NormalizedMagnitude, each(|i| w[i].abs() / norm));
}

#[test]
fn grasp_has_the_papers_sign_and_divides_by_its_temperature() {
    let w = WEIGHTS.map(f64::from);
    for (temperature, tolerance) in [(1.0, 1e-6), (200.0, 1e-4)] {
        let expect = |criterion: &dyn Criterion, expected| expect_within(tolerance, criterion, expected);
        let (a, b) = (gradient(0..3, temperature), gradient(3..4, temperature));
        let (ha, hb) = (curvature(0..3, temperature, a), curvature(3..4, temperature, b));
        let per_batch = each(|i| w[i] * (0.75 * ha[i] + 0.25 * hb[i]));
        let grasp = Grasp { temperature, estimator: GraspEstimator::PerBatch };
        expect(&grasp, per_batch);
        expect(&GraspAbs(grasp), per_batch.map(f64::abs));
        let all = curvature(0..4, temperature, gradient(0..4, temperature));
        expect(&Grasp { estimator: GraspEstimator::GlobalGradient, ..grasp }, each(|i| w[i] * all[i]));
    }
    let (net, batches) = (logistic(), [part(0..3)]);
    let probe = NetworkProbe::new(&net).with_examples(&batches);
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let grasp = Grasp { temperature, ..Grasp::default() };
        let error = Cut::to(sparsity("0.5")).masks_blocking(&grasp, &probe, None).unwrap_err();
        assert!(error.to_string().contains("`temperature` should be above 0 and finite"), "{error}");
        let error = Cut::to(sparsity("0.5")).masks_blocking(&GraspAbs(grasp), &probe, None).unwrap_err();
        assert!(error.to_string().starts_with("criterion `grasp-abs`: "), "{error}");
    }
}

#[test]
fn a_direction_of_zero_has_the_product_zero() {
    let (net, batch) = (logistic(), part(0..3));
    let probe = NetworkProbe::new(&net).in_f64();
    let zero = probe.weights().unwrap().map(|w| w.zeros_like());
    let found = hessian_vector(&probe, Response::loss(&batch), Norm::Running, &zero).unwrap();
    let sum = found.get(&"fc.weight".into()).unwrap().abs().sum().into_scalar::<f64>();
    assert_eq!(sum, 0.0);
}

#[derive(Module, Debug)]
struct Chain {
    a: Linear,
    b: Linear,
    c: Linear,
}

impl Network for Chain {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
        self.c.forward(relu(self.b.forward(relu(self.a.forward(input.flatten(1, 3))))))
    }
}

fn chain(scale: f32) -> Chain {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).with_bias(false).init(&device);
    let chain = Chain { a: layer(5, 7), b: layer(7, 6), c: layer(6, 4) };
    let mut chain = filled(chain, |index| ((index * 37 % 101) as f32 - 50.0) / 100.0);
    chain.b.weight = chain.b.weight.map(|w| w * scale);
    chain
}

/// The conservation law of Tanaka et al.: what flows into a layer flows out of it.
#[test]
fn synaptic_flow_is_conserved_and_blind_to_the_scale_of_a_layer() {
    let scores = |net: &Chain| {
        let probe = NetworkProbe::new(net).with_input_shape([1, 1, 5]).in_f64();
        let prunable = Scope::default().on(net).unwrap();
        block_on(SynFlow::default().score(&probe, &prunable).unwrap().read()).unwrap()
    };
    let (plain, scaled) = (scores(&chain(1.0)), scores(&chain(1024.0)));
    let sums: Vec<f64> = plain.iter().map(|(_, scores)| scores.iter().sum()).collect();
    assert!(sums.iter().all(|sum| 0.0 < *sum && (sum / sums[0] - 1.0).abs() < 1e-12), "{sums:?}");
    for ((info, plain), (_, scaled)) in plain.iter().zip(scaled.iter()) {
        let as_one = plain.iter().zip(scaled).all(|(a, b)| (1024.0 * a - b).abs() <= 1e-9 * b);
        assert!(as_one, "{}", info.path);
    }
}

#[test]
fn the_forms_of_normalisation_in_the_flow_differ_only_in_a_trained_network() {
    let net = net();
    let scores = |norm| {
        let probe = NetworkProbe::new(&net).with_input_shape([1, 4, 4]).in_f64();
        let prunable = Scope::default().on(&net).unwrap();
        block_on(SynFlow { norm }.score(&probe, &prunable).unwrap().read()).unwrap()
    };
    // Running mean 0 and variance 1: they were never trained.
    assert_eq!(scores(FlowNorm::RunningStatistics), scores(FlowNorm::AbsoluteBuffers));
    assert_ne!(scores(FlowNorm::RunningStatistics), scores(FlowNorm::Identity), "scales are not 1");
}

#[test]
fn one_round_of_force_is_snip_and_one_batch_makes_its_variants_one() {
    let (net, examples) = (net(), [batch(4)]);
    let probe = NetworkProbe::new(&net).with_examples(&examples).in_f64();
    let masks = |criterion: &dyn Criterion| {
        let cut = Cut::to(sparsity("0.6")).iterations(Iterations::ONE_SHOT);
        cut.masks_blocking(criterion, &probe, None).unwrap()
    };
    let variant = |variant| masks(&Snip { variant });
    assert_eq!(masks(&Force), variant(SnipVariant::MissingTheMark));
    assert_eq!(masks(&IterativeSnip), variant(SnipVariant::MissingTheMark));
    assert_eq!(variant(SnipVariant::SynapticFlow), variant(SnipVariant::Original));
}

#[test]
fn options_are_read_by_name_and_a_wrong_one_lists_those_there_are() {
    let build = |name: &str, texts: &[&str]| {
        let options = Options::parse(texts.iter().copied())?;
        (find(CRITERIA, name)?.build)(&options, Seed(0))
    };
    let grasp = build("grasp", &["temperature=1", "estimator=global-gradient"]).unwrap();
    assert!(format!("{grasp:?}").contains("temperature: 1.0, estimator: GlobalGradient"), "{grasp:?}");
    let error = |name, texts| build(name, texts).unwrap_err().to_string();
    assert!(error("grasp", &["temprature=1"]).contains("`temperature`"));
    assert!(error("snip", &["variant=mtm"]).contains("missing-the-mark"));
    assert!(error("magnitude", &["power=2"]).contains("it has none, but `power` is given"));
    assert!(error("random", &["seed=2"]).contains("it has none"));
    assert!(error("snip", &["variant"]).contains("NAME=VALUE"));
    let twice = error("grasp", &["temperature=1", "temperature=2"]);
    assert!(twice.contains("`temperature` is given twice"), "{twice}");
    assert!(matches!(build("sinp", &[]), Err(Error::UnknownName(_))));
}

#[test]
fn values_of_options_are_json_or_else_words_and_are_shown_as_they_are_read() {
    let texts = ["a=1", "b=true", "c=[1,2]", "d=word", r#"e="1""#, "f=0,5"];
    let options = Options::parse(texts).unwrap();
    assert_eq!(options.to_string(), texts.join(" "));
    let read = serde_json::to_value(&options).unwrap();
    let expected = serde_json::json!({ "a": 1, "b": true, "c": [1, 2], "d": "word", "e": "1", "f": "0,5" });
    assert_eq!(read, expected);
}
