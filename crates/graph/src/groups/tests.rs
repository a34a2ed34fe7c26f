//! What goes together, in small networks that say one operation each.

use super::*;
use crate::{Activation, Conv, Dims, GraphBuilder, Op, Slice, Wire};

/// For each group its makers, its units, and how many channels the first maker gives a unit.
fn said(g: GraphBuilder) -> Vec<(String, usize, usize)> {
    let groups = Groups::of(&g.finish().unwrap()).unwrap();
    let free = groups.iter().filter(|group| group.whole().is_none());
    free.map(|group| (group.makers.join("+"), group.units(), group.channels / group.units())).collect()
}

fn group(makers: &str, units: usize, channels: usize) -> (String, usize, usize) {
    (makers.into(), units, channels)
}

fn end(g: &mut GraphBuilder, x: Wire) {
    let x = g.global_avg_pool(x);
    let x = g.flatten(x);
    g.linear("head", x, 3);
}

/// What the indices of a dimension of a parameter belong to.
fn slots<'a>(groups: &'a Groups, path: &str, axis: usize) -> &'a [Slot] {
    let found = groups.axes().iter().find(|found| found.path.as_str() == path && found.axis == axis);
    &found.unwrap_or_else(|| panic!("{path} {axis}")).slots
}

#[test]
fn mobile_blocks_go_together_and_the_gates_between_them_are_a_group() {
    let mut g = Graph::builder([3, 8, 8]);
    let x = g.conv("stem", g.input(), Conv::new(4, 1));
    let y = g.conv("expand", x, Conv::new(16, 1));
    let y = g.batch_norm("bn", y);
    let y = g.conv("depthwise", y, Conv::new(16, 3).same().groups(16));
    let s = g.global_avg_pool(y);
    let s = g.conv("reduce", s, Conv::new(8, 1));
    let s = g.conv("excite", s, Conv::new(16, 1));
    let s = g.activation(s, Activation::HSigmoid);
    let y = g.scale(y, s);
    let y = g.conv("project", y, Conv::new(4, 1));
    let x = g.add(x, y);
    end(&mut g, x);
    assert_eq!(said(g), [group("stem+project", 4, 1), group("expand+excite", 16, 1), group("reduce", 8, 1)]);
}

#[test]
fn what_is_joined_to_itself_leaves_from_both_places_and_a_split_undoes_a_concatenation() {
    let mut g = Graph::builder([3, 4, 4]);
    let a = g.conv("a", g.input(), Conv::new(4, 1));
    let b = g.conv("b", g.input(), Conv::new(6, 1));
    let x = g.concat(&[a, b, a], 1);
    let part = g.slice(x, Slice { axis: 1, start: 4, length: 6, step: 1 });
    let c = g.conv("c", x, Conv::new(6, 1));
    let x = g.add(part, c);
    end(&mut g, x);
    let groups = Groups::of(&g.finish().unwrap()).unwrap();
    let makers: Vec<_> = groups.iter().map(|group| group.makers.join("+")).collect();
    assert_eq!(makers, ["a", "b+c", "head"]);
    assert_eq!(groups.iter().map(|group| group.channels).collect::<Vec<_>>(), [4, 6, 3]);
    let read = slots(&groups, "c.weight", 1);
    assert_eq!(read[..4], read[10..]);
    assert_eq!(&read[4..10], slots(&groups, "c.weight", 0));
}

#[test]
fn channels_are_those_of_all_layers_that_make_some_of_a_group() {
    let mut g = Graph::builder([3, 4, 4]);
    let a = g.conv("a", g.input(), Conv::new(4, 1));
    let b = g.conv("b", g.input(), Conv::new(6, 1));
    let c = g.conv("c", g.input(), Conv::new(10, 1));
    let x = g.concat(&[a, b], 1);
    let x = g.add(x, c);
    end(&mut g, x);
    assert_eq!(said(g), [group("a+b+c", 10, 1)]);
}

