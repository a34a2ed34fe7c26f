//! Plans answer what the networks do that they were made of.

use burn::tensor::{Tensor, TensorData};
use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_conformance::relative_distance;
use sapwood_core::{ModuleState, Network, Pass, State};
use sapwood_models::{Init, Net, Shortcut, Spec, names};
use sapwood_runtime::{Level, Plan, Runtime};

/// The zoo in a size that is computed in no time, also with sizes that no register divides.
fn networks() -> Vec<Spec> {
    let mut specs = Vec::new();
    for name in names() {
        for (width, side, classes) in [(0.25, 32, 10), (0.15, 33, 7)] {
            let usual = Spec::named(name).unwrap();
            let side = match usual.input {
                [_, 28, 28] => 28,
                // Patches of 4 pixels divide the one, and of 16 the other.
                [_, 32, 32] if name.starts_with("vit") && side == 33 => 20,
                _ if name.starts_with("vit") && side == 33 => 48,
                // Five halvings, or windows of a fixed size.
                _ if name.starts_with("vgg") || name.starts_with("conv") => 32,
                _ => side,
            };
            // Each head has 64 channels.
            let width = if name.starts_with("vit") { width / 2.0 } else { width };
            specs.push(Spec {
                width,
                ..usual.fit([Spec::named(name).unwrap().input[0], side, side], classes)
            });
        }
    }
    specs.push(Spec { shortcut: Shortcut::A, ..Spec::named("resnet-20").unwrap() });
    specs
}

/// One of each kind, where each is run in many ways.
fn few() -> Vec<Spec> {
    let few = ["lenet-300-100", "lenet-5", "vgg-11", "resnet-20", "resnet-50-small", "life-net"];
    networks().into_iter().filter(|spec| few.contains(&spec.model.as_str())).collect()
}

/// A network with statistics that are no defaults, and its values.
fn network(spec: &Spec, seed: u64) -> (Net, State) {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = Init::default().apply(spec.net(&device).unwrap(), Seed(seed));
    let mut state = block_on(State::read(&net)).unwrap();
    for (path, array) in &mut state.0 {
        let low = match path.as_str() {
            name if name.ends_with("running_mean") => -0.5,
            name if name.ends_with("running_var") => 0.5,
            _ => continue,
        };
        let values = array.as_mut_slice::<f32>().unwrap();
        values.iter_mut().enumerate().for_each(|(at, x)| *x = low + (at * 37 % 101) as f32 / 100.0);
    }
    (state.write(net).unwrap(), state)
}

/// Takes weights out, spread over each layer; in blocks of that many outputs.
fn prune(state: &mut State, removed: f64, block: usize) {
    for array in state.0.values_mut().filter(|array| array.shape().len() > 1) {
        let row: usize = array.shape()[1..].iter().product();
        let values = array.as_mut_slice::<f32>().unwrap();
        for (at, x) in values.iter_mut().enumerate() {
            let place = (at / row / block * row + at % row) as u64;
            // A hash, whose lower bits repeat.
            let drawn = (place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / f64::from(1 << 24);
            if drawn < removed {
                *x = 0.0;
            }
        }
    }
}

fn images(spec: &Spec, count: usize) -> Vec<f32> {
    let numbers = count * spec.input.iter().product::<usize>();
    (0..numbers).map(|at| ((at * 7919) % 1009) as f32 / 504.5 - 1.0).collect()
}

fn logits(net: &Net, spec: &Spec, images: &[f32]) -> Vec<f64> {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let [c, h, w] = spec.input;
    let data = TensorData::new(images.to_vec(), [images.len() / (c * h * w), c, h, w]);
    let input = Tensor::<4>::from_data(data, &device);
    net.forward(input, &mut Pass::evaluate()).into_data().iter().collect()
}

fn answers(plan: &Plan, images: &[f32]) -> Vec<f32> {
    plan.session().unwrap().run(images).unwrap().to_vec()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|x| f64::from(*x)).collect()
}

#[test]
fn a_plan_answers_what_burn_does_at_every_level() {
    for (number, spec) in networks().iter().enumerate() {
        let (net, state) = network(spec, number as u64);
        let images = images(spec, 7);
        let expected = logits(&net, spec, &images);
        for level in Level::available() {
            let plan = Runtime::new().level(level).batch(2).plan(&spec.graph().unwrap(), &state).unwrap();
            let far = relative_distance(&wide(&answers(&plan, &images)), &expected);
            assert!(far < 1e-5, "{spec:?} at {} differs by {far:e}", level.name());
        }
    }
}

