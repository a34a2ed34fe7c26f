//! What a file says of its ends beside the network.

use rten_onnx::onnx::{DataType, ModelProto, ValueInfoProto};
use sapwood_graph::{Dims, Graph};
use sapwood_onnx::{Importer, Note, Options, export, import};

use crate::{
    round_trip::state,
    written::{Foreign, end},
};

fn classifier(softmax: bool) -> Graph {
    let mut g = Graph::builder([2, 1, 1]);
    let x = g.linear("fc", g.input(), 3);
    if softmax {
        g.softmax(x, 1);
    }
    g.finish().unwrap()
}

#[test]
fn a_softmax_that_belongs_to_the_file_is_left_out_again_and_one_of_the_network_is_not() {
    for own in [false, true] {
        let graph = classifier(own);
        let options = Options { softmax: true, outputs: vec!["probs".into()], ..Options::default() };
        let bytes = export(&graph, &state(&graph), &options).unwrap();
        let file = ModelProto::parse_buf(&bytes).unwrap().graph.unwrap();
        let last = file.node.last().unwrap();
        assert_eq!(
            (last.op_type.as_deref(), &last.output[..]),
            (Some("Softmax"), &["probs".to_string()][..])
        );
        assert_eq!(file.output[0].name.as_deref(), Some("probs"));
        let found = import(&bytes).unwrap();
        assert_eq!((&found.graph, &found.outputs[..]), (&graph, &["probs".to_string()][..]));
        assert_eq!(found.notes, [Note::Softmax]);
        let plain = import(&export(&graph, &state(&graph), &Options::default()).unwrap()).unwrap();
        assert_eq!(plain.graph, graph);
        assert!(plain.notes.is_empty(), "{:?}", plain.notes);
    }
}

#[test]
fn a_softmax_behind_what_are_no_classes_is_refused() {
    let options = Options { softmax: true, ..Options::default() };
    let refused = |graph: &Graph| export(graph, &state(graph), &options).unwrap_err().to_string();
    let mut g = Graph::builder([2, 4, 4]);
    let x = g.input();
    g.relu(x);
    assert_eq!(
        refused(&g.finish().unwrap()),
        "cannot be written at opset 18: a softmax at the end of the file is over classes: expected a number for each, found \
         an output of [n, 2, 4, 4]"
    );
    let mut g = Graph::builder([2, 1, 1]);
    let x = g.input();
    let both = [g.linear("a", x, 3), g.linear("b", x, 3)];
    assert!(refused(&g.finish_with(&both).unwrap()).ends_with("found 2 outputs"));
}

/// The type of the numbers of an input or output.
fn kind(end: &ValueInfoProto) -> Option<DataType> {
    end.r#type.as_ref()?.tensor_type.as_ref()?.elem_type
}

#[test]
fn integers_come_in_with_the_bits_that_they_had() {
    let file = |narrow: &[&str]| {
        let rows = [None, Some(7)];
        let mut file = Foreign::new(17, &rows)
            .floats("emb.weight", &[9, 4], |at| at as f32)
            .floats("kind.weight", &[2, 4], |at| at as f32)
            .node("Gather", "emb.weight x", "a", &[])
            .node("Gather", "kind.weight z", "b", &[])
            .node("Add", "a b", "y", &[]);
        file.graph.input.push(end("z", &rows));
        for input in &mut file.graph.input {
            let is_narrow = narrow.contains(&input.name.as_deref().unwrap());
            let tensor = input.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
            tensor.elem_type = Some(if is_narrow { DataType::INT32 } else { DataType::INT64 });
        }
        file
    };
    for (narrow, kinds) in [
        (&["x", "z"][..], [DataType::INT32; 2]),
        (&["z"], [DataType::INT64, DataType::INT32]),
        (&[], [DataType::INT64; 2]),
    ] {
        let found = file(narrow).import().unwrap();
        assert!(found.int32.iter().eq(narrow), "{:?}", found.int32);
        let options = Options { int32: found.int32.clone(), ..Options::default() };
        let bytes = export(&found.graph, &found.state, &options).unwrap();
        let inputs = ModelProto::parse_buf(&bytes).unwrap().graph.unwrap().input;
        assert_eq!(inputs.iter().map(kind).collect::<Vec<_>>(), kinds.map(Some));
        let again = import(&bytes).unwrap();
        assert_eq!((again.graph, again.int32), (found.graph, found.int32));
    }
}

