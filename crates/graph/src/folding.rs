//! Batch normalisation in the weights of the layer before it.

use crate::{Array, ConvSpec, Error, Graph, Node, Op, ParamPath, State};

/// A network without the batch normalisations that a convolution or a linear layer can take over, and how its
/// weights come of those that it had (Jacob et al. 2018, equation 14; here with the running statistics and
/// each layer's own epsilon).
///
/// ```
/// use sapwood_graph::{Conv, Folding, Graph};
///
/// let mut g = Graph::builder([3, 8, 8]);
/// let x = g.conv("conv", g.input(), Conv::new(4, 3).no_bias());
/// let x = g.batch_norm("bn", x);
/// g.relu(x);
/// let folding = Folding::of(&g.finish()?);
/// assert_eq!(folding.graph().nodes().len(), 3);
/// # Ok::<(), sapwood_graph::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Folding {
    graph: Graph,
    pairs: Vec<Folded>,
    /// For each node, the one of the network before whose value it has.
    origins: Vec<usize>,
}

/// A layer and the normalisation that it takes over.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// The convolution or linear layer.
    pub layer: String,
    /// The normalisation behind it.
    pub norm: String,
    /// What is added to the variance.
    pub epsilon: f64,
}

impl Folding {
    /// Of a network: a normalisation goes where it alone reads the layer before it.
    pub fn of(graph: &Graph) -> Self {
        let nodes = graph.nodes();
        let mut readers = vec![0usize; nodes.len()];
        nodes.iter().flat_map(|node| &node.inputs).for_each(|read| readers[*read] += 1);
        let (mut kept, mut pairs): (Vec<Node>, Vec<Folded>) = (Vec::new(), Vec::new());
        // Where each node's value is found afterwards.
        let mut place: Vec<usize> = Vec::with_capacity(nodes.len());
        let mut origins: Vec<usize> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            if let Op::BatchNorm { epsilon, .. } = node.op
                && let [before] = node.inputs[..]
                && readers[before] == 1
                && !graph.ends().contains(&before)
                && let Some(op) = with_bias(nodes[before].op)
            {
                let (layer, norm) = (nodes[before].name.clone(), node.name.clone());
                pairs.push(Folded { layer, norm, epsilon });
                kept[place[before]].op = op;
                place.push(place[before]);
                origins[place[before]] = at;
                continue;
            }
            let inputs = node.inputs.iter().map(|read| place[*read]).collect();
            place.push(kept.len());
            origins.push(at);
            kept.push(Node { inputs, ..node.clone() });
        }
        let ends = graph.ends().iter().map(|end| place[*end]).collect();
        Self { graph: Graph::new(kept, graph.entries().to_vec(), ends), pairs, origins }
    }

    /// The network without them.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What it takes over, in the order of the network.
    pub fn pairs(&self) -> &[Folded] {
        &self.pairs
    }

    /// The node of the network before whose value a node has: of a layer the normalisation that it took over.
    pub fn origin(&self, node: usize) -> usize {
        self.origins[node]
    }

    /// Whether there was nothing to fold.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The weights of the network without normalisation, computed in f64: `w * f` and `beta + (b - mean) * f`
    /// with `f = gamma / sqrt(variance + epsilon)`.
    ///
    /// # Errors
    /// A parameter that is not there or has another size; a normalisation without a finite factor; a constant of the name that
    /// the bias of a layer has.
    pub fn fold(&self, state: &State) -> Result<State, Error> {
        let mut folded = state.clone();
        for Folded { layer, norm, epsilon } in &self.pairs {
            let refuse = |problem: String| Error::Graph { layer: norm.clone(), problem };
            let mut take = |name: &str| {
                let value = folded.0.remove(&ParamPath::of(norm, name));
                let value = value.ok_or_else(|| refuse(format!("its `{name}` is not there")))?;
                Ok::<Vec<f64>, Error>(value.iter().collect())
            };
            let (gamma, beta) = (take("weight")?, take("bias")?);
            let (mean, variance) = (take("running_mean")?, take("running_var")?);
            let factors = norm_factors(gamma, variance, *epsilon);
            if factors.iter().any(|factor| !factor.is_finite()) {
                return Err(refuse("its variance and epsilon give a factor that is not finite".into()));
            }
            let path = ParamPath::of(layer, "weight");
            let weight = folded.0.get(&path).filter(|weight| weight.shape().first() == Some(&factors.len()));
            let weight = weight.ok_or_else(|| refuse(format!("`{path}` has another number of channels")))?;
            let inner = (weight.len() / factors.len().max(1)).max(1);
            let scaled = weight.iter::<f64>().enumerate().map(|(at, w)| (w * factors[at / inner]) as f32);
            let scaled = Array::new(weight.shape(), scaled.collect::<Vec<_>>())?;
            let bias = ParamPath::of(layer, "bias");
            if self.graph.node(bias.as_str()).is_some_and(|node| matches!(node.op, Op::Constant { .. })) {
                return Err(refuse(format!(
                    "`{bias}` should be a bias, found a constant: rename the constant"
                )));
            }
            let old: Vec<f64> =
                folded.0.get(&bias).map_or_else(|| vec![0.0; factors.len()], |bias| bias.iter().collect());
            if [&old, &beta, &mean].iter().any(|values| values.len() != factors.len()) {
                return Err(refuse("its parameters have different sizes".into()));
            }
            let new = (0..factors.len()).map(|c| (beta[c] + (old[c] - mean[c]) * factors[c]) as f32);
            let new = Array::new([factors.len()], new.collect::<Vec<_>>())?;
            folded.0.insert(path, scaled);
            folded.0.insert(bias, new);
        }
        Ok(folded)
    }
}

