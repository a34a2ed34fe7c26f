//! A graph of layers that can be run.

mod run;

use std::sync::Arc;

use burn::{prelude::Device, tensor::Tensor};
use sapwood_backend::Ops;
use sapwood_core::{Dims, Graph, Network, Node, Observed, Op, Pass};

use crate::{
    Error, Value,
    constant::Constant,
    conv::{Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d},
    image_size::check_size,
    layers::{BatchNorm, Embedding, GroupNorm, LayerNorm, Linear, Position, Prelu},
    steps::{Step, single_steps, steps},
};

/// A network of the zoo, or any other [`Graph`] with its weights.
///
/// One with a single input and a single output is a [`Network`] from images to rows; tokens are then numbers too.
/// Any can be run by [`Net::run_all`].
#[derive(Clone, Debug)]
pub struct Net {
    pub(crate) graph: Arc<Graph>,
    /// One entry per node of the graph.
    pub(crate) layers: Vec<Layer>,
    /// What runs, in this order.
    pub(crate) steps: Arc<[Step]>,
    /// For each node, the last step that reads it; none of them for one whose value goes out.
    pub(crate) last_use: Arc<[usize]>,
    /// Which dimension of its output is the batch's, if it goes from images to rows.
    pub(crate) rows_at: Option<usize>,
    pub(crate) ops: Ops,
}

#[derive(Clone, Debug)]
pub(crate) enum Layer {
    Conv1d(Conv1d),
    Conv2d(Conv2d),
    ConvTranspose1d(ConvTranspose1d),
    ConvTranspose2d(ConvTranspose2d),
    Linear(Linear),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    GroupNorm(GroupNorm),
    Position(Position),
    Embedding(Embedding),
    Prelu(Prelu),
    Constant(Constant),
    Stateless,
}

impl Net {
    /// The network with zero weights and untouched normalisation. What draws or
    /// loads the weights is [`Init`](crate::Init) or a file.
    pub fn new(graph: Graph, device: &Device) -> Self {
        let layer = |node: &Node| match node.op {
            Op::Conv(spec) => match (spec.transposed, spec.spatial) {
                (None, 1) => Layer::Conv1d(Conv1d::new(spec, device)),
                (None, _) => Layer::Conv2d(Conv2d::new(spec, device)),
                (Some(_), 1) => Layer::ConvTranspose1d(ConvTranspose1d::new(spec, device)),
                (Some(_), _) => Layer::ConvTranspose2d(ConvTranspose2d::new(spec, device)),
            },
            Op::Linear { inputs, outputs, bias, .. } => {
                Layer::Linear(Linear::new(inputs, outputs, bias, device))
            }
            Op::BatchNorm { channels, .. } => Layer::BatchNorm(BatchNorm::new(channels, device)),
            Op::LayerNorm { channels, .. } => Layer::LayerNorm(LayerNorm::new(channels, device)),
            Op::GroupNorm { channels, .. } => Layer::GroupNorm(GroupNorm::new(channels, device)),
            Op::Position(shape) => Layer::Position(Position::new(shape, device)),
            Op::Embedding { entries, width } => Layer::Embedding(Embedding::new([entries, width], device)),
            Op::Prelu { channels } => Layer::Prelu(Prelu::new(channels, device)),
            Op::Constant { dims, learnt } => Layer::Constant(Constant::new(&dims, learnt, device)),
            _ => Layer::Stateless,
        };
        let layers = graph.nodes().iter().map(layer).collect();
        let steps = steps(&graph);
        Self {
            rows_at: rows_at(&graph).ok(),
            last_use: last_use(&graph, &steps),
            graph: Arc::new(graph),
            layers,
            steps: steps.into(),
            ops: Ops::default(),
        }
    }

    /// The same network with each node run alone, so that whoever watches a pass sees the value of each.
    pub fn node_by_node(self) -> Self {
        let steps = single_steps(&self.graph);
        Self { last_use: last_use(&self.graph, &steps), steps: steps.into(), ..self }
    }

