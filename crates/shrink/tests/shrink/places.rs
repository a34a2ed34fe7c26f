//! What leaves layers at places, whose channels are not the only dimension of channels.

use sapwood_graph::{Bits, Conv, Dims, Graph, GraphBuilder, Groups, Masks, Op, Slot, State};
use sapwood_shrink::{Dead, Error, Removal, shrink, without_zero_branches};

use crate::{
    evaluator::run,
    networks::{Numbers, far, state},
};

fn image() -> Vec<f64> {
    let mut numbers = Numbers(9);
    (0..72).map(|_| 2.0 * numbers.next() - 1.0).collect()
}

/// Nine tokens of five channels, mixed over tokens and then over channels, as in an MLP-Mixer.
fn mixer() -> Graph {
    let mut g = Graph::builder([2, 6, 6]);
    let x = g.conv("stem", g.input(), Conv::new(5, 2).stride(2));
    let x = g.reshape(x, Dims::batch_of(&[5, 9]).unwrap());
    let y = g.linear_at_places("tokens.fc1", x, 7);
    let y = g.relu(y);
    let y = g.linear_at_places("tokens.fc2", y, 9);
    let x = g.add(x, y);
    let x = g.transpose(x, &[0, 2, 1]);
    let y = g.layer_norm_last("norm", x, 1e-6);
    let y = g.linear_at_places("channels.fc1", y, 8);
    let y = g.relu(y);
    let y = g.linear_at_places("channels.fc2", y, 5);
    let x = g.add(x, y);
    let x = g.flatten(x);
    g.linear("fc", x, 3);
    g.finish().unwrap()
}

/// These channels of the group that a layer makes.
fn removal(groups: &Groups, layer: &str, channels: &[usize]) -> Removal {
    let at = groups.iter().position(|group| group.name == layer).unwrap();
    let mut found = Removal::none(groups);
    channels.iter().for_each(|channel| found.take(at, *channel));
    found
}

/// All that is dead leaves, and outputs stay.
fn without_dead(graph: &Graph, values: &State, masks: &Masks) -> State {
    let groups = Groups::of(graph).unwrap();
    let dead = Dead::of(graph, &groups, values);
    dead.check_whole(&groups, masks, values).unwrap();
    assert_eq!(dead.kept, []);
    let small = dead.remove(graph, &groups, values, masks).unwrap();
    let away = far(&run(&small.graph, &small.state, &image()), &run(graph, values, &image()));
    assert!(away < 1e-12, "{away:e}");
    small.state
}

#[test]
fn hidden_channels_whose_makers_are_masked_leave_a_mixer() {
    let graph = mixer();
    let groups = Groups::of(&graph).unwrap();
    for (layer, of) in [("tokens", 7), ("channels", 8)] {
        let (fc1, fc2) = (format!("{layer}.fc1"), format!("{layer}.fc2.weight"));
        let mut values = state(&graph, 5);
        let masks = removal(&groups, &fc1, &[1, 4]).masks(&groups, &values, false);
        values.apply(&masks).unwrap();
        let small = without_dead(&graph, &values, &masks);
        assert_eq!(small.0[fc2.as_str()].shape()[1], of - 2);

        // The biases stay, and become constants that the next layer takes over.
        let mut values = state(&graph, 5);
        let weight = format!("{fc1}.weight");
        let masks: Masks = masks.into_iter().filter(|(path, _)| path.as_str() == weight).collect();
        values.apply(&masks).unwrap();
        let biases = values.0.get_mut(format!("{fc1}.bias").as_str()).unwrap();
        biases.as_mut_slice::<f64>().unwrap()[1] = 0.3;
        let small = without_dead(&graph, &values, &masks);
        assert_eq!(small.0[fc2.as_str()].shape()[1], of - 2);
    }
}

#[test]
fn a_branch_at_places_that_is_zero_leaves_whole() {
    let graph = mixer();
    let mut values = state(&graph, 5);
    for path in ["channels.fc2.weight", "channels.fc2.bias"] {
        values.0.get_mut(path).unwrap().as_mut_slice::<f64>().unwrap().fill(0.0);
    }
    let (small, gone) = without_zero_branches(&graph, &values, &Masks::new()).unwrap();
    assert_eq!(gone, ["norm", "channels.fc1", "channels.fc2"]);
    assert!(far(&run(&small.graph, &small.state, &image()), &run(&graph, &values, &image())) < 1e-12);
}

