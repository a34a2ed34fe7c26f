//! What one layer sees, in the float network and behind what is quantised already.

use burn::{prelude::Device, tensor::Tensor};
use sapwood_backend::{ordered, read_all};
use sapwood_core::{Network, Pass, Tap, as_convolution, unfold_in_parts};
use sapwood_graph::{Array, Op};

use crate::{Error, Examples, Rounding, columns::Columns};

/// Sums over all that a layer sees on some examples: of `x`, what it sees in the float network, and of `z`, what it sees
/// behind layers that are quantised already. The layer is the product of its weights with these columns, of which
/// each group of a grouped convolution has its own.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerInputs {
    /// Groups.
    pub groups: usize,
    /// Weights of an output: `in/groups * kh * kw`.
    pub columns: usize,
    /// How many were summed: examples times positions, or all places of a linear layer.
    pub count: usize,
    /// `sum z z^T`, `[groups, columns, columns]`; empty for what rounds to the nearest, which does not look at it.
    pub gram: Vec<f64>,
    /// `sum x z^T`, likewise.
    pub cross: Vec<f64>,
    /// `sum x`, `[groups, columns]`.
    pub float: Vec<f64>,
    /// `sum z`, likewise.
    pub rounded: Vec<f64>,
}

impl LayerInputs {
    /// Runs both networks; `None` where the layer's weights are not a matrix that its columns are multiplied with
    /// ([`as_convolution`]), as those of a transposed convolution, or where the networks show no input of it.
    ///
    /// # Errors
    /// The source's; examples that the networks do not take.
    pub async fn of<F: Network, R: Network<Input = F::Input>>(
        float: &F,
        rounded: &R,
        (layer, op): (&str, &Op),
        rounding: Rounding,
        examples: Examples<'_>,
        device: &Device,
    ) -> Result<Option<Self>, Error> {
        let Some(spec) = as_convolution(op) else { return Ok(None) };
        let (float, rounded, device) = (float.valid(), rounded.valid(), device.clone().inner());
        let mut sums: Vec<Tensor<3>> = Vec::new();
        let mut count = 0;
        for batch in examples.batches() {
            let batch = batch?;
            let [mut x, mut z] = [0, 1].map(|_| Seen { layer, input: None });
            float.forward(batch.input(&device)?, &mut Pass::evaluate().with_tap(&mut x));
            rounded.forward(batch.input(&device)?, &mut Pass::evaluate().with_tap(&mut z));
            let (Some(x), Some(z)) = (x.input, z.input) else { return Ok(None) };
            for (x, z) in unfold_in_parts(x, &spec).zip(unfold_in_parts(z, &spec)) {
                count += x.dims()[2];
                let mut more = vec![ordered::sum_last(x.clone()), ordered::sum_last(z.clone())];
                // Of a wide layer these are larger than the network.
                if rounding.needs_inputs() {
                    let zt = z.clone().transpose();
                    more.extend([ordered::product(z, zt.clone()), ordered::product(x, zt)]);
                }
                sums = match sums.is_empty() {
                    true => more,
                    false => sums.into_iter().zip(more).map(|(sum, more)| sum + more).collect(),
                };
            }
        }
        let Some([groups, columns, _]) = sums.first().map(Tensor::dims) else { return Ok(None) };
        let read = read_all(sums.into_iter().map(|sum| sum.reshape([-1])).collect()).await?;
        let mut read = read.iter().map(|sum| sum.iter::<f64>().collect::<Vec<f64>>());
        let [float, rounded, gram, cross] = [(); 4].map(|()| read.next().unwrap_or_default());
        Ok(Some(Self { groups, columns, count, gram, cross, float, rounded }))
    }

    /// A bias less by what the layer gives too much in the mean: `b - (mean of w' z - mean of w x)`.
    ///
    /// # Errors
    /// None: the bias keeps its shape.
    pub(crate) fn corrected(&self, [before, after]: [&Array; 2], bias: &Array) -> Result<Array, Error> {
        let (before, after): (Vec<f64>, Vec<f64>) = (before.iter().collect(), after.iter().collect());
        let share = (bias.len() / self.groups.max(1)).max(1);
        let new = bias.iter::<f64>().enumerate().map(|(output, bias)| {
            let first = output / share * self.columns;
            let too_much: f64 = (0..self.columns)
                .map(|j| {
                    let at = output * self.columns + j;
                    after[at] * self.rounded[first + j] - before[at] * self.float[first + j]
                })
                .sum();
            (bias - too_much / self.count.max(1) as f64) as f32
        });
        Ok(Array::new(bias.shape(), new.collect::<Vec<_>>())?)
    }

    /// What the weights of one group see.
    pub(crate) fn of_group(&self, group: usize) -> Columns<'_> {
        let size = self.columns * self.columns;
        let part = group * size..(group + 1) * size;
        Columns {
            width: self.columns,
            count: self.count,
            gram: &self.gram[part.clone()],
            cross: &self.cross[part],
        }
    }
}

/// Keeps the input of a layer.
struct Seen<'a> {
    layer: &'a str,
    input: Option<Tensor<4>>,
}

impl Tap for Seen<'_> {
    fn input(&mut self, layer: &str, input: Tensor<4>) -> Tensor<4> {
        if layer == self.layer {
            self.input = Some(input.clone());
        }
        input
    }
}