#[test]
fn grouped_convolutions_keep_one_width_through_a_shuffle_of_channels() {
    let n = |sizes: &[usize]| Dims::batch_of(sizes).unwrap();
    let mut g = Graph::builder([3, 4, 4]);
    let x = g.conv("stem", g.input(), Conv::new(8, 1));
    let x = g.conv("grouped", x, Conv::new(12, 1).groups(4));
    let x = g.reshape(x, n(&[4, 3, 4, 4]));
    let x = g.transpose(x, &[0, 2, 1, 3, 4]);
    let x = g.reshape(x, n(&[12, 4, 4]));
    let x = g.conv("next", x, Conv::new(6, 1));
    end(&mut g, x);
    let graph = g.finish().unwrap();
    let groups = Groups::of(&graph).unwrap();
    let units: Vec<_> = groups.iter().map(|group| (group.units(), group.channels)).collect();
    assert_eq!(units, [(2, 8), (3, 12), (6, 6), (3, 3)]);
    let read: Vec<u32> = slots(&groups, "next.weight", 1).iter().map(|slot| slot.unit).collect();
    assert_eq!(read, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    assert_eq!(slots(&groups, "grouped.weight", 1).len(), 2);
}

#[test]
fn a_row_of_values_has_its_channels_and_transposed_weights_their_inputs_first() {
    let mut g = Graph::builder([3, 4, 4]);
    let x = g.conv("a", g.input(), Conv::new(4, 1));
    let x = g.max_pool(x, 2, 2, 0);
    let x = g.conv("up", x, Conv::new(5, 2).stride(2).transposed(0));
    let x = g.flatten(x);
    g.linear("fc", x, 2);
    let groups = Groups::of(&g.finish().unwrap()).unwrap();
    assert_eq!(slots(&groups, "up.weight", 0), slots(&groups, "a.weight", 0));
    assert_eq!(slots(&groups, "up.weight", 1).len(), 5);
    let row = slots(&groups, "fc.weight", 1);
    assert!(row.iter().enumerate().all(|(at, slot)| slot.unit as usize == at / 16) && row.len() == 80);
}

#[test]
fn heads_leave_whole_also_where_attention_is_written_in_small_operations() {
    let n = |sizes: &[usize]| Dims::batch_of(sizes).unwrap();
    let mut g = Graph::builder([3, 4, 4]);
    let x = g.conv("stem", g.input(), Conv::new(8, 1));
    let x = g.reshape(x, n(&[8, 16]));
    let x = g.transpose(x, &[0, 2, 1]);
    let qkv = g.linear_at_places("qkv", x, 3 * 12);
    let qkv = g.reshape(qkv, n(&[16, 3, 4, 3]));
    let part = |g: &mut GraphBuilder, at: usize| {
        let x = g.slice(qkv, Slice { axis: 2, start: at, length: 1, step: 1 });
        let x = g.reshape(x, n(&[16, 4, 3]));
        g.transpose(x, &[0, 2, 1, 3])
    };
    let [q, k, v] = [0, 1, 2].map(|at| part(&mut g, at));
    let k = g.transpose(k, &[0, 1, 3, 2]);
    let likeness = g.matmul(q, k);
    let likeness = g.softmax(likeness, 3);
    let y = g.matmul(likeness, v);
    let y = g.transpose(y, &[0, 2, 1, 3]);
    let y = g.reshape(y, n(&[16, 12]));
    let y = g.linear_at_places("proj", y, 8);
    let x = g.add(x, y);
    let x = g.layer_norm_last("norm", x, 1e-6);
    let x = g.linear_at_places("mlp", x, 10);
    g.linear_at_places("head", x, 2);
    let groups = Groups::of(&g.finish().unwrap()).unwrap();
    let whole: Vec<_> =
        groups.iter().map(|group| (group.makers.join("+"), group.units(), group.whole())).collect();
    let norm = "`norm` normalises each place over them, so that all others would change";
    assert_eq!(
        whole,
        [
            ("stem+proj".into(), 8, Some(norm)),
            ("qkv".into(), 4, None),
            ("mlp".into(), 10, None),
            ("head".into(), 2, Some("they go out of the network")),
        ]
    );
    let read: Vec<u32> = slots(&groups, "proj.weight", 1).iter().map(|slot| slot.unit).collect();
    assert_eq!(read, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
}

#[test]
fn heads_leave_whole_also_where_they_lie_in_the_batch() {
    let of = |sizes: &[usize]| Dims::with_batch(sizes, 1).unwrap();
    let mut g = Graph::builder([3, 4, 4]);
    let x = g.conv("stem", g.input(), Conv::new(8, 1));
    let x = g.reshape(x, Dims::batch_of(&[8, 16]).unwrap());
    let x = g.transpose(x, &[2, 0, 1]);
    let heads = |g: &mut GraphBuilder, name: &str| {
        let x = g.linear_at_places(name, x, 12);
        let x = g.reshape(x, of(&[16, 4, 3]));
        g.transpose(x, &[1, 0, 2])
    };
    let [q, k, v] = ["q", "k", "v"].map(|name| heads(&mut g, name));
    let k = g.transpose(k, &[0, 2, 1]);
    let y = g.matmul(q, k);
    let y = g.softmax(y, 2);
    let y = g.matmul(y, v);
    let y = g.transpose(y, &[1, 0, 2]);
    let y = g.reshape(y, of(&[16, 1, 12]));
    let y = g.linear_at_places("proj", y, 8);
    let x = g.transpose(y, &[1, 0, 2]);
    let x = g.flatten(x);
    g.linear("head", x, 2);
    let groups = Groups::of(&g.finish().unwrap()).unwrap();
    let found: Vec<_> = groups.iter().map(|group| (group.makers.join("+"), group.units())).collect();
    let expected = [("stem", 8), ("q+k+v", 4), ("proj", 8), ("head", 2)];
    assert_eq!(found, expected.map(|(makers, units)| (makers.to_string(), units)));
    assert_eq!((groups[1].whole(), groups[1].width(0)), (None, 3));
    let read: Vec<u32> = slots(&groups, "proj.weight", 1).iter().map(|slot| slot.unit).collect();
    assert_eq!(read, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
}

#[test]
fn one_output_is_no_depthwise_convolution_and_a_map_for_all_channels_stays() {
    let mut g = Graph::builder([1, 8, 8]);
    let x = g.conv("conv1", g.input(), Conv::new(4, 3).same());
    let gate = g.conv("gate", x, Conv::new(1, 1));
    let x = g.op("mul", Op::Binary(crate::Binary::Mul), &[x, gate]);
    g.conv("conv2", x, Conv::new(1, 3).same());
    let groups = Groups::of(&g.finish().unwrap()).unwrap();
    let whole: Vec<_> = groups.iter().map(|group| (group.name.as_str(), group.whole())).collect();
    assert_eq!(
        whole,
        [
            ("conv1", None),
            ("gate", Some("`mul` spreads it over several")),
            ("conv2", Some("they go out of the network")),
        ]
    );
}

#[test]
fn the_shortcut_without_parameters_keeps_its_zeros_in_pairs() {
    let mut g = Graph::builder([3, 8, 8]);
    let x = g.conv("conv1", g.input(), Conv::new(4, 1));
    let y = g.conv("conv2", x, Conv::new(8, 3).stride(2).same());
    let x = g.subsample(x, 2, 8);
    let x = g.add(x, y);
    end(&mut g, x);
    let groups = Groups::of(&g.finish().unwrap()).unwrap();
    let units: Vec<u32> = slots(&groups, "conv2.weight", 0).iter().map(|slot| slot.unit).collect();
    assert_eq!((groups.len(), groups[0].units(), groups[0].channels), (2, 6, 8));
    let widths: Vec<usize> = (0..6).map(|unit| groups[0].width(unit)).collect();
    assert_eq!(widths.iter().filter(|width| **width == 2).count(), 2, "{widths:?}");
    assert_eq!((units[0], units[1]), (units[6], units[7]));
}

#[test]
fn channels_that_are_places_of_a_normalisation_over_groups_stay() {
    for groups in [1, 4] {
        let mut g = Graph::builder([3, 4, 4]);
        let x = g.conv("stem", g.input(), Conv::new(6, 1));
        let x = g.transpose(x, &[0, 2, 3, 1]);
        let x = g.group_norm("norm", x, groups);
        let x = g.flatten(x);
        g.linear("head", x, 3);
        let found = Groups::of(&g.finish().unwrap()).unwrap();
        let norm = "`norm` normalises over them, so that all others would change";
        assert_eq!(found[0].whole(), Some(norm), "{groups}");
    }
}

#[test]
fn a_product_adds_over_channels_that_are_zero_where_their_weights_are() {
    let stays = "`matmul` adds over them, and they are not zero where their weights are";
    for (bias, reason) in [(None, None), (Some(false), None), (Some(true), Some(stays))] {
        let mut g = Graph::builder([3, 4, 4]);
        let x = g.conv("stem", g.input(), Conv::new(6, 1));
        let x = g.reshape(x, Dims::batch_of(&[6, 16]).unwrap());
        let x = match bias {
            Some(bias) => {
                let mixed = Op::Linear { inputs: 16, outputs: 16, bias, places: true };
                g.op("mixed", mixed, &[x])
            }
            None => x,
        };
        let y = g.transpose(x, &[0, 2, 1]);
        let x = g.matmul(y, x);
        let x = g.flatten(x);
        g.linear("head", x, 3);
        let found = Groups::of(&g.finish().unwrap()).unwrap();
        assert_eq!(found[0].stays[0].as_deref(), reason, "{bias:?}");
    }
}
