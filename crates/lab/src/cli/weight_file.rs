//! A network in a weight file, on the command line.

use std::path::{Path, PathBuf};

use burn::prelude::Device;
use clap::Args;
use sapwood_models::Opened;

use crate::{Error, run_folder::digest};

/// A network that a command cannot do without.
#[derive(Args)]
pub(super) struct WeightFile {
    /// safetensors, or a PyTorch .pt/.pth state dict; masks in it are kept
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The network, where the file does not say
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

impl WeightFile {
    /// Opens it.
    pub(super) fn open(&self, device: &Device) -> Result<Opened, Error> {
        self.reading.open(&self.weights, self.model.as_deref(), device)
    }
}

/// How a weight file is read.
#[derive(Args)]
pub(super) struct Reading {}

impl Reading {
    /// Opens the network of a file.
    pub(super) fn open(&self, path: &Path, model: Option<&str>, device: &Device) -> Result<Opened, Error> {
        Ok(sapwood_models::open(path, model, device)?)
    }

    /// What tells the network that is read from every other: BLAKE3 of the file.
    pub(super) fn digest(&self, path: &Path) -> Result<String, Error> {
        Ok(digest(&std::fs::read(path).map_err(Error::file("read", path))?))
    }
}
