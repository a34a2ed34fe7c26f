//! What makes up for removed weights.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use sapwood_backend::read_all;
use sapwood_core::{Bits, Masks, ParamInfo, ParamPath};

use crate::{Error, Granularity, LayerColumns, MaskSet, ParamTensors, Probe, Prunable, share_out};

/// Of a criterion that changes the weights it keeps so that the layer still gives
/// what it gave, and for which each decision depends on the last.
///
/// The layers are swept one after the other in the order in which they run, each on
/// the inputs that the layers before it, already pruned, give. How many weights a
/// layer keeps is the allocation's business, as it always is; which ones, the
/// sweep's.
pub trait Reconstruction {
    /// Prunes one layer.
    ///
    /// # Errors
    /// A pattern that the layer's columns do not divide; second derivatives that have no inverse.
    fn sweep(&self, layer: LayerProblem<'_>) -> Result<Swept, Error>;
}

/// A layer, or one group of a grouped convolution: a matrix of weights and the Gram
/// matrix of what it sees.
#[derive(Clone, Debug)]
pub struct LayerProblem<'a> {
    /// The parameter, for messages.
    pub path: &'a ParamPath,
    /// `[rows, columns]`, row-major.
    pub weights: Vec<f64>,
    /// Outputs.
    pub rows: usize,
    /// Weights of an output: `in/groups * kh * kw`.
    pub columns: usize,
    /// `sum of x x^T`, `[columns, columns]`, row-major.
    pub gram: Vec<f64>,
    /// How many inputs `x` were summed.
    pub inputs: usize,
    /// How many weights are kept, where single weights are removed.
    pub keep: usize,
    /// How many of each row, where each keeps a number of its own.
    pub keep_of_rows: Option<Vec<usize>>,
    /// `[N, M]` where of each M consecutive columns N are kept in each row; M divides
    /// the columns.
    pub pattern: Option<[usize; 2]>,
    /// Which weights may be kept.
    pub alive: Bits,
}

/// What is left of a layer.
#[derive(Clone, Debug)]
pub struct Swept {
    /// Which weights are kept.
    pub mask: Bits,
    /// What the weights become, zero where they are not kept.
    pub weights: Vec<f64>,
}

impl<'a> LayerProblem<'a> {
    /// The problems of one parameter, one for each group of a convolution, in which
    /// all weights are alive and kept.
    async fn of(
        probe: &dyn Probe,
        layers: &LayerColumns,
        info: &'a ParamInfo,
        at: Option<&ParamTensors>,
    ) -> Result<Vec<Self>, Error> {
        let gram = layers.gram(probe, at, &info.path)?;
        let tensors = vec![probe.weights()?.get(&info.path)?, gram.sum.reshape([-1])];
        let read: Vec<Vec<f64>> =
            read_all(tensors).await?.iter().map(|data| data.iter::<f64>().collect()).collect();
        Ok(Self::of_values(info, &read[0], &read[1], gram.columns))
    }

    /// The same of values: the weights, and the Gram matrices of the groups one after the other.
    pub(crate) fn of_values(info: &'a ParamInfo, weights: &[f64], sums: &[f64], inputs: usize) -> Vec<Self> {
        // Of g groups of r rows and c columns there are g * r * c weights and g * c * c sums.
        let columns = info.shape.iter().skip(1).product::<usize>().max(1);
        let rows = info.shape[0] * columns * columns / sums.len().max(1);
        let problem = |(weights, gram_of_group): (&[f64], &[f64])| LayerProblem {
            path: &info.path,
            weights: weights.to_vec(),
            rows,
            columns,
            gram: gram_of_group.to_vec(),
            inputs,
            keep: rows * columns,
            keep_of_rows: None,
            pattern: None,
            alive: Bits::ones(rows * columns),
        };
        weights.chunks(rows * columns).zip(sums.chunks(columns * columns)).map(problem).collect()
    }

    /// The same with its columns in another order: the first is the one at `order[0]`.
    fn reordered(self, order: &[usize]) -> Self {
        let n = self.columns;
        let place = |at: usize| at / n * n + order[at % n];
        Self {
            weights: (0..self.rows * n).map(|at| self.weights[place(at)]).collect(),
            alive: (0..self.rows * n).map(|at| self.alive.get(place(at))).collect(),
            gram: (0..n * n).map(|at| self.gram[order[at / n] * n + order[at % n]]).collect(),
            ..self
        }
    }
}

