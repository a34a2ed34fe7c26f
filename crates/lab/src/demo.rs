//! The demonstration: what a network becomes, and a small study, on embedded data.

mod forms;

use std::{path::Path, sync::Arc};

use burn::{prelude::Device, tensor::Tensor};
use sapwood_backend::Seed;
use sapwood_core::{Batch, Masks, Network, Source};
use sapwood_data::{Loader, LoaderOptions, OpenOptions, Order, Split};
use sapwood_models::{Init, Net, Spec};
use sapwood_prune::{Allocation, Cut, MaskSet, NetworkProbe, Sparsity, criterion};
use sapwood_train::{Recipe, Schedule, Sgd, Trainer};

use crate::{
    Error, Reporter,
    report::{
        Body, Cell, DensityPlot, DensitySeries, LinePlot, Plot, Point, Reference, Report, Scale, Section,
        Series, Table,
    },
    statistics::Summary,
};

/// One way of pruning.
struct Method {
    name: &'static str,
    criterion: &'static str,
    allocation: Allocation,
    when: When,
}

/// Which weights are scored, and which the retraining begins with.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// Score and keep the initial weights.
    AtInit,
    /// Score the trained weights, and go back to the initial ones.
    Rewind,
    /// Score and keep the trained weights.
    AfterTraining,
}

static METHODS: [Method; 6] = [
    method("magnitude after training", "magnitude", Allocation::Global, When::AfterTraining),
    method("magnitude, uniform per layer", "magnitude", Allocation::Uniform, When::AfterTraining),
    method("magnitude, rewound to init", "magnitude", Allocation::Global, When::Rewind),
    method("SNIP at init", "snip", Allocation::Global, When::AtInit),
    method("magnitude at init", "magnitude", Allocation::Global, When::AtInit),
    method("random at init", "random", Allocation::Global, When::AtInit),
];

const fn method(name: &'static str, criterion: &'static str, allocation: Allocation, when: When) -> Method {
    Method { name, criterion, allocation, when }
}

/// What the demonstration studies: a dense network on `digits`, and the same
/// pruned in several ways to several sparsities and trained again, each with the
/// recipe of the dense one.
#[derive(Clone, Debug)]
pub struct Demo {
    /// How much is removed.
    pub sparsities: Vec<Sparsity>,
    /// Runs of each kind, with seeds 0, 1, ...
    pub replicates: u64,
    /// Times all examples are seen in each training.
    pub epochs: usize,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct DemoOutcome {
    /// One network as it was trained, masked, packed, shrunk and in integers: accuracy, time and size.
    pub forms: Table,
    /// Accuracy by method and sparsity.
    pub table: Table,
    /// The page.
    pub report: Report,
}

/// Test accuracies in percent, over replicates.
type Accuracies = Vec<f64>;

/// One method at one sparsity.
#[derive(Clone, Default)]
struct Entry {
    accuracies: Accuracies,
    layers: Vec<(String, f64)>,
}

impl Demo {
    /// The number of trainings.
    pub fn runs(&self) -> u64 {
        self.replicates * (1 + (METHODS.len() * self.sparsities.len()) as u64)
    }

    /// Runs the study.
    ///
    /// # Errors
    /// No epochs; a training or a criterion whose numbers are not finite; a device that fails.
    pub fn run(&self, device: &Device, command: &str, reporter: &dyn Reporter) -> Result<DemoOutcome, Error> {
        let mut dense = Accuracies::new();
        let mut entries = vec![vec![Entry::default(); self.sparsities.len()]; METHODS.len()];
        reporter.begin("training", self.runs() + FORMS);
        let forms = forms::table(&forms::forms(&Bench::convolutional(self.epochs, device)?, reporter)?);
        for seed in (0..self.replicates).map(Seed) {
            let bench = Bench::new(seed, self.epochs, device)?;
            let initial = bench.initial()?;
            let (trained, accuracy) = bench.train(initial.clone(), Masks::new())?;
            dense.push(accuracy);
            reporter.advance(1);
            for (method, entries) in METHODS.iter().zip(&mut entries) {
                for (&sparsity, entry) in self.sparsities.iter().zip(entries) {
                    let scored = if method.when == When::AtInit { &initial } else { &trained };
                    let masks = bench.masks(method, scored, sparsity)?;
                    entry.layers = masks
                        .layers()
                        .iter()
                        .map(|layer| (layer.path.layer().into(), layer.density()))
                        .collect();
                    let begin = if method.when == When::AfterTraining { &trained } else { &initial };
                    let (_, accuracy) = bench.train(begin.clone(), masks.into_masks())?;
                    entry.accuracies.push(accuracy);
                    reporter.advance(1);
                }
            }
        }
        reporter.end();
        Ok(self.outcome(command, forms, &dense, &entries))
    }

