//! How plans are made.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_graph::{Graph, QuantizedNetwork, State};
use sapwood_kernels::{Level, infer::integers::Dots};

use crate::{Error, Plan, build, each::each, fold::fold, integers, layer::Layer, lower::lower, memory::MOST};

/// How plans are made: for how many threads, images and which instructions.
#[derive(Clone, Debug)]
pub struct Runtime {
    pub(crate) threads: usize,
    pub(crate) batch: usize,
    pub(crate) level: Level,
    pub(crate) dots: Option<Dots>,
    pub(crate) skips_zeros: bool,
}

impl Default for Runtime {
    fn default() -> Self {
        Self { threads: 1, batch: 1, level: Level::detect(), dots: None, skips_zeros: true }
    }
}

impl Runtime {
    /// For one thread, one image at once, and the best instructions of this machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this number of threads, and no fewer than one.
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// For runs of this number of images: these are computed together as far as memory allows. A session answers
    /// more or fewer as well.
    pub fn batch(self, batch: usize) -> Self {
        // More are never computed together.
        Self { batch: batch.clamp(1, MOST), ..self }
    }

    /// By these instructions.
    pub fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// With products of bytes summed by these instructions; otherwise by the best as wide as the level's.
    pub fn dots(self, dots: Dots) -> Self {
        Self { dots: Some(dots), ..self }
    }

    /// Whether weights that are zero are left out where that pays, as they are unless this says otherwise: what a
    /// layer gains from zeros is what it takes without.
    pub fn skip_zeros(self, skips_zeros: bool) -> Self {
        Self { skips_zeros, ..self }
    }

    /// A plan for a network of integers, which computes with them wherever weights and values have some, and in
    /// floating point elsewhere: [`Plan::kernels`] says `f32` there. Where [`Exact`](crate::Exact) computes a network,
    /// the outputs equal its own in every bit.
    ///
    /// ```
    /// use sapwood_graph::{Array, Conv, DType, Graph, Per, Quantized, QuantizedNetwork, Scheme, State, Symmetry};
    /// use sapwood_runtime::{Exact, Runtime};
    ///
    /// let mut g = Graph::builder([1, 4, 4]);
    /// let x = g.conv("conv", g.input(), Conv::new(2, 3).same().no_bias());
    /// let x = g.relu(x);
    /// g.conv("last", x, Conv::new(1, 4).no_bias());
    /// let weights = |shape: [usize; 4]| {
    ///     let values = Array::from_fn(shape, |at| at as i8 % 5 - 1);
    ///     Quantized::new(values, Per::Tensor, Array::new([], vec![0.5f32])?, None)
    /// };
    /// let network = QuantizedNetwork {
    ///     graph: g.finish()?,
    ///     weights: [("conv.weight".into(), weights([2, 1, 3, 3])?), ("last.weight".into(), weights([1, 2, 4, 4])?)].into(),
    ///     rest: State([].into()),
    ///     // What comes in, and what the activation leaves.
    ///     grids: [
    ///         (0, Scheme::new(DType::U8, Symmetry::Affine)?.grid(-1.0, 1.0)?),
    ///         (2, Scheme::new(DType::U8, Symmetry::Affine)?.grid(0.0, 4.0)?),
    ///     ]
    ///     .into(),
    ///     dynamic: [].into(),
    /// };
    /// let image: Vec<f32> = (0..16).map(|at| at as f32 / 8.0 - 1.0).collect();
    ///
    /// let plan = Runtime::new().plan_integers(&network)?;
    /// assert!(plan.kernels().all(|(_, kernel)| !kernel.contains("f32")));
    /// assert_eq!(plan.session()?.run(&image)?, Exact::new(network)?.run(&image, [1, 4, 4])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Values that are missing, of another shape or not finite, biases of sums of integers that 32 bits do not hold, and
    /// operations without a kernel.
    pub fn plan_integers(&self, network: &QuantizedNetwork) -> Result<Plan, Error> {
        integers::plan(self, network)
    }

    /// A plan for a network.
    ///
    /// # Errors
    /// Values that are missing, of another shape or not finite, and operations without a kernel.
    pub fn plan(&self, graph: &Graph, state: &State) -> Result<Plan, Error> {
        let values: Vec<_> = state.0.iter().collect();
        let checked = each(self.threads, &values, |(path, value)| value.check_finite(path));
        checked.into_iter().collect::<Result<(), _>>()?;
        let mut layers = lower(graph, state, (&BTreeMap::new(), &BTreeSet::new()), self.threads)?;
        fold(&mut layers);
        if !self.skips_zeros {
            layers.iter_mut().for_each(Layer::keep_all);
        }
        Ok(build::plan(self, &layers))
    }
}