#[test]
fn thirty_two_bits_are_for_integers() {
    let graph = classifier(false);
    for (name, found) in [("input", "one of numbers"), ("tokens", "no such")] {
        let options = Options { int32: [name.to_string()].into(), ..Options::default() };
        let error = export(&graph, &state(&graph), &options).unwrap_err().to_string();
        let expected = format!("expected an input `{name}` of integers, found {found}");
        assert!(error.ends_with(&expected), "{error}");
    }
}

#[test]
fn a_shape_is_the_size_of_an_example_that_is_no_image_too() {
    let of = |input: &[Option<i64>], example: [usize; 3]| {
        let file = Foreign::new(13, input).node("Relu", "x", "y", &[]).bytes();
        let found = Importer::default().example(example).import(&file);
        found.map(|found| found.graph.entries()[0].dims).map_err(|error| error.to_string())
    };
    assert_eq!(of(&[None, Some(6), None], [6, 1, 64]), Ok(Dims::batch_of(&[6, 64]).unwrap()));
    assert_eq!(of(&[None, None], [64, 1, 1]), Ok(Dims::batch_of(&[64]).unwrap()));
    assert_eq!(of(&[None, None, None, None], [6, 1, 64]), Ok(Dims::batch_of(&[6, 1, 64]).unwrap()));
    let refused =
        |example: &str, dims: &str| Err(format!("examples of {example} do not go into its input `x` {dims}"));
    assert_eq!(of(&[None, Some(6), None], [6, 2, 64]), refused("[6, 2, 64]", "[N, 6, N]"));
    assert_eq!(of(&[None, Some(6), None], [5, 1, 64]), refused("[5, 64]", "[N, 6, N]"));
    assert_eq!(of(&[None, None], [6, 1, 64]), refused("[6, 1, 64]", "[N, N]"));
}

#[test]
fn an_input_without_a_shape_takes_the_size_that_is_given() {
    let mut file = Foreign::new(13, &[]).node("Relu", "x", "y", &[]);
    file.graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape = None;
    let bytes = file.bytes();
    let said = import(&bytes).unwrap_err().to_string();
    assert!(said.ends_with("found `x` without a shape: give the size of an example"), "{said}");
    for (example, dims) in [([4usize, 1, 1], &[4][..]), ([6, 1, 64], &[6, 64]), ([3, 8, 9], &[3, 8, 9])] {
        let found = Importer::default().example(example).import(&bytes).unwrap();
        assert_eq!(found.graph.entries()[0].dims, Dims::batch_of(dims).unwrap());
    }
}

#[test]
fn no_size_is_asked_for_that_cannot_be_given() {
    let images = [None, Some(1), Some(4), Some(4)];
    let mut file = Foreign::new(13, &images).node("Add", "x z", "y", &[]);
    file.graph.input.push(end("z", &[None, Some(1), None, None]));
    let bytes = file.bytes();
    for importer in [Importer::default(), Importer::default().example([1usize, 4, 4])] {
        assert_eq!(
            importer.import(&bytes).unwrap_err().to_string(),
            "its input `z` [N, 1, N, N] is open, and a size can be given for the first input alone: export it with numbers for \
             all dimensions but the first"
        );
    }
    let scalar = Foreign::new(13, &[]).node("Relu", "x", "y", &[]).refused();
    assert!(scalar.starts_with("expected an input of 1 to 6 dimensions, with "), "{scalar}");
}

#[test]
fn an_input_that_goes_out_keeps_its_name() {
    let file = Foreign::new(17, &[None, Some(4)])
        .floats("fc.weight", &[3, 4], |at| at as f32)
        .node("Gemm", "x fc.weight", "y", &["transB=1"])
        .also("x");
    let found = file.import().unwrap();
    assert_eq!(found.outputs, ["y", "x"]);
    let written = |outputs: &[&str]| {
        let outputs = outputs.iter().map(ToString::to_string).collect();
        let options = Options { outputs, ..Options::default() };
        import(&export(&found.graph, &found.state, &options).unwrap()).unwrap()
    };
    let again = written(&["y", "x"]);
    assert_eq!((&again.graph, &again.outputs), (&found.graph, &found.outputs));
    // One that goes out under another name does so too.
    assert_eq!(written(&["y", "z"]).outputs, ["y", "z"]);
}
