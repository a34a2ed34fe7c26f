//! A network that channels have left gives the outputs of the one in which they are masked.

use std::collections::BTreeSet;

use burn::tensor::{DType, Tensor};
use sapwood_backend::DeviceSpec;
use sapwood_conformance::{fill, folder, onnx_files, operation_table, uniform};
use sapwood_core::{
    Activation, Binary, Conv, ConvSpec, Dims, Graph, Layout, Masks, ModuleState as _, Network, Observed as _,
    Op, Pass, State, Unary, graph::Groups, infos, map,
};
use sapwood_models::{MODELS, Net, Spec, open};
use sapwood_shrink::{Removal, shrink};
use sapwood_supernet::{FAMILIES, family};

/// Rows of outputs, in f64 or f32.
fn outputs(graph: &Graph, state: &State, dtype: DType) -> Vec<f64> {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = state.clone().write(Net::new(graph.clone(), &device)).unwrap();
    let net = map(net, Layout::Stored, |_, value| value.cast(dtype));
    // Smaller images than some networks are meant for give a sum over places all the same.
    let [c, h, w] = graph.input();
    let [h, w] = [h.min(64), w.min(64)];
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
    // Of a few channels none may have been drawn.
    if removal.units() == 0 {
        for (at, group) in groups.iter().enumerate() {
            for unit in (0..group.units()).filter(|unit| group.is_free(*unit)) {
                let mut one = removal.clone();
                one.take(at, unit);
                if one.check(groups).is_ok() {
                    return one;
                }
            }
        }
    }
    removal
}

fn shrunk_is_masked(name: &str, graph: &Graph) {
    let groups = Groups::of(graph).unwrap();
    assert!([0.3, 0.7].iter().all(|share| 0 < some(&groups, *share).units()), "{name}");
    assert!(compared(name, graph, &[(DType::F64, 1e-10), (DType::F32, 1e-5)]), "{name}");
}

/// Compares at 30 and 70 % of the channels; false where the masked network gives no numbers.
fn compared(name: &str, graph: &Graph, precisions: &[(DType, f64)]) -> bool {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let state = fill(&infos(&Net::new(graph.clone(), &device)));
    let groups = Groups::of(graph).unwrap();
    for share in [0.3, 0.7] {
        let removal = some(&groups, share);
        let small = shrink(graph, &state, &Masks::new(), &removal).unwrap();
        let mut masked = state.clone();
        masked.apply(&removal.masks(&groups, &state, true)).unwrap();
        for (dtype, tolerated) in precisions {
            let (a, b) = (outputs(&small.graph, &small.state, *dtype), outputs(graph, &masked, *dtype));
            if b.iter().any(|x| !x.is_finite() || 1e9 < x.abs()) {
                return false;
            }
            let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
            let far = norm(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied());
            assert!(far <= *tolerated, "{name}, {share} of the channels, {dtype:?}: {far:e}");
        }
    }
    true
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
    for row in FAMILIES {
        let family = family(row.name, None, None).unwrap();
        shrunk_is_masked(row.name, family.whole());
    }
}

#[test]
fn networks_from_onnx_files_shrink_to_what_they_are_with_masks() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    for file in onnx_files() {
        let opened = open(&folder().join(&file.file), None, &device).unwrap();
        shrunk_is_masked(&file.file, opened.net.graph());
    }
}

/// A network of operations of the table that are drawn, on values of four channels.
fn drawn(seed: usize) -> Option<Graph> {
    let rows: Vec<Op> = operation_table().into_iter().map(|row| row.op).collect();
    let rows = rows.into_iter().filter(|op| !matches!(op, Op::Embedding { .. }));
    let grouped = [2, 4].map(|groups| Op::Conv(ConvSpec { groups, ..ConvSpec::new(4, 4, 1) }));
    let rows: Vec<Op> = rows.chain(grouped).collect();
    let mut numbers = uniform(&format!("operations {seed}"), 64).into_iter();
    let mut draw = |below: usize| (numbers.next().unwrap() * below as f64) as usize;
    let mut g = Graph::builder([4, 6, 6]);
    let x = g.conv("stem", g.input(), Conv::new(4, 1));
    let whole = g.dims(x);
    let mut values = vec![x];
    for step in 0..6 {
        let op = rows[draw(rows.len())];
        let mut x = values[draw(values.len())];
        let mut other = values[draw(values.len())];
        // These ask for numbers above zero.
        if matches!(op, Op::Unary(Unary::Log | Unary::Sqrt | Unary::Reciprocal) | Op::Binary(Binary::Pow)) {
            (x, other) = (g.activation(x, Activation::Softplus), g.activation(other, Activation::Softplus));
        }
        let inputs = match op.arity() {
            (0, _) => vec![],
            (2, _) if op == Op::Scale => {
                let s = g.global_avg_pool(other);
                vec![x, g.conv(&format!("gate{step}"), s, Conv::new(4, 1))]
            }
            (least, most) => [x, other, x][..most.min(least.max(2)).max(1)].to_vec(),
        };
        let y = g.op(&format!("op{step}"), op, &inputs);
        // Whatever its dimensions are, it becomes four channels of six by six again.
        let y = match g.dims(y) {
            dims if dims == whole => y,
            dims if dims.batch().is_none() => g.add(x, y),
            dims => {
                let s = match dims.rank() {
                    4 => {
                        let s = g.global_avg_pool(y);
                        g.conv(&format!("fit{step}"), s, Conv::new(4, 1))
                    }
                    _ => {
                        let s = g.linear(&format!("fit{step}"), y, 4);
                        g.reshape(s, Dims::batch_of(&[4, 1, 1]).unwrap())
                    }
                };
                g.scale(x, s)
            }
        };
        values.push(match draw(2) {
            0 => y,
            _ => g.conv(&format!("conv{step}"), y, Conv::new(4, 3).same()),
        });
    }
    let x = g.concat(&values, 1);
    let x = g.max_pool(x, 2, 2, 0);
    let x = g.flatten(x);
    g.linear("head", x, 3);
    g.finish().ok()
}

#[test]
fn random_networks_of_all_operations_shrink_to_what_they_are_with_masks() {
    let (mut kinds, mut networks) = (BTreeSet::new(), 0);
    for seed in 0..120 {
        let Some(graph) = drawn(seed) else { continue };
        // What grows without bound (exponentials of exponentials) says nothing of a deviation.
        if compared(&format!("network {seed}"), &graph, &[(DType::F64, 1e-10)]) {
            kinds.extend(graph.nodes().iter().map(|node| node.op.kind()));
            networks += 1;
        }
    }
    let all = operation_table().into_iter().map(|row| row.op.kind()).filter(|kind| *kind != "embedding");
    let missing: Vec<&str> = all.filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty() && 60 < networks, "{networks} networks, without {missing:?}");
}
