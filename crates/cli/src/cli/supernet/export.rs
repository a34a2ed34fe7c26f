//! `supernet export`

use std::{io::Write, path::PathBuf};

use clap::Args;
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{ModuleState, State, StateFile, write_atomic};

use super::Weights;
use crate::Error;

/// Write a supernet of a published family under the names of the PyPI package ofa
#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    weights: Weights,
    /// Where to write it, as safetensors
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Export {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = DeviceSpec::CPU.resolve()?;
        let (spec, supernet) = self.weights.open(&device)?;
        if !spec.supernet.starts_with("ofa-") {
            let problem = format!("the package has no family `{}`: only those named ofa-*", spec.supernet);
            return Err(Error::Usage(problem));
        }
        let family = supernet.family();
        let state = block_on(State::read(&supernet))?.0;
        let named = state.into_iter().map(|(path, value)| (family.reference_name(&path), value));
        let file = StateFile { state: State(named.collect()), ..StateFile::default() };
        write_atomic(&self.out, &file.to_bytes()?)?;
        writeln!(out, "{}", self.out.display())?;
        Ok(())
    }
}
