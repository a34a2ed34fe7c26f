//! Images whose channels come last in a file.

use rten_onnx::onnx::ModelProto;
use sapwood_graph::{Conv, Dims, Entry, Graph, Op, Ranked};
use sapwood_onnx::{Imported, Importer, Note, Options, export, import};

use crate::{
    foreign::operations,
    round_trip::{assert_comes_back, state},
    written::Foreign,
};

const LAST: &[Option<i64>] = &[None, Some(8), Some(6), Some(3)];

fn turned() -> Foreign {
    turned_of(LAST)
}

fn turned_of(images: &[Option<i64>]) -> Foreign {
    Foreign::new(13, images)
        .floats("conv.weight", &[4, 3, 3, 3], |at| at as f32)
        .node("Transpose", "x", "t", &["perm=[0, 3, 1, 2]"])
        .node("Conv", "t conv.weight", "y", &[])
}

/// The name and the operation of a node.
type Said = (Option<String>, String);

/// The sizes of a file's first input, and what its nodes are.
fn said(bytes: &[u8]) -> (Vec<Option<i64>>, Vec<Said>) {
    let graph = ModelProto::parse_buf(bytes).unwrap().graph.unwrap();
    let kind = graph.input[0].r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
    let sizes = kind.shape.as_ref().unwrap().dim.iter().map(|dim| dim.dim_value).collect();
    (sizes, graph.node.iter().map(|node| (node.name.clone(), node.op_type.clone().unwrap())).collect())
}

#[test]
fn channels_that_the_file_brings_to_the_front_come_first_in_the_network_and_last_in_its_file() {
    let found = turned().import().unwrap();
    assert_eq!((found.graph.input(), operations(&found).as_str()), ([3, 8, 6], "conv"));
    assert_eq!(found.notes, [Note::ChannelsLast]);
    assert!(found.channels_last.iter().eq(["x"]));

    let options = Options { channels_last: found.channels_last.clone(), ..Options::default() };
    let bytes = export(&found.graph, &found.state, &options).unwrap();
    let (sizes, nodes) = said(&bytes);
    assert_eq!(sizes, LAST);
    assert_eq!(nodes[0], (None, "Transpose".to_string()));
    let again = import(&bytes).unwrap();
    assert_eq!((&again.graph, &again.channels_last), (&found.graph, &found.channels_last));
    assert!(again.state == found.state);
    // Without that it is a network like any other.
    let plain = export(&found.graph, &found.state, &Options::default()).unwrap();
    assert_eq!(said(&plain).0, [None, Some(3), Some(8), Some(6)]);
}

