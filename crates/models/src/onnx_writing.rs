//! Networks as ONNX files.

use std::collections::BTreeMap;

use sapwood_core::{
    Activation, Graph, Op, ParamPath, State, TrainedOn, canonical_json,
    graph::{Array, F16, QuantizedNetwork},
};
use sapwood_onnx::{Form as OnnxForm, Options, Weights, export, export_quantized, import};

use crate::{
    Error, OnnxEnds, Spec,
    agreement::{agree, agree_in_integers},
    onnx_file::METADATA,
    weights::pack_metadata,
};

/// How a network is written as ONNX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnnxWriting {
    /// The version of ONNX's operations.
    pub opset: i64,
    /// Whether the weights of convolutions, linear layers and tables are rounded to 16 bits, from which whoever runs the
    /// file makes f32: all is computed in that.
    pub half: bool,
    /// Whether the file ends before the softmax that stood at the end of the network's own: [`OnnxEnds::softmax`].
    pub logits: bool,
}

impl Default for OnnxWriting {
    fn default() -> Self {
        Self { opset: 18, half: false, logits: false }
    }
}

/// An ONNX file with a network, which was read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnnxWritten {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it was read as the network's own layers and values, of integers with biases within a step of them; else as
    /// others that gave its answers to drawn inputs.
    pub is_equal: bool,
}

/// The bytes of an ONNX file with a network, of the opset that is asked for: see [`OnnxWriting::write`].
///
/// # Errors
/// As there.
pub fn to_onnx(
    spec: &Spec,
    trained_on: Option<&TrainedOn>,
    state: &State,
    opset: i64,
) -> Result<Vec<u8>, Error> {
    Ok(OnnxWriting { opset, ..OnnxWriting::default() }.write(spec, trained_on, state)?.bytes)
}

/// The same with a network of integers: see [`OnnxWriting::write_quantized`].
///
/// # Errors
/// As there.
pub fn to_quantized_onnx(
    spec: &Spec,
    trained_on: Option<&TrainedOn>,
    network: &QuantizedNetwork,
    (form, opset): (OnnxForm, i64),
) -> Result<Vec<u8>, Error> {
    Ok(OnnxWriting { opset, ..OnnxWriting::default() }
        .write_quantized(spec, trained_on, network, form)?
        .bytes)
}

impl OnnxWriting {
    /// An ONNX file with a network. It was read again, and is this network with these weights to the bit,
    /// rounded if they are to be; or, where ONNX says a layer in several or otherwise, one that gives its answers to drawn
    /// inputs within 1e-5. What the network's own file said beside its layers it says too.
    ///
    /// # Errors
    /// Layers that have no form in ONNX, all in one; weights that are not the network's, or that 16 bits do not hold.
    pub fn write(
        &self,
        spec: &Spec,
        trained_on: Option<&TrainedOn>,
        state: &State,
    ) -> Result<OnnxWritten, Error> {
        let graph = spec.graph()?;
        let bytes = export(&graph, state, &self.options(spec, trained_on)?)?;
        let found = import(&bytes)?;
        let rounded = self.half.then(|| halved(&graph, state));
        let state = rounded.as_ref().unwrap_or(state);
        let is_equal = places(&graph, &found.graph).is_some() && found.state == *state;
        if !is_equal {
            agree((&graph, state), (&found.graph, &found.state)).check()?;
        }
        Ok(OnnxWritten { bytes, is_equal })
    }

    /// The same with a network of integers, whose file was read again and has these layers, integers and grids, or gives
    /// the same answers by them; biases are in it in whole multiples of the scales of what they are added to.
    ///
    /// # Errors
    /// Layers that have no such form in ONNX, or biases that 32 bits do not hold, all in one; weights that are not the
    /// network's.
    pub fn write_quantized(
        &self,
        spec: &Spec,
        trained_on: Option<&TrainedOn>,
        network: &QuantizedNetwork,
        form: OnnxForm,
    ) -> Result<OnnxWritten, Error> {
        let bytes = export_quantized(network, form, &self.options(spec, trained_on)?)?;
        let found = import(&bytes)?;
        let places = places(&network.graph, &found.graph);
        let is_equal = places.zip(found.integers.as_ref()).is_some_and(|(places, integers)| {
            let grids = network.grids.iter().map(|(at, grid)| (places[*at], *grid));
            integers.weights == network.weights
                && integers.grids == grids.collect::<BTreeMap<_, _>>()
                && is_rest(network, &found.state)
        });
        if !is_equal {
            let found = found.quantized().ok_or(Error::ReadBack)?;
            agree_in_integers(network, &found).check()?;
        }
        Ok(OnnxWritten { bytes, is_equal })
    }

