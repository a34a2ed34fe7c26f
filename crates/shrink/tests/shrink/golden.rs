//! Numbers that others computed.

use sapwood_graph::{Array, Conv, Graph, GraphBuilder, Groups, Slice, State, Wire};
use sapwood_shrink::{Cost, GroupScore, Normaliser, Removal, Selection, Target, squares};

use crate::networks::state;

fn block(g: &mut GraphBuilder, name: &str, x: Wire, channels: usize, stride: usize) -> Wire {
    let conv = |stride| Conv::new(channels, 3).stride(stride).same().no_bias();
    let y = g.conv(&format!("{name}.conv1"), x, conv(stride));
    let y = g.batch_norm(&format!("{name}.bn1"), y);
    let y = g.relu(y);
    let y = g.conv(&format!("{name}.conv2"), y, conv(1));
    let y = g.batch_norm(&format!("{name}.bn2"), y);
    let x = if g.shape(x) == g.shape(y) {
        x
    } else {
        let x = g.conv(&format!("{name}.downsample.0"), x, Conv::new(channels, 1).stride(stride).no_bias());
        g.batch_norm(&format!("{name}.downsample.1"), x)
    };
    let x = g.add(y, x);
    g.relu(x)
}

fn resnet18() -> Graph {
    let mut g = Graph::builder([3, 224, 224]);
    let x = g.conv("conv1", g.input(), Conv::new(64, 7).stride(2).padding(3).no_bias());
    let x = g.batch_norm("bn1", x);
    let x = g.relu(x);
    let mut x = g.max_pool(x, 3, 2, 1);
    for (stage, channels) in [64, 128, 256, 512].into_iter().enumerate() {
        for number in 0..2 {
            let stride = if stage > 0 && number == 0 { 2 } else { 1 };
            x = block(&mut g, &format!("layer{}.{number}", stage + 1), x, channels, stride);
        }
    }
    let x = g.global_avg_pool(x);
    let x = g.flatten(x);
    g.linear("fc", x, 1000);
    g.finish().unwrap()
}

#[test]
fn half_of_the_channels_of_resnet_18_leave_the_costs_that_torch_pruning_counts() {
    let graph = resnet18();
    let groups = Groups::of(&graph).unwrap();
    let before = Cost::of(&graph).unwrap();
    assert_eq!((before.macs, before.params), (1_814_073_344, 11_689_512));
    let scores: Vec<Vec<f64>> =
        groups.iter().map(|group| (0..group.units()).map(|at| at as f64).collect()).collect();
    let half = Target::Channels("50%".parse().unwrap());
    let chosen = Selection::PerGroup.choose(&graph, &groups, &scores, half, 8).unwrap();
    let after = Cost::without(&graph, &groups, &chosen.removal).unwrap();
    assert_eq!((after.macs, after.params), (483_149_824, 3_055_880));
}

#[test]
fn scores_of_groups_are_those_worked_out_by_hand() {
    let mut g = Graph::builder([3, 4, 4]);
    let x = g.conv("conv1", g.input(), Conv::new(6, 3).same());
    let x = g.batch_norm("bn", x);
    let x = g.conv("conv2", x, Conv::new(4, 3).same());
    let x = g.flatten(x);
    g.linear("fc", x, 5);
    let graph = g.finish().unwrap();
    let (groups, values) = (Groups::of(&graph).unwrap(), state(&graph, 1));
    let score = GroupScore { normaliser: Normaliser::None, ..GroupScore::default() };
    let found = score.of(&groups, &squares(&graph, &values)).unwrap();
    let of = |values: &State, name: &str, keep: &dyn Fn(usize) -> bool| -> f64 {
        let value: &Array = &values.0[name];
        value.iter::<f64>().enumerate().filter(|(at, _)| keep(*at)).map(|(_, w)| w * w).sum()
    };
    for (c, found) in found[0].iter().enumerate() {
        let expected = of(&values, "conv1.weight", &|at| at / 27 == c)
            + of(&values, "bn.weight", &|at| at == c)
            + of(&values, "conv2.weight", &|at| at / 9 % 6 == c);
        assert!((found - expected / 3.0).abs() < 1e-12);
    }
    for (c, found) in found[1].iter().enumerate() {
        let expected = of(&values, "conv2.weight", &|at| at / 54 == c)
            + of(&values, "fc.weight", &|at| at % 64 / 16 == c);
        assert!((found - expected / 2.0).abs() < 1e-12);
    }
}

