//! From a file to a network on paper.

mod arithmetic;
mod call;
mod gelu;
mod layers;
mod making;
mod naming;
mod numbers;
mod operations;
mod pools;
mod shapes;
mod value;

use std::collections::BTreeMap;

use sapwood_graph::{Graph, State};

use crate::{
    Error, FIRST_OPSET, LAST_OPSET, Note, Unsupported,
    proto::{Damage, Dim, Model, Node, ValueInfo, data_type},
};
use call::{Call, Refusal};
use making::{Making, fits};
use operations::handler;
use value::{Data, Stored, Value};

/// A network from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its layers, called as in PyTorch where the file says how.
    pub graph: Graph,
    /// The values of its parameters, in f32.
    pub state: State,
    /// What should be known of how it was read.
    pub notes: Vec<Note>,
    /// What the file says of itself.
    pub metadata: BTreeMap<String, String>,
}

/// Whether bytes begin as an ONNX model does. Whether they are one, [`import`] says.
pub fn is_one(bytes: &[u8]) -> bool {
    Model::begins(bytes)
}

/// Reads the bytes of an ONNX file.
///
/// # Errors
/// Bytes that are no such file; weights beside it; opsets that are not read; several inputs or
/// outputs; and, all in one, the operations that a [`Graph`] cannot say.
pub fn import(bytes: &[u8]) -> Result<Imported, Error> {
    let model = Model(bytes);
    let graph = model.graph()?.ok_or_else(|| Error::Format("it has no graph".into()))?;
    let opset = model.opset()?.ok_or_else(|| Error::Format("it does not name its opset".into()))?;
    if !(FIRST_OPSET..=LAST_OPSET).contains(&opset) {
        return Err(Error::Opset { found: opset });
    }
    let mut values: BTreeMap<&str, Value<'_>> = BTreeMap::from([("", Value::Absent)]);
    let few = Few::of(bytes);
    for (count, tensor) in graph.initializers().enumerate() {
        few.check(count)?;
        let tensor = tensor?;
        if let Some(file) = tensor.external {
            return Err(Error::External { file: file.into() });
        }
        values.insert(tensor.name, Value::Stored(Stored::new(tensor)?));
    }
    if graph.has_sparse_initializers() {
        return Err(Error::Format("its weights are sparse initialisers: write them densely".into()));
    }
    // Older files list what has a value among the inputs too.
    let mut inputs = Vec::new();
    for input in graph.inputs() {
        let input = input?;
        if !values.contains_key(input.name) {
            inputs.push(input);
            few.check(inputs.len())?;
        }
    }
    let input = match &inputs[..] {
        [input] => input,
        _ => return Err(Error::Ends(format!("expected one input, found {}", names(&inputs)))),
    };
    let outputs: Vec<ValueInfo<'_>> = graph.outputs().take(MOST_ENDS).collect::<Result<_, _>>()?;
    let [output] = &outputs[..] else {
        return Err(Error::Ends(format!("expected one output, found {}", names(&outputs))));
    };

    let (shape, rank) = input_shape(input)?;
    let mut making = Making::new(shape, output.name, opset);
    values.insert(input.name, Value::Data(Data { node: 0, shape, rank }));
    *making.uses.entry(output.name).or_default() += 1;
    for (count, node) in graph.nodes().enumerate() {
        few.check(count)?;
        for name in node?.inputs {
            *making.uses.entry(name).or_default() += 1;
        }
    }
    let mut unsupported = Unsupported::default();
    let functions = model.has_functions();
    for node in graph.nodes() {
        run(&mut making, &mut values, &node?, functions, &mut unsupported)?;
    }
    let last = match values.get(output.name) {
        Some(Value::Data(data)) => Some(data.node),
        Some(Value::Gelu(part)) => {
            part.refuse().note(&mut unsupported, &Node::default())?;
            None
        }
        Some(Value::Unknown) if !unsupported.operations.is_empty() => None,
        Some(_) => return Err(Error::Ends(format!("its output `{}` is a constant", output.name))),
        None => return Err(Error::Format(format!("nothing computes its output `{}`", output.name))),
    };
    let Some(last) = last.filter(|_| unsupported.operations.is_empty()) else {
        return Err(Error::Unsupported(unsupported));
    };
    let mut metadata = BTreeMap::new();
    for (count, entry) in model.metadata().enumerate() {
        few.check(count)?;
        let (key, value) = entry?;
        metadata.insert(key.to_string(), value.to_string());
    }
    let (graph, state, notes) = making.finish(last, bytes.len())?;
    Ok(Imported { graph, state, notes, metadata })
}

/// More outputs than anybody is told of.
const MOST_ENDS: usize = 64;

/// Runs a node on what is known of its inputs.
fn run<'a>(
    making: &mut Making<'a>,
    values: &mut BTreeMap<&'a str, Value<'a>>,
    node: &Node<'a>,
    functions: bool,
    unsupported: &mut Unsupported,
) -> Result<(), Error> {
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for name in &node.inputs {
        let value = values.get(name).ok_or_else(|| {
            Error::Format(format!("node {} reads `{name}`, which nothing before it computes", node.called()))
        })?;
        inputs.push(value.clone());
    }
    let call = Call::new(node, inputs, making.opset);
    let found = match handler(node, functions) {
        Ok(handler) => handler(making, &call).and_then(|value| call.all_read().map(|()| value)),
        Err(refusal) => Err(refusal),
    };
    let value = match found {
        Ok(value) => value,
        Err(refusal) => {
            refusal.note(unsupported, node)?;
            Value::Unknown
        }
    };
    // Further outputs are a mask of dropped values, statistics of a batch or indices of maxima.
    for (at, name) in node.outputs.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        if 0 < at && making.uses(name) > 0 && !matches!(value, Value::Unknown) {
            Refusal::Cannot(format!("with its output {}", at + 1)).note(unsupported, node)?;
        }
        let value = if at == 0 { value.clone().named(name) } else { Value::Unknown };
        values.insert(name, value);
    }
    Ok(())
}

/// The shape of an example, and the rank of a batch of them.
fn input_shape(input: &ValueInfo<'_>) -> Result<([usize; 3], usize), Error> {
    const MOST: usize = 1 << 24;
    let said = || {
        let dims = input.dims.as_deref().unwrap_or_default().iter().map(|dim| match dim {
            Dim::Number(size) => size.to_string(),
            Dim::Named("") => "?".into(),
            Dim::Named(name) => (*name).into(),
        });
        format!("`{}` [{}]", input.name, dims.collect::<Vec<_>>().join(", "))
    };
    if input.data_type != Some(data_type::FLOAT) {
        return Err(Error::Ends(format!("expected an input in f32: {} is of another type", said())));
    }
    let size = |dim: &Dim<'_>| match dim {
        Dim::Number(size) => usize::try_from(*size).ok().filter(|size| (1..=MOST).contains(size)),
        Dim::Named(_) => None,
    };
    let sizes = input.dims.iter().flatten().skip(1).map(size).collect::<Option<Vec<usize>>>();
    match sizes.as_deref() {
        Some([c, h, w]) if fits([*c, *h, *w]) => Ok(([*c, *h, *w], 4)),
        Some([c]) => Ok(([*c, 1, 1], 2)),
        _ => Err(Error::Ends(format!(
            "expected an input [N, C, H, W] or [N, C] of which only N is no number, found {}",
            said()
        ))),
    }
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
