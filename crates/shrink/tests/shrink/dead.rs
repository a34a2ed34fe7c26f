//! What a masked network can lose.

use sapwood_graph::{Activation, Array, Bits, Conv, Dims, Graph, GraphBuilder, Groups, Masks, Slice, State};
use sapwood_shrink::{Constants, Dead, Removal, without_zero_branches};

use crate::{
    evaluator::run,
    networks::{Numbers, far, state},
};

/// Convolution, normalisation, ReLU, and another convolution with or without zeros around its planes.
fn net(padding: usize) -> Graph {
    let mut g = Graph::builder([2, 6, 6]);
    let x = g.conv("conv1", g.input(), Conv::new(5, 3).same().no_bias());
    let x = g.batch_norm("bn1", x);
    let x = g.activation(x, Activation::Relu);
    let x = g.conv("conv2", x, Conv::new(4, 3).padding(padding).no_bias());
    let x = g.max_pool(x, 2, 2, 0);
    let x = g.flatten(x);
    g.linear("fc", x, 3);
    g.finish().unwrap()
}

/// The first and third filter of `conv1` masked, with this shift behind them.
fn masked(graph: &Graph, shift: f64) -> (State, Masks) {
    let mut values = state(graph, 5);
    let kept: Bits = (0..5 * 18).map(|at| at / 18 != 0 && at / 18 != 2).collect();
    let masks: Masks = [("conv1.weight".into(), kept)].into();
    values.apply(&masks).unwrap();
    for (name, value) in [("bn1.bias", shift), ("bn1.running_mean", 0.0)] {
        let array = values.0.get_mut(name).unwrap().as_mut_slice::<f64>().unwrap();
        [0, 2].into_iter().for_each(|at| array[at] = value);
    }
    (values, masks)
}

fn image() -> Vec<f64> {
    let mut numbers = Numbers(9);
    (0..72).map(|_| 2.0 * numbers.next() - 1.0).collect()
}

#[test]
fn filters_that_leave_nothing_behind_leave_and_outputs_stay() {
    for shift in [0.0, -0.3] {
        let graph = net(1);
        let (values, masks) = masked(&graph, shift);
        let groups = Groups::of(&graph).unwrap();
        let dead = Dead::of(&graph, &groups, &values);
        dead.check_whole(&groups, &masks, &values).unwrap();
        assert_eq!((dead.removal.units(), dead.kept.len()), (2, 0));
        let small = dead.remove(&graph, &groups, &values, &masks).unwrap();
        assert_eq!(small.state.0["conv2.weight"].shape(), [4, 3, 3, 3]);
        assert!(!small.masks.contains_key("conv1.weight"), "it masks nothing any more");
        assert!(far(&run(&small.graph, &small.state, &image()), &run(&graph, &values, &image())) < 1e-12);
    }
}

#[test]
fn a_constant_goes_into_the_next_bias_where_no_zeros_stand_beside_it_and_stays_where_they_do() {
    let graph = net(0);
    let (values, masks) = masked(&graph, 0.3);
    let groups = Groups::of(&graph).unwrap();
    let dead = Dead::of(&graph, &groups, &values);
    assert_eq!((dead.removal.units(), dead.kept.len()), (2, 0));
    let small = dead.remove(&graph, &groups, &values, &masks).unwrap();
    assert!(small.state.0.contains_key("conv2.bias"));
    assert!(far(&run(&small.graph, &small.state, &image()), &run(&graph, &values, &image())) < 1e-12);

    let graph = net(1);
    let (values, masks) = masked(&graph, 0.3);
    let groups = Groups::of(&graph).unwrap();
    let dead = Dead::of(&graph, &groups, &values);
    dead.check_whole(&groups, &masks, &values).unwrap();
    assert_eq!((dead.removal.units(), dead.kept.len()), (0, 2));
    assert_eq!(dead.kept[0].reason, "it is 0.300 everywhere, and `conv2` sees zeros around that");
}

#[test]
fn what_nothing_reads_leaves_and_so_does_what_only_that_reads() {
    let graph = net(1);
    let mut values = state(&graph, 5);
    // Nothing reads channel 3 of conv2; channel 1 of conv1 is read by that alone.
    let fc = values.0.get_mut("fc.weight").unwrap().as_mut_slice::<f64>().unwrap();
    fc.iter_mut().enumerate().filter(|(at, _)| at % 36 / 9 == 3).for_each(|(_, weight)| *weight = 0.0);
    let conv2 = values.0.get_mut("conv2.weight").unwrap().as_mut_slice::<f64>().unwrap();
    let read = |at: usize| (at / 9 % 5 == 1) && at / 45 != 3;
    conv2.iter_mut().enumerate().filter(|(at, _)| read(*at)).for_each(|(_, weight)| *weight = 0.0);
    let groups = Groups::of(&graph).unwrap();
    let dead = Dead::of(&graph, &groups, &values);
    let small = dead.remove(&graph, &groups, &values, &Masks::new()).unwrap();
    assert_eq!(small.state.0["conv1.weight"].shape()[0], 4);
    assert_eq!(small.state.0["conv2.weight"].shape(), [3, 4, 3, 3]);
    assert!(far(&run(&small.graph, &small.state, &image()), &run(&graph, &values, &image())) < 1e-12);
}

