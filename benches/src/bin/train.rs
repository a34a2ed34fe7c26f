//! `cargo xtask bench train`: seconds per training step, here and in PyTorch.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::{Parser, ValueEnum};
use sapwood_backend::Ops;
use sapwood_benches::{
    Case, Effort, Inference, Peer, Report, Row, Side, Threads, Training, Work, compare, exit_code, machine,
    peak_memory, versions,
};

/// Time one training step of each network, here and beside a peer, in turns
#[derive(Parser)]
#[command(name = "cargo xtask bench train", bin_name = "cargo xtask bench train", max_term_width = 100)]
struct Options {
    /// The peer to measure in the same run, in a process of its own
    #[arg(long, value_enum)]
    against: Option<Against>,
    /// The networks: of the zoo, or the largest of a family
    #[arg(
        long,
        value_name = "A,B,C",
        value_delimiter = ',',
        default_value = "lenet-300-100,lenet-5,resnet-20,resnet-56,vgg-16,resnet-18-small,mbv3-small-image"
    )]
    models: Vec<String>,
    /// Examples in a step [default: 128, fewer for large networks and those of families]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// Time inference instead of training, at batch 1 and 128 unless --batch says otherwise
    #[arg(long)]
    infer: bool,
    /// Steps that count, on each side
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Steps before them
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    warm_up: u32,
    /// No pair of steps is begun later than this, but at least three are measured
    #[arg(long, value_name = "S", default_value_t = 60)]
    seconds_per_model: u64,
    /// Our network by other operations; the optimiser stays as it is
    #[arg(long, value_name = "kernels|burn", default_value_t)]
    ops: Ops,
    /// Our side with no other instructions than these: avx512, avx2, neon, portable
    #[arg(long, value_name = "LEVEL")]
    level: Option<String>,
    /// Measure peak memory too, ours in a process of its own
    #[arg(long)]
    memory: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The Python that runs the peer
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: String,
    /// Time nothing, and write the networks' layers for benches/pytorch/check_graphs.py
    #[arg(long, value_name = "FOLDER")]
    layers_to: Option<PathBuf>,
    /// Take a few steps of ours and print this process's peak memory in bytes
    #[arg(long, hide = true)]
    only_memory: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Against {
    Pytorch,
}

fn main() -> ExitCode {
    exit_code(Options::parse().run())
}

impl Options {
    fn run(self) -> Result<()> {
        if let Some(level) = &self.level {
            sapwood_backend::pin_level(level)?;
        }
        let cases = self.cases()?;
        if let Some(folder) = &self.layers_to {
            return write_layers(&cases, folder);
        }
        if self.only_memory {
            return memory_of(&cases[0]);
        }
        let threads = Threads::of_pool();
        let (mut rows, mut versions) = (Vec::new(), versions());
        for (position, case) in cases.iter().enumerate() {
            eprintln!("[{}/{}] {}, batch {}", position + 1, cases.len(), case.name(), case.batch);
            let mut peer = match self.against {
                Some(Against::Pytorch) => Some(Peer::start(&self.python, case, threads)?),
                None => None,
            };
            if let (0, Some(peer)) = (position, &peer) {
                versions = format!("{versions}, peer PyTorch {}", peer.version());
            }
            let row = self.measure(case, threads, peer.as_mut())?;
            eprintln!("[{}/{}] {}", position + 1, cases.len(), row.note());
            rows.push(row);
        }
        Report::new(machine(), versions, rows).print(self.json)
    }

    fn cases(&self) -> Result<Vec<Case>> {
        let (work, usual): (_, &[_]) = match self.infer {
            true => (Work::Infer, &[Some(1), Some(128)]),
            false => (Work::Train, &[None]),
        };
        let asked = [self.batch.map(|batch| batch as usize)];
        let batches = if self.batch.is_some() { &asked } else { usual };
        let pairs = self.models.iter().flat_map(|model| batches.iter().map(move |batch| (model, *batch)));
        let case = |(model, batch): (&String, _)| {
            Ok(Case { ops: self.ops, ..Case::new(model.trim(), batch, work)? })
        };
        pairs.map(case).collect()
    }

    fn measure(&self, case: &Case, threads: Threads, mut peer: Option<&mut Peer>) -> Result<Row> {
        let effort = Effort {
            warm_up: self.warm_up as usize,
            steps: self.steps as usize,
            budget: Duration::from_secs(self.seconds_per_model),
            ..Effort::default()
        };
        let own: Vec<u32> = peer.iter().map(|peer| peer.process_id()).collect();
        let mut ours = ours(case)?;
        let mut sides: Vec<&mut dyn Side> = vec![&mut *ours];
        if let Some(peer) = &mut peer {
            sides.push(*peer);
        }
        let row = compare(case, threads, &effort, &mut sides, &own)?;
        if !self.memory {
            return Ok(row);
        }
        let peer_peak_bytes = peer.and_then(|peer| peer.peak_memory());
        Ok(Row { ours_peak_bytes: Some(child_memory(case)?), peer_peak_bytes, ..row })
    }
}

/// One file per network, named after it.
fn write_layers(cases: &[Case], folder: &Path) -> Result<()> {
    for case in cases {
        let file = folder.join(format!("{}.json", case.spec.model));
        let layers = serde_json::to_string(&case.spec.graph()?)?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, layers))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn ours(case: &Case) -> Result<Box<dyn Side>> {
    Ok(match case.work {
        Work::Train => Box::new(Training::start(case)?),
        Work::Infer => Box::new(Inference::start(case)?),
        Work::Score(_) => bail!("scoring is timed by `bench score`"),
    })
}

/// The peak memory of a process that does nothing but this case: this process has
/// already run others.
fn child_memory(case: &Case) -> Result<u64> {
    let mut child = Command::new(std::env::current_exe()?);
    child.args(["--only-memory", "--models", &case.spec.model, "--batch", &case.batch.to_string()]);
    child.args(["--ops", &case.ops.to_string()]);
    if case.work == Work::Infer {
        child.arg("--infer");
    }
    let output = child.output().context("cannot start a process to measure memory in")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = || format!("memory of {}: {}", case.name(), String::from_utf8_lossy(&output.stderr).trim());
    said.trim().parse().with_context(failed)
}

fn memory_of(case: &Case) -> Result<()> {
    let mut side = ours(case)?;
    for _ in 0..3 {
        side.step()?;
    }
    match peak_memory(Path::new("/proc/self/status")) {
        Some(bytes) => println!("{bytes}"),
        None => bail!("this system does not tell a process's peak memory: leave `--memory` out"),
    }
    Ok(())
}
