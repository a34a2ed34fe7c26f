//! Networks of graphs, run.

use super::*;
use crate::{Init, Spec};
use burn::{prelude::Int, tensor::DType};
use sapwood_backend::{DeviceSpec, Seed};
use sapwood_core::{
    Activation, Array, Conv, Entry, Factor, GraphBuilder, Layout, ModuleState, ParamPath, Reduction, State,
    Wire, gradients, map,
};

/// Residuals, their shortcuts, and what mobile networks are made of.
fn networks() -> [Graph; 2] {
    let residual = Spec { input: [3, 8, 8], ..Spec::named("resnet-18-small").unwrap() };
    let mut g = Graph::builder([3, 8, 8]);
    let x = g.conv("expand", g.input(), Conv::new(8, 1).no_bias());
    let x = g.batch_norm("bn1", x);
    let x = g.activation(x, Activation::HSwish);
    let y = g.conv("depthwise", x, Conv::new(8, 3).same().groups(8).no_bias());
    let y = g.batch_norm("bn2", y);
    let s = g.global_avg_pool(y);
    let s = g.conv("gate", s, Conv::new(8, 1));
    let s = g.activation(s, Activation::HSigmoid);
    let y = g.scale(y, s);
    let y = g.conv("project", y, Conv::new(8, 1).no_bias());
    let y = g.batch_norm("bn3", y);
    let x = g.add(y, x);
    let x = g.global_avg_pool(x);
    let x = g.flatten(x);
    g.linear("fc", x, 10);
    [residual.graph().unwrap(), g.finish().unwrap()]
}

#[test]
fn kernels_and_burns_operations_are_the_same_network() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for graph in networks() {
        let net = Init::default().apply(Net::new(graph, &device), Seed(1));
        // In f32 a ReLU whose input is nearly zero opens in one and not in the other.
        let net = map(net, Layout::Stored, |_, value| value.cast(DType::F64));
        let x = |device: &Device| {
            let number = |i: i64| ((i * 7919) % 1009) as f32 / 504.5 - 1.0;
            let numbers: Vec<f32> = (0..4 * 192).map(number).collect();
            Tensor::<1>::from_floats(&numbers[..], device).cast(DType::F64).reshape([4, 3, 8, 8])
        };
        let of = |ops: Ops| {
            let net = net.clone().with_ops(ops);
            let evaluated: Vec<f64> =
                net.forward(x(&device), &mut Pass::evaluate()).into_data().iter().collect();
            let net = burn::module::Module::train(net);
            let y = net.forward(x(&device.clone().autodiff()), &mut Pass::train());
            let gradients = gradients(&net, y.powi_scalar(2).sum(), Layout::Torch);
            let found = gradients.into_values().flat_map(|g| g.into_data().iter::<f64>().collect::<Vec<_>>());
            (evaluated, found.collect::<Vec<_>>())
        };
        let (ours, burns) = (of(Ops::Kernels), of(Ops::Burn));
        for (a, b) in [(ours.0, burns.0), (ours.1, burns.1)] {
            assert!(a.len() == b.len() && a.len() > 1);
            let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
            let far = norm(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied());
            // Burn's h-swish is good to 1e-8.
            assert!(far < 1e-6, "{far:e}");
        }
    }
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919) % 1009) as f32 / 504.5 - 1.0).collect()
}

fn read(value: Value) -> Vec<f32> {
    value.into_row().into_data().iter().collect()
}

#[test]
fn several_inputs_and_outputs_run_and_others_are_refused() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let tokens = Entry { name: "tokens".into(), dims: Dims::rows(3), integers: true };
    let more = Entry { name: "more".into(), dims: Dims::batch_of(&[3, 2]).unwrap(), integers: false };
    let mut g = Graph::builder_of(vec![tokens, more]);
    let words = g.embedding("table", g.entry(0), 5, 2);
    let sum = g.add(words, g.entry(1));
    let top = g.reduce(sum, Reduction::Max, &[1], false);
    // What goes out may be read again, and an input may go out.
    let net = Net::new(g.finish_with(&[top, sum, words]).unwrap(), &device);
    let net =
        map(net, Layout::Torch, |info, old| Tensor::from_floats(&numbers(info.len())[..], &old.device()));
    let table = numbers(10);
    let ids = [4i64, 0, 2, 1, 1, 3];
    let input = || {
        let ids = Tensor::<1, Int>::from_ints(ids, &device).reshape([2, 3]);
        vec![Value::from(ids), Value::from(Tensor::<3>::ones([2, 3, 2], &device))]
    };
    let found = net.run_all(input(), &mut Pass::evaluate()).unwrap();
    assert_eq!(found.iter().map(Value::dims).collect::<Vec<_>>(), [vec![2, 2], vec![2, 3, 2], vec![2, 3, 2]]);
    let words: Vec<f32> = ids.iter().flat_map(|id| [0, 1].map(|at| table[*id as usize * 2 + at])).collect();
    let sums: Vec<f32> = words.iter().map(|x| x + 1.0).collect();
    let largest = |example: usize, at: usize| {
        (0..3).map(|word| sums[(example * 3 + word) * 2 + at]).fold(f32::MIN, f32::max)
    };
    let tops = [largest(0, 0), largest(0, 1), largest(1, 0), largest(1, 1)];
    let [top, sum, again] = <[Value; 3]>::try_from(found).unwrap();
    assert_eq!((read(top), read(sum), read(again)), (tops.to_vec(), sums, words));

    let said = |inputs: Vec<Value>| net.run_all(inputs, &mut Pass::evaluate()).unwrap_err().to_string();
    let expected = "the network takes integers [n, 3] and numbers [n, 3, 2], but the batch has ";
    assert_eq!(said(input()[..1].to_vec()), format!("{expected}integers [2, 3]"));
    let [ids, ones] = <[Value; 2]>::try_from(input()).unwrap();
    assert!(said(vec![ones.clone(), ids.clone()]).contains("has numbers [2, 3, 2] and integers [2, 3]"));
    let three = Value::from(Tensor::<3>::ones([3, 3, 2], &device));
    assert!(said(vec![ids.clone(), three]).starts_with(expected));
    let narrow = Value::from(Tensor::<3>::ones([2, 3, 1], &device));
    assert!(net.run_all(vec![ids.clone(), narrow], &mut Pass::evaluate()).is_ok());
    let wide = Value::from(Tensor::<3>::ones([2, 3, 4], &device));
    assert!(said(vec![ids, wide]).contains("joins different shapes"));
    assert!(Tensor::<2>::try_from(ones).unwrap_err().to_string().contains("numbers of rank 2"));
    assert_eq!(
        net.check_single().unwrap_err().to_string(),
        "expected a network with one input of numbers and one output for each example, found 2 inputs and 3 \
         outputs"
    );
}

