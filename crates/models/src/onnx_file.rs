//! Networks in ONNX files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use sapwood_core::{
    Graph, Op, Shape, State, TrainedOn, canonical_json, graph::QuantizedNetwork, tensor_data,
};
use sapwood_onnx::{Form as OnnxForm, Imported, Importer, Options, export, export_quantized, import};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{
    Error, Integers, Note, Problem, Spec,
    agreement::{agree, agree_in_integers},
    conventions::of_onnx,
    pytorch::{Node, Stored},
    weights::pack_metadata,
};

/// The key of what we say of a network in the metadata of its file.
const METADATA: &str = "sapwood";

/// The tensors of a file, what they are the network of, as our own files say it, and what should be known. Weights may
/// lie beside it in its folder, if it has one.
pub(crate) fn read(
    bytes: &[u8],
    path: &Path,
    folder: Option<&Path>,
    example: Option<Shape>,
) -> Result<(Node, Value, Vec<Note>, Option<Integers>), Error> {
    let mut importer = Importer::default();
    if let Some(folder) = folder {
        importer = importer.beside(move |file| fs::read(folder.join(file)));
    }
    if let Some(example) = example {
        importer = importer.example(example);
    }
    let Imported { graph, state, notes, metadata, integers, .. } =
        importer.import(bytes).map_err(|error| match error {
            error @ sapwood_onnx::Error::OpenSize { .. } => {
                Error::Weights { problem: Problem::OpenSize(error).into(), path: path.into() }
            }
            error => Error::caused(path, error),
        })?;
    let said = metadata.get(METADATA).map(|text| serde_json::from_str::<Value>(text)).transpose();
    let mut said = said.map_err(|error| Error::caused(path, error))?.unwrap_or_default();
    let trained_on = TrainedOn::take(&mut said).map_err(|error| Error::caused(path, error))?;
    let trained_on = trained_on.or_else(|| of_onnx(&metadata, graph.input()));
    let metadata = pack_metadata(&spec(graph, said, path)?, trained_on.as_ref())?;
    let tensors = state
        .0
        .into_iter()
        .map(|(name, value)| (name.to_string(), Node::Tensor(Stored::Value(tensor_data(value)))));
    let integers = integers.map(|integers| {
        let sapwood_onnx::Integers { weights: quantized, grids } = integers;
        Integers { quantized, grids, dynamic: BTreeSet::new() }
    });
    // What is opened is computed as the file rounds it, so that need not be told.
    let notes =
        notes.into_iter().filter(|note| *note != sapwood_onnx::Note::Rounded).map(Note::Onnx).collect();
    Ok((Node::Dictionary(tensors.collect()), metadata, notes, integers))
}

/// The files in which the weights of an ONNX file lie, if they lie beside it; none of every other file.
///
/// # Errors
/// An ONNX file that is damaged.
pub fn files_beside(bytes: &[u8], path: &Path) -> Result<Vec<PathBuf>, Error> {
    if !sapwood_onnx::is_one(bytes) {
        return Ok(vec![]);
    }
    let names = sapwood_onnx::files_beside(bytes).map_err(|error| Error::caused(path, error))?;
    Ok(names.into_iter().map(|name| path.parent().unwrap_or(Path::new("")).join(name)).collect())
}

/// The network of the zoo that the file says it is, if it has the layers of that; else one of its
/// layers, called like the file where that says nothing.
fn spec(graph: Graph, said: Value, path: &Path) -> Result<Spec, Error> {
    let named = Spec::deserialize(&said).ok();
    match named {
        Some(spec) if spec.graph().is_ok_and(|expected| expected == graph) => Ok(spec),
        Some(Spec { model, architecture, .. }) => Ok(Spec { architecture, ..Spec::of_layers(model, graph)? }),
        None => {
            let stem = path.file_stem().map_or_else(|| "onnx".into(), |stem| stem.to_string_lossy());
            // Nobody says that a file called like a network of the zoo is that one.
            let is_taken = Spec::named(&stem).is_ok();
            Spec::of_layers(if is_taken { format!("{stem}.onnx").into() } else { stem }, graph)
        }
    }
}

