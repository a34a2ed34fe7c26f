//! `prune`

use std::{io::Write, num::NonZero, path::PathBuf, sync::Arc};

use clap::Args;
use sapwood_backend::{Seed, block_on};
use sapwood_core::{Batch, Source, State, write_atomic};
use sapwood_data::{Loader, LoaderOptions, Order, Split};
use sapwood_models::{Spec, pack};
use sapwood_prune::{Allocation, Cut, MaskSet, Needs, NetworkProbe, Probe, Scope, Sparsity, criterion};

use super::{
    DataRoot, OnDevice,
    bar::{self, Bar},
};
use crate::{
    DataConfig, Error, Reporter,
    fits::fits,
    report::{Cell, Table},
    watched::Watched,
};

/// Remove weights of a network and write it with its masks
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Prune {
    /// safetensors, or a PyTorch .pt/.pth state dict; masks in it stay
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The network, where the file does not say
    #[arg(long)]
    model: Option<String>,
    /// Which weights go: see `list criteria`
    #[arg(long, default_value = "magnitude")]
    criterion: String,
    /// The fraction of all prunable weights that goes, as in 0.9
    #[arg(long)]
    sparsity: Sparsity,
    /// How the rest is spread over the layers: see `list allocations`
    #[arg(long, default_value = "global")]
    allocation: Allocation,
    /// Leave these parameters alone, as in 'fc.*'
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// The seed of what the criterion draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The data set whose training examples the weights are scored with, where the
    /// criterion asks for some
    #[arg(long)]
    data: Option<String>,
    /// How many batches of 128 of them
    #[arg(long, default_value = "8", value_name = "N")]
    batches: NonZero<usize>,
    #[command(flatten)]
    root: DataRoot,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    device: OnDevice,
}

impl Prune {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = self.device.resolve()?;
        let criterion = criterion(&self.criterion, Seed(self.seed))?;
        if criterion.needs() != Needs::Weights && self.data.is_none() {
            let problem =
                format!("criterion `{}` needs examples: name a data set with `--data`", self.criterion);
            return Err(Error::Usage(problem));
        }
        let opened = sapwood_models::open(&self.weights, self.model.as_deref(), &device)?;
        let cut =
            Cut::to(self.sparsity).allocation(self.allocation.clone()).scope(Scope::excluding(&self.exclude));
        let alive = (!opened.masks.is_empty()).then(|| MaskSet::from(opened.masks));
        let examples = self.examples(&opened.spec)?;
        let probe = NetworkProbe::new(&opened.net).with_examples(&examples);
        let bar = Bar::default();
        bar.begin("scoring", examples.len() as u64);
        let probe = Watched::<dyn Probe> { inner: &probe, reporter: &bar };
        let masks = cut.masks_blocking(criterion.as_ref(), &probe, alive.as_ref())?;
        bar.end();
        let net = masks.apply(opened.net)?;

        let layers = masks.layers();
        let (kept, total, warnings) = (masks.kept(), masks.total(), masks.warnings());
        let state = block_on(State::read(&net))?;
        write_atomic(&self.out, &pack(&opened.spec, state, masks.into_masks()).to_bytes()?)?;

        let mut table = Table::new(["parameter", "kept", "of", "density"]);
        for layer in layers {
            let counts = [layer.kept, layer.total].map(|n| Cell::count(n as u64));
            let density = Cell::written(layer.density(), format!("{:.2} %", 100.0 * layer.density()));
            table.row([layer.path.as_str().into()].into_iter().chain(counts).chain([density]));
        }
        write!(out, "{}", table.to_text())?;
        writeln!(out, "{kept} of {total} weights kept")?;
        for warning in warnings {
            bar::note(&format!("warning: {warning}"));
        }
        Ok(())
    }

    /// The batches that the weights are scored with, if any.
    fn examples(&self, spec: &Spec) -> Result<Vec<Batch>, Error> {
        let Some(name) = &self.data else { return Ok(Vec::new()) };
        let data = DataConfig::of(name, spec).open(Split::Train, &self.root.data_root)?;
        fits(spec, &data)?;
        let order = Order::Shuffled(Seed(self.seed));
        let loader = Loader::new(Arc::new(data), LoaderOptions { order, ..LoaderOptions::default() })?;
        let batches: Result<Vec<Batch>, _> = loader.epoch(0, 0).take(self.batches.get()).collect();
        batches.map_err(|error| sapwood_train::Error::Source(error).into())
    }
}
