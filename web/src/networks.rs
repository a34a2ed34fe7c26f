//! The networks that the page offers, in one table.

use burn::prelude::Device;
use sapwood_backend::Seed;
use sapwood_core::Shape;
use sapwood_data::Task;
use sapwood_models::{Init, Net, Padding, Spec};
use sapwood_train::{AdamW, Optimizer, Recipe, Schedule, Sgd};

use crate::{DataName, Error};

/// A row of [`NETWORKS`].
#[derive(Clone, Copy, Debug)]
pub struct NetworkRow {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What the page calls it.
    pub label: &'static str,
    /// What it learns.
    pub data: DataName,
    /// Its name in the zoo.
    model: &'static str,
    /// How wide it is, of what it is in the zoo.
    width: f64,
    /// For Game of Life: how many times the smallest network that can do it.
    overcompleteness: usize,
    /// The learning rate.
    rate: f64,
    /// How many epochs are customary.
    pub epochs: usize,
}

const fn digits(
    name: &'static str,
    label: &'static str,
    (model, width): (&'static str, f64),
    (rate, epochs): (f64, usize),
) -> NetworkRow {
    NetworkRow { name, label, data: DataName::Digits, model, width, overcompleteness: 1, rate, epochs }
}

/// Small enough for any browser, in the order in which they are shown.
pub const NETWORKS: &[NetworkRow] = &[
    digits("lenet", "Fully connected, 300 and 100 hidden units", ("lenet-300-100", 1.0), (0.1, 30)),
    digits("conv", "Small convolutional network", ("conv-2", 0.25), (0.05, 15)),
    digits("resnet", "Narrow ResNet-20 with batch normalisation", ("resnet-20", 0.25), (0.1, 12)),
    NetworkRow {
        name: "life",
        label: "Two small convolutions, wider than they need to be",
        data: DataName::Life,
        model: "life-net",
        width: 1.0,
        overcompleteness: 12,
        rate: 0.01,
        epochs: 12,
    },
];

/// The row of this name.
///
/// # Errors
/// No such network, or one for other data.
pub fn network(name: &str, data: DataName) -> Result<&'static NetworkRow, Error> {
    let fits = |row: &&NetworkRow| row.data == data;
    NETWORKS.iter().filter(fits).find(|row| row.name == name).ok_or_else(|| {
        let names: Vec<&str> = NETWORKS.iter().filter(fits).map(|row| row.name).collect();
        Error::Request { what: "network", expected: names.join(", "), found: name.into() }
    })
}

impl NetworkRow {
    /// The network for images of this shape.
    ///
    /// # Errors
    /// Images that it does not take.
    pub fn spec(&self, input: Shape, task: Task) -> Result<Spec, Error> {
        // A network of Life has one output for each cell, whatever the size of the board.
        let (classes, padding) = match task {
            Task::Classes(classes) => (classes, Padding::default()),
            Task::Dense(_) => (1, Padding::Circular),
        };
        let (width, overcompleteness) = (self.width, self.overcompleteness);
        let spec = Spec { width, overcompleteness, padding, ..Spec::named(self.model)?.fit(input, classes) };
        Ok(spec)
    }

    /// How it is trained.
    pub fn recipe(&self, epochs: usize) -> Recipe {
        let (optimizer, weight_decay): (Optimizer, f64) = match self.data {
            DataName::Digits => (Sgd { momentum: 0.9, nesterov: true }.into(), 1e-3),
            DataName::Life => (AdamW::default().into(), 1e-4),
        };
        let schedule = Schedule::Cosine { end: 0.0 };
        Recipe { schedule, weight_decay, ..Recipe::new(epochs, optimizer, self.rate) }
    }
}

/// The network with newly drawn weights.
///
/// # Errors
/// A specification that cannot be built.
pub fn draw(spec: &Spec, seed: Seed, device: &Device) -> Result<Net, Error> {
    Ok(Init::named("kaiming-normal")?.apply(spec.net(device)?, seed))
}
