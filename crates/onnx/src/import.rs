//! From a file to a network on paper.

mod activations;
mod affine;
mod arithmetic;
mod call;
mod carriers;
mod channels;
mod coded;
mod curves;
mod ends;
mod finish;
mod fold;
mod integers;
mod known;
mod layers;
mod making;
mod masks;
mod naming;
mod norms;
mod operations;
mod pads;
mod pairs;
mod parts;
mod pools;
mod reduced;
mod refusal;
mod reshape;
mod resize;
mod rounding;
mod rows;
mod running;
mod scaling;
mod settle;
mod shapes;
mod softmax;
mod triangle;
mod truths;
mod value;
mod whole;
mod windows;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use sapwood_graph::{Graph, Grid, ParamPath, Quantized, QuantizedNetwork, State};

use crate::{
    Error, FIRST_OPSET, LAST_OPSET, Note, PRODUCER,
    proto::{Damage, Graph as Written, MOST_NUMBERS, Model, Outside, Tensor, ValueInfo, data_type},
};
use channels::turned_by_the_file;
use ends::entry;
use finish::Made;
use making::Making;
use running::{DEEPEST, Running, branches};
use value::Value;

/// A network from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its layers, called as in PyTorch where the file says how.
    pub graph: Graph,
    /// The values of its parameters, in f32: of integers the numbers that they stand for.
    pub state: State,
    /// What the file says in integers, if it says any.
    pub integers: Option<Integers>,
    /// What its outputs are called, in the order of [`Graph::ends`].
    pub outputs: Vec<String>,
    /// The inputs whose channels come last in the file, and here first.
    pub channels_last: BTreeSet<String>,
    /// The inputs of integers that have 32 bits in the file; those of others have 64.
    pub int32: BTreeSet<String>,
    /// What should be known of how it was read.
    pub notes: Vec<Note>,
    /// What the file says of itself.
    pub metadata: BTreeMap<String, String>,
}

/// What of a network a file says in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Integers {
    /// The weights, whose numbers [`Imported::state`] has.
    pub weights: BTreeMap<ParamPath, Quantized>,
    /// The grids on which values lie, by the nodes that they leave.
    pub grids: BTreeMap<usize, Grid>,
}

impl Imported {
    /// The network of integers, if the file has one.
    pub fn quantized(&self) -> Option<QuantizedNetwork> {
        let Integers { weights, grids } = self.integers.clone()?;
        let rest = self.state.0.iter().filter(|(path, _)| !weights.contains_key(*path));
        let rest = State(rest.map(|(path, value)| (path.clone(), value.clone())).collect());
        Some(QuantizedNetwork { graph: self.graph.clone(), weights, rest, grids, dynamic: BTreeSet::new() })
    }
}

/// Whether bytes begin as an ONNX model does. Whether they are one, [`import`] says.
pub fn is_one(bytes: &[u8]) -> bool {
    Model::begins(bytes)
}

/// Reads the bytes of an ONNX file that has all its weights and says the size of its inputs.
///
/// # Errors
/// Bytes that are no such file; weights beside it; opsets that are not read; inputs that no network here has; and,
/// all in one, the operations that a [`Graph`] cannot say.
pub fn import(bytes: &[u8]) -> Result<Imported, Error> {
    Importer::default().import(bytes)
}

/// Reads the bytes of ONNX files, with what these do not say.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::{fs, path::Path};
/// use sapwood_onnx::Importer;
///
/// let folder = Path::new("nets");
/// let bytes = fs::read(folder.join("net.onnx"))?;
/// let found = Importer::default()
///     .example([3, 48, 192])
///     .beside(|file| fs::read(folder.join(file)))
///     .import(&bytes)?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Importer<'f> {
    example: Option<Vec<usize>>,
    beside: Option<Box<Beside<'f>>>,
}

type Beside<'f> = dyn FnMut(&Path) -> io::Result<Vec<u8>> + 'f;

impl<'f> Importer<'f> {
    /// The dimensions of an example of the first input, where the file leaves some or all of them open, in the file's
    /// order. A shape stands for what is no image too: `[C, 1, L]` for `[C, L]`, and `[C, 1, 1]` for `[C]`.
    pub fn example(self, dims: impl Into<Vec<usize>>) -> Self {
        Self { example: Some(dims.into()), ..self }
    }

