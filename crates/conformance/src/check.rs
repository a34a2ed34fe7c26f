//! What a check is, and what it finds.

use std::{fmt::Display, pin::Pin};

use burn::{
    prelude::Device,
    tensor::{Tensor, TensorData},
};
use sapwood_backend::{DeviceSpec, read};

use crate::{Tolerances, Workload, relative_distance, tolerances, uniform};

/// Something that every device must do.
#[derive(Clone, Copy)]
pub struct Check {
    /// What it must do, as a sentence.
    pub name: &'static str,
    /// Finds out whether it does.
    pub run: for<'a> fn(&'a On, &'a mut Findings) -> Running<'a>,
}

/// A check at work. It reads tensors, so it can only be awaited.
pub type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// Whether a check could be carried out to its end.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A device under test.
#[derive(Clone, Debug)]
pub struct On {
    /// Its name.
    pub spec: DeviceSpec,
    /// The device itself, opened.
    pub device: Device,
    /// How much it is asked to compute.
    pub workload: Workload,
    /// How near to the right answer it has to come.
    pub tolerances: Tolerances,
}

impl On {
    /// Opens a device.
    ///
    /// # Errors
    /// If it is not there.
    pub async fn new(spec: DeviceSpec, workload: Workload) -> Result<Self, sapwood_backend::Error> {
        let device = spec.resolve_async().await?;
        Ok(Self { spec, device, workload, tolerances: tolerances(spec.api) })
    }

    /// The CPU, which others are compared with where nothing was written down.
    ///
    /// # Errors
    /// If it is not compiled in.
    pub async fn cpu(&self) -> Result<Self, sapwood_backend::Error> {
        Self::new(DeviceSpec::CPU, self.workload).await
    }

    /// Values in [-1, 1) that a name stands for, on the host and on the device.
    pub(crate) fn values<const D: usize>(&self, name: &str, shape: [usize; D]) -> (Vec<f64>, Tensor<D>) {
        let host = uniform(name, shape.iter().product()).into_iter().map(|u| 2.0 * u - 1.0);
        let host: Vec<f64> = host.collect();
        let data: Vec<f32> = host.iter().map(|x| *x as f32).collect();
        (host, Tensor::from_data(TensorData::new(data, shape), &self.device))
    }
}

/// What checks found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What is not as it should be, a line each.
    pub wrong: Vec<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// How much of what was tolerated was used at most.
    pub used: f64,
    /// How many comparisons there were.
    pub compared: usize,
}

impl Findings {
    /// The norm of the difference is at most this part of the norm of what was expected.
    pub fn near(&mut self, what: impl Display, found: &[f64], expected: &[f64], tolerance: f64) {
        if found.len() != expected.len() {
            self.wrong.push(format!("{what}: {} values, not {}", found.len(), expected.len()));
            return;
        }
        let far = relative_distance(found, expected);
        self.compared += 1;
        self.used = self.used.max(far / tolerance);
        // What is not a number is not near.
        if far.is_nan() || tolerance < far {
            self.wrong.push(format!("{what} differs by {far:.1e}, more than {tolerance:.0e}"));
        }
    }

    /// [`Findings::near`] of a tensor, which is read.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn tensor_near<const D: usize>(
        &mut self,
        what: impl Display,
        found: Tensor<D>,
        expected: &[f64],
        tolerance: f64,
    ) -> Outcome {
        self.near(what, &values(found).await?, expected, tolerance);
        Ok(())
    }

    /// This is so.
    pub fn holds(&mut self, what: impl Display, is_so: bool) {
        self.compared += 1;
        if !is_so {
            self.wrong.push(what.to_string());
        }
    }

    /// Writes down what is no failure.
    pub fn note(&mut self, what: impl Display) {
        self.notes.push(what.to_string());
    }
}

/// The values of a tensor.
pub(crate) async fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>, sapwood_backend::Error> {
    Ok(read(tensor).await?.iter::<f64>().collect())
}
