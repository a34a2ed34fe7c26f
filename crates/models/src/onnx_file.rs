//! Networks in ONNX files.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use sapwood_core::{Graph, Shape, TrainedOn, tensor_data};
use sapwood_onnx::{Imported, Importer};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{
    Error, Integers, Note, OnnxEnds, Problem, Spec,
    conventions::of_onnx,
    pytorch::{Node, Stored},
    weights::pack_metadata,
};

/// The key of what we say of a network in the metadata of its file.
pub(crate) const METADATA: &str = "sapwood";

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
    let Imported { graph, state, integers, outputs, channels_last, int32, notes, mut metadata } =
        importer.import(bytes).map_err(|error| match error {
            error @ sapwood_onnx::Error::OpenSize { .. } => {
                Error::Weights { problem: Problem::OpenSize(error).into(), path: path.into() }
            }
            error => Error::caused(path, error),
        })?;
    let said = metadata.remove(METADATA).map(|text| serde_json::from_str::<Value>(&text)).transpose();
    let mut said = said.map_err(|error| Error::caused(path, error))?.unwrap_or_default();
    let trained_on = TrainedOn::take(&mut said).map_err(|error| Error::caused(path, error))?;
    let trained_on = trained_on.or_else(|| of_onnx(&metadata, graph.input()));
    // What tools say of the state of this very file, such as that its shapes were inferred, is not true of another.
    metadata.retain(|key, _| !["onnx.", "pkg."].iter().any(|tool| key.starts_with(tool)));
    let softmax = notes.contains(&sapwood_onnx::Note::Softmax);
    let onnx = OnnxEnds { outputs, softmax, channels_last, int32, metadata }.with_usual_names();
    let metadata = pack_metadata(&Spec { onnx, ..spec(graph, said, path)? }, trained_on.as_ref())?;
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use burn::tensor::Tensor;
    use sapwood_backend::{DeviceSpec, Seed, block_on};
    use sapwood_core::{
        Array, Conv, Dims, Entry, ModuleState, Network as _, Observed, Op, Pass, Slice, State,
        graph::{DType, Per, Quantized, QuantizedNetwork, Scheme, Symmetry},
        infos,
    };

    use super::*;
    use crate::{
        Init, MODELS, Net, OnnxForm, OnnxWriting, Padding, Reading, Shortcut, Zeros, open_bytes, to_onnx,
    };

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
        // Of attention answers are compared, and small images tell as much.
        let input =
            |model: &crate::Model| if model.name.starts_with("vit") { [3, 32, 32] } else { model.input };
        let named = MODELS.iter().map(|model| Spec {
            width: width(model.name),
            input: input(model),
            ..Spec::named(model.name).unwrap()
        });
        let a = Spec { width: 0.1, shortcut: Shortcut::A, ..Spec::named("resnet-20").unwrap() };
        let torus = Spec { padding: Padding::Circular, ..Spec::named("life-net").unwrap() };
        for (spec, opset) in named.map(|spec| (spec, 18)).chain([(a, 17), (torus, 19)]) {
            let state = state(&spec);
            let bytes = to_onnx(&spec, None, &state, opset).unwrap();
            let opened = open_bytes(&bytes, "net.onnx", None, &device).unwrap();
            let attends = attends(&spec);
            match one_width(&spec.model) || attends {
                // Read as the layers that the file has, not as a network of the zoo.
                true => assert_eq!(opened.spec.model, spec.model),
                false => assert_eq!((&opened.spec, opened.net.graph()), (&spec, &spec.graph().unwrap())),
            }
            let mut read = block_on(State::read(&opened.net)).unwrap();
            // What attention divides by is a number of its own.
            read.0.retain(|path, _| !attends || state.0.contains_key(path));
            assert!(read == state, "{}", spec.model);
        }
    }

    fn attends(spec: &Spec) -> bool {
        spec.graph().unwrap().nodes().iter().any(|node| matches!(node.op, Op::Attention { .. }))
    }

    #[test]
    fn attention_goes_out_and_comes_back_with_the_same_answers() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        // Over places of a plane, and over those of a sequence.
        let mut g = Graph::builder([3, 4, 5]);
        let parts = ["q", "k", "v"].map(|name| g.conv(name, g.input(), Conv::new(6, 1)));
        let x = g.attention(parts, 3);
        let x = g.reshape(x, Dims::batch_of(&[6, 20]).unwrap());
        let x = g.transpose(x, &[0, 2, 1]);
        let all = g.linear_at_places("qkv", x, 24);
        let parts = [0, 1, 2].map(|part| {
            let slice = Slice { axis: 2, start: 8 * part, length: 8, step: 1 };
            let part = g.slice(all, slice);
            g.transpose(part, &[0, 2, 1])
        });
        let x = g.attention(parts, 2);
        let x = g.flatten(x);
        g.linear("fc", x, 3);
        let spec = Spec::of_layers("own", g.finish().unwrap()).unwrap();
        let state = state(&spec);
        let inputs: Vec<f32> = (0..120).map(|at| ((at * 37 + 11) % 19) as f32 / 9.5 - 1.0).collect();
        let answers = |net: &Net| -> Vec<f64> {
            let x = Tensor::<1>::from_floats(&inputs[..], &device).reshape([2, 3, 4, 5]);
            net.forward(x, &mut Pass::evaluate()).into_data().iter().collect()
        };
        let expected = answers(&state.write(spec.net(&device).unwrap()).unwrap());
        for opset in 17..=22 {
            let written = OnnxWriting { opset, ..OnnxWriting::default() }.write(&spec, None, &state).unwrap();
            assert!(!written.is_equal);
            let opened = open_bytes(&written.bytes, "net.onnx", None, &device).unwrap();
            assert!(!attends(&opened.spec));
            let apart =
                answers(&opened.net).iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(apart < 1e-6, "opset {opset}: {apart:e}");
        }
    }

    #[test]
    fn attention_between_layers_of_integers_is_written_in_numbers() {
        let mut g = Graph::builder([4, 3, 3]);
        let x = g.conv("before", g.input(), Conv::new(4, 1));
        let x = g.attention([x; 3], 2);
        g.conv("after", x, Conv::new(2, 1));
        let spec = Spec::of_layers("own", g.finish().unwrap()).unwrap();
        let weight = |outputs: usize| {
            let values = Array::from_fn([outputs, 4, 1, 1], |at| (at * 5 % 17) as i8 - 8);
            Quantized::new(values, Per::Tensor, Array::from_fn([], |_| 0.125f32), None).unwrap()
        };
        let bias = |outputs: usize| Array::from_fn([outputs], |at| at as f32 / 8.0);
        let scheme = Scheme::new(DType::U8, Symmetry::Affine).unwrap();
        let network = QuantizedNetwork {
            graph: spec.graph().unwrap(),
            weights: [("before.weight".into(), weight(4)), ("after.weight".into(), weight(2))].into(),
            rest: State([("before.bias".into(), bias(4)), ("after.bias".into(), bias(2))].into()),
            grids: [(0, scheme.grid(-1.0, 1.0).unwrap()), (2, scheme.grid(-4.0, 4.0).unwrap())].into(),
            dynamic: BTreeSet::new(),
        };
        for form in [OnnxForm::Qdq, OnnxForm::QOperator] {
            let written = OnnxWriting::default().write_quantized(&spec, None, &network, form).unwrap();
            assert!(!written.is_equal);
            let found = sapwood_onnx::import(&written.bytes).unwrap().quantized().unwrap();
            assert_eq!(found.weights, network.weights, "{form:?}");
            let grids = |network: &QuantizedNetwork| network.grids.values().copied().collect::<Vec<_>>();
            assert_eq!(grids(&found), grids(&network), "{form:?}");
        }
    }

    #[test]
    fn the_ends_of_a_file_stay_with_the_network_and_what_named_its_classes_leaves_with_them() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let images = Entry { name: "images".into(), dims: Dims::images([3, 4, 4]), integers: false };
        let mut g = Graph::builder_of(vec![images]);
        let x = g.conv("conv", g.input(), Conv::new(4, 3));
        let x = g.global_avg_pool(x);
        g.linear("fc", x, 2);
        let onnx = OnnxEnds {
            outputs: vec!["probs".into()],
            softmax: true,
            channels_last: ["images".to_string()].into(),
            metadata: [("labels".to_string(), "ash, elm".to_string())].into(),
            ..OnnxEnds::default()
        };
        let spec = Spec { onnx, ..Spec::of_layers("app", g.finish().unwrap()).unwrap() };
        let bytes = to_onnx(&spec, None, &state(&spec), 18).unwrap();
        let opened = open_bytes(&bytes, "net.onnx", None, &device).unwrap();
        assert_eq!(opened.spec, spec);
        let mut marked = spec.clone();
        marked.onnx.metadata.insert("onnx.infer".into(), "onnxruntime.quant".into());
        let of_tool = to_onnx(&marked, None, &state(&spec), 18).unwrap();
        assert_eq!(open_bytes(&of_tool, "net.onnx", None, &device).unwrap().spec, spec);
        assert_eq!(opened.net.graph(), &spec.graph().unwrap());
        let expected = [sapwood_onnx::Note::Softmax, sapwood_onnx::Note::ChannelsLast];
        assert_eq!(opened.notes, expected.map(Note::Onnx));
        let again = block_on(State::read(&opened.net)).unwrap();
        assert!(to_onnx(&opened.spec, None, &again, 18).unwrap() == bytes);
        // Weights of other formats carry it too.
        let file = crate::pack(&opened.spec, None, again, opened.masks.clone()).unwrap();
        let packed = open_bytes(&file.to_bytes().unwrap(), "net.safetensors", None, &device).unwrap();
        assert_eq!(packed.spec, spec);

        let bare = OnnxEnds { metadata: BTreeMap::new(), ..spec.onnx.clone() };
        let other = opened.with_new_head(2, Init::default(), Seed(2), &device).unwrap().spec;
        assert_eq!((&other.onnx, other.graph().unwrap().entries()), (&bare, spec.graph().unwrap().entries()));
        assert_eq!(spec.with_layers(spec.graph().unwrap()).unwrap(), spec);
        let wider = spec.graph().unwrap().head().unwrap().with_outputs(5).unwrap();
        assert_eq!(spec.with_layers(wider).unwrap().onnx, bare);
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
        g.wrap(g.input(), 1);
        let spec = Spec::of_layers("own", g.finish().unwrap()).unwrap();
        let error = to_onnx(&spec, None, &state(&spec), 18).unwrap_err().to_string();
        assert_eq!(
            error,
            "cannot be written at opset 18: layer `wrap` wraps its input, which is written from opset 19 on"
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