#[test]
fn a_single_channel_may_be_brought_there_by_a_reshape() {
    let file = Foreign::new(13, &[None, Some(8), Some(6), Some(1)])
        .integers("planes", &[-1, 1, 8, 6])
        .floats("conv.weight", &[4, 1, 3, 3], |at| at as f32)
        .node("Reshape", "x planes", "t", &[])
        .node("Conv", "t conv.weight", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!((found.graph.input(), operations(&found).as_str()), ([1, 8, 6], "conv"));
    assert_eq!(found.channels_last.len(), 1);
}

#[test]
fn the_size_of_an_example_is_given_in_the_order_of_the_file() {
    let open = turned_of(&[None, None, None, Some(3)]).bytes();
    let of = |example: [usize; 3]| Importer::default().example(example).import(&open);
    assert_eq!(of([8, 6, 3]).unwrap().graph.input(), [3, 8, 6]);
    let error = of([3, 8, 6]).unwrap_err().to_string();
    assert_eq!(error, "examples of [3, 8, 6] do not go into its input `x` [N, N, N, 3]");
}

#[test]
fn an_input_that_something_else_reads_too_or_that_is_moved_otherwise_stays() {
    let other = Foreign::new(13, LAST).node("Transpose", "x", "y", &["perm=[0, 3, 2, 1]"]);
    let also = turned().node("Relu", "x", "z", &[]).also("z");
    for file in [other, also, turned().also("x")] {
        let found = file.import().unwrap();
        assert_eq!((found.graph.input(), found.channels_last.len()), ([8, 6, 3], 0));
    }
    // A transposition of the network's own.
    let mut g = Graph::builder([8, 6, 3]);
    let order = Ranked::new(&[0, 3, 1, 2]).unwrap();
    let x = g.op("transpose", Op::Transpose { order }, &[g.input()]);
    g.conv("conv", x, Conv::new(4, 3));
    assert_comes_back(&g.finish().unwrap(), 18);
}

/// The dimensions of all nodes of a network that was read, by their names.
fn shapes(found: &Imported) -> Vec<(String, Vec<usize>)> {
    let dims = found.graph.dims().unwrap();
    let nodes = found.graph.nodes().iter().zip(dims);
    nodes.map(|(node, dims)| (node.name.clone(), dims.sizes().to_vec())).collect()
}

#[test]
fn what_scales_and_pads_images_with_their_channels_last_does_so_with_these_first() {
    let file = Foreign::new(13, LAST)
        .floats("factor", &[1], |_| 1.0 / 255.0)
        .floats("mean", &[1, 1, 1, 3], |at| at as f32)
        .floats("deviation", &[3], |at| 1.0 + at as f32)
        .integers("pads", &[0, 2, 1, 0, 0, 2, 1, 0])
        .floats("conv.weight", &[4, 3, 3, 3], |at| at as f32)
        .node("Mul", "x factor", "a", &[])
        .node("Sub", "a mean", "b", &[])
        .node("Div", "b deviation", "c", &[])
        .node("Pad", "c pads", "d", &[])
        .node("Transpose", "d", "t", &["perm=[0, 3, 1, 2]"])
        .node("Conv", "t conv.weight", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!((found.graph.input(), found.channels_last.len()), ([3, 8, 6], 1));
    assert!(!operations(&found).contains("transpose"), "{}", operations(&found));
    let of = |values: &[f32]| {
        let state = found.state.0.values().find(|array| array.iter::<f32>().eq(values.iter().copied()));
        state.unwrap().shape().to_vec()
    };
    assert_eq!((of(&[0.0, 1.0, 2.0]), of(&[1.0, 2.0, 3.0])), (vec![3, 1, 1], vec![3, 1, 1]));
    let shapes = shapes(&found);
    assert_eq!(shapes[shapes.len() - 2].1, [1, 3, 12, 8]);
    assert!(shapes.last().unwrap().1 == [1, 4, 10, 6]);
}

#[test]
fn what_makes_inputs_of_images_does_not_learn() {
    let file = || {
        Foreign::new(13, &[None, Some(3), Some(6), Some(5)])
            .floats("mean", &[1, 3, 1, 1], |at| at as f32)
            .floats("scale", &[], |_| 0.5)
            .floats("gain", &[], |_| 2.0)
            .floats("position", &[3, 6, 5], |at| at as f32)
            .floats("conv.weight", &[4, 3, 3, 3], |at| at as f32)
            .node("Sub", "x mean", "a", &[])
            .node("Mul", "a scale", "b", &[])
            .node("Add", "b position", "c", &[])
            .node("Conv", "c conv.weight", "d", &[])
            .node("Mul", "d gain", "y", &[])
    };
    let learns = |found: &Imported| {
        let learnt = |node: &&sapwood_graph::Node| matches!(node.op, Op::Constant { learnt: true, .. });
        found.graph.nodes().iter().filter(learnt).map(|node| node.name.clone()).collect::<Vec<_>>()
    };
    let found = file().import().unwrap();
    assert_eq!(learns(&found), ["position", "gain"]);
    assert_eq!(found.notes, [Note::Single(vec!["gain".into()])]);
    // So does a file that is written of it.
    let again = import(&export(&found.graph, &found.state, &Options::default()).unwrap()).unwrap();
    assert_eq!((learns(&again), &again.graph), (learns(&found), &found.graph));
}

#[test]
fn a_row_has_the_values_of_images_in_the_order_of_the_file() {
    let of = |dims: &[Option<i64>]| {
        let values: i64 = dims.iter().flatten().product();
        Foreign::new(13, dims)
            .floats("factor", &[], |_| 0.5)
            .floats("fc.weight", &[2, values], |at| at as f32)
            .node("Mul", "x factor", "a", &[])
            .node("Flatten", "a", "f", &["axis=1"])
            .node("Gemm", "f fc.weight", "y", &["transB=1"])
    };
    let found = of(LAST).import().unwrap();
    assert_eq!((found.graph.input(), found.channels_last.len()), ([3, 8, 6], 1));
    let (name, dims) = &shapes(&found)[found.graph.nodes().len() - 3];
    assert_eq!((name.as_str(), &dims[..]), ("transpose", &[1, 8, 6, 3][..]));
    // So has a layer that reads all values, for which nothing flattens them by name.
    let mut file = of(LAST);
    for node in &mut file.graph.node {
        node.name = None;
    }
    let layer = file.import().unwrap();
    assert_eq!((layer.graph.input(), layer.channels_last.len()), ([3, 8, 6], 1));
    assert!(operations(&layer).ends_with("transpose fc"), "{}", operations(&layer));
    // Written and read again it is the same.
    let options = Options { channels_last: found.channels_last.clone(), ..Options::default() };
    let again = import(&export(&found.graph, &found.state, &options).unwrap()).unwrap();
    assert_eq!((&again.graph, &again.channels_last), (&found.graph, &found.channels_last));
    // A single channel has no order.
    let grey = of(&[None, Some(8), Some(6), Some(1)]).import().unwrap();
    assert_eq!((grey.graph.input(), grey.channels_last.len()), ([1, 8, 6], 1));
    assert!(!operations(&grey).contains("transpose"), "{}", operations(&grey));
    // What has its channels in front, or is no photograph, is as it is.
    for other in [[3, 8, 3], [1, 8, 3], [8, 1, 3], [8, 6, 4]] {
        let dims = [None, Some(other[0]), Some(other[1]), Some(other[2])];
        let found = of(&dims).import().unwrap();
        assert_eq!((found.graph.input(), found.channels_last.len()), (other.map(|size| size as usize), 0));
    }
}

#[test]
fn constants_of_which_others_know_the_order_keep_the_channels_at_the_end() {
    let mean = |dims: &[i64]| {
        Foreign::new(13, LAST)
            .floats("mean", dims, |at| at as f32)
            .floats("conv.weight", &[4, 3, 3, 3], |at| at as f32)
            .node("Sub", "x mean", "a", &[])
            .node("Transpose", "a", "t", &["perm=[0, 3, 1, 2]"])
            .node("Conv", "t conv.weight", "y", &[])
    };
    assert_eq!(mean(&[3]).import().unwrap().channels_last.len(), 1);
    assert_eq!(mean(&[8, 1, 1]).import().unwrap().channels_last.len(), 1);
    let shared = mean(&[3]).node("Relu", "x", "r", &[]).node("Mul", "r mean", "z", &[]).also("z");
    for file in [mean(&[8, 6, 3]), shared] {
        let found = file.import().unwrap();
        assert_eq!((found.graph.input(), found.channels_last.len()), ([8, 6, 3], 0));
    }
}

#[test]
fn channels_come_last_in_images_alone() {
    let rows = Entry { name: "rows".into(), dims: Dims::rows(4), integers: false };
    let mut g = Graph::builder_of(vec![rows]);
    g.linear("fc", g.input(), 2);
    let graph = g.finish().unwrap();
    for (name, found) in [("rows", "[n, 4]"), ("images", "no such")] {
        let options = Options { channels_last: [name.to_string()].into(), ..Options::default() };
        let error = export(&graph, &state(&graph), &options).unwrap_err().to_string();
        let expected = format!("expected an input `{name}` of [n, C, H, W], found {found}");
        assert!(error.ends_with(&expected), "{error}");
    }
}