    /// What opens the network again, in the metadata of its file: its layers are the file's, and so are its ends.
    fn options(&self, spec: &Spec, trained_on: Option<&TrainedOn>) -> Result<Options, Error> {
        let bare = Spec { layers: None, onnx: OnnxEnds::default(), ..spec.clone() };
        let own = canonical_json(&pack_metadata(&bare, trained_on)?);
        let OnnxEnds { outputs, softmax, channels_last, int32, mut metadata } =
            spec.onnx.after(trained_on, spec.input);
        metadata.insert(METADATA.into(), own);
        let weights = if self.half { Weights::F16 } else { Weights::F32 };
        let softmax = softmax && !self.logits;
        Ok(Options { opset: self.opset, weights, outputs, softmax, channels_last, int32, metadata })
    }
}

/// Values as a file in 16 bits says them.
fn halved(graph: &Graph, state: &State) -> State {
    let is_narrow = |op: &Op| matches!(op, Op::Conv(_) | Op::Linear { .. } | Op::Embedding { .. });
    let mut halved = state.clone();
    for node in graph.nodes().iter().filter(|node| is_narrow(&node.op)) {
        if let Some(weight) = halved.0.get_mut(&ParamPath::of(&node.name, "weight")) {
            let rounded = weight.iter::<f32>().map(|value| F16::from_f64(f64::from(value)).to_f32());
            let rounded: Vec<f32> = rounded.collect();
            *weight = Array::from_fn(weight.shape().to_vec(), |at| rounded[at]);
        }
    }
    halved
}

/// Whether the parameters that are no integers are these: of a layer of integers those within a step of what its bias is
/// added to, since that is whole in a file.
fn is_rest(network: &QuantizedNetwork, found: &State) -> bool {
    let read = scales_read(network);
    network.rest.0.iter().all(|(path, value)| {
        let Some(found) = found.0.get(path) else { return false };
        let weight = network.weights.get(&ParamPath::of(path.layer(), "weight"));
        let Some(weight) = weight else { return found == value };
        let read = read.get(path.layer()).copied().unwrap_or(0.0);
        let scales: Vec<f32> = weight.scale().iter().collect();
        // More than 24 bits are rounded too.
        let is_near = |(at, (a, b)): (usize, (f32, f32))| {
            (a - b).abs() <= (read * scales[at % scales.len()]).max(1e-6 * a.abs())
        };
        found.shape() == value.shape()
            && value.iter::<f32>().zip(found.iter::<f32>()).enumerate().all(is_near)
    })
}