    /// The same network computed by other operations.
    pub fn with_ops(self, ops: Ops) -> Self {
        Self { ops, ..self }
    }

    /// Whether it takes one input of numbers and gives one output that is computed of it: only then is it trained
    /// and scored.
    ///
    /// # Errors
    /// [`Error::Ends`] says what it has.
    pub fn check_single(&self) -> Result<(), Error> {
        self.check_rows()?;
        match &self.graph.entries()[0] {
            entry if entry.integers => Err(Error::Ends { found: format!("integers in `{}`", entry.name) }),
            _ => Ok(()),
        }
    }

    /// Whether it takes one input, of numbers or of tokens, and gives one output that is computed of it: only then
    /// is it run by [`Network::forward`], and so evaluated and quantised.
    ///
    /// # Errors
    /// [`Error::Ends`] says what it has.
    pub fn check_rows(&self) -> Result<(), Error> {
        rows_at(&self.graph).map(|_| ())
    }

    /// Runs the network: its outputs, for its inputs, in the order in which its graph has them.
    ///
    /// ```
    /// # use burn::{prelude::Int, tensor::Tensor};
    /// # use sapwood_backend::DeviceSpec;
    /// # use sapwood_core::{Dims, Entry, Graph, Pass};
    /// # use sapwood_models::Net;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let device = DeviceSpec::CPU.resolve()?;
    /// let tokens = Entry { name: "tokens".into(), dims: Dims::rows(7), integers: true };
    /// let mut g = Graph::builder_of(vec![tokens]);
    /// let x = g.embedding("table", g.input(), 100, 4);
    /// let logits = g.linear_at_places("fc", x, 3);
    /// let net = Net::new(g.finish_with(&[x, logits])?, &device);
    ///
    /// let tokens = Tensor::<2, Int>::zeros([5, 7], &device);
    /// let outputs = net.run_all(vec![tokens.into()], &mut Pass::evaluate())?;
    /// assert_eq!(outputs[1].dims(), [5, 7, 3]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] if the inputs are others than the network takes, or of a size that a layer cannot take.
    pub fn run_all(&self, inputs: Vec<Value>, pass: &mut Pass<'_>) -> Result<Vec<Value>, Error> {
        let examples = self.examples(&inputs)?;
        let nodes = self.graph.nodes();
        let mut values: Vec<Option<Value>> = vec![None; nodes.len()];
        let entries = nodes.iter().enumerate().filter(|(_, node)| node.op == Op::Input);
        for ((id, _), input) in entries.zip(inputs) {
            values[id] = Some(input.passed_on(id, pass));
        }
        for (number, step) in self.steps.iter().enumerate() {
            let reads: Vec<usize> = step.reads(&self.graph).collect();
            let inputs = reads.iter().filter_map(|&read| values[read].clone()).collect();
            // After its last use a value is this step's alone, to overwrite.
            for read in reads.into_iter().filter(|&read| self.last_use[read] == number) {
                values[read] = None;
            }
            let value = self.run(step, inputs, examples, pass);
            values[step.result] = value.map(|value| value.passed_on(step.result, pass));
        }
        // The graph's constructor leaves no node without its inputs, so all values are there.
        Ok(self.graph.ends().iter().filter_map(|end| values[*end].clone()).collect())
    }

