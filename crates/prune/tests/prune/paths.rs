//! Effective sparsity and what else there is to be warned of.

use sapwood_core::{Bits, Conv, Dims, Graph, GraphBuilder, Masks, Slice, Wire};
use sapwood_prune::{Diagnosis, MaskSet, Warning, effective};

fn masks(layers: &[(&str, &str)]) -> MaskSet {
    let bits = |text: &str| text.chars().map(|c| c == '1').collect::<Bits>();
    layers.iter().map(|(path, text)| ((*path).into(), bits(text))).collect::<Masks>().into()
}

/// Two values, three hidden, two outputs.
fn two_layers() -> Graph {
    let mut g = Graph::builder([2, 1, 1]);
    let x = g.input();
    let x = g.linear("a", x, 3);
    let x = g.relu(x);
    g.linear("b", x, 2);
    g.finish().unwrap()
}

#[test]
fn a_weight_without_a_path_counts_as_gone() {
    // Hidden 0: in and out. Hidden 1: in, but not out. Hidden 2: out, but not in.
    let masks = masks(&[("a.weight", "101100"), ("b.weight", "101001")]);
    let found = Diagnosis::of(&two_layers(), &masks).unwrap();
    assert_eq!(found.effective, self::masks(&[("a.weight", "100000"), ("b.weight", "100000")]));
    assert_eq!((masks.realised_sparsity(), found.effective_sparsity()), (0.5, 10.0 / 12.0));
    let [a, b] = &found.layers[..] else { panic!("{:?}", found.layers) };
    assert_eq!((a.kept, a.effective, a.outputs, a.dead_outputs), (3, 1, 3, 2));
    assert_eq!((b.kept, b.effective, b.outputs, b.dead_outputs), (3, 1, 2, 1));
    let expected = [
        Warning::Ineffective { weights: 4, kept: 6 },
        Warning::DeadFilters { filters: 3, of: 5, most: "a".into() },
    ];
    assert_eq!(found.warnings, expected);
}

#[test]
fn masks_of_another_graph_are_refused() {
    for (path, bits, said) in [
        ("a.weight", "11111", "a.weight should be [6] but is [5]"),
        ("b.weight", "1111111", "b.weight should be [6] but is [7]"),
        ("c.weight", "111111", "unexpected c.weight"),
    ] {
        let foreign = masks(&[(path, bits)]);
        let graph = two_layers();
        for found in [effective(&graph, &foreign).map(drop), Diagnosis::of(&graph, &foreign).map(drop)] {
            let error = found.unwrap_err().to_string();
            assert_eq!(error, format!("the masks do not belong to this network: {said}"));
        }
    }
    // Where whole channels go, biases have masks too.
    let channel = masks(&[("a.weight", "110011"), ("a.bias", "101"), ("b.weight", "101101")]);
    assert_eq!(effective(&two_layers(), &channel).unwrap(), channel);
}

#[test]
fn channels_that_are_gone_whole_are_not_warned_of() {
    let mut g = Graph::builder([2, 4, 4]);
    let x = g.input();
    let x = g.conv("a", x, Conv::new(3, 1));
    let x = g.batch_norm("bn", x);
    let x = g.global_avg_pool(x);
    g.linear("fc", x, 2);
    let graph = g.finish().unwrap();
    let channel = [("a.weight", "110011"), ("bn.weight", "101"), ("fc.weight", "101101")];
    let found = Diagnosis::of(&graph, &masks(&channel)).unwrap();
    assert_eq!(found.warnings, []);
    // Weights are those of convolutions and linear layers, whatever else has masks.
    let weights: Vec<_> = found.layers.iter().map(|layer| (layer.path.as_str(), layer.total)).collect();
    assert_eq!((weights, found.effective_sparsity()), (vec![("a.weight", 6), ("fc.weight", 6)], 1.0 / 3.0));
    // Of a filter alone something reads what is left, and normalisations are none.
    let filter = [("a.weight", "110011"), ("bn.weight", "111"), ("fc.weight", "111111")];
    let found = Diagnosis::of(&graph, &masks(&filter)).unwrap().warnings;
    assert!(found.contains(&Warning::DeadFilters { filters: 1, of: 5, most: "a".into() }), "{found:?}");
}

#[test]
fn a_dense_network_is_as_sparse_as_it_looks() {
    let dense = masks(&[("a.weight", "111111"), ("b.weight", "111111")]);
    let found = Diagnosis::of(&two_layers(), &dense).unwrap();
    assert_eq!((found.effective, found.warnings), (dense, Vec::new()));
    // What has no mask is dense.
    let half = masks(&[("b.weight", "111000")]);
    assert_eq!(effective(&two_layers(), &half).unwrap(), half);
}