#[test]
fn masks_of_single_weights_say_how_many_more_must_go_and_a_dead_layer_keeps_a_channel() {
    let graph = net(1);
    let mut values = state(&graph, 5);
    let groups = Groups::of(&graph).unwrap();
    // All but 4 weights of one filter, and half of those of another.
    let kept: Bits = (0..90).map(|at| (14..18).contains(&at) || 27 <= at).collect();
    let masks: Masks = [("conv1.weight".into(), kept)].into();
    values.apply(&masks).unwrap();
    let dead = Dead::of(&graph, &groups, &values);
    let said = dead.check_whole(&groups, &masks, &values).unwrap_err().to_string();
    assert!(said.contains("13 more weights of 2 channels must go"), "{said}");

    let masks: Masks = [("conv1.weight".into(), Bits::zeros(90))].into();
    values.apply(&masks).unwrap();
    values.0.insert("bn1.bias".into(), Array::from_fn([5], |_| -1.0f64));
    values.0.insert("bn1.running_mean".into(), Array::from_fn([5], |_| 0.0f64));
    let dead = Dead::of(&graph, &groups, &values);
    let small = dead.remove(&graph, &groups, &values, &masks).unwrap();
    assert_eq!(small.state.0["conv1.weight"].shape()[0], 1);
    assert!(far(&run(&small.graph, &small.state, &image()), &run(&graph, &values, &image())) < 1e-12);
}

#[test]
fn numbers_for_each_token_say_nothing_of_the_channels_of_a_token() {
    // Eight tokens of nine numbers; the normalisation has eight means, one for each token.
    let mut g = Graph::builder([2, 6, 6]);
    let x = g.reshape(g.input(), Dims::batch_of(&[8, 9]).unwrap());
    let x = g.linear_at_places("a", x, 10);
    let x = g.batch_norm("bn", x);
    let x = g.activation(x, Activation::Relu);
    let x = g.linear_at_places("b", x, 5);
    let x = g.flatten(x);
    g.linear("fc", x, 3);
    let graph = g.finish().unwrap();
    let mut values = state(&graph, 5);
    let kept: Bits = (0..90).map(|at| at / 9 != 1 && at / 9 != 9).collect();
    let masks: Masks = [("a.weight".into(), kept)].into();
    values.apply(&masks).unwrap();
    let groups = Groups::of(&graph).unwrap();
    let dead = Dead::of(&graph, &groups, &values);
    assert_eq!((dead.removal.units(), dead.kept.len()), (0, 2));
    let small = dead.remove(&graph, &groups, &values, &masks).unwrap();
    assert!(far(&run(&small.graph, &small.state, &image()), &run(&graph, &values, &image())) < 1e-12);
}

#[test]
fn an_attention_of_small_operations_loses_the_heads_that_are_masked() {
    let n = |sizes: &[usize]| Dims::batch_of(sizes).unwrap();
    let mut g = Graph::builder([2, 6, 6]);
    let x = g.conv("stem", g.input(), Conv::new(4, 2).stride(2));
    let x = g.reshape(x, n(&[4, 9]));
    let x = g.transpose(x, &[0, 2, 1]);
    // Queries, keys and values of four heads of two.
    let qkv = g.linear_at_places("qkv", x, 3 * 4 * 2);
    let qkv = g.reshape(qkv, n(&[9, 3, 4, 2]));
    let part = |g: &mut GraphBuilder, start: usize| {
        let x = g.slice(qkv, Slice { axis: 2, start, length: 1, step: 1 });
        let x = g.reshape(x, n(&[9, 4, 2]));
        g.transpose(x, &[0, 2, 1, 3])
    };
    let [q, k, v] = [0, 1, 2].map(|at| part(&mut g, at));
    let k = g.transpose(k, &[0, 1, 3, 2]);
    let x = g.matmul(q, k);
    let x = g.softmax(x, 3);
    let x = g.matmul(x, v);
    let x = g.transpose(x, &[0, 2, 1, 3]);
    let x = g.reshape(x, n(&[9, 8]));
    let x = g.linear_at_places("proj", x, 5);
    g.linear_at_places("head", x, 2);
    let graph = g.finish().unwrap();
    let groups = Groups::of(&graph).unwrap();
    let heads = groups.iter().position(|group| group.name == "qkv" && group.units() == 4).unwrap();
    let mut two = Removal::none(&groups);
    [0, 2].into_iter().for_each(|head| two.take(heads, head));
    // What reads the heads may be masked, too, or read their zeros.
    for reading in [true, false] {
        let mut values = state(&graph, 5);
        let masks = two.masks(&groups, &values, reading);
        values.apply(&masks).unwrap();
        let dead = Dead::of(&graph, &groups, &values);
        assert_eq!((&dead.removal, dead.kept.len()), (&two, 0));
        let small = dead.remove(&graph, &groups, &values, &masks).unwrap();
        assert_eq!(small.state.0["qkv.weight"].shape(), [12, 4]);
        assert!(far(&run(&small.graph, &small.state, &image()), &run(&graph, &values, &image())) < 1e-12);
    }
}