    /// How files are read in which the weights lie beside the model. Each is asked for once, by its name: a relative
    /// path that does not leave the folder.
    pub fn beside(self, read: impl FnMut(&Path) -> io::Result<Vec<u8>> + 'f) -> Self {
        Self { beside: Some(Box::new(read)), ..self }
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Those of [`import`] and [`files_beside`]; files that cannot be read.
    pub fn import(self, bytes: &[u8]) -> Result<Imported, Error> {
        let names = files_beside(bytes)?;
        let mut files = BTreeMap::new();
        let Some(mut beside) = self.beside else {
            return match names.first() {
                Some(file) => Err(Error::External { file: (*file).into() }),
                None => read(bytes, &files, self.example.as_deref()),
            };
        };
        for name in names {
            let found =
                beside(Path::new(name)).map_err(|source| Error::Beside { file: name.into(), source })?;
            files.insert(name.to_string(), found);
        }
        read(bytes, &files, self.example.as_deref())
    }
}

/// The names of the files that hold weights of a model beside it, each once, as it says them.
///
/// # Errors
/// Bytes that are no such file; names that lead out of its folder.
pub fn files_beside(bytes: &[u8]) -> Result<Vec<&str>, Error> {
    let Some(graph) = Model(bytes).graph()? else { return Ok(vec![]) };
    let mut names: Vec<&str> = Vec::new();
    outside(graph, 0, &mut names)?;
    let leaves = |name: &&&str| {
        use std::path::Component::Normal;
        let path = Path::new(name);
        name.is_empty()
            || name.contains(['\\', ':'])
            || !path.components().all(|part| matches!(part, Normal(_)))
    };
    match names.iter().find(leaves) {
        Some(file) => Err(Error::Outside { file: (*file).into() }),
        None => Ok(names),
    }
}

/// Adds the names of the files in which tensors lie: a graph's own, its nodes', and those of its branches.
fn outside<'a>(graph: Written<'a>, depth: usize, names: &mut Vec<&'a str>) -> Result<(), Error> {
    const MOST_FILES: usize = 4096;
    let mut add = |tensor: Tensor<'a>| {
        let Some(Outside { file, .. }) = tensor.external else { return Ok(()) };
        if names.last() != Some(&file) && !names.contains(&file) {
            names.push(file);
        }
        match names.len() {
            ..=MOST_FILES => Ok(()),
            _ => Err(Error::Format(format!("its weights lie in more than {MOST_FILES} files"))),
        }
    };
    for tensor in graph.initializers() {
        add(tensor?)?;
    }
    let mut within = Vec::new();
    for node in graph.nodes() {
        let node = node?;
        for attribute in &node.attributes {
            attribute.tensor()?.map_or(Ok(()), &mut add)?;
        }
        within.extend(branches(&node)?);
    }
    within.into_iter().filter(|_| depth < DEEPEST).try_for_each(|branch| outside(branch, depth + 1, names))
}

fn read(
    bytes: &[u8],
    files: &BTreeMap<String, Vec<u8>>,
    example: Option<&[usize]>,
) -> Result<Imported, Error> {
    let model = Model(bytes);
    let graph = model.graph()?.ok_or_else(|| Error::Format("it has no graph".into()))?;
    let opset = model.opset()?.ok_or_else(|| Error::Format("it does not name its opset".into()))?;
    if !(FIRST_OPSET..=LAST_OPSET).contains(&opset) {
        return Err(Error::Opset { found: opset });
    }
    let all = bytes.len() + files.values().map(Vec::len).sum::<usize>();
    let few = Few::of(bytes);
    let mut making = Making::new(opset, all, files);
    let mut running = Running::new(&mut making, few);
    for (count, function) in model.functions().enumerate() {
        few.check(count)?;
        running.functions.insert(function?);
    }
    running.tensors(graph)?;
    let (outputs, int32) = begin(&mut running, graph, few, example)?;
    running.count(graph, 0)?;
    running.nodes(graph, 0)?;

    let mut ends = Vec::new();
    let mut unknown = None;
    for output in &outputs {
        match running.values.get(output) {
            Some(Value::Data(data)) => ends.push(data.node),
            Some(Value::Levels(levels)) => {
                ends.push(levels.data.node);
                running.making.note(Note::Levels);
            }
            Some(Value::Unknown) => unknown = Some(*output),
            Some(_) => return Err(Error::Ends(format!("its output `{output}` is a constant"))),
            None => return Err(Error::Format(format!("nothing computes its output `{output}`"))),
        }
    }
    let unsupported = running.unsupported;
    if !unsupported.operations.is_empty() {
        return Err(Error::Unsupported(unsupported));
    }
    if let Some(output) = unknown {
        return Err(Error::Ends(format!(
            "its output `{output}` depends on tensors of a type that is not read, or of more than {MOST_NUMBERS} integers"
        )));
    }
    let mut metadata = BTreeMap::new();
    for (count, entry) in model.metadata().enumerate() {
        few.check(count)?;
        let (key, value) = entry?;
        metadata.insert(key.to_string(), value.to_string());
    }
    let is_own = model.producer()? == PRODUCER;
    // At the end of a classifier it is left out: a network here gives what goes into it. What is written here has
    // one only where it is meant, or where it was put behind the output.
    if let [end] = &mut ends[..]
        && let Some(before) = making.before_softmax(*end)
        && (!is_own || is_put_behind(graph, outputs[0])?)
    {
        *end = before;
        making.note(Note::Softmax);
    }
    let turned = if is_own { Some(turned_by_the_file(graph)?) } else { None };
    let Made { graph, state, integers, channels_last, notes } = making.finish(ends, all, turned.as_ref())?;
    let outputs = outputs.into_iter().map(String::from).collect();
    Ok(Imported { graph, state, integers, outputs, channels_last, int32, notes, metadata })
}