/// By what batch normalisation multiplies each channel, `gamma / sqrt(variance + epsilon)`, with its running variances.
///
/// ```
/// assert_eq!(sapwood_graph::norm_factors([6.0, -1.0], [8.0, 3.0], 1.0), [2.0, -0.5]);
/// ```
pub fn norm_factors(
    gamma: impl IntoIterator<Item = f64>,
    variance: impl IntoIterator<Item = f64>,
    epsilon: f64,
) -> Vec<f64> {
    gamma.into_iter().zip(variance).map(|(gamma, variance)| gamma / (variance + epsilon).sqrt()).collect()
}

/// The layer with a bias, if it is one that can have a factor for each output.
fn with_bias(op: Op) -> Option<Op> {
    match op {
        Op::Conv(spec) if spec.transposed.is_none() => Some(Op::Conv(ConvSpec { bias: true, ..spec })),
        Op::Linear { inputs, outputs, places: false, .. } => {
            Some(Op::Linear { inputs, outputs, bias: true, places: false })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Conv;

    fn state(values: &[(&str, &[usize], &[f32])]) -> State {
        let array = |shape: &[usize], values: &[f32]| Array::new(shape, values.to_vec()).unwrap();
        State(values.iter().map(|(path, shape, values)| ((*path).into(), array(shape, values))).collect())
    }

    fn network() -> Graph {
        let mut g = Graph::builder([1, 2, 2]);
        let x = g.conv("conv", g.input(), Conv::new(2, 1).no_bias());
        let x = g.batch_norm_with("bn", x, 0.75);
        let y = g.relu(x);
        let z = g.batch_norm("alone", y);
        g.add(y, z);
        g.finish().unwrap()
    }

    #[test]
    fn weights_take_the_factor_and_biases_the_rest() {
        let norm = |path: &str, values: [&[f32]; 4]| {
            let names = ["weight", "bias", "running_mean", "running_var"];
            names
                .iter()
                .zip(values)
                .map(|(name, v)| (format!("{path}.{name}"), v.to_vec()))
                .collect::<Vec<_>>()
        };
        let mut all = vec![("conv.weight".to_string(), vec![3.0f32, -5.0])];
        // Factors 2 / sqrt(0.25 + 0.75) and, of no scale and no variance, 0.
        all.extend(norm("bn", [&[2.0, 0.0], &[1.0, 7.0], &[4.0, 1.0], &[0.25, 0.0]]));
        all.extend(norm("alone", [&[1.0, 1.0], &[0.0, 0.0], &[0.0, 0.0], &[1.0, 1.0]]));
        let shaped = all.iter().map(|(path, v)| (&path[..], vec![v.len()], &v[..])).collect::<Vec<_>>();
        let mut before = state(&shaped.iter().map(|(p, s, v)| (*p, &s[..], *v)).collect::<Vec<_>>());
        let weight = before.0.remove("conv.weight").unwrap().reshape([2, 1, 1, 1]).unwrap();
        before.0.insert("conv.weight".into(), weight);

        let folding = Folding::of(&network());
        let after = folding.fold(&before).unwrap();
        let found = |path: &str| after.0[path].iter::<f32>().collect::<Vec<_>>();
        assert_eq!((found("conv.weight"), found("conv.bias")), (vec![6.0, -0.0], vec![-7.0, 7.0]));
        let names: Vec<_> = after.0.keys().map(ParamPath::as_str).collect();
        let alone = ["alone.bias", "alone.running_mean", "alone.running_var", "alone.weight"];
        assert_eq!(names, [&alone[..], &["conv.bias", "conv.weight"]].concat());
        let ops: Vec<_> = folding.graph().nodes().iter().map(|node| &node.name[..]).collect();
        assert_eq!(ops, ["input", "conv", "relu", "alone", "add"]);
        assert_eq!(folding.graph().nodes()[4].inputs, [2, 3]);
        assert_eq!([0, 1, 2, 3, 4].map(|node| folding.origin(node)), [0, 2, 3, 4, 5]);
        assert!(folding.graph().shapes([1, 2, 2]).is_ok());
        assert_eq!(Folding::of(folding.graph()).pairs, []);

        before.0.insert("bn.running_var".into(), Array::new([2], vec![-0.75f32, 1.0]).unwrap());
        let error = folding.fold(&before).unwrap_err().to_string();
        assert_eq!(error, "layer `bn`: its variance and epsilon give a factor that is not finite");
        before.0.remove("bn.bias");
        assert!(folding.fold(&before).unwrap_err().to_string().contains("its `bias` is not there"));
    }

    #[test]
    fn a_constant_that_is_called_like_a_bias_is_none() {
        let mut g = Graph::builder([1, 2, 2]);
        let x = g.conv("conv", g.input(), Conv::new(2, 1).no_bias());
        let x = g.batch_norm("bn", x);
        let shift = g.constant("conv.bias", &[2, 1, 1], true);
        g.add(x, shift);
        let norm = ["weight", "bias", "running_mean", "running_var"].map(|name| format!("bn.{name}"));
        let mut before =
            state(&[("conv.weight", &[2, 1, 1, 1], &[1.0; 2]), ("conv.bias", &[2, 1, 1], &[3.0; 2])]);
        before.0.extend(norm.map(|path| (ParamPath::from(path), Array::new([2], vec![1.0f32; 2]).unwrap())));
        let error = Folding::of(&g.finish().unwrap()).fold(&before).unwrap_err().to_string();
        assert!(error.contains("`conv.bias` should be a bias, found a constant"), "{error}");
    }

    #[test]
    fn values_have_one_name_each() {
        let mut g = Graph::builder([1, 2, 2]);
        let x = g.relu(g.input());
        let x = g.conv("relu_1", x, Conv::new(2, 1));
        let y = g.relu(x);
        g.add(x, y);
        let graph = g.finish().unwrap();
        assert_eq!(graph.value_names(), ["input", "relu", "relu_1", "relu_2", "add"]);
    }
}