/// What a layer makes in the last dimension is no channel of the shortcut without parameters behind it.
#[test]
fn zeros_beside_channels_say_nothing_of_channels_that_are_not_known() {
    for convolution in [true, false] {
        let mut g = Graph::builder([2, 6, 6]);
        let x = if convolution { g.conv("a", g.input(), Conv::new(4, 1)) } else { g.input() };
        let x = g.linear_at_places("b", x, 6);
        let channels = g.shape(x)[0] + 1;
        let x = g.subsample(x, 1, channels);
        let x = g.conv("c", x, Conv::new(3, 1));
        let x = g.flatten(x);
        g.linear("fc", x, 3);
        let graph = g.finish().unwrap();
        let (groups, values) = (Groups::of(&graph).unwrap(), state(&graph, 5));
        let dead = Dead::of(&graph, &groups, &values);
        assert_eq!(dead.removal.units(), 0, "{convolution}");
        let small = dead.remove(&graph, &groups, &values, &Masks::new()).unwrap();
        assert!(far(&run(&small.graph, &small.state, &image()), &run(&graph, &values, &image())) < 1e-12);
    }
}

#[test]
fn constants_are_what_the_network_computes() {
    let graph = net(0);
    let (values, _) = masked(&graph, 0.3);
    let groups = Groups::of(&graph).unwrap();
    let constants = Constants::of(&graph, &groups, &values);
    let relu = graph.nodes().iter().position(|node| node.name == "relu").unwrap();
    let found: Vec<bool> = constants.at(relu, 1).iter().map(Option::is_some).collect();
    assert_eq!(found, [true, false, true, false, false]);
    assert!((constants.at(relu, 1)[0].unwrap() - 0.3).abs() < 1e-12);
}

#[test]
fn a_residual_block_whose_branch_is_zero_leaves_whole() {
    let mut g = Graph::builder([2, 6, 6]);
    let x = g.conv("stem", g.input(), Conv::new(4, 3).same());
    let block = |g: &mut GraphBuilder, name: &str, x| {
        let y = g.conv(&format!("{name}.conv1"), x, Conv::new(4, 3).same().no_bias());
        let y = g.batch_norm(&format!("{name}.bn1"), y);
        let y = g.relu(y);
        let y = g.conv(&format!("{name}.conv2"), y, Conv::new(4, 3).same().no_bias());
        let y = g.batch_norm(&format!("{name}.bn2"), y);
        let x = g.add(x, y);
        g.relu(x)
    };
    let x = block(&mut g, "a", x);
    let x = block(&mut g, "b", x);
    let x = g.flatten(x);
    g.linear("fc", x, 3);
    let graph = g.finish().unwrap();
    let whole = state(&graph, 5);
    let zero = |names: &[&str]| {
        let mut values = whole.clone();
        for name in names {
            values.0.insert((*name).into(), Array::from_fn(whole.0[*name].shape(), |_| 0.0f64));
        }
        values
    };
    // A scale of zero with a shift is a constant, which the sum still has.
    let values = zero(&["a.bn2.weight"]);
    assert!(without_zero_branches(&graph, &values, &Masks::new()).unwrap().1.is_empty());

    let values = zero(&["a.bn2.weight", "a.bn2.bias"]);
    let masks: Masks =
        [("a.conv1.weight".into(), Bits::ones(144)), ("fc.weight".into(), Bits::ones(432))].into();
    let (small, gone) = without_zero_branches(&graph, &values, &masks).unwrap();
    assert_eq!(gone, ["a.conv1", "a.bn1", "a.conv2", "a.bn2"]);
    assert!(!small.state.0.contains_key("a.bn1.running_mean") && small.state.0.contains_key("b.bn1.bias"));
    assert_eq!(small.masks.keys().map(|path| path.as_str()).collect::<Vec<_>>(), ["fc.weight"]);
    assert!(far(&run(&small.graph, &small.state, &image()), &run(&graph, &values, &image())) < 1e-12);
}
