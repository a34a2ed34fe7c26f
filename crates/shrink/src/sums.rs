//! What a layer's weights add up to, where its input is the same everywhere.

use sapwood_graph::{Graph, Op, State};

/// The weights of a convolution or linear layer, added over the kernel.
pub(crate) struct Sums {
    /// Groups of channels, 1 of a linear layer.
    groups: usize,
    /// What each output of a group reads.
    of_inputs: usize,
    outputs: usize,
    /// For each output and each of its inputs.
    sums: Vec<f64>,
    used: Vec<bool>,
    biases: Option<Vec<f64>>,
    /// Whether a place at the edge sees the sums too: no zeros are added around the input.
    pub(crate) everywhere: bool,
}

impl Sums {
    /// Of a layer; none where it is no such layer, or its values are not there.
    pub(crate) fn of(graph: &Graph, node: usize, state: &State) -> Option<Self> {
        let node = &graph.nodes()[node];
        let weight = state.parameter(&node.name, "weight")?;
        let (groups, outputs, everywhere, transposed) = match node.op {
            Op::Linear { outputs, .. } => (1, outputs, true, false),
            Op::Conv(spec) => {
                let transposed = spec.transposed.is_some();
                (spec.groups, spec.outputs, spec.padding.sides() == [0; 4] && !transposed, transposed)
            }
            _ => return None,
        };
        let inner: usize = weight.shape().get(2..)?.iter().product();
        let of_inputs = if transposed { weight.shape()[0] / groups } else { weight.shape()[1] };
        let mut found = Self {
            groups,
            of_inputs,
            outputs,
            sums: vec![0.0; outputs * of_inputs],
            used: vec![false; outputs * of_inputs],
            biases: state
                .parameter(&node.name, "bias")
                .filter(|_| node.op.has_bias())
                .map(|bias| bias.iter().collect()),
            everywhere,
        };
        for (at, value) in weight.iter::<f64>().enumerate().filter(|(_, value)| *value != 0.0) {
            let pair = at / inner;
            let at = match transposed {
                false => pair,
                true => {
                    let of_outputs = outputs / groups;
                    let (input, output) = (pair / of_outputs, pair % of_outputs);
                    (input / of_inputs * of_outputs + output) * of_inputs + input % of_inputs
                }
            };
            found.sums[at] += value;
            found.used[at] = true;
        }
        Some(found)
    }

    /// What each output is at all places, for what each input is at all places, where that is one number.
    pub(crate) fn constants(&self, inputs: &[Option<f64>]) -> Vec<Option<f64>> {
        (0..self.outputs)
            .map(|output| {
                let bias = self.biases.as_ref().map_or(0.0, |biases| biases[output]);
                self.inputs(output).filter(|(at, _)| self.used[*at]).try_fold(bias, |sum, (at, input)| {
                    let constant = inputs.get(input).copied().flatten()?;
                    (constant == 0.0 || self.everywhere).then_some(sum + constant * self.sums[at])
                })
            })
            .collect()
    }

    /// Whether an input changes an output.
    pub(crate) fn uses(&self, output: usize, input: usize) -> bool {
        self.place(output, input).is_some_and(|at| self.used[at])
    }

    /// The outputs that may read an input.
    pub(crate) fn readers(&self, input: usize) -> std::ops::Range<usize> {
        let of_outputs = self.outputs / self.groups;
        let group = input / self.of_inputs;
        group * of_outputs..(group + 1) * of_outputs
    }

    /// What a constant input adds to an output.
    pub(crate) fn adds(&self, output: usize, input: usize, constant: f64) -> f64 {
        self.place(output, input).map_or(0.0, |at| constant * self.sums[at])
    }

    pub(crate) fn of_inputs(&self) -> usize {
        self.of_inputs
    }

    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    fn place(&self, output: usize, input: usize) -> Option<usize> {
        let first = output / (self.outputs / self.groups) * self.of_inputs;
        let at = input.checked_sub(first).filter(|at| *at < self.of_inputs)?;
        Some(output * self.of_inputs + at)
    }

    /// For each input of an output where the two are in the sums.
    fn inputs(&self, output: usize) -> impl Iterator<Item = (usize, usize)> {
        let first = output / (self.outputs / self.groups) * self.of_inputs;
        let of_inputs = self.of_inputs;
        (0..of_inputs).map(move |at| (output * of_inputs + at, first + at))
    }
}

/// The values of a parameter of a node, if they are there.
pub(crate) fn values(graph: &Graph, node: usize, param: &str, state: &State) -> Option<Vec<f64>> {
    state.parameter(&graph.nodes()[node].name, param).map(|value| value.iter().collect())
}