    fn outcome(&self, command: &str, forms: Table, dense: &[f64], entries: &[Vec<Entry>]) -> DemoOutcome {
        let mut columns = vec!["test accuracy (%)".to_string()];
        columns.extend(self.sparsities.iter().map(|s| format!("{s} removed")));
        let mut table = Table::new(columns);
        let blanks = std::iter::repeat_n(Cell::none(), self.sparsities.len().saturating_sub(1));
        table.row([Cell::from("dense"), cell(dense)].into_iter().chain(blanks));
        for (method, entries) in METHODS.iter().zip(entries) {
            let cells = entries.iter().map(|entry| cell(&entry.accuracies));
            table.row([Cell::from(method.name)].into_iter().chain(cells));
        }
        let report = self.report(command, &forms, mean_and_deviation(dense).0, &table, entries);
        DemoOutcome { forms, table, report }
    }

    fn report(
        &self,
        command: &str,
        forms: &Table,
        dense: f64,
        table: &Table,
        entries: &[Vec<Entry>],
    ) -> Report {
        let series = METHODS.iter().zip(entries).map(|(method, entries)| {
            let points = self.sparsities.iter().zip(entries).map(|(sparsity, entry)| {
                let (mean, deviation) = mean_and_deviation(&entry.accuracies);
                let deviation = deviation.unwrap_or(0.0);
                Point { x: sparsity.to_f64(), mean, low: mean - deviation, high: mean + deviation }
            });
            Series { name: method.name.into(), points: points.collect() }
        });
        let accuracy = LinePlot {
            x_label: "weights removed".into(),
            y_label: "test accuracy (%)".into(),
            x_scale: Scale::Sparsity,
            y_scale: Scale::Linear,
            series: series.collect(),
            reference: Some(Reference { name: "dense".into(), value: dense }),
            ..LinePlot::default()
        };
        let densities = METHODS.iter().zip(entries).filter_map(|(method, entries)| {
            Some(DensitySeries { name: method.name.into(), layers: entries.last()?.layers.clone() })
        });
        let sparsest = self.sparsities.last();
        let density = DensityPlot {
            series: densities.collect(),
            reference: sparsest.map(|s| Reference { name: "whole network".into(), value: 1.0 - s.to_f64() }),
        };
        let removed = sparsest.map_or(String::new(), ToString::to_string);
        Report {
            title: "Sapwood: pruning a network on handwritten digits".into(),
            intro: vec![
                "A fully connected network (lenet-300-100) learns the UCI handwritten digits. Then most of its \
                 weights are removed, in several ways, and what is left is trained again with the same recipe."
                    .into(),
                format!(
                    "Every number is the test accuracy after the last epoch, mean and standard deviation over {} \
                     replicates. No test example was used to choose anything.",
                    self.replicates
                ),
            ],
            facts: vec![
                ("data".into(), "digits: 1,437 training and 360 test images of 8x8 pixels".into()),
                ("trainings".into(), self.runs().to_string()),
                ("epochs each".into(), self.epochs.to_string()),
                ("initialisation".into(), "PyTorch's default, uniform in ±1/√(fan-in)".into()),
            ],
            command: command.into(),
            sections: vec![
                Section::new(
                    "What one network becomes",
                    "A convolutional network (resnet-20 at half width) learns the same digits. Then 90 % of its weights are \
                     masked, or channels leave until half of its multiply-accumulates are gone, and what is left is trained \
                     again; of the smaller one integers of 8 bits are made. Milliseconds are those of one image on one thread \
                     of the machine that wrote this page, and bytes those of the file.",
                    Body::Table(forms.clone()),
                ),
                Section::new(
                    "Accuracy against sparsity",
                    "To the right, ever more weights are removed; 10 % is guessing. The bands are one standard deviation to \
                     each side.",
                    Body::Plot(Plot::Line(accuracy)),
                ),
                Section::new(
                    "What is left of each layer",
                    format!("The fraction of each layer that is kept where {removed} of all weights are removed."),
                    Body::Plot(Plot::Density(density)),
                ),
                Section::new("Numbers", "", Body::Table(table.clone())),
            ],
        }
    }
}

/// Trainings of the network that is shown in several forms.
const FORMS: u64 = 3;

/// One replicate: its data, its seed and its recipe.
struct Bench<'a> {
    seed: Seed,
    train: Loader,
    test: Loader,
    spec: Spec,
    recipe: Recipe,
    device: &'a Device,
}

