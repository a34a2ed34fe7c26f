//! What the weights of a layer see: its input as a matrix.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use sapwood_backend::ordered;
use sapwood_core::{ConvSpec, Op, ParamInfo, ParamPath, as_convolution, unfold, unfold_in_parts};

use crate::{Error, Needs, ParamTensors, Probe, Prunable};

/// For each prunable layer, how its input becomes a matrix with one row for each
/// weight of an output, `in/groups * kh * kw`, and one column for each example and
/// position: the layer is the product of its weights with that matrix.
pub struct LayerColumns(BTreeMap<ParamPath, ConvSpec>);

/// The Gram matrix of the inputs of one layer.
pub struct Gram {
    /// `sum over columns of x x^T`, `[groups, in/groups * kh * kw, the same]`.
    pub sum: Tensor<3>,
    /// The number of columns: examples times positions.
    pub columns: usize,
}

impl LayerColumns {
    /// The layers of these parameters, as the probe's graph has them.
    ///
    /// # Errors
    /// [`Error::Unmet`] for a probe without a graph; [`Error::NotInGraph`]; [`Error::Transposed`] for the weight of a
    /// transposed convolution.
    pub fn of(probe: &dyn Probe, prunable: &Prunable) -> Result<Self, Error> {
        let graph = probe.graph().map_err(as_layer_inputs)?;
        let spec = |info: &ParamInfo| {
            let node = graph.nodes().iter().find(|node| node.name == info.path.layer());
            if let Some(Op::Conv(ConvSpec { transposed: Some(_), .. })) = node.map(|node| node.op) {
                let what = "a criterion that asks for the inputs of layers".into();
                return Err(Error::Transposed { path: info.path.clone(), what });
            }
            let missing = || Error::NotInGraph { path: info.path.clone() };
            let spec = node.and_then(|node| as_convolution(&node.op)).ok_or_else(missing)?;
            Ok((info.path.clone(), spec))
        };
        Ok(Self(prunable.params().iter().map(spec).collect::<Result<_, _>>()?))
    }

    /// The sum of the squares of each row, over all examples: `[in * kh * kw]`.
    ///
    /// # Errors
    /// [`Error::Unmet`] for a probe that has no examples or cannot show what comes into layers; [`Error::NotShown`] for
    /// a layer of which it shows nothing; examples that the network does not take.
    pub fn squares(&self, probe: &dyn Probe, at: Option<&ParamTensors>) -> Result<ParamTensors, Error> {
        let mut sums: BTreeMap<ParamPath, Tensor<1>> = BTreeMap::new();
        each_input(probe, at, |layer, x| {
            let path = ParamPath::from(format!("{layer}.weight"));
            let Some(spec) = self.0.get(&path) else { return };
            let [_, c, h, w] = x.dims();
            // Examples are added up before the patches are cut: they stay apart.
            let square = x.clone().square().sum_dim(0).reshape([1, c, h, w]);
            let rows = spec.inputs * spec.kernel.product();
            let sum = ordered::sum_last(unfold(square, spec)).reshape([rows]);
            match sums.remove(&path) {
                Some(before) => sums.insert(path, before + sum),
                None => sums.insert(path, sum),
            };
        })?;
        match self.0.keys().find(|path| !sums.contains_key(*path)) {
            Some(path) => Err(Error::NotShown { path: path.clone() }),
            None => Ok(sums.into_iter().collect()),
        }
    }

    /// The Gram matrix of one layer, over all examples.
    ///
    /// # Errors
    /// Those of [`LayerColumns::squares`]; [`Error::NotInGraph`] for a parameter of no layer here.
    pub fn gram(
        &self,
        probe: &dyn Probe,
        at: Option<&ParamTensors>,
        path: &ParamPath,
    ) -> Result<Gram, Error> {
        let spec = self.0.get(path).ok_or_else(|| Error::NotInGraph { path: path.clone() })?;
        let mut gram: Option<Gram> = None;
        each_input(probe, at, |layer, x| {
            if layer != path.layer() {
                return;
            }
            for columns in unfold_in_parts(x.clone(), spec) {
                let count = columns.dims()[2];
                let sum = ordered::product(columns.clone(), columns.transpose());
                gram = Some(match gram.take() {
                    Some(before) => Gram { sum: before.sum + sum, columns: before.columns + count },
                    None => Gram { sum, columns: count },
                });
            }
        })?;
        gram.ok_or_else(|| Error::NotShown { path: path.clone() })
    }
}

/// Shows `see` what comes into each layer, batch by batch.
fn each_input(
    probe: &dyn Probe,
    at: Option<&ParamTensors>,
    mut see: impl FnMut(&str, &Tensor<4>),
) -> Result<(), Error> {
    for batch in probe.examples().map_err(as_layer_inputs)? {
        probe.layer_inputs(batch, at, &mut see)?;
    }
    Ok(())
}

/// What a probe lacks on the way to the inputs of layers, as what is missing in the end.
fn as_layer_inputs(error: Error) -> Error {
    match error {
        Error::Unmet { .. } => Error::Unmet { need: Needs::LayerInputs },
        other => other,
    }
}