/// Sweeps all layers that masks have, keeping as many weights of each as the masks do, or of each output of each.
pub(crate) async fn reconstruct(
    reconstruction: &dyn Reconstruction,
    probe: &dyn Probe,
    prunable: &Prunable,
    counts: &MaskSet,
    (granularity, is_of_rows): (Granularity, bool),
    alive: &MaskSet,
) -> Result<(MaskSet, ParamTensors), Error> {
    let layers = LayerColumns::of(probe, prunable)?;
    let order: BTreeMap<&str, usize> =
        probe.graph()?.nodes().iter().enumerate().map(|(at, node)| (node.name.as_str(), at)).collect();
    let mut params: Vec<&ParamInfo> = prunable.params().iter().collect();
    params.sort_by_key(|info| order.get(info.path.layer()));

    let (mut masks, mut changed) = (Masks::new(), BTreeMap::new());
    for info in params {
        let pattern = pattern(granularity, info)?;
        let at: ParamTensors = changed.clone().into_iter().collect();
        let problems = LayerProblem::of(probe, &layers, info, Some(&at)).await?;
        let living = alive.get(&info.path).cloned().unwrap_or_else(|| Bits::ones(info.len()));
        let size = info.len() / problems.len();
        let part =
            |bits: &Bits, group: usize| (group * size..(group + 1) * size).map(|at| bits.get(at)).collect();
        let room: Vec<usize> =
            (0..problems.len()).map(|group| Bits::count_ones(&part(&living, group))).collect();
        let kept = counts.get(&info.path).map_or(info.len(), Bits::count_ones);
        let (mut mask, mut weights) = (Vec::new(), Vec::new());
        let quotas = share_out(&vec![size; room.len()], &room, kept);
        for (group, (problem, keep)) in problems.into_iter().zip(quotas).enumerate() {
            let order = input_first(&problem, pattern.is_some(), info);
            let n = problem.columns;
            let rows = counts.get(&info.path).filter(|_| is_of_rows).map(|counts| {
                let chosen: Bits = part(counts, group);
                (0..size).step_by(n).map(|row| (row..row + n).filter(|at| chosen.get(*at)).count()).collect()
            });
            let alive = part(&living, group);
            let problem = LayerProblem { alive, keep, keep_of_rows: rows, pattern, ..problem };
            let swept = reconstruction.sweep(problem.reordered(&order))?;
            let mut back = vec![0; n];
            order.iter().enumerate().for_each(|(now, before)| back[*before] = now);
            let place = |at: usize| at / n * n + back[at % n];
            mask.extend((0..size).map(|at| swept.mask.get(place(at))));
            weights.extend((0..size).map(|at| swept.weights[place(at)]));
        }
        masks.insert(info.path.clone(), mask.into_iter().collect());
        let old = probe.weights()?.get(&info.path)?;
        let new = Tensor::from_data(TensorData::new(weights, [info.len()]), (&old.device(), old.dtype()));
        changed.insert(info.path.clone(), new);
    }
    Ok((masks.into(), changed.into_iter().collect()))
}

/// The order in which the input channels of one place of the kernel lie beside each
/// other, as a pattern wants them; otherwise the order in which they are.
fn input_first(problem: &LayerProblem<'_>, wanted: bool, info: &ParamInfo) -> Vec<usize> {
    let places = if wanted { info.shape.iter().skip(2).product() } else { 1 };
    let inputs = problem.columns / places;
    (0..places).flat_map(|place| (0..inputs).map(move |input| input * places + place)).collect()
}

fn pattern(granularity: Granularity, info: &ParamInfo) -> Result<Option<[usize; 2]>, Error> {
    let wrong = |problem| Error::Granularity { found: granularity.to_string(), problem };
    match granularity {
        Granularity::Weight => Ok(None),
        Granularity::Pattern { keep, of } if info.shape[1].is_multiple_of(of.get()) => {
            Ok(Some([keep.get(), of.get()]))
        }
        Granularity::Pattern { .. } => Err(wrong(format!(
            "the {} inputs of `{}` cannot be divided so: exclude it, or choose a criterion that leaves a rest dense",
            info.shape[1], info.path
        ))),
        _ => Err(wrong("a criterion that changes weights removes single weights or N:M patterns".into())),
    }
}