impl<'a> Bench<'a> {
    fn new(seed: Seed, epochs: usize, device: &'a Device) -> Result<Self, Error> {
        let open = |split| sapwood_data::open("digits", split, Path::new(""), &OpenOptions::default());
        let shuffled =
            LoaderOptions { batch_size: 64, order: Order::Shuffled(seed), ..LoaderOptions::default() };
        let train = Loader::new(Arc::new(open(Split::Train)?), shuffled)?;
        let test = Loader::new(Arc::new(open(Split::Test)?), LoaderOptions::default())?;
        let spec = Spec::named("lenet-300-100")?.fit(train.dataset().shape(), 10);
        let recipe = Recipe {
            schedule: Schedule::Cosine { end: 0.0 },
            weight_decay: 1e-4,
            ..Recipe::new(epochs, Sgd { momentum: 0.9, nesterov: true }, 0.05)
        };
        Ok(Self { seed, train, test, spec, recipe, device })
    }

    /// The one whose network has channels to take out, in half of the epochs.
    fn convolutional(epochs: usize, device: &'a Device) -> Result<Self, Error> {
        let bench = Self::new(Seed(0), epochs.div_ceil(2), device)?;
        let spec = Spec { width: 0.5, ..Spec::named("resnet-20")?.fit(bench.spec.input, 10) };
        Ok(Self { spec, ..bench })
    }

    fn initial(&self) -> Result<Net, Error> {
        Ok(Init::default().apply(self.spec.net(self.device)?, self.seed))
    }

    /// The trained network and its test accuracy in percent.
    fn train(&self, net: Net, masks: Masks) -> Result<(Net, f64), Error> {
        let trained =
            Trainer::new(self.recipe.clone(), self.device).masks(masks).run_blocking(net, &self.train)?;
        let accuracy = self.accuracy(&trained.network)?;
        Ok((trained.network, accuracy))
    }

    /// Right answers on the test images, in percent.
    fn accuracy<N: Network<Input = Tensor<4>, Output = Tensor<2>>>(&self, net: &N) -> Result<f64, Error> {
        let test = sapwood_train::evaluate(net, &self.test, self.device);
        Ok(100.0 * sapwood_backend::block_on(test)?.top1)
    }

    fn masks(&self, method: &Method, net: &Net, sparsity: Sparsity) -> Result<MaskSet, Error> {
        let batch: Vec<Batch> = self.train.epoch(0, 0).take(2).filter_map(Result::ok).collect();
        let criterion = criterion(method.criterion, self.seed)?;
        let cut = Cut::to(sparsity).allocation(method.allocation.clone());
        Ok(cut.masks_blocking(criterion.as_ref(), &NetworkProbe::new(net).with_examples(&batch), None)?)
    }
}

/// The mean and the sample standard deviation, which one run has not.
fn mean_and_deviation(values: &[f64]) -> (f64, Option<f64>) {
    Summary::of(values).map_or((f64::NAN, None), |summary| (summary.mean, summary.standard_deviation))
}

fn cell(values: &[f64]) -> Cell {
    match mean_and_deviation(values) {
        (mean, Some(deviation)) => Cell::spread(mean, deviation, 1),
        (mean, None) => Cell::fixed(mean, 1),
    }
}

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;

    use super::*;

    #[test]
    fn methods_come_in_the_order_of_the_literature() {
        // Frankle et al. (2021), "Missing the mark": after training, then SNIP, then at random.
        let device = DeviceSpec::CPU.resolve().unwrap();
        let demo = Demo { sparsities: vec!["0.98".parse().unwrap()], replicates: 1, epochs: 20 };
        let table = demo.run(&device, "", &crate::Silent).unwrap().table.to_text();
        // Of one run nothing is known of how much runs differ.
        assert!(!table.contains('±'), "{table}");
        let of = |name: &str| -> f64 {
            let row = table.lines().find(|row| row.starts_with(name)).unwrap();
            row[name.len()..].split_whitespace().next().unwrap().parse().unwrap()
        };
        assert!(of("SNIP at init") + 5.0 < of("magnitude after training"), "{table}");
        assert!(of("random at init") + 5.0 < of("SNIP at init"), "{table}");
    }
}