/// The bytes of an ONNX file with a network, of the opset that is asked for. They were read again, and are
/// this network with these weights to the bit; or, where ONNX says a layer in several or otherwise, one that gives its
/// answers to drawn inputs within 1e-5.
///
/// # Errors
/// Layers that have no form in ONNX, all in one; weights that are not the network's.
pub fn to_onnx(
    spec: &Spec,
    trained_on: Option<&TrainedOn>,
    state: &State,
    opset: i64,
) -> Result<Vec<u8>, Error> {
    let graph = spec.graph()?;
    let bytes = export(&graph, state, &options(spec, trained_on, opset)?)?;
    let found = import(&bytes)?;
    let same = places(&graph, &found.graph).is_some() && found.state == *state;
    match same || agree((&graph, state), (&found.graph, &found.state)) {
        true => Ok(bytes),
        false => Err(Error::ReadBack),
    }
}

/// The same with a network of integers, whose file was read again and has these layers, integers and grids, or gives the
/// same answers by them; biases are in it in whole multiples of the scales of what they are added to.
///
/// # Errors
/// Layers that have no such form in ONNX, all in one; weights that are not the network's.
pub fn to_quantized_onnx(
    spec: &Spec,
    trained_on: Option<&TrainedOn>,
    network: &QuantizedNetwork,
    (form, opset): (OnnxForm, i64),
) -> Result<Vec<u8>, Error> {
    let bytes = export_quantized(network, form, &options(spec, trained_on, opset)?)?;
    let found = import(&bytes)?;
    let places = places(&network.graph, &found.graph);
    let same = places.zip(found.integers.as_ref()).is_some_and(|(places, found)| {
        let grids = network.grids.iter().map(|(at, grid)| (places[*at], *grid));
        found.weights == network.weights && found.grids == grids.collect::<BTreeMap<_, _>>()
    });
    match same || found.quantized().is_some_and(|found| agree_in_integers(network, &found)) {
        true => Ok(bytes),
        false => Err(Error::ReadBack),
    }
}

/// What opens the network again, in the metadata of its file: its layers are the file's.
fn options(spec: &Spec, trained_on: Option<&TrainedOn>, opset: i64) -> Result<Options, Error> {
    let mut metadata = pack_metadata(&Spec { layers: None, ..spec.clone() }, trained_on)?;
    if let Some(fields) = metadata.as_object_mut() {
        fields.remove("layers");
    }
    let metadata = [(METADATA.to_string(), canonical_json(&metadata))].into();
    Ok(Options { opset, metadata, ..Options::default() })
}

/// Where each node of a network is in another one, if both compute the same with the same parameters: operations have no
/// names in ONNX, and numbers only those of f32; what is computed with what comes before it is written and read with it,
/// so that branches may come in another order.
fn places(one: &Graph, other: &Graph) -> Option<Vec<usize>> {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(b.abs());
    let same = |a: Op, b: Op| match (a, b) {
        (
            Op::BatchNorm { channels: a, epsilon: e, momentum: m },
            Op::BatchNorm { channels: b, epsilon: f, momentum: n },
        ) => a == b && close(e, f) && (m - n).abs() < 1e-6,
        (
            Op::LayerNorm { channels: a, epsilon: e, last: l },
            Op::LayerNorm { channels: b, epsilon: f, last: m },
        ) => (a, l) == (b, m) && close(e, f),
        (
            Op::GroupNorm { groups: g, channels: a, epsilon: e },
            Op::GroupNorm { groups: h, channels: b, epsilon: f },
        ) => (g, a) == (h, b) && close(e, f),
        (a, b) => a == b,
    };
    if one.entries() != other.entries() || one.nodes().len() != other.nodes().len() {
        return None;
    }
    let mut left: Vec<usize> = (0..other.nodes().len()).collect();
    let mut places: Vec<usize> = Vec::with_capacity(left.len());
    for node in one.nodes() {
        let inputs: Vec<usize> = node.inputs.iter().map(|input| places[*input]).collect();
        let is_it = |at: &usize| {
            let found = &other.nodes()[*at];
            same(node.op, found.op)
                && found.inputs == inputs
                && (found.name == node.name || !node.op.has_parameters())
        };
        let at = left.iter().position(is_it)?;
        places.push(left.remove(at));
    }
    one.ends().iter().map(|end| places[*end]).eq(other.ends().iter().copied()).then_some(places)
}

#[cfg(test)]
mod tests {
    use sapwood_backend::{DeviceSpec, Seed, block_on};
    use sapwood_core::{
        Array, Conv, Dims, Entry, ModuleState, Observed,
        graph::{DType, Per, Quantized, Reduction, Scheme, Symmetry},
        infos,
    };

