//! `supernet`

mod chosen;
mod eval;
mod export;
mod extract;
mod pairs;
mod report;
mod train;

use std::{io::Write, path::PathBuf};

use clap::{Args, Subcommand};

pub(super) use chosen::{genome_of, read_list};

use crate::Error;

/// Train nested networks, judge them and cut them out
#[derive(Args)]
pub(super) struct Supernet {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(train::Train),
    Report(report::Report),
    Eval(eval::Eval),
    Extract(extract::Extract),
    Export(export::Export),
    Pairs(pairs::Collect),
}

impl Supernet {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        match self.command {
            Command::Train(command) => command.run(out),
            Command::Report(command) => command.run(out),
            Command::Eval(command) => command.run(out),
            Command::Extract(command) => command.run(out),
            Command::Export(command) => command.run(out),
            Command::Pairs(command) => command.run(out),
        }
    }
}

/// A file of nested networks.
#[derive(Args)]
struct Weights {
    /// The supernet: what `supernet train` wrote, or one with the names of the PyPI package ofa
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// Its family, where the file does not say: see `list spaces`
    #[arg(long, value_name = "SPACE")]
    space: Option<String>,
}