#[test]
fn targets_are_reached_with_the_least_and_what_cannot_be_says_what_can() {
    let graph = resnet18();
    let groups = Groups::of(&graph).unwrap();
    let values = |at: usize| (at * 7919 % 1009) as f64;
    let scores: Vec<Vec<f64>> = groups.iter().map(|group| (0..group.units()).map(values).collect()).collect();
    let before = Cost::of(&graph).unwrap();
    for selection in [Selection::PerGroup, Selection::Global, Selection::Isomorphic] {
        let target = Target::Macs("0.5".parse().unwrap());
        let chosen = selection.choose(&graph, &groups, &scores, target, 1).unwrap();
        let after = Cost::without(&graph, &groups, &chosen.removal).unwrap();
        let share = after.macs as f64 / before.macs as f64;
        assert!((0.48..=0.5).contains(&share), "{selection:?}: {share}");
    }
    let most = Target::Params("99.999%".parse().unwrap());
    let said = Selection::Global.choose(&graph, &groups, &scores, most, 1).unwrap_err().to_string();
    assert!(
        said.starts_with("at most 99.9") && said.contains("of the parameters can go, found 99.999%"),
        "{said}"
    );
    let few = Target::Channels("0.0001".parse().unwrap());
    let said = Selection::PerGroup.choose(&graph, &groups, &scores, few, 1).unwrap_err().to_string();
    assert_eq!(said, "no channel can leave: 0.01% of each group, rounded, is none");
    for wrong in ["0", "1", "100%", "-3", "nan", "half"] {
        assert!(wrong.parse::<sapwood_shrink::Share>().is_err(), "{wrong}");
    }
}

#[test]
fn channels_that_stay_are_the_nearest_multiple_and_the_larger_of_two() {
    let chain = |channels: usize| {
        let mut g = Graph::builder([1, 2, 2]);
        let x = g.conv("conv", g.input(), Conv::new(channels, 1));
        let x = g.flatten(x);
        g.linear("fc", x, 2);
        g.finish().unwrap()
    };
    for (channels, share, round_to, expected) in [
        (20, "30%", 8, 16),
        (20, "0.4", 8, 16),
        (24, "0.5", 8, 16),
        (24, "0.55", 8, 8),
        (6, "0.5", 8, 6),
        (16, "30%", 1, 11),
    ] {
        let graph = chain(channels);
        let groups = Groups::of(&graph).unwrap();
        let scores: Vec<Vec<f64>> = groups.iter().map(|group| vec![1.0; group.units()]).collect();
        let target = Target::Channels(share.parse().unwrap());
        let kept = match Selection::PerGroup.choose(&graph, &groups, &scores, target, round_to) {
            Ok(chosen) => channels - chosen.removal.of(0),
            Err(_) => channels,
        };
        assert_eq!(kept, expected, "{channels} {share} {round_to}");
    }
}

/// Three groups of four channels that may leave, with higher scores in the second one and the highest in the third.
fn three_groups() -> (Graph, Groups, Vec<Vec<f64>>) {
    let mut g = Graph::builder([1, 2, 2]);
    let x = g.conv("conv1", g.input(), Conv::new(4, 1));
    let x = g.conv("conv2", x, Conv::new(4, 1));
    let x = g.flatten(x);
    let x = g.linear("fc1", x, 4);
    g.linear("fc2", x, 2);
    let graph = g.finish().unwrap();
    let groups = Groups::of(&graph).unwrap();
    let of_group = |at: usize| (0..groups[at].units()).map(|unit| (10 * at + unit) as f64).collect();
    let scores = (0..groups.len()).map(of_group).collect();
    (graph, groups, scores)
}

#[test]
fn layers_of_different_kinds_are_not_isomorphic() {
    let (graph, groups, scores) = three_groups();
    let half = Target::Channels("0.5".parse().unwrap());
    let gone = |selection: Selection| {
        let chosen = selection.choose(&graph, &groups, &scores, half, 1).unwrap();
        [0, 1, 2].map(|group| chosen.removal.of(group))
    };
    assert_eq!(gone(Selection::Global), [3, 3, 0]);
    assert_eq!(gone(Selection::Isomorphic), [2, 2, 2]);
}

