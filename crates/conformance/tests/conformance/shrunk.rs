//! A network that channels have left gives the outputs of the one in which they are masked.

use burn::tensor::{DType, Tensor};
use sapwood_backend::DeviceSpec;
use sapwood_conformance::{fill, uniform};
use sapwood_core::{Graph, Layout, Masks, ModuleState as _, Network, Pass, State, graph::Groups, infos, map};
use sapwood_models::{MODELS, Net, Spec};
use sapwood_shrink::{Removal, shrink};
use sapwood_supernet::{FAMILIES, family};

/// Rows of outputs, in f64 or f32.
fn outputs(graph: &Graph, state: &State, dtype: DType) -> Vec<f64> {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = state.clone().write(Net::new(graph.clone(), &device)).unwrap();
    let net = map(net, Layout::Stored, |_, value| value.cast(dtype));
    let [c, h, w] = graph.input();
    let x: Vec<f32> = uniform("shrunk", 2 * c * h * w).into_iter().map(|u| (4.0 * u - 2.0) as f32).collect();
    let x = Tensor::<1>::from_floats(&x[..], &device).cast(dtype).reshape([2, c, h, w]);
    net.forward(x, &mut Pass::evaluate()).into_data().iter::<f64>().collect()
}

/// That share of the units that may leave, at random; of each set of which one stays, the first does.
fn some(groups: &Groups, share: f64) -> Removal {
    let mut removal = Removal::none(groups);
    for (at, group) in groups.iter().enumerate() {
        let drawn = uniform(&format!("{} {share}", group.name), group.units());
        let free = |unit: usize| group.is_free(unit) && drawn[unit] < share;
        let mut leaves: Vec<bool> = (0..group.units()).map(free).collect();
        for floor in group.floors() {
            if floor.iter().all(|unit| leaves[*unit as usize]) {
                leaves[floor[0] as usize] = false;
            }
        }
        (0..group.units()).filter(|unit| leaves[*unit]).for_each(|unit| removal.take(at, unit));
    }
    removal
}

fn shrunk_is_masked(name: &str, graph: &Graph) {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let state = fill(&infos(&Net::new(graph.clone(), &device)));
    let groups = Groups::of(graph).unwrap();
    for share in [0.3, 0.7] {
        let removal = some(&groups, share);
        assert!(0 < removal.units(), "{name}");
        let small = shrink(graph, &state, &Masks::new(), &removal).unwrap();
        let mut masked = state.clone();
        masked.apply(&removal.masks(&groups, &state, true)).unwrap();
        for (dtype, tolerated) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
            let (a, b) = (outputs(&small.graph, &small.state, dtype), outputs(graph, &masked, dtype));
            let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
            let far = norm(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied());
            assert!(far <= tolerated, "{name}, {share} of the channels, {dtype:?}: {far:e}");
        }
    }
}

#[test]
fn every_network_of_the_zoo_shrinks_to_what_it_is_with_masks() {
    for model in MODELS {
        let usual = Spec::named(model.name).unwrap();
        let [c, h, w] = usual.input;
        let spec = Spec { width: 0.15, input: [c, h.min(64), w.min(64)], ..usual };
        shrunk_is_masked(model.name, &spec.graph().unwrap());
    }
}

#[test]
fn the_largest_network_of_every_family_shrinks_to_what_it_is_with_masks() {
    for row in FAMILIES.iter().filter(|row| row.input[1] <= 64) {
        let family = family(row.name, None, None).unwrap();
        shrunk_is_masked(row.name, family.whole());
    }
}
