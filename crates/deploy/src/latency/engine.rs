//! What runs the networks that are timed.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use burn::{prelude::Device, tensor::Tensor};
use sapwood_backend::{DeviceSpec, Seed, Timer, block_on, read};
use sapwood_core::{Graph, ModuleState as _, Network as _, Pass, State};
use sapwood_models::{Init, Net};
use sapwood_runtime::{Level, Runtime, Session};
use sapwood_search::LatencyTable;

use crate::Error;

/// What runs the networks that are timed.
#[derive(Clone, Debug)]
pub enum Engine {
    /// Burn, on a device that is called `cpu` or `vulkan:0`.
    Burn {
        /// The device.
        device: Device,
        /// What that is called.
        place: String,
    },
    /// The runtime, on the CPU by this number of threads: as networks run that only answer.
    Runtime {
        /// How many.
        threads: usize,
    },
}

impl Engine {
    /// What a table says of it.
    pub fn name(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        match self {
            Self::Burn { place, .. } => format!("sapwood {version} on {place}"),
            Self::Runtime { .. } => format!("{RUNTIME} {version}, {}", level().name()),
        }
    }

    /// Whether a table's times are of such an engine, whatever its version.
    pub fn is_that_of(&self, table: &LatencyTable) -> bool {
        alike(&self.name(), &table.backend) && self.threads() == table.threads
    }

    /// Whether a table's times are of the runtime.
    pub fn is_runtime(backend: &str) -> bool {
        backend.starts_with(RUNTIME)
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        match self {
            Self::Runtime { threads } => *threads,
            Self::Burn { .. } => {
                let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok());
                let all = || std::thread::available_parallelism().map_or(1, usize::from);
                asked.filter(|n| *n > 0).unwrap_or_else(all)
            }
        }
    }

    /// A network with new weights, for this number of images.
    pub(super) fn build(&self, graph: &Graph, batch: usize) -> Result<Runnable, Error> {
        let shape = [batch, graph.input()[0], graph.input()[1], graph.input()[2]];
        let new = |device: &Device| Init::default().apply(Net::new(graph.clone(), device), Seed(0));
        let inner = match self {
            Self::Burn { device, .. } => Inner::Burn { net: new(device), device: device.clone() },
            Self::Runtime { threads } => {
                let state = block_on(State::read(&new(&DeviceSpec::CPU.resolve()?)))?;
                let runtime = Runtime::new().level(level()).threads(*threads).batch(batch);
                let plan = runtime.plan(graph, &state)?;
                Inner::Runtime { session: Box::new(plan.session()?), steps: plan.kernels().count() }
            }
        };
        Ok(Runnable { inner, shape })
    }
}

/// The instructions that were asked for, or this machine's best.
pub fn level() -> Level {
    let level = Level::available().find(|level| level.name() == sapwood_backend::level());
    level.unwrap_or_else(Level::detect)
}

/// Whether two engines differ in nothing but the version, which is the second word of what tables say.
fn alike(one: &str, other: &str) -> bool {
    let parts = |name: &str| {
        let (engine, rest) = name.split_once(' ')?;
        let version = rest.find([' ', ','])?;
        Some((engine.to_string(), rest[version..].to_string()))
    };
    parts(one).is_some() && parts(one) == parts(other)
}

/// What the runtime is called in tables.
const RUNTIME: &str = "sapwood-runtime";

/// A network that can be timed.
pub(super) struct Runnable {
    inner: Inner,
    shape: [usize; 4],
}

enum Inner {
    Burn { net: Net, device: Device },
    Runtime { session: Box<Session>, steps: usize },
}

/// Where a network stands in a row of them: what comes into the first one, and goes out of the last one, is the row's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) first: bool,
    pub(super) last: bool,
}

/// What goes into a network, and what comes out: where its engine has it.
pub(super) enum Value {
    Tensor(Box<Tensor<2>>),
    Numbers(Vec<f32>),
}

impl Runnable {
    /// Images: numbers from -1 to 1. New in each pass and nobody else's, as values within a network are: in the
    /// caches, and to be written over.
    pub(super) fn images(&self) -> Value {
        let [batch, rest @ ..] = self.shape;
        let size = rest.iter().product::<usize>();
        let values = (0..batch * size).map(|at: usize| (at * 7919 % 1009) as f32 / 504.5 - 1.0);
        let values: Vec<f32> = values.collect();
        match &self.inner {
            Inner::Burn { device, .. } => {
                let flat = Tensor::<1>::from_floats(values.as_slice(), device);
                Value::Tensor(Box::new(flat.reshape([batch, size])))
            }
            Inner::Runtime { .. } => Value::Numbers(values),
        }
    }

    /// What it makes of its input, and in how many milliseconds. The runtime brings what comes in into a form of its own,
    /// and what goes out back again: which of that counts, `ends` say.
    ///
    /// # Panics
    /// On a value of the other engine.
    pub(super) fn run(&mut self, input: Value, ends: Ends) -> Result<(Value, f64), Error> {
        match (&mut self.inner, input) {
            (Inner::Burn { net, device }, Value::Tensor(input)) => {
                let input = input.reshape(self.shape);
                let timer = Timer::start(device)?;
                let output: Tensor<2> = net.forward(input, &mut Pass::evaluate());
                // One value is enough to wait for; a block's outputs would take time to read.
                block_on(read(output.clone().slice([0..1, 0..1])))?;
                let ms = timer.stop()?.as_secs_f64() * 1e3;
                Ok((Value::Tensor(Box::new(output)), ms))
            }
            (Inner::Runtime { session, steps }, Value::Numbers(input)) => {
                let last = *steps - 1;
                let to = if ends.last { last } else { last - 1 };
                let clock = Mutex::new([Instant::now(); 2]);
                let output = session.watch(&input, &|step| {
                    let mut clock = clock.lock().unwrap_or_else(PoisonError::into_inner);
                    if step == 0 && !ends.first {
                        clock[0] = Instant::now();
                    }
                    if step == to {
                        clock[1] = Instant::now();
                    }
                })?;
                let output = Value::Numbers(output.to_vec());
                let [begin, end] = clock.into_inner().unwrap_or_else(PoisonError::into_inner);
                Ok((output, end.saturating_duration_since(begin).as_secs_f64() * 1e3))
            }
            _ => unreachable!("all networks of a stopwatch have one engine"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_of_an_engine_by_its_kind_its_device_its_level_and_its_threads() {
        let engine = Engine::Runtime { threads: 2 };
        let level = level().name();
        let table = |backend: &str, threads: usize| LatencyTable {
            backend: backend.into(),
            threads,
            ..LatencyTable::of("mlp", "here", 1, Default::default())
        };
        assert!(engine.is_that_of(&table(&engine.name(), 2)));
        assert!(engine.is_that_of(&table(&format!("{RUNTIME} 0.0.1, {level}"), 2)));
        for (backend, threads) in [
            (engine.name(), 1),
            (format!("{RUNTIME} 0.0.1, another"), 2),
            ("sapwood 0.0.1 on vulkan:0".into(), 2),
            (String::new(), 2),
        ] {
            assert!(!engine.is_that_of(&table(&backend, threads)), "{backend}");
        }
    }
}