#[test]
fn a_head_counts_as_its_channels() {
    let mut g = Graph::builder([3, 4, 4]);
    let x = g.conv("a", g.input(), Conv::new(8, 1));
    let qkv = ["q", "k", "v"].map(|name| g.conv(name, x, Conv::new(8, 1)));
    let x = g.attention(qkv, 2);
    g.conv("out", x, Conv::new(3, 1));
    let graph = g.finish().unwrap();
    let groups = Groups::of(&graph).unwrap();
    let at = |name: &str| groups.iter().position(|group| group.name == name).unwrap();
    let (a, q) = (at("a"), at("q"));
    // A head has the lowest score. Of the 16 channels it is 4, which are a quarter, and the next channel is one more.
    let score = |group: usize| if group == q { 0.0 } else { 1.0 };
    let scores: Vec<Vec<f64>> =
        (0..groups.len()).map(|group| vec![score(group); groups[group].units()]).collect();
    for (share, heads, channels) in [("0.25", 1, 4), ("0.3125", 1, 5)] {
        let target = Target::Channels(share.parse().unwrap());
        let chosen = Selection::Global.choose(&graph, &groups, &scores, target, 1).unwrap().removal;
        assert_eq!(chosen.of(q), heads, "{share}");
        assert_eq!(chosen.channels(&groups, q) + chosen.channels(&groups, a), channels, "{share}");
    }
}

#[test]
fn one_channel_too_few_is_one_of_the_group_that_would_lose_it() {
    let (graph, groups, scores) = three_groups();
    // Ten of twelve, of which nine may leave.
    let most = Target::Channels("0.8".parse().unwrap());
    let chosen = Selection::Global.choose(&graph, &groups, &scores, most, 1).unwrap();
    assert_eq!((chosen.removal.units(), chosen.floors), (9, vec!["conv1".to_string()]));
    assert!(chosen.kept.is_empty());
}

#[test]
fn a_share_is_one_of_all_channels_and_those_that_must_stay_say_why() {
    let mut g = Graph::builder([1, 2, 2]);
    let x = g.conv("a", g.input(), Conv::new(8, 1));
    let out = g.slice(x, Slice { axis: 1, start: 0, length: 4, step: 1 });
    let y = g.conv("b", x, Conv::new(2, 1));
    let graph = g.finish_with(&[out, y]).unwrap();
    let groups = Groups::of(&graph).unwrap();
    let scores: Vec<Vec<f64>> =
        groups.iter().map(|group| (0..group.units()).map(|unit| unit as f64).collect()).collect();
    for (share, gone, kept) in [("50%", 4, vec![]), ("75%", 4, vec![0, 1])] {
        let target = Target::Channels(share.parse().unwrap());
        let chosen = Selection::PerGroup.choose(&graph, &groups, &scores, target, 1).unwrap();
        assert_eq!((chosen.removal.of(0), chosen.floors), (gone, Vec::<String>::new()), "{share}");
        assert_eq!(chosen.kept.iter().map(|kept| kept.slot.unit).collect::<Vec<_>>(), kept, "{share}");
        assert!(
            chosen.kept.iter().all(|kept| kept.group == "a" && kept.reason.contains("out of the network"))
        );
    }
}

#[test]
fn a_removal_is_for_one_network_and_a_constant_takes_bytes() {
    let of = |width: usize, learnt: bool| {
        let mut g = Graph::builder([1, 4, 4]);
        let x = g.conv("conv", g.input(), Conv::new(width, 3));
        let fixed = g.constant("fixed", &[width, 2, 2], learnt);
        let x = g.add(x, fixed);
        let x = g.flatten(x);
        g.linear("fc", x, 2);
        g.finish().unwrap()
    };
    let [narrow, wide] = [3, 5].map(|width| Groups::of(&of(width, false)).unwrap());
    let said = Removal::none(&narrow).check(&wide).unwrap_err().to_string();
    assert!(said.starts_with("expected a removal of 5 units for group `conv`, found one of 3"), "{said}");
    let [fixed, learnt] = [false, true].map(|learnt| Cost::of(&of(3, learnt)).unwrap());
    assert_eq!((fixed.bytes, fixed.params + 12), (learnt.bytes, learnt.params));
}