    use super::*;
    use crate::{Init, MODELS, Padding, Reading, Shortcut, Zeros, open_bytes};

    fn state(spec: &Spec) -> State {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let net = Init::default().apply(spec.net(&device).unwrap(), Seed(1));
        block_on(State::read(&net)).unwrap()
    }

    #[test]
    fn a_file_called_like_a_network_of_the_zoo_is_not_that_one() {
        let mut layers = Graph::builder([1, 8, 8]);
        let flat = layers.flatten(layers.input());
        layers.linear("fc", flat, 10);
        let graph = layers.finish().unwrap();
        for (file, name) in
            [("own.onnx", "own"), ("resnet-18.onnx", "resnet-18.onnx"), ("resnet18.onnx", "resnet18.onnx")]
        {
            let spec = spec(graph.clone(), Value::Null, Path::new(file)).unwrap();
            assert_eq!((spec.model.as_str(), &spec.layers), (name, &Some(graph.clone())));
        }
    }

    #[test]
    fn every_network_of_the_zoo_comes_back_as_itself() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        // The widths of these are not read off their shapes.
        let one_width = |name: &str| name.contains("densenet") || name.contains("efficientnet");
        let width = |name: &str| if one_width(name) { 1.0 } else { 0.05 };
        let named =
            MODELS.iter().map(|model| Spec { width: width(model.name), ..Spec::named(model.name).unwrap() });
        let a = Spec { width: 0.1, shortcut: Shortcut::A, ..Spec::named("resnet-20").unwrap() };
        let torus = Spec { padding: Padding::Circular, ..Spec::named("life-net").unwrap() };
        for (spec, opset) in named.map(|spec| (spec, 18)).chain([(a, 17), (torus, 19)]) {
            let state = state(&spec);
            let bytes = to_onnx(&spec, None, &state, opset).unwrap();
            let opened = open_bytes(&bytes, "net.onnx", None, &device).unwrap();
            match one_width(&spec.model) {
                // Read as the layers that the file has, not as a network of the zoo.
                true => assert_eq!(opened.spec.model, spec.model),
                false => assert_eq!((&opened.spec, opened.net.graph()), (&spec, &spec.graph().unwrap())),
            }
            assert!(block_on(State::read(&opened.net)).unwrap() == state, "{}", spec.model);
        }
    }

    #[test]
    fn one_place_of_many_is_written_though_onnx_says_it_otherwise() {
        let mut g = Graph::builder([6, 4, 1]);
        let x = g.conv("a", g.input(), Conv::new(5, 1));
        let first = g.slice(x, sapwood_core::Slice { axis: 2, start: 0, length: 1, step: 1 });
        let row = g.reshape(first, sapwood_core::Dims::rows(5));
        g.linear("fc", row, 2);
        let spec = Spec::of_layers("own", g.finish().unwrap()).unwrap();
        let state = state(&spec);
        let bytes = to_onnx(&spec, None, &state, 18).unwrap();
        let found = import(&bytes).unwrap();
        assert!(agree((&spec.graph().unwrap(), &state), (&found.graph, &found.state)));
    }

    #[test]
    fn integers_behind_a_table_of_tokens_are_written_and_read_again() {
        let tokens = Entry { name: "tokens".into(), dims: Dims::rows(7), integers: true };
        let mut g = Graph::builder_of(vec![tokens]);
        let x = g.embedding("table", g.input(), 50, 4);
        let x = g.relu(x);
        // What a reader does not know to be above 0 it makes so again: another network, of the same answers.
        let x = g.reduce(x, Reduction::Max, &[1], false);
        g.linear("fc", x, 3);
        let spec = Spec::of_layers("own", g.finish().unwrap()).unwrap();
        let value = |at: usize| ((at * 37 + 11) % 19) as f32 / 9.5 - 1.0;
        let weight = Array::from_fn([3, 4], |at| (at * 5 % 17) as i8 - 8);
        let weight = Quantized::new(weight, Per::Tensor, Array::from_fn([], |_| 0.125f32), None).unwrap();
        let [table, bias] = [Array::from_fn([50, 4], value), Array::from_fn([3], value)];
        let scheme = Scheme::new(DType::U8, Symmetry::Affine).unwrap();
        let network = QuantizedNetwork {
            graph: spec.graph().unwrap(),
            weights: [("fc.weight".into(), weight)].into(),
            rest: State([("table.weight".into(), table), ("fc.bias".into(), bias)].into()),
            grids: [(3, scheme.grid(0.0, 1.0).unwrap())].into(),
            dynamic: BTreeSet::new(),
        };
        for form in [OnnxForm::Qdq, OnnxForm::QOperator] {
            let bytes = to_quantized_onnx(&spec, None, &network, (form, 18)).unwrap();
            let found = import(&bytes).unwrap().quantized().unwrap();
            assert_ne!(found.graph.nodes().len(), network.graph.nodes().len());
            let mut other = network.clone();
            other.rest.0.insert("table.weight".into(), Array::from_fn([50, 4], |at| 0.5 * value(at)));
            let agreed = [&network, &other].map(|network| agree_in_integers(network, &found));
            assert_eq!(agreed, [true, false], "{form:?}");
        }
    }

    #[test]
    fn branches_may_come_in_another_order() {
        let net = |relu_first: bool| {
            let mut g = Graph::builder([2, 4, 4]);
            let x = g.conv("a", g.input(), Conv::new(2, 1));
            let early = relu_first.then(|| g.relu(x));
            let y = g.conv("b", g.input(), Conv::new(2, 1));
            let x = early.unwrap_or_else(|| g.relu(x));
            g.add(x, y);
            g.finish().unwrap()
        };
        assert_eq!(places(&net(false), &net(false)), Some(vec![0, 1, 2, 3, 4]));
        assert_eq!(places(&net(false), &net(true)), Some(vec![0, 1, 3, 2, 4]));
        let mut g = Graph::builder([2, 4, 4]);
        let x = g.conv("a", g.input(), Conv::new(2, 1));
        let y = g.conv("b", g.input(), Conv::new(2, 1));
        let y = g.relu(y);
        g.add(x, y);
        assert_eq!(places(&net(false), &g.finish().unwrap()), None);
    }

    #[test]
    fn zeros_of_masks_are_masks_again_and_classes_keep_their_names() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let spec = Spec { width: 0.1, ..Spec::named("lenet-300-100").unwrap() };
        let (mut state, path) = (state(&spec), "fc1.weight");
        let kept = |at: usize| at.is_multiple_of(3);
        let mask = (0..state.0[path].len()).map(kept).collect();
        state.apply(&[(path.into(), mask)].into()).unwrap();
        let trained_on = serde_json::json!({
            "data": "own", "input": [1, 28, 28], "classes": ["a", "b"], "scale": 255, "mean": [0.5], "std": [0.5]
        });
        let trained_on: TrainedOn = serde_json::from_value(trained_on).unwrap();
        let bytes = to_onnx(&spec, Some(&trained_on), &state, 18).unwrap();
        let reading = Reading { zeros: Zeros::Masked, ..Reading::default() };
        let opened = reading.open_bytes(&bytes, "net.onnx", &device).unwrap();
        assert_eq!(opened.trained_on, Some(trained_on));
        let info = infos(&opened.net).into_iter().find(|info| info.path.as_str() == path).unwrap();
        assert_eq!(opened.masks[path].count_ones(), info.len().div_ceil(3));
        let zeros = open_bytes(&bytes, "net.onnx", None, &device).unwrap().zeros;
        assert_eq!(zeros.zeros(), info.len() - info.len().div_ceil(3));
    }

    #[test]
    fn layers_that_onnx_has_no_form_for_and_files_cut_short_are_one_line() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let mut g = Graph::builder([4, 2, 2]);
        g.attention([g.input(); 3], 2);
        let spec = Spec::of_layers("own", g.finish().unwrap()).unwrap();
        let error = to_onnx(&spec, None, &state(&spec), 18).unwrap_err().to_string();
        assert_eq!(
            error,
            "cannot be written at opset 18: layer `attention` is attention, which is not written yet"
        );
        let spec = Spec { width: 0.1, ..Spec::named("lenet-5").unwrap() };
        let bytes = to_onnx(&spec, None, &state(&spec), 18).unwrap();
        let error = open_bytes(&bytes[..bytes.len() / 2], "cut.onnx", None, &device).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot read weights: not a usable ONNX file: it ends too early"),
            "{error}"
        );
        let error = open_bytes(&bytes, "net.onnx", Some("lenet-300-100"), &device).unwrap_err().to_string();
        assert!(error.contains("the weights are those of `lenet-5`"), "{error}");
    }
}
