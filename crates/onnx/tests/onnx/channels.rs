//! Images whose channels come last in a file.

use rten_onnx::onnx::ModelProto;
use sapwood_graph::{Conv, Dims, Entry, Graph, Op, Ranked};
use sapwood_onnx::{Importer, Note, Options, export, import};

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
