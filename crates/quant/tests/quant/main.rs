//! Small networks of Burn's own layers, quantised.

use std::{collections::BTreeSet, sync::LazyLock};

use burn::{
    module::{Module, Param},
    nn::{
        Linear, LinearConfig,
        conv::{ConvTranspose2d, ConvTranspose2dConfig},
    },
    prelude::Device,
    tensor::{Tensor, TensorData},
};
use sapwood_backend::{DeviceSpec, block_on, read};
use sapwood_core::{Batch, Conv, ExampleShape, Graph, Network, Observed, Pass, Source, SourceError, Target};
use sapwood_graph::{DType, Per, Points, Scheme, Symmetry};
use sapwood_quant::{Examples, Ptq, Qat, RangeMethod, Sensitivity, layer_costs};

/// One batch, each example of class 0.
struct One(Batch);

impl One {
    fn new(shape: [usize; 4], values: Vec<f32>) -> Self {
        Self(Batch::new(shape, values, Target::Class(vec![0; shape[0]])).unwrap())
    }
}

impl Source for One {
    fn examples(&self) -> usize {
        self.0.len()
    }

    fn batches(&self) -> usize {
        1
    }

    fn shape(&self) -> ExampleShape {
        self.0.shape()
    }

    fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new(std::iter::once(Ok(self.0.clone())).skip(from))
    }
}

/// Two values in, the same two out.
#[derive(Module, Debug)]
struct Same {
    fc: Linear,
}

static SAME: LazyLock<Graph> = LazyLock::new(|| {
    let mut g = Graph::builder([2, 1, 1]);
    let x = g.input();
    g.linear("fc", x, 2);
    g.finish().unwrap()
});

impl Network for Same {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2> {
        let x: Tensor<2> = pass.pass_on(0, input).flatten(1, 3);
        let x = pass.show("fc", x);
        pass.pass_on(1, self.fc.forward(x))
    }
}

impl Observed for Same {
    fn graph(&self) -> &Graph {
        &SAME
    }
}

fn same(device: &Device) -> Same {
    let mut fc = LinearConfig::new(2, 2).with_bias(false).init(device);
    fc.weight = Param::from_data(TensorData::from([[1.0f32, 0.0], [0.0, 1.0]]), device);
    Same { fc }
}

#[test]
fn entropy_cuts_off_a_far_value_of_what_lies_above_0() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    const EXAMPLES: usize = 4000;
    // The quantiles of an exponential distribution, up to 9.7, and one value far above.
    let quantile = |at: usize| -((at as f32 + 0.5) / (2 * EXAMPLES) as f32).ln();
    let mut values: Vec<f32> = (0..2 * EXAMPLES).map(quantile).collect();
    values[1] = 60.0;
    let source = One::new([EXAMPLES, 2, 1, 1], values);
    let (net, points) = (same(&device), Points::of(&SAME, &BTreeSet::new()));
    let scheme = Scheme::new(DType::U8, Symmetry::Affine).unwrap();
    let examples = Examples::new(&source, EXAMPLES).unwrap();
    let largest = |method: RangeMethod| {
        let ranges = block_on(method.ranges(&net, &points, examples, scheme, &device)).unwrap();
        ranges["input"].max()
    };
    assert_eq!(largest(RangeMethod::MinMax), 60.0);
    let found = largest(RangeMethod::Entropy);
    assert!((5.0..15.0).contains(&found), "{found}");
}

#[test]
fn a_layer_that_rounds_row_by_row_costs_what_that_costs() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let values = (0..64).map(|at| (at * 37 % 101) as f32 / 50.0 - 1.0).collect();
    let source = One::new([32, 2, 1, 1], values);
    let (net, examples) = (same(&device), Examples::new(&source, 32).unwrap());
    let ptq = Ptq { dynamic: ["fc".to_string()].into(), ..Ptq::default() };
    let made = block_on(ptq.quantize(&net, examples, &device)).unwrap();
    let costs = block_on(layer_costs(&net, &made, examples, &device)).unwrap();
    // Integers of 8 bits mean these weights almost exactly: more than 100 dB.
    let found = costs[0].signal_to_noise;
    assert!((30.0..80.0).contains(&found), "{found} dB");
}

