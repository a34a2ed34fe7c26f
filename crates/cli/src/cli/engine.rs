//! What computes a network's outputs, where it is not the tensor library.

use burn::{
    prelude::Device,
    tensor::{Tensor, TensorData},
};
use clap::Args;
use sapwood_backend::{block_on, read};
use sapwood_core::{Batch, ModuleState, Observed, Shape, Source, State, Values};
use sapwood_deploy::latency::level;
use sapwood_models::{Net, Opened};
use sapwood_runtime::{Exact, Plan, Runtime, Session};
use sapwood_train::{Evaluation, evaluate_outputs};

use super::on_device::OnDevice;
use crate::Error;

/// Which engine computes.
#[derive(Args)]
pub(super) struct EngineChoice {
    /// Compute a network of integers in integers, by the slow reference code that gives ONNX Runtime's results to the
    /// byte
    #[arg(long, conflicts_with = "runtime")]
    exact: bool,
    /// Compute on the CPU as `profile` does: zeros are skipped, normalisation is part of the weights, and integers
    /// are summed as integers
    #[arg(long)]
    runtime: bool,
}

/// What computes a network's outputs.
pub(super) enum Engine {
    /// Integers, by the scalar code that defines them.
    Exact(Box<Exact>),
    /// The runtime, for examples of one shape.
    Runtime { session: Session, shape: Shape },
}

impl EngineChoice {
    /// Refuses a choice where the tensor library alone can compute.
    pub(super) fn none(&self, why: &str) -> Result<(), Error> {
        match self.exact || self.runtime {
            false => Ok(()),
            true => Err(Error::Usage(format!("{why}: leave `--exact` and `--runtime` out"))),
        }
    }

    /// The device of the tensor library: another than the CPU is refused where that does not compute.
    pub(super) fn device(&self, device: &OnDevice) -> Result<Device, Error> {
        match device.device.as_str() {
            name if (self.exact || self.runtime) && name != "cpu" => {
                let why = "`--exact` and `--runtime` compute on the CPU";
                Err(Error::Usage(format!("{why}: leave `--device {name}` out")))
            }
            _ => device.resolve(),
        }
    }

    /// Refuses a choice for a network that the tensor library alone computes.
    pub(super) fn check(&self, net: &Net) -> Result<(), Error> {
        net.check_single().or_else(|error| self.none(&error.to_string()))
    }

    /// The engine for examples of this shape; none where the tensor library computes.
    pub(super) fn engine(&self, opened: &Opened, shape: Shape) -> Result<Option<Engine>, Error> {
        self.check(&opened.net)?;
        match (self.exact, self.runtime) {
            (false, false) => Ok(None),
            (true, _) => Ok(Some(Engine::Exact(Box::new(of_integers(opened)?)))),
            (_, true) => Ok(Some(Engine::runtime(opened, shape, 64)?)),
        }
    }
}

impl Engine {
    /// The runtime on all cores, for examples of this shape, `batch` of them together: with integers where the file has
    /// some.
    ///
    /// # Errors
    /// Layers without a kernel.
    pub(super) fn runtime(opened: &Opened, shape: Shape, batch: usize) -> Result<Self, Error> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let plan = plan(&Runtime::new().threads(threads).batch(batch), opened, shape)?;
        Ok(Self::Runtime { session: plan.session()?, shape })
    }

    /// The outputs for some examples, one behind the other.
    ///
    /// # Errors
    /// Examples of another shape.
    pub(super) fn run(&mut self, examples: &[f32], shape: Shape) -> Result<Vec<f32>, Error> {
        match self {
            Self::Exact(network) => network.run(examples, shape).map_err(by_runtime),
            Self::Runtime { shape: expected, .. } if *expected != shape => Err(Error::Usage(format!(
                "`--runtime` is for examples of one shape: expected {expected:?}, found {shape:?}"
            ))),
            Self::Runtime { session, .. } => Ok(session.run(examples)?.to_vec()),
        }
    }

    /// The same for a tensor.
    pub(super) fn forward(&mut self, input: Tensor<4>, device: &Device) -> Result<Tensor<2>, Error> {
        let [n, c, h, w] = input.dims();
        let values: Vec<f32> = block_on(read(input))?.iter().collect();
        let logits = self.run(&values, [c, h, w])?;
        let outputs = logits.len() / n.max(1);
        Ok(Tensor::from_data(TensorData::new(logits, [n, outputs]), device))
    }

    /// How good its answers are.
    pub(super) fn evaluate(&mut self, opened: &Opened, source: &dyn Source) -> Result<Evaluation, Error> {
        let outputs = opened.net.graph().outputs()?;
        let answer = |batch: Batch| {
            let shape = batch.shape().image().unwrap_or(opened.spec.input);
            match &batch.inputs()[0].values {
                Values::Float(values) => {
                    let logits = self.run(values, shape)?.into_iter().map(f64::from).collect();
                    Ok((batch.target().clone(), logits))
                }
                Values::Index(_) => Err(Error::Usage("`--exact` and `--runtime` take images".into())),
            }
        };
        let mut answer = answer;
        let batches = source.epoch(0, 0).map(|batch| answer(batch.map_err(sapwood_train::Error::Source)?));
        evaluate_outputs(batches, outputs)
    }
}

/// The plan of a network for examples of this shape, by the instructions that were asked for.
pub(super) fn plan(runtime: &Runtime, opened: &Opened, shape: Shape) -> Result<Plan, Error> {
    let runtime = runtime.clone().level(level());
    let graph = opened.net.graph().clone().taking(shape)?;
    let state = block_on(State::read(&opened.net))?;
    Ok(match &opened.integers {
        Some(integers) => runtime.plan_integers(&integers.network(graph, state))?,
        None => runtime.plan(&graph, &state)?,
    })
}

/// The network of integers, to be computed with them.
fn of_integers(opened: &Opened) -> Result<Exact, Error> {
    let integers = opened.integers.as_ref().ok_or_else(|| {
        Error::Usage(
            "`--exact` computes with integers, and the file has none: make some with `quantize`".into(),
        )
    })?;
    let network = integers.network(opened.net.graph().clone(), block_on(State::read(&opened.net))?);
    Exact::new(network).map_err(by_runtime)
}

/// The error, with the engine for layers that are not computed with integers alone.
fn by_runtime(error: sapwood_runtime::Error) -> Error {
    match error {
        sapwood_runtime::Error::Layer { .. } => {
            Error::Usage(format!("{error}; compute the network by `--runtime` instead of `--exact`"))
        }
        error => error.into(),
    }
}