/// Whether an output is that of a softmax without a name, which is none of the network's in what is written here:
/// [`crate::Options::softmax`].
fn is_put_behind(graph: Written<'_>, output: &str) -> Result<bool, Error> {
    let maker = graph.maker(output)?;
    Ok(maker.is_some_and(|node| node.op == "Softmax" && node.name.is_empty()))
}

/// More outputs than anybody is told of.
const MOST_ENDS: usize = 64;

/// Makes the inputs of the network, and finds the names of its outputs and of its inputs of integers of 32 bits.
fn begin<'a>(
    running: &mut Running<'a, '_>,
    graph: Written<'a>,
    few: Few,
    example: Option<&[usize]>,
) -> Result<(Vec<&'a str>, BTreeSet<String>), Error> {
    let outputs: Vec<ValueInfo<'a>> = graph.outputs().take(MOST_ENDS + 1).collect::<Result<_, _>>()?;
    if outputs.is_empty() || MOST_ENDS < outputs.len() {
        return Err(Error::Ends(format!("expected 1 to {MOST_ENDS} outputs, found {}", names(&outputs))));
    }
    let outputs: Vec<&str> = outputs.iter().map(|output| output.name).collect();
    // Older files list what has a value among the inputs too.
    let mut inputs = Vec::new();
    for input in graph.inputs() {
        let input = input?;
        if !running.values.contains_key(input.name) {
            inputs.push(input);
            few.check(inputs.len())?;
        }
    }
    if inputs.is_empty() || MOST_ENDS < inputs.len() {
        return Err(Error::Ends(format!("expected 1 to {MOST_ENDS} inputs, found {}", names(&inputs))));
    }
    let narrow = inputs.iter().filter(|input| input.data_type == Some(data_type::INT32));
    let int32 = narrow.map(|input| input.name.to_string()).collect();
    let inputs = inputs.iter().enumerate().map(|(at, input)| entry(at, input, example));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    for (name, (entry, fixed)) in inputs {
        let making = &mut running.making;
        if let (Some(one), Some(other)) = (making.fixed_batch, fixed)
            && one != other
        {
            return Err(Error::Ends(format!(
                "its inputs are of {one} and of {other} examples: expected one number"
            )));
        }
        making.fixed_batch = making.fixed_batch.or(fixed);
        let data = making.entry(entry);
        running.values.insert(name, data.into());
    }
    for output in &outputs {
        *running.making.uses.entry(*output).or_default() += 1;
    }
    Ok((outputs, int32))
}

fn names(ends: &[ValueInfo<'_>]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = ends.iter().take(SHOWN).map(|end| format!("`{}`", end.name)).collect();
    match shown.is_empty() {
        true => "none".into(),
        false => format!("{}: {}", ends.len(), shown.join(", ")),
    }
}

/// How many nodes or tensors a file may have: what each of them takes in memory is then in
/// proportion to the file. A node that says its inputs, outputs and name takes over a hundred bytes.
#[derive(Clone, Copy)]
struct Few(usize);

impl Few {
    fn of(bytes: &[u8]) -> Self {
        Self(512 + bytes.len() / 64)
    }

    fn check(&self, count: usize) -> Result<(), Error> {
        match count < self.0 {
            true => Ok(()),
            false => Err(Error::Format(format!("it has more than {} entries for its size", self.0))),
        }
    }
}

impl From<Damage> for Error {
    fn from(Damage(problem): Damage) -> Self {
        Self::Format(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{
        Message,
        field::{attribute, graph, model, node, pair, tensor},
    };

    #[test]
    fn files_are_asked_for_wherever_a_tensor_says_them() {
        let in_file = |name: &str| {
            let place = Message::default().text(pair::FIRST, "location").text(pair::SECOND, name);
            Message::default().integer(tensor::DATA_LOCATION, 1).message(tensor::EXTERNAL_DATA, &place)
        };
        let with = |op: &str, name: &str, field: u64, value: &Message| {
            let attribute = Message::default().text(attribute::NAME, name).message(field, value);
            Message::default().text(node::OP_TYPE, op).message(node::ATTRIBUTE, &attribute)
        };
        let branch = Message::default()
            .message(graph::INITIALIZER, &in_file("branch"))
            .message(graph::NODE, &with("Constant", "value", attribute::T, &in_file("own")));
        let all = Message::default()
            .message(graph::NODE, &with("If", "else_branch", attribute::G, &branch))
            .message(graph::NODE, &with("Constant", "value", attribute::T, &in_file("constant")))
            .message(graph::INITIALIZER, &in_file("own"));
        let bytes = Message::default().message(model::GRAPH, &all).into_bytes();
        assert_eq!(files_beside(&bytes).unwrap(), ["own", "constant", "branch"]);
    }
}