/// Attention of four heads of two channels between nine tokens, the heads beside each other in the batch.
fn heads_in_the_batch() -> Graph {
    let of = |sizes: &[usize]| Dims::with_batch(sizes, 1).unwrap();
    let mut g = Graph::builder([2, 6, 6]);
    let x = g.conv("stem", g.input(), Conv::new(4, 2).stride(2));
    let x = g.reshape(x, Dims::batch_of(&[4, 9]).unwrap());
    let x = g.transpose(x, &[2, 0, 1]);
    let heads = |g: &mut GraphBuilder, name: &str| {
        let x = g.linear_at_places(name, x, 8);
        let x = g.reshape(x, of(&[9, 4, 2]));
        g.transpose(x, &[1, 0, 2])
    };
    let [q, k, v] = ["q", "k", "v"].map(|name| heads(&mut g, name));
    let k = g.transpose(k, &[0, 2, 1]);
    let x = g.matmul(q, k);
    let x = g.softmax(x, 2);
    let x = g.matmul(x, v);
    let x = g.transpose(x, &[1, 0, 2]);
    let x = g.reshape(x, of(&[9, 1, 8]));
    let x = g.linear_at_places("proj", x, 5);
    let x = g.transpose(x, &[1, 0, 2]);
    let x = g.flatten(x);
    g.linear("fc", x, 3);
    g.finish().unwrap()
}

#[test]
fn heads_that_lie_in_the_batch_leave() {
    let graph = heads_in_the_batch();
    let (groups, whole) = (Groups::of(&graph).unwrap(), state(&graph, 5));
    let two = removal(&groups, "q", &[0, 2]);
    let mut values = whole.clone();
    values.apply(&two.masks(&groups, &whole, true)).unwrap();
    let small = shrink(&graph, &whole, &Masks::new(), &two).unwrap();
    assert_eq!(small.state.0["proj.weight"].shape(), [5, 4]);
    assert!(far(&run(&small.graph, &small.state, &image()), &run(&graph, &values, &image())) < 1e-12);
    // Without a mask of what reads them their zeros are seen.
    let masks = two.masks(&groups, &whole, false);
    let mut values = whole;
    values.apply(&masks).unwrap();
    assert_eq!(without_dead(&graph, &values, &masks).0["q.weight"].shape(), [4, 4]);
}

/// Rows of six, a layer without bias with a constant behind, and a layer of this name without bias.
fn shifted(constant: &str) -> Graph {
    let layer = |inputs, outputs| Op::Linear { inputs, outputs, bias: false, places: true };
    let mut g = Graph::builder([2, 6, 6]);
    let x = g.op("a", layer(6, 8), &[g.input()]);
    let shift = g.constant(constant, &[8], true);
    let x = g.add(x, shift);
    let x = g.relu(x);
    let x = g.op("b", layer(8, 5), &[x]);
    let x = g.flatten(x);
    g.linear("fc", x, 3);
    g.finish().unwrap()
}

#[test]
fn constants_that_are_added_to_masked_channels_go_where_biases_go() {
    let graph = shifted("shift");
    let groups = Groups::of(&graph).unwrap();
    let masks = removal(&groups, "a", &[2, 3]).masks(&groups, &state(&graph, 5), false);
    assert!(masks.contains_key("shift"));
    for masks in [masks.clone(), masks.into_iter().filter(|(path, _)| path.as_str() != "shift").collect()] {
        let mut values = state(&graph, 5);
        values.0.get_mut("shift").unwrap().as_mut_slice::<f64>().unwrap()[2] = 0.3;
        values.apply(&masks).unwrap();
        let small = without_dead(&graph, &values, &masks);
        assert_eq!((small.0["shift"].shape(), small.0["b.weight"].shape()), (&[6][..], &[5, 6][..]));
        assert_eq!(small.0.contains_key("b.bias"), !masks.contains_key("shift"));
    }
}

#[test]
fn a_constant_that_is_called_like_a_bias_is_not_overwritten() {
    let graph = shifted("b.bias");
    let groups = Groups::of(&graph).unwrap();
    let mut values = state(&graph, 5);
    values.0.get_mut("b.bias").unwrap().as_mut_slice::<f64>().unwrap()[2] = 0.3;
    let masks: Masks = [("a.weight".into(), (0..48).map(|at| at / 6 != 2).collect::<Bits>())].into();
    values.apply(&masks).unwrap();
    let dead = Dead::of(&graph, &groups, &values);
    let unit = groups.iter().position(|group| group.name == "a").unwrap() as u32;
    assert!(dead.removal.has(Slot { group: unit, unit: 2 }));
    let found = dead.remove(&graph, &groups, &values, &masks);
    assert!(matches!(found, Err(Error::Taken { layer, .. }) if layer == "b"));
}