#[test]
fn answers_are_the_same_bytes_for_any_number_of_threads_and_images() {
    for (number, spec) in few().iter().enumerate() {
        let (_, state) = network(spec, number as u64);
        let (graph, images) = (spec.graph().unwrap(), images(spec, 7));
        let runtime = Runtime::new();
        let expected = answers(&runtime.plan(&graph, &state).unwrap(), &images);
        for (threads, batch) in [(1, 7), (2, 1), (2, 2), (3, 7), (4, 3)] {
            let plan = runtime.clone().threads(threads).batch(batch).plan(&graph, &state).unwrap();
            let found = answers(&plan, &images);
            assert!(found == expected, "{spec:?} with {threads} threads, {batch} images at once");
        }
        // One image is what it is among others.
        let size = images.len() / 7;
        let plan = runtime.plan(&graph, &state).unwrap();
        assert!(
            answers(&plan, &images[2 * size..3 * size])
                == expected[2 * expected.len() / 7..3 * expected.len() / 7]
        );
    }
}

#[test]
fn a_plan_of_what_is_left_answers_what_burn_does() {
    for (number, spec) in networks().iter().enumerate() {
        for (removed, block) in [(0.5, 1), (0.9, 1), (0.9, 2), (0.99, 1), (1.0, 1)] {
            let (net, mut state) = network(spec, number as u64);
            prune(&mut state, removed, block);
            let net = state.write(net).unwrap();
            let (graph, images) = (spec.graph().unwrap(), images(spec, 3));
            let expected = logits(&net, spec, &images);
            for level in Level::available() {
                let plan = Runtime::new().level(level).plan(&graph, &state).unwrap();
                let found = answers(&plan, &images);
                let far = relative_distance(&wide(&found), &expected);
                assert!(far < 1e-5, "{spec:?} without {removed} at {} differs by {far:e}", level.name());
            }
        }
    }
}

#[test]
fn what_is_left_answers_the_same_bytes_for_any_number_of_threads_and_images() {
    for (number, spec) in few().iter().enumerate() {
        let (_, mut state) = network(spec, number as u64);
        prune(&mut state, 0.9, 1 + number % 2);
        let (graph, images) = (spec.graph().unwrap(), images(spec, 3));
        let expected = answers(&Runtime::new().plan(&graph, &state).unwrap(), &images);
        for (threads, batch) in [(2, 2), (3, 3), (4, 1)] {
            let plan = Runtime::new().threads(threads).batch(batch).plan(&graph, &state).unwrap();
            assert!(answers(&plan, &images) == expected, "{spec:?} with {threads} threads");
        }
    }
}

#[test]
fn two_sessions_in_two_threads_give_the_bytes_of_one() {
    let spec = Spec::named("resnet-20").unwrap();
    let (_, state) = network(&spec, 1);
    let plan = Runtime::new().threads(2).plan(&spec.graph().unwrap(), &state).unwrap();
    let images = images(&spec, 2);
    let expected = answers(&plan, &images);
    std::thread::scope(|scope| {
        let other = || (0..5).map(|_| answers(&plan, &images)).collect::<Vec<_>>();
        let threads = [scope.spawn(other), scope.spawn(other)];
        for thread in threads {
            assert!(thread.join().unwrap().iter().all(|found| *found == expected));
        }
    });
}

#[test]
fn bad_input_is_one_line() {
    let spec = Spec::named("lenet-5").unwrap();
    let (_, state) = network(&spec, 1);
    let graph = spec.graph().unwrap();
    let plan = Runtime::new().plan(&graph, &state).unwrap();
    let mut session = plan.session().unwrap();
    for found in [0, 1, 783, 785] {
        let error = session.run(&vec![0.0; found]).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("expected 784 numbers for each image, found {found} in all: give whole images")
        );
    }
    let mut without = state.clone();
    without.0.remove("fc1.bias");
    let error = Runtime::new().plan(&graph, &without).unwrap_err().to_string();
    assert!(error.starts_with("the network needs values for `fc1.bias`"), "{error}");
    let mut broken = state;
    broken.0.get_mut("fc1.bias").unwrap().as_mut_slice::<f32>().unwrap()[0] = f32::NAN;
    let error = Runtime::new().plan(&graph, &broken).unwrap_err().to_string();
    assert!(error.starts_with("`fc1.bias` is not finite"), "{error}");
}