#[test]
fn rows_are_the_examples_wherever_their_dimension_lies() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let images: Tensor<4> = Tensor::<1>::from_floats(&numbers(24)[..], &device).reshape([2, 3, 1, 4]);
    let of = |entry: Entry, build: &dyn Fn(&mut GraphBuilder) -> Wire| -> Vec<f32> {
        let mut g = Graph::builder_of(vec![entry]);
        let end = build(&mut g);
        let net = Net::new(g.finish_with(&[end]).unwrap(), &device);
        net.check_single().unwrap();
        let rows = net.forward(images.clone(), &mut Pass::evaluate());
        assert_eq!(rows.dims(), [2, 12]);
        rows.into_data().iter().collect()
    };
    let entry = |dims: Dims| Entry { name: "x".into(), dims, integers: false };
    let as_it_was = numbers(24);
    assert_eq!(of(Entry::images([3, 1, 4]), &|g| g.input()), as_it_was);
    assert_eq!(of(entry(Dims::rows(12)), &|g| g.input()), as_it_was);
    assert_eq!(of(entry(Dims::batch_of(&[3, 4]).unwrap()), &|g| g.input()), as_it_was);
    // [n, 3, 4] to [4, n, 3]: each example's values come together again.
    let moved = of(entry(Dims::batch_of(&[3, 4]).unwrap()), &|g| g.transpose(g.input(), &[2, 0, 1]));
    let expected = |at: usize| as_it_was[at / 12 * 12 + at % 3 * 4 + at % 12 / 3];
    assert_eq!(moved, (0..24).map(expected).collect::<Vec<_>>());
    // Four windows of each example lie beside each other.
    let windows =
        of(Entry::images([3, 1, 4]), &|g| g.reshape(g.input(), Dims::with_batch(&[3, 4], 0).unwrap()));
    assert_eq!(windows, as_it_was);
}

#[test]
fn tokens_come_as_numbers_too() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let mut g = Graph::builder_of(vec![Entry { name: "tokens".into(), dims: Dims::rows(3), integers: true }]);
    let x = g.embedding("table", g.input(), 5, 2);
    let net = Net::new(g.finish_with(&[x]).unwrap(), &device);
    net.check_rows().unwrap();
    assert!(net.check_single().unwrap_err().to_string().ends_with("found integers in `tokens`"));
    let table = ParamPath::from("table.weight");
    let net = State([(table, Array::new([5, 2], numbers(10)).unwrap())].into()).write(net).unwrap();
    let tokens = Tensor::<1>::from_floats([4.0, 0.0, 1.0], &device).reshape([1, 3, 1, 1]);
    let rows: Vec<f32> = net.forward(tokens, &mut Pass::evaluate()).into_data().iter().collect();
    let expected: Vec<f32> = [8, 9, 0, 1, 2, 3].map(|at| numbers(10)[at]).into();
    assert_eq!(rows, expected);
}

#[test]
fn what_is_added_to_a_normalised_value_may_be_broadcast() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let mut g = Graph::builder([2, 1, 3]);
    let x = g.batch_norm("bn", g.input());
    let mean = g.global_avg_pool(g.input());
    let x = g.add(x, mean);
    g.relu(x);
    let net = Net::new(g.finish().unwrap(), &device);
    let images: Tensor<4> = Tensor::<1>::from_floats(&numbers(12)[..], &device).reshape([2, 2, 1, 3]);
    let found: Vec<f32> = net.forward(images, &mut Pass::evaluate()).into_data().iter().collect();
    for (channel, (x, y)) in numbers(12).chunks(3).zip(found.chunks(3)).enumerate() {
        let mean = x.iter().sum::<f32>() / 3.0;
        for (x, y) in x.iter().zip(y) {
            let expected = (x / (1.0f32 + 1e-5).sqrt() + mean).max(0.0);
            assert!((y - expected).abs() < 1e-6, "{channel}: {y} {expected}");
        }
    }
}

#[test]
fn between_bounds_that_cross_all_is_the_upper_one() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let mut g = Graph::builder([2, 1, 3]);
    let x = g.input();
    g.activation(x, Activation::Clip(Factor(1.0), Factor(0.25)));
    let net = Net::new(g.finish().unwrap(), &device);
    let images: Tensor<4> = Tensor::<1>::from_floats(&numbers(12)[..], &device).reshape([2, 2, 1, 3]);
    let found: Vec<f32> = net.forward(images, &mut Pass::evaluate()).into_data().iter().collect();
    assert_eq!(found, [0.25; 12]);
}
