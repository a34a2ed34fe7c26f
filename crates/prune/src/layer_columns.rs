//! What the weights of a layer see: its input as a matrix.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use sapwood_backend::ordered;
use sapwood_core::{ConvSpec, Op, ParamInfo, ParamPath, as_convolution, unfold, unfold_in_parts};

use crate::{Error, ParamTensors, Probe, Prunable};

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
    pub fn of(probe: &dyn Probe, prunable: &Prunable) -> Result<Self, Error> {
        let graph = probe.graph().map_err(|_| Error::Unmet { need: crate::Needs::LayerInputs })?;
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
    pub fn squares(&self, probe: &dyn Probe, at: Option<&ParamTensors>) -> Result<ParamTensors, Error> {
        let mut sums: BTreeMap<ParamPath, Tensor<1>> = BTreeMap::new();
        for batch in probe.examples()? {
            probe.layer_inputs(batch, at, &mut |layer, x| {
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
        }
        Ok(sums.into_iter().collect())
    }

    /// The Gram matrix of one layer, over all examples.
    pub fn gram(
        &self,
        probe: &dyn Probe,
        at: Option<&ParamTensors>,
        path: &ParamPath,
    ) -> Result<Gram, Error> {
        let missing = || Error::NotInGraph { path: path.clone() };
        let spec = self.0.get(path).ok_or_else(missing)?;
        let mut gram: Option<Gram> = None;
        for batch in probe.examples()? {
            probe.layer_inputs(batch, at, &mut |layer, x| {
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
        }
        gram.ok_or_else(missing)
    }
}