    /// How many examples these inputs are, if the network takes them.
    fn examples(&self, inputs: &[Value]) -> Result<usize, Error> {
        let listed = |all: Vec<String>| all.join(" and ");
        let expected = || {
            let kind = |integers: bool| if integers { "integers" } else { "numbers" };
            listed(self.graph.entries().iter().map(|e| format!("{} {}", kind(e.integers), e.dims)).collect())
        };
        let wrong = || sapwood_core::Error::Input {
            expected: expected(),
            found: listed(inputs.iter().map(Value::to_string).collect()),
        };
        let entries = self.graph.entries();
        if entries.len() != inputs.len() {
            return Err(wrong().into());
        }
        let (mut examples, mut found) = (None, Vec::with_capacity(inputs.len()));
        for (entry, input) in entries.iter().zip(inputs) {
            let (mut sizes, each) = (input.dims(), entry.dims.sizes());
            if sizes.len() != each.len().max(1) || input.is_integers() != entry.integers {
                return Err(wrong().into());
            }
            let dims = match entry.dims.batch() {
                None => Dims::fixed(&sizes[..each.len()]),
                Some(at) => {
                    let count = sizes[at] / each[at];
                    if sizes[at] % each[at] != 0 || *examples.get_or_insert(count) != count {
                        return Err(wrong().into());
                    }
                    sizes[at] = each[at];
                    Dims::with_batch(&sizes, at)
                }
            };
            found.push(dims.ok_or_else(wrong)?);
        }
        // What the network was built for fits.
        if entries.iter().zip(&found).any(|(entry, dims)| entry.dims != *dims) {
            if let Some(first) = found.first() {
                check_size(&self.graph, first.image())?;
            }
            self.graph.dims_at(&found)?;
        }
        Ok(examples.unwrap_or(1))
    }
}

impl Network for Net {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    /// # Panics
    /// If the network takes other inputs, or [`Net::check_rows`] finds that it is none from images to rows.
    fn forward(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2> {
        self.rows(input, pass).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Net {
    /// The values of the output, a row for each example.
    fn rows(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Result<Tensor<2>, Error> {
        let at = self.rows_at.map_or_else(|| rows_at(&self.graph), Ok)?;
        let [n, c, h, w] = input.dims();
        let entry = &self.graph.entries()[0];
        let fitting = entry.fit([c, h, w]).ok_or_else(|| sapwood_core::Error::Input {
            expected: format!("numbers {}", entry.dims),
            found: format!("numbers {:?}", [n, c, h, w]),
        })?;
        let mut input = Value::from(input).reshaped(&fitting.at(n));
        if entry.integers {
            let (row, sizes) = input.row_of_integers();
            input = Value::of_integers(row, &sizes);
        }
        // There is one output, as was checked.
        let output = self.run_all(vec![input], pass)?.pop();
        let output = output.unwrap_or_else(|| unreachable!("a graph ends with a value"));
        let dims = output.dims();
        if at == 0 && dims[0] == n {
            return Ok(output.rows());
        }
        let before = dims[..at].iter().product();
        let parts = [before, n, dims[at] / n.max(1), dims[at + 1..].iter().product()];
        let moved = output.into_rank::<4>(parts).permute([1, 0, 2, 3]);
        Ok(moved.reshape([n, before * parts[2] * parts[3]]))
    }
}

/// For each node, the last step that reads it.
fn last_use(graph: &Graph, steps: &[Step]) -> Arc<[usize]> {
    let mut last_use = vec![usize::MAX; graph.nodes().len()];
    for (number, step) in steps.iter().enumerate() {
        step.reads(graph).for_each(|read| last_use[read] = number);
    }
    graph.ends().iter().for_each(|end| last_use[*end] = usize::MAX);
    last_use.into()
}

/// Which dimension of a network's output is the batch's, if it has one input and one output.
fn rows_at(graph: &Graph) -> Result<usize, Error> {
    let (entries, ends) = (graph.entries(), graph.ends());
    let plural = |count: usize, of: &str| match count {
        1 => format!("1 {of}"),
        _ => format!("{count} {of}s"),
    };
    let wrong = |found: String| Error::Ends { found };
    if entries.len() != 1 || ends.len() != 1 {
        return Err(wrong(format!(
            "{} and {}",
            plural(entries.len(), "input"),
            plural(ends.len(), "output")
        )));
    }
    let batch = graph.dims()?[ends[0]].batch();
    batch.ok_or_else(|| wrong("an output that is the same for all examples".into()))
}

impl Observed for Net {
    fn graph(&self) -> &Graph {
        &self.graph
    }
}

#[cfg(test)]
mod tests;
