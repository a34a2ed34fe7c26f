//! Plans of networks on tokens answer what the networks do, however their values lie.

use burn::tensor::{Tensor, TensorData};
use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_conformance::relative_distance;
use sapwood_core::{
    Activation, Conv, Dims, Graph, GraphBuilder, ModuleState, Network, Op, Pass, Shape, Slice, State, Wire,
};
use sapwood_models::{Init, Spec};
use sapwood_runtime::{Level, Runtime};

fn batch_of(example: &[usize]) -> Dims {
    Dims::batch_of(example).unwrap()
}

/// Patches of an image as `[n, 9, 20]`.
fn patches(g: &mut GraphBuilder) -> Wire {
    let x = g.conv("patch", g.input(), Conv::new(20, 4).stride(4));
    let x = g.reshape(x, batch_of(&[20, 9]));
    g.transpose(x, &[0, 2, 1])
}

/// What runs behind layers at places.
fn mlp(g: &mut GraphBuilder, name: &str, x: Wire) -> Wire {
    let y = g.layer_norm_last(&format!("{name}.norm"), x, 1e-6);
    let y = g.linear_at_places(&format!("{name}.fc1"), y, 33);
    let y = g.activation(y, Activation::Gelu);
    let y = g.linear_at_places(&format!("{name}.fc2"), y, 20);
    g.add(x, y)
}

/// Attention in two heads, with channels in front.
fn attention(g: &mut GraphBuilder, name: &str, x: Wire) -> Wire {
    let qkv = g.linear_at_places(&format!("{name}.qkv"), x, 60);
    let part = |g: &mut GraphBuilder, at: usize| {
        let part = g.slice(qkv, Slice { axis: 2, start: 20 * at, length: 20, step: 1 });
        g.transpose(part, &[0, 2, 1])
    };
    let parts = [0, 1, 2].map(|at| part(g, at));
    let y = g.attention(parts, 2);
    let y = g.transpose(y, &[0, 2, 1]);
    g.linear_at_places(&format!("{name}.proj"), y, 20)
}

type Build = fn(&mut GraphBuilder);

/// Networks whose values go from layers at places to others and back.
const NETWORKS: &[(&str, Shape, Build)] = &[
    ("a transformer with a token and positions", [3, 12, 12], |g| {
        let x = patches(g);
        let token = g.constant("token", &[1, 1, 20], true);
        let token = g.op("expand", Op::Expand(batch_of(&[1, 20])), &[token]);
        let x = g.concat(&[token, x], 1);
        let positions = g.constant("positions", &[1, 10, 20], true);
        let x = g.add(x, positions);
        let y = attention(g, "attn", x);
        let x = g.add(x, y);
        let x = mlp(g, "mlp", x);
        let x = g.slice(x, Slice { axis: 1, start: 0, length: 1, step: 1 });
        let x = g.reshape(x, batch_of(&[20]));
        g.linear("head", x, 5);
    }),
    ("places that all are read in one row", [3, 12, 12], |g| {
        let x = patches(g);
        let x = mlp(g, "mlp", x);
        let x = g.flatten(x);
        g.linear("head", x, 5);
    }),
    ("a convolution behind places, which takes the same value as a layer at them", [3, 12, 12], |g| {
        let x = patches(g);
        let x = g.linear_at_places("first", x, 18);
        let x = g.relu(x);
        let y = g.linear_at_places("second", x, 18);
        let y = g.conv("over", y, Conv::new(9, [1, 3]).same());
        let x = g.add(x, y);
        let x = g.flatten(x);
        g.linear("head", x, 5);
    }),
    ("batch normalisation behind places", [3, 12, 12], |g| {
        let x = patches(g);
        let x = g.linear_at_places("first", x, 18);
        let x = g.batch_norm("bn", x);
        let x = g.relu(x);
        let x = g.linear_at_places("second", x, 7);
        let x = g.flatten(x);
        g.linear("head", x, 5);
    }),
    ("what comes in is read at places, and what goes out lies there", [1, 6, 17], |g| {
        let x = g.reshape(g.input(), batch_of(&[6, 17]));
        let x = g.linear_at_places("first", x, 19);
        let x = g.activation(x, Activation::Silu);
        let x = g.linear_at_places("second", x, 4);
        g.softmax(x, 1);
    }),
    ("images whose channels come last", [3, 12, 12], |g| {
        let x = g.transpose(g.input(), &[0, 2, 3, 1]);
        let x = g.linear_at_places("first", x, 20);
        let y = g.layer_norm_last("norm", x, 1e-5);
        let y = g.linear_at_places("second", y, 20);
        let x = g.add(y, x);
        let x = g.transpose(x, &[0, 3, 1, 2]);
        let x = g.conv("conv", x, Conv::new(8, 3).stride(2));
        let x = g.layer_norm("front", x);
        let x = g.global_avg_pool(x);
        g.linear("head", x, 5);
    }),
    ("one place", [1, 1, 24], |g| {
        let x = g.reshape(g.input(), batch_of(&[1, 24]));
        let x = g.linear_at_places("first", x, 20);
        let x = g.relu(x);
        let x = g.linear_at_places("second", x, 20);
        let x = g.reshape(x, batch_of(&[20]));
        let x = g.linear_at_places("third", x, 9);
        g.linear("head", x, 5);
    }),
];

#[test]
fn tokens_are_what_burn_makes_of_them() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for (number, (what, [c, h, w], build)) in NETWORKS.iter().enumerate() {
        let mut g = Graph::builder([*c, *h, *w]);
        build(&mut g);
        let spec = Spec::of_layers("own", g.finish().unwrap()).unwrap();
        let net = Init::default().apply(spec.net(&device).unwrap(), Seed(number as u64));
        let mut state = block_on(State::read(&net)).unwrap();
        for name in ["token", "positions"] {
            let Some(array) = state.0.get_mut(name) else { continue };
            let values = array.as_mut_slice::<f32>().unwrap();
            values.iter_mut().enumerate().for_each(|(at, x)| *x = (at * 37 % 101) as f32 / 100.0 - 0.5);
        }
        let images: Vec<f32> =
            (0..3 * c * h * w).map(|at| ((at * 7919) % 1009) as f32 / 504.5 - 1.0).collect();
        for removed in [false, true] {
            if removed {
                let weights = state.0.iter_mut().filter(|(path, _)| path.as_str().ends_with(".weight"));
                for values in weights.filter_map(|(_, array)| array.as_mut_slice::<f32>()) {
                    values.iter_mut().enumerate().for_each(|(at, x)| *x *= f32::from(at * 7919 % 10 == 0));
                }
            }
            let net = state.clone().write(net.clone()).unwrap();
            let input = Tensor::<4>::from_data(TensorData::new(images.clone(), [3, *c, *h, *w]), &device);
            let expected: Vec<f64> = net.forward(input, &mut Pass::evaluate()).into_data().iter().collect();
            let graph = spec.graph().unwrap();
            for level in Level::available() {
                let runtime = Runtime::new().level(level);
                let plan = runtime.clone().batch(2).plan(&graph, &state).unwrap();
                let found = plan.session().unwrap().run(&images).unwrap().to_vec();
                let wide: Vec<f64> = found.iter().map(|x| f64::from(*x)).collect();
                let far = relative_distance(&wide, &expected);
                assert!(far < 1e-5, "{what}, {removed}, at {}: differs by {far:e}", level.name());
                let threads = runtime.threads(3).plan(&graph, &state).unwrap();
                assert_eq!(threads.session().unwrap().run(&images).unwrap(), found, "{what}, {removed}");
            }
        }
    }
}
