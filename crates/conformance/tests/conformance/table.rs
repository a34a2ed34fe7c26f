//! The table of operations says what the crates can do.

use std::collections::BTreeSet;

use sapwood_backend::{DeviceSpec, block_on};
use sapwood_conformance::{Ability, OperationRow, operation_table, operations};
use sapwood_core::{Channels, Graph, ModuleState, Op, State};
use sapwood_models::{Error, Net, Spec, to_onnx};
use sapwood_runtime::Runtime;

/// The networks of a row's operation that PyTorch's answers are there for.
fn cases(row: &OperationRow) -> Vec<Graph> {
    let graphs = operations().cases.into_iter().map(|case| case.graph);
    graphs.filter(|graph| graph.nodes().iter().any(|node| node.op.kind() == row.op.kind())).collect()
}

/// What is done with a network.
type Done = fn(&Graph, &State) -> bool;

/// The operations of the networks, of PyTorch's answers or of the table, with which something is done.
fn with(done: Done) -> BTreeSet<&'static str> {
    let named = |graph: Graph| {
        let (mut nodes, mut entries) = (graph.nodes().to_vec(), graph.entries().to_vec());
        // The first input has a name of its own in a file that does not say otherwise.
        (nodes[0].name, entries[0].name) = ("input".into(), "input".into());
        Graph::of_parts(nodes, entries, graph.ends().to_vec()).unwrap()
    };
    let cases = operations().cases.into_iter().map(|case| named(case.graph));
    let between = operation_table().into_iter().filter_map(|row| row.between());
    let is_done = |graph: &Graph| {
        let net = Net::new(graph.clone(), &DeviceSpec::CPU.resolve().unwrap());
        done(graph, &block_on(State::read(&net)).unwrap())
    };
    let graphs: Vec<Graph> = cases.chain(between).filter(is_done).collect();
    graphs.iter().flat_map(|graph| graph.nodes()).map(|node| node.op.kind()).collect()
}

fn as_onnx(graph: &Graph, state: &State) -> Result<Vec<u8>, Error> {
    to_onnx(&Spec::of_layers("own", graph.clone())?, None, state, 19)
}

/// Whether the channels that come into it, or leave it, are nobody else's.
fn channels(row: &OperationRow) -> bool {
    let Some(graph) = row.between() else { return false };
    let sets = Channels::of([&graph]);
    let free = |layer: &str, outputs: bool| {
        let mut sets = sets.iter().filter(|set| !set.tied);
        sets.any(|set| set.axes.iter().any(|axis| axis.layer == layer && axis.outputs == outputs))
    };
    free("before", true) && free("after", false)
}

#[test]
fn every_operation_has_a_row_and_answers_of_pytorchs() {
    let rows: Vec<&str> = operation_table().iter().map(|row| row.op.kind()).collect();
    let named: BTreeSet<&str> = rows.iter().copied().collect();
    assert_eq!(rows.len(), named.len(), "an operation has two rows");
    let cases = operations().cases;
    let of_cases: BTreeSet<&str> =
        cases.iter().flat_map(|case| case.graph.nodes()).map(|node| node.op.kind()).collect();
    let inputs = BTreeSet::from([Op::Input.kind()]);
    assert_eq!(of_cases, named.union(&inputs).copied().collect());
}

#[test]
fn what_can_be_done_with_an_operation_is_no_hole_and_what_cannot_has_a_reason() {
    // What is not read as itself was written all the same.
    let written = with(|graph, state| matches!(as_onnx(graph, state), Ok(_) | Err(Error::ReadBack)));
    let read = with(|graph, state| as_onnx(graph, state).is_ok());
    let planned = with(|graph, state| Runtime::new().plan(graph, state).is_ok());
    let mut wrong = Vec::new();
    for row in operation_table() {
        let (kind, cases) = (row.op.kind(), cases(&row));
        for ability in Ability::ALL {
            let is_there = match ability {
                // Of a graph that was read the dimensions were found, and what is computed is compared with
                // PyTorch's answers elsewhere.
                Ability::Shape | Ability::Burn => !cases.is_empty(),
                Ability::OnnxOut => written.contains(kind),
                Ability::OnnxIn => read.contains(kind),
                Ability::Channels => channels(&row),
                Ability::Runtime => planned.contains(kind),
            };
            match (is_there, row.hole(ability)) {
                (true, Some(reason)) => {
                    wrong.push(format!("{kind}: {ability:?} is there, and the table says: {reason}"));
                }
                (false, None) => {
                    wrong.push(format!("{kind}: {ability:?} is not there, and the table has no reason"))
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