/// The scales of the grids of what nodes read, by the nodes' names: what only moves numbers, and a ReLU, give those of
/// their input's grid.
fn scales_read(network: &QuantizedNetwork) -> BTreeMap<&str, f32> {
    let nodes = network.graph.nodes();
    let mut scales: Vec<Option<f32>> = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let carries = node.op.is_carrier() || node.op == Op::Activation(Activation::Relu);
        let carried = node.inputs.first().filter(|_| carries).and_then(|input| scales[*input]);
        scales.push(network.grids.get(&at).map(|grid| grid.scale()).or(carried));
    }
    let read = nodes.iter().filter_map(|node| Some((&node.name[..], scales[*node.inputs.first()?]?)));
    read.collect()
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
    use std::collections::BTreeSet;

    use sapwood_backend::{DeviceSpec, Seed, block_on};
    use sapwood_core::{
        Conv, Dims, Entry, ModuleState,
        graph::{DType, Per, Quantized, Reduction, Scheme, Symmetry},
    };

    use super::*;
    use crate::{Init, agreement::Answers};

    fn state(spec: &Spec) -> State {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let net = Init::default().apply(spec.net(&device).unwrap(), Seed(1));
        block_on(State::read(&net)).unwrap()
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
        assert_eq!(agree((&spec.graph().unwrap(), &state), (&found.graph, &found.state)), Answers::Alike);
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
        let int32 = BTreeSet::from(["tokens".to_string()]);
        let onnx = OnnxEnds { int32: int32.clone(), ..OnnxEnds::default() };
        let spec = Spec { onnx, ..Spec::of_layers("own", g.finish().unwrap()).unwrap() };
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
            let written = OnnxWriting::default().write_quantized(&spec, None, &network, form).unwrap();
            assert!(!written.is_equal);
            let found = import(&written.bytes).unwrap();
            assert_eq!(found.int32, int32);
            let found = found.quantized().unwrap();
            assert_ne!(found.graph.nodes().len(), network.graph.nodes().len());
            let mut other = network.clone();
            other.rest.0.insert("table.weight".into(), Array::from_fn([50, 4], |at| 0.5 * value(at)));
            let agreed = [&network, &other].map(|network| agree_in_integers(network, &found));
            assert_eq!(agreed, [Answers::Alike, Answers::Different], "{form:?}");
        }
    }

    #[test]
    fn a_network_without_weights_has_nothing_to_read() {
        let mut g = sapwood_core::Graph::builder([3, 4, 4]);
        let x = g.global_avg_pool(g.input());
        g.flatten(x);
        let spec = Spec::of_layers("means", g.finish().unwrap()).unwrap();
        let bytes = OnnxWriting::default().write(&spec, None, &State::default()).unwrap().bytes;
        let device = DeviceSpec::CPU.resolve().unwrap();
        let error = crate::open_bytes(&bytes, "means.onnx", None, &device).unwrap_err().to_string();
        assert!(error.contains("there are no weights in it"), "{error}");
    }

    /// A linear layer whose file ends with a softmax, under names of its own.
    fn classifier() -> (Spec, State) {
        let rows = Entry { name: "features".into(), dims: Dims::rows(4), integers: false };
        let mut g = Graph::builder_of(vec![rows]);
        g.linear("fc", g.input(), 3);
        let metadata = [("license".to_string(), "MIT".to_string())].into();
        let outputs = vec!["probs".into()];
        let onnx = OnnxEnds { outputs, softmax: true, metadata, ..OnnxEnds::default() };
        let spec = Spec { onnx, ..Spec::of_layers("own", g.finish().unwrap()).unwrap() };
        let state = state(&spec);
        (spec, state)
    }

    fn ends(bytes: &[u8]) -> (Vec<String>, bool, Vec<String>) {
        let found = import(bytes).unwrap();
        let softmax = found.notes.contains(&sapwood_onnx::Note::Softmax);
        (found.outputs, softmax, found.metadata.into_keys().collect())
    }

    #[test]
    fn what_a_file_said_beside_its_layers_is_written_again() {
        let (spec, state) = classifier();
        let own = |softmax| {
            (vec!["probs".to_string()], softmax, ["license", "sapwood"].map(ToString::to_string).to_vec())
        };
        assert_eq!(ends(&to_onnx(&spec, None, &state, 18).unwrap()), own(true));
        let bare = OnnxWriting { logits: true, ..OnnxWriting::default() };
        let written = bare.write(&spec, None, &state).unwrap();
        assert_eq!((ends(&written.bytes), written.is_equal), (own(false), true));

        let network = of_integers(&spec, state);
        for form in [OnnxForm::Qdq, OnnxForm::QOperator] {
            let write = |how: OnnxWriting| how.write_quantized(&spec, None, &network, form).unwrap().bytes;
            assert_eq!(ends(&write(OnnxWriting::default())), own(true), "{form:?}");
            assert_eq!(ends(&write(bare)), own(false), "{form:?}");
        }
    }

    /// The same layer with integers for its weights.
    fn of_integers(spec: &Spec, mut rest: State) -> QuantizedNetwork {
        let weight = Array::from_fn([3, 4], |at| (at * 5 % 17) as i8 - 8);
        let weight = Quantized::new(weight, Per::Tensor, Array::from_fn([], |_| 0.125f32), None).unwrap();
        rest.0.remove("fc.weight");
        let scheme = Scheme::new(DType::U8, Symmetry::Affine).unwrap();
        QuantizedNetwork {
            graph: spec.graph().unwrap(),
            weights: [("fc.weight".into(), weight)].into(),
            rest,
            grids: [(0, scheme.grid(-1.0, 1.0).unwrap()), (1, scheme.grid(-4.0, 4.0).unwrap())].into(),
            dynamic: BTreeSet::new(),
        }
    }

    #[test]
    fn a_bias_that_is_read_again_is_less_than_a_step_of_its_own_layer_away() {
        let mut g = Graph::builder([1, 2, 2]);
        let x = g.flatten(g.input());
        let x = g.linear("coarse", x, 4);
        let x = g.relu(x);
        g.linear("fine", x, 3);
        let weight = |shape: [usize; 2]| {
            let values = Array::from_fn(shape, |at| (at * 5 % 17) as i8 - 8);
            Quantized::new(values, Per::Tensor, Array::from_fn([], |_| 0.125f32), None).unwrap()
        };
        let bias = |size: usize| Array::from_fn([size], |at| at as f32 / 8.0);
        let scheme = Scheme::new(DType::U8, Symmetry::Affine).unwrap();
        let network = QuantizedNetwork {
            graph: g.finish().unwrap(),
            weights: [("coarse.weight".into(), weight([4, 4])), ("fine.weight".into(), weight([3, 4]))]
                .into(),
            rest: State([("coarse.bias".into(), bias(4)), ("fine.bias".into(), bias(3))].into()),
            // Flattened images have the grid of the images.
            grids: [(0, scheme.grid(-100.0, 100.0).unwrap()), (3, scheme.grid(0.0, 1.0).unwrap())].into(),
            dynamic: BTreeSet::new(),
        };
        let is_read = |layer: &str, apart: f32| {
            let mut found = network.rest.clone();
            let bias: Vec<f32> = found.0[&ParamPath::of(layer, "bias")].iter().collect();
            let bias = Array::from_fn([bias.len()], |at| bias[at] + if at == 1 { apart } else { 0.0 });
            found.0.insert(ParamPath::of(layer, "bias"), bias);
            is_rest(&network, &found)
        };
        for (layer, step) in [("coarse", 0.125 * 200.0 / 255.0), ("fine", 0.125 / 255.0)] {
            let found = [0.0, 0.9 * step, 1.1 * step].map(|apart| is_read(layer, apart));
            assert_eq!(found, [true, true, false], "{layer}");
        }
        assert!(!is_rest(&network, &State::default()));
    }

    #[test]
    fn images_keep_their_channels_last_in_numbers_and_in_integers() {
        let images = Entry { name: "images".into(), dims: Dims::images([3, 4, 5]), integers: false };
        let mut g = Graph::builder_of(vec![images]);
        g.conv("conv", g.input(), Conv::new(2, 1).no_bias());
        let channels_last = BTreeSet::from(["images".to_string()]);
        let onnx = OnnxEnds { channels_last: channels_last.clone(), ..OnnxEnds::default() };
        let spec = Spec { onnx, ..Spec::of_layers("own", g.finish().unwrap()).unwrap() };
        let weight = Array::from_fn([2, 3, 1, 1], |at| at as i8 - 2);
        let weight = Quantized::new(weight, Per::Tensor, Array::from_fn([], |_| 0.5f32), None).unwrap();
        let state = State([("conv.weight".into(), weight.dequantized())].into());
        let scheme = Scheme::new(DType::U8, Symmetry::Affine).unwrap();
        let network = QuantizedNetwork {
            graph: spec.graph().unwrap(),
            weights: [("conv.weight".into(), weight)].into(),
            rest: State::default(),
            grids: [(0, scheme.grid(-1.0, 1.0).unwrap()), (1, scheme.grid(-4.0, 4.0).unwrap())].into(),
            dynamic: BTreeSet::new(),
        };
        let integers = [OnnxForm::Qdq, OnnxForm::QOperator]
            .map(|form| to_quantized_onnx(&spec, None, &network, (form, 18)).unwrap());
        for bytes in integers.into_iter().chain([to_onnx(&spec, None, &state, 18).unwrap()]) {
            let found = import(&bytes).unwrap();
            assert_eq!((found.graph.input(), found.channels_last), ([3, 4, 5], channels_last.clone()));
            assert_eq!(found.graph, network.graph);
        }
    }

    #[test]
    fn weights_of_sixteen_bits_are_read_back_as_they_were_rounded() {
        let (spec, mut state) = classifier();
        let half = OnnxWriting { half: true, ..OnnxWriting::default() };
        let [narrow, wide] =
            [half, OnnxWriting::default()].map(|how| how.write(&spec, None, &state).unwrap().bytes);
        assert!(narrow != wide);
        let found = import(&narrow).unwrap().state;
        assert!(found == halved(&spec.graph().unwrap(), &state) && found != state);
        assert_eq!(found.0["fc.bias"], state.0["fc.bias"]);
        state.0.insert("fc.weight".into(), Array::from_fn([3, 4], |_| 1e5f32));
        let error = half.write(&spec, None, &state).unwrap_err().to_string();
        assert!(error.ends_with("layer `fc` has weights that 16 bits do not hold"), "{error}");
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
}
