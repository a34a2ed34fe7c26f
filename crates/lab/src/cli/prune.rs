//! `prune`

use std::path::PathBuf;

use clap::Args;
use sapwood_backend::{Seed, block_on};
use sapwood_core::{State, write_atomic};
use sapwood_models::pack;
use sapwood_prune::{Allocation, Cut, MaskSet, NetworkProbe, Scope, Sparsity, criterion};

use super::OnDevice;
use crate::{
    Error,
    report::{Cell, Table},
};

/// Remove weights of a network and write it with its masks
#[derive(Args)]
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
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    device: OnDevice,
}

impl Prune {
    pub(super) fn run(self) -> Result<(), Error> {
        let device = self.device.resolve()?;
        let opened = sapwood_models::open(&self.weights, self.model.as_deref(), &device)?;
        let criterion = criterion(&self.criterion, Seed(self.seed))?;
        let cut = Cut::to(self.sparsity).allocation(self.allocation).scope(Scope::excluding(&self.exclude));
        let alive = (!opened.masks.is_empty()).then(|| MaskSet::from(opened.masks));
        let probe = NetworkProbe::new(&opened.net);
        let masks = cut.masks_blocking(criterion.as_ref(), &probe, alive.as_ref())?;
        let net = masks.apply(opened.net)?;

        let mut table = Table::new(["parameter", "kept", "of", "density"]);
        for layer in masks.layers() {
            let counts = [layer.kept, layer.total].map(|n| Cell::count(n as u64));
            let density = Cell::written(layer.density(), format!("{:.2} %", 100.0 * layer.density()));
            table.row([layer.path.as_str().into()].into_iter().chain(counts).chain([density]));
        }
        print!("{}", table.to_text());
        println!("{} of {} weights kept", masks.kept(), masks.total());
        for warning in masks.warnings() {
            eprintln!("warning: {warning}");
        }
        let state = block_on(State::read(&net))?;
        let bytes = pack(&opened.spec, state, masks.into_masks()).to_bytes()?;
        Ok(write_atomic(&self.out, &bytes)?)
    }
}