#[test]
fn what_is_measured_and_is_no_number_is_infinite() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let mut net = same(&device);
    // Outputs that f32 does not hold.
    net.fc.weight = Param::from_data(TensorData::from([[1e38f32, 0.0], [0.0, 1e38]]), &device);
    let source = One::new([4, 2, 1, 1], vec![10.0; 8]);
    let (ptq, examples) = (Ptq::default(), Examples::new(&source, 4).unwrap());
    let all = block_on(Sensitivity::of(&net, &ptq, &[8, 4], examples, &device)).unwrap();
    let tried = block_on(all.tried(&net, &ptq, 2, examples, &device)).unwrap();
    let costs: Vec<[f64; 2]> = tried.iter().map(|tried| [tried.predicted, tried.measured]).collect();
    assert_eq!(costs, [[f64::INFINITY; 2]; 2]);
}

#[test]
fn a_drop_that_the_most_bits_exceed_is_refused() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let mut net = same(&device);
    // With two bits both outputs are the same, and the first counts.
    net.fc.weight = Param::from_data(TensorData::from([[1.0f32, 1.0], [0.4, -0.4]]), &device);
    let batch = Batch::new([2, 2, 1, 1], vec![0.0, -1.0, 0.0, 1.0], Target::Class(vec![1, 0])).unwrap();
    let source = One(batch);
    let (ptq, examples) = (Ptq::default(), Examples::new(&source, 2).unwrap());
    let within = |bits: &[usize], points: f64| {
        let all = block_on(Sensitivity::of(&net, &ptq, bits, examples, &device)).unwrap();
        block_on(all.within_points(&net, &ptq, points, examples, &device)).map_err(|error| error.to_string())
    };
    assert_eq!(within(&[8, 2], 10.0), Ok(vec![0]));
    assert_eq!(within(&[2], 50.0), Ok(vec![0]));
    let said = within(&[2], 10.0).unwrap_err();
    assert!(said.contains("10.00 points, where these lose 50.00: offer more bits"), "{said}");
}

/// Twice the height and width, and then three numbers.
#[derive(Module, Debug)]
struct Upwards {
    up: ConvTranspose2d,
    fc: Linear,
}

static UPWARDS: LazyLock<Graph> = LazyLock::new(|| {
    let mut g = Graph::builder([2, 2, 2]);
    let x = g.input();
    let x = g.conv("up", x, Conv::new(3, 2).stride(2).transposed(0));
    g.linear("fc", x, 3);
    g.finish().unwrap()
});

impl Network for Upwards {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2> {
        let x = pass.pass_on(0, input);
        let x = pass.show("up", x);
        let x = pass.pass_on(1, self.up.forward(x));
        let x: Tensor<2> = x.flatten(1, 3);
        let x = pass.show("fc", x);
        pass.pass_on(2, self.fc.forward(x))
    }
}

impl Observed for Upwards {
    fn graph(&self) -> &Graph {
        &UPWARDS
    }
}

#[test]
fn a_transposed_convolution_learns_a_step_for_each_output() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let mut up = ConvTranspose2dConfig::new([2, 3], [2, 2]).with_stride([2, 2]).init(&device);
    // Weights `[in, out, 2, 2]`, of which each output is ten times as large as the one before.
    let weight = |at: usize| (at as f32 - 11.5) * 10f32.powi((at / 4 % 3) as i32);
    let weights: Vec<f32> = (0..24).map(weight).collect();
    up.weight = Param::from_data(TensorData::new(weights.clone(), [2, 3, 2, 2]), &device);
    let net = Upwards { up, fc: LinearConfig::new(48, 3).init(&device) };
    let values: Vec<f32> = (0..64).map(|at| (at * 37 % 101) as f32 / 100.0).collect();
    let source = One::new([8, 2, 2, 2], values.clone());
    let examples = Examples::new(&source, 8).unwrap();
    let learning = block_on(Qat::default().begin(net.clone(), examples, &device)).unwrap();
    let made = block_on(learning.integers()).unwrap();
    let found = &made.quantized["up.weight"];
    assert_eq!((found.per(), found.scale().shape()), (Per::Axis(1), &[3][..]));
    let scales: Vec<f32> = found.scale().iter().collect();
    for (at, (number, weight)) in found.dequantized().iter::<f32>().zip(&weights).enumerate() {
        assert!((number - weight).abs() <= 0.51 * scales[at / 4 % 3], "{at}: {number} {weight}");
    }
    // What is learnt is what the integers mean.
    let input = || Tensor::<4>::from_data(TensorData::new(values.clone(), [8, 2, 2, 2]), &device);
    let integers = made.network(net).unwrap();
    let outputs =
        [learning.forward(input(), &mut Pass::evaluate()), integers.forward(input(), &mut Pass::evaluate())];
    let [a, b] = outputs.map(|outputs| {
        let data = block_on(read(outputs)).unwrap();
        data.iter::<f64>().collect::<Vec<_>>()
    });
    let most = a.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 0.01 * most), "{a:?} {b:?}");
}