#[test]
fn a_network_that_is_cut_through_is_told_so() {
    let cut = masks(&[("a.weight", "110000"), ("b.weight", "011011")]);
    let found = Diagnosis::of(&two_layers(), &cut).unwrap();
    assert_eq!(found.effective.kept(), 0);
    assert!(found.warnings.contains(&Warning::Disconnected), "{:?}", found.warnings);
    let collapsed = masks(&[("a.weight", "000000"), ("b.weight", "111111")]);
    let found = Diagnosis::of(&two_layers(), &collapsed).unwrap();
    assert!(matches!(found.warnings[0], Warning::LayerCollapse { .. }));
    assert!(!found.layers[1].reached && found.layers[1].needed && found.layers[0].reached);
}

#[test]
fn a_network_of_two_outputs_is_connected_as_long_as_one_of_them_is() {
    let mut g = Graph::builder([2, 1, 1]);
    let x = g.input();
    let ends = [g.linear("a", x, 1), g.linear("b", x, 1)];
    let graph = g.finish_with(&ends).unwrap();
    for (a, b) in [("10", "00"), ("00", "10")] {
        let one = masks(&[("a.weight", a), ("b.weight", b)]);
        let warnings = Diagnosis::of(&graph, &one).unwrap().warnings;
        assert!(!warnings.contains(&Warning::Disconnected), "{warnings:?}");
    }
}

/// A residual block whose body is empty still passes on what it gets; a shortcut's
/// convolution can go.
#[test]
fn addition_joins_paths() {
    let mut g = Graph::builder([2, 4, 4]);
    let input = g.input();
    let body = g.conv("body", input, Conv::new(2, 3).same());
    let body = g.batch_norm("bn", body);
    let sum = g.add(body, input);
    let pooled = g.global_avg_pool(sum);
    g.linear("fc", pooled, 1);
    let graph = g.finish().unwrap();
    let empty = masks(&[("body.weight", &"0".repeat(36)), ("fc.weight", "10")]);
    let found = Diagnosis::of(&graph, &empty).unwrap();
    assert_eq!(found.effective, empty);
    assert!(!found.warnings.contains(&Warning::Disconnected));
    // Of the body's kernels, those that make the channel that `fc` reads are needed.
    let full = masks(&[("body.weight", &"1".repeat(36)), ("fc.weight", "10")]);
    let half = format!("{}{}", "1".repeat(18), "0".repeat(18));
    assert_eq!(effective(&graph, &full).unwrap(), masks(&[("body.weight", &half), ("fc.weight", "10")]));
}

/// A flattened channel is four values; groups see only their own channels.
#[test]
fn flattening_and_groups_keep_channels_apart() {
    let mut g = Graph::builder([2, 2, 2]);
    let x = g.input();
    let x = g.conv("depthwise", x, Conv::new(2, 1).groups(2));
    let x = g.flatten(x);
    g.linear("fc", x, 1);
    let graph = g.finish().unwrap();
    let kept = masks(&[("depthwise.weight", "11"), ("fc.weight", "00010000")]);
    assert_eq!(
        effective(&graph, &kept).unwrap(),
        masks(&[("depthwise.weight", "10"), ("fc.weight", "00010000")])
    );
    let kept = masks(&[("depthwise.weight", "01"), ("fc.weight", "00010000")]);
    assert_eq!(effective(&graph, &kept).unwrap().kept(), 0);
}

/// What goes up again meets what was there before: of the transposed layer the inputs come first.
#[test]
fn a_skip_connection_of_a_u_net_is_a_path_of_its_own() {
    let mut g = Graph::builder([1, 2, 2]);
    let skip = g.conv("down", g.input(), Conv::new(2, 1).no_bias());
    let x = g.max_pool(skip, 2, 2, 0);
    let x = g.conv("mid", x, Conv::new(2, 1).no_bias());
    let x = g.conv("up", x, Conv::new(2, 2).stride(2).no_bias().transposed(0));
    let x = g.concat(&[skip, x], 1);
    g.conv("out", x, Conv::new(1, 1).no_bias());
    let kept = masks(&[
        ("down.weight", "11"),
        // Its second channel gets nothing.
        ("mid.weight", "1000"),
        // From the first channel to the first, at all four places, and from the second to the second at one.
        ("up.weight", "1111000000000001"),
        // Of the skipped channels the second alone.
        ("out.weight", "0111"),
    ]);
    let found = effective(&g.finish().unwrap(), &kept).unwrap();
    let expected = masks(&[
        ("down.weight", "11"),
        ("mid.weight", "1000"),
        ("up.weight", "1111000000000000"),
        ("out.weight", "0110"),
    ]);
    assert_eq!(found, expected);
}

