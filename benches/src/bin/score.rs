//! `cargo xtask bench score`: seconds from a network to its masks, here and in PyTorch.

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use clap::{Parser, ValueEnum};
use sapwood_benches::{
    Case, Effort, Peer, Report, Row, Score, Scoring, Side, Threads, Work, compare, exit_code, machine,
    versions,
};

/// Time scoring and selection at 90 % sparsity, here and beside a peer, in turns
#[derive(Parser)]
#[command(name = "cargo xtask bench score", bin_name = "cargo xtask bench score", max_term_width = 100)]
struct Options {
    /// The peer to measure in the same run, in a process of its own
    #[arg(long, value_enum)]
    against: Option<Against>,
    /// The networks
    #[arg(long, value_name = "A,B", value_delimiter = ',', default_value = "resnet-20,vgg-16")]
    models: Vec<String>,
    /// The criteria: snip and grasp in one round, synflow in 100
    #[arg(long, value_name = "A,B", value_delimiter = ',', default_value = "snip,grasp,synflow")]
    criteria: Vec<String>,
    /// In which precision, the same on both sides
    #[arg(long, value_name = "A,B", value_delimiter = ',', default_value = "f32,f64")]
    precisions: Vec<Precision>,
    /// Examples that snip and grasp see
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    examples: u32,
    /// Measurements that count, on each side
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// No pair is begun later than this, but at least three are measured
    #[arg(long, value_name = "S", default_value_t = 30)]
    seconds_per_case: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The Python that runs the peer
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Against {
    Pytorch,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Precision {
    F32,
    F64,
}

fn main() -> ExitCode {
    exit_code(Options::parse().run())
}

impl Options {
    fn run(self) -> Result<()> {
        let (threads, cases) = (Threads::of_pool(), self.cases()?);
        let (mut rows, mut versions) = (Vec::new(), versions());
        for (position, (case, score)) in cases.iter().enumerate() {
            let mut peer = match self.against {
                Some(Against::Pytorch) => Some(Peer::start(&self.python, case, threads)?),
                None => None,
            };
            if let (0, Some(peer)) = (position, &peer) {
                versions = format!("{versions}, peer PyTorch {}", peer.version());
            }
            let row = self.measure(case, *score, threads, peer.as_mut())?;
            eprintln!("[{}/{}] {}", position + 1, cases.len(), row.note());
            rows.push(row);
        }
        Report::new(machine(), versions, rows).print(self.json)
    }

    fn cases(&self) -> Result<Vec<(Case, Score)>> {
        let mut cases = Vec::new();
        for model in &self.models {
            for criterion in &self.criteria {
                for precision in &self.precisions {
                    let criterion = sapwood_prune::find(sapwood_prune::CRITERIA, criterion.trim())?.name;
                    let score = Score { criterion, is_wide: *precision == Precision::F64 };
                    let examples = Some(self.examples as usize);
                    cases.push((Case::new(model.trim(), examples, Work::Score(score))?, score));
                }
            }
        }
        Ok(cases)
    }

    fn measure(
        &self,
        case: &Case,
        score: Score,
        threads: Threads,
        mut peer: Option<&mut Peer>,
    ) -> Result<Row> {
        let effort = Effort {
            warm_up: 1,
            steps: self.steps as usize,
            budget: Duration::from_secs(self.seconds_per_case),
            ..Effort::default()
        };
        let own: Vec<u32> = peer.iter().map(|peer| peer.process_id()).collect();
        let mut ours = Scoring::start(case, score)?;
        let mut sides: Vec<&mut dyn Side> = vec![&mut ours];
        if let Some(peer) = &mut peer {
            sides.push(*peer);
        }
        compare(case, threads, &effort, &mut sides, &own)
    }
}
