//! Layers at places, and those whose bias is a constant behind them.

use super::*;

/// As ONNX Runtime's quantiser leaves a layer: what is added behind it has the name that its bias would have.
#[test]
fn a_constant_called_as_a_bias_is_added_once() {
    for places in [false, true] {
        let mut g = Graph::builder([1, 2, 2]);
        let x = g.reshape(g.input(), Dims::batch_of(if places { &[2, 2] } else { &[4] }).unwrap());
        let fc = Op::Linear { inputs: if places { 2 } else { 4 }, outputs: 2, bias: false, places };
        let x = g.op("fc", fc, &[x]);
        let bias = g.constant("fc.bias", &[2], true);
        g.add(x, bias);
        let graph = g.finish().unwrap();
        let inputs = if places { 2 } else { 4 };
        let weight = Array::from_fn([2, inputs], |at| i8::from(at == 0 || at == inputs + 1));
        let scale = Array::new([], vec![1.0f32]).unwrap();
        let scheme = sapwood_graph::Scheme::new(DType::U8, Symmetry::Affine).unwrap();
        let grid = scheme.grid(0.0, 255.0 / 16.0).unwrap();
        let network = QuantizedNetwork {
            graph,
            weights: [("fc.weight".into(), Quantized::new(weight, Per::Tensor, scale, None).unwrap())].into(),
            rest: State([("fc.bias".into(), Array::new([2], vec![10.0f32, 20.0]).unwrap())].into()),
            grids: [(0, grid), (2, grid)].into(),
            dynamic: [].into(),
        };
        let plan = Runtime::new().plan_integers(&network).unwrap();
        let found = plan.session().unwrap().run(&[1.0, 2.0, 3.0, 4.0]).unwrap().to_vec();
        let expected: &[f32] = if places { &[11.0, 22.0, 13.0, 24.0] } else { &[11.0, 22.0] };
        assert_eq!(found, expected, "at places: {places}");
    }
}

/// Of what lies pixel by pixel: read by layers, bent, added, and brought into one row.
#[test]
fn layers_at_places_are_exact() {
    let mut g = Graph::builder([3, 8, 8]);
    let x = g.conv("patch", g.input(), Conv::new(18, 4).stride(4));
    let x = g.reshape(x, Dims::batch_of(&[18, 4]).unwrap());
    let x = g.transpose(x, &[0, 2, 1]);
    let y = g.linear_at_places("fc1", x, 37);
    let y = g.activation(y, Activation::Gelu);
    let y = g.linear_at_places("fc2", y, 18);
    let x = g.add(x, y);
    let y = g.linear_at_places("fc3", x, 18);
    let y = g.relu(y);
    let x = g.add(y, x);
    let x = g.flatten(x);
    g.linear("head", x, 5);
    let graph = g.finish().unwrap();
    for (dtype, symmetry) in [(DType::U8, Symmetry::Affine), (DType::I8, Symmetry::Symmetric)] {
        let mut network = network(graph.clone(), dtype, symmetry, 3).unwrap();
        let scheme = sapwood_graph::Scheme::new(dtype, symmetry).unwrap();
        for (name, low) in [("fc1", -3.0), ("gelu", -0.2)] {
            let at = graph.nodes().iter().position(|node| node.name == name).unwrap();
            network.grids.insert(at, scheme.grid(low, 3.0).unwrap());
        }
        let mut draw = numbers(7);
        let images: Vec<f32> = (0..5 * 192).map(|_| 2.0 * draw()).collect();
        let expected = Exact::new(network.clone()).unwrap().run(&images, [3, 8, 8]).unwrap();
        assert!(expected.iter().any(|x| *x != expected[0]), "outputs differ");
        for (dots, threads) in Dots::available().flat_map(|dots| [(dots, 1), (dots, 3)]) {
            let plan = Runtime::new().threads(threads).batch(2).dots(dots).plan_integers(&network).unwrap();
            for (layer, kernel) in plan.kernels().filter(|(layer, _)| layer.starts_with("fc")) {
                assert!(kernel.starts_with("1x1 dense int8"), "{layer}: {kernel}");
            }
            assert_eq!(plan.session().unwrap().run(&images).unwrap(), expected, "{} {threads}", dots.name());
        }
    }
}