/// Six tokens of four numbers, three hidden channels, two at the end, and the first token alone goes on.
fn first_of_six_tokens() -> Graph {
    let mut g = Graph::builder([6, 4, 1]);
    let x = g.reshape(g.input(), Dims::batch_of(&[6, 4]).unwrap());
    let x = g.linear_at_places("a", x, 3);
    let x = g.relu(x);
    let x = g.linear_at_places("b", x, 2);
    let x = g.slice(x, Slice { axis: 1, start: 0, length: 1, step: 1 });
    let x = g.flatten(x);
    g.linear("head", x, 2);
    g.finish().unwrap()
}

#[test]
fn layers_on_tokens_have_channels_that_are_cut_off_and_no_tokens() {
    let graph = first_of_six_tokens();
    let cut_off = Warning::DeadFilters { filters: 1, of: 5, most: "a".into() };
    for (a, b, warnings, dead) in [
        // The other five tokens go nowhere, and no channel is lost by that.
        ("111111111111", "111111", vec![], 0),
        // No weight makes the second channel; none reads the third; the second is gone from both layers.
        ("111100001111", "111111", vec![cut_off.clone()], 1),
        ("111111111111", "110110", vec![cut_off.clone()], 1),
        ("111100001111", "101101", vec![], 1),
    ] {
        let found = Diagnosis::of(&graph, &masks(&[("a.weight", a), ("b.weight", b)])).unwrap();
        assert_eq!(found.warnings, warnings, "{a} {b}");
        let outputs: Vec<_> = found.layers.iter().map(|layer| (layer.outputs, layer.dead_outputs)).collect();
        assert_eq!(outputs, [(3, dead), (2, 0)], "{a} {b}");
    }
    let said = "1 of 5 output channels of convolutions and linear layers is cut off in `a`: no path of kept weights leads \
                to it, or none leads on";
    assert_eq!(cut_off.to_string(), said);
}

#[test]
fn queries_and_keys_of_a_head_are_needed_by_all_its_values() {
    let mut g = Graph::builder([1, 2, 2]);
    let x = ["q", "k", "v"].map(|name| g.conv(name, g.input(), Conv::new(4, 1).no_bias()));
    let x = g.attention(x, 2);
    g.conv("out", x, Conv::new(1, 1).no_bias());
    let of = |q: &str, k: &str, v: &str, out: &str| {
        masks(&[("q.weight", q), ("k.weight", k), ("v.weight", v), ("out.weight", out)])
    };
    let found = effective(&g.finish().unwrap(), &of("1111", "1111", "1111", "0100")).unwrap();
    assert_eq!(found, of("1100", "1100", "0100", "0100"));
}

/// What no weight makes is another number all the same, once it is normalised together with others.
#[test]
fn normalisation_over_channels_joins_them() {
    let network = |norm: &dyn Fn(&mut GraphBuilder, Wire) -> Wire| {
        let mut g = Graph::builder([2, 2, 2]);
        let x = g.conv("a", g.input(), Conv::new(4, 1).no_bias());
        let x = norm(&mut g, x);
        g.conv("b", x, Conv::new(1, 1).no_bias());
        g.finish().unwrap()
    };
    let of = |a: &str, b: &str| masks(&[("a.weight", a), ("b.weight", b)]);
    let kept = of("00111111", "1000");
    for (graph, left) in [
        (network(&|g, x| g.layer_norm("norm", x)), of("00111111", "1000")),
        (network(&|g, x| g.group_norm("norm", x, 2)), of("00110000", "1000")),
        (network(&|g, x| g.group_norm("norm", x, 4)), of("00000000", "0000")),
        (network(&|g, x| g.batch_norm("norm", x)), of("00000000", "0000")),
    ] {
        assert_eq!(effective(&graph, &kept).unwrap(), left, "{graph:?}");
    }
}

#[test]
fn pieces_of_examples_are_sliced_each_by_itself() {
    let mut g = Graph::builder([4, 4, 4]);
    let x = g.reshape(g.input(), Dims::with_batch(&[4, 4, 4], 0).unwrap());
    let x = g.slice(x, Slice { axis: 1, start: 0, length: 2, step: 3 });
    let x = g.reshape(x, Dims::batch_of(&[8, 4]).unwrap());
    let x = g.flatten(x);
    g.linear("fc", x, 1);
    let all = masks(&[("fc.weight", &"1".repeat(32))]);
    assert_eq!(effective(&g.finish().unwrap(), &all).unwrap(), all);
}
