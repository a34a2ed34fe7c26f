//! `cargo xtask bench supernet`: what it costs to train a network inside a supernet.

use std::{fs, process::Command, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use burn::{module::Module, prelude::Device};
use clap::Parser;
use sapwood_backend::{DeviceSpec, Seed, Stream, Timer, block_on, read};
use sapwood_benches::{Effort, Side, Spread, exit_code, interleave, machine, ratios};
use sapwood_core::{Batch, Target};
use sapwood_models::{Init, Net};
use sapwood_search::Genome;
use sapwood_supernet::{Nested, Opened, Rule, Supernet, family};
use sapwood_train::{Lesson, Objective, Plan, Recipe, Sgd, StepContext, Supervised};

/// Time forward and backward passes of sub-networks inside a supernet beside the same networks by
/// themselves: five sizes, then four at a time. The optimiser's step is not part of it
#[derive(Parser)]
#[command(name = "cargo xtask bench supernet", bin_name = "cargo xtask bench supernet", max_term_width = 100)]
struct Options {
    /// The families
    #[arg(long, value_delimiter = ',', default_value = "resnet-small-image,mbv3-small-image")]
    families: Vec<String>,
    /// Examples of a batch
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    /// Pairs of steps that count
    #[arg(long, value_name = "N", default_value_t = 20)]
    steps: usize,
    /// Only this side, once: whose memory is told
    #[arg(long, hide = true, value_name = "inside|alone")]
    peak: Option<String>,
}

fn main() -> ExitCode {
    exit_code(Options::parse().run())
}

impl Options {
    fn run(self) -> Result<()> {
        if let Some(side) = &self.peak {
            return self.peak(side);
        }
        println!("{}", serde_json::to_string(&machine())?);
        println!("family, network, MACs, inside / alone: median (least to most of {} pairs)", self.steps);
        for name in &self.families {
            let bench = Bench::new(name, self.batch_size)?;
            let genomes = bench.sizes()?;
            for genome in &genomes {
                self.row(name, &bench, std::slice::from_ref(genome))?;
            }
            self.row(name, &bench, &genomes[..4])?;
            let [inside, alone] = ["inside", "alone"].map(|side| self.memory(name, side));
            println!(
                "{name}, peak memory of a step of the largest: {} MiB inside, {} MiB alone",
                inside?, alone?
            );
        }
        Ok(())
    }

    fn row(&self, name: &str, bench: &Bench, genomes: &[Genome]) -> Result<()> {
        let effort = Effort { steps: self.steps, budget: Duration::from_secs(60), ..Effort::default() };
        // Whoever comes first in a turn is some percent slower, so each comes first and last.
        let [mut a, mut d] = [bench.inside(genomes), bench.inside(genomes)];
        let [mut b, mut c] = [bench.alone(genomes)?, bench.alone(genomes)?];
        let times = interleave(&mut [&mut a, &mut b, &mut c, &mut d], &effort)?;
        let both =
            |one: &[f64], other: &[f64]| -> Vec<f64> { one.iter().zip(other).map(|(x, y)| x + y).collect() };
        let (inside, alone) = (both(&times[0], &times[3]), both(&times[1], &times[2]));
        let spread = Spread::of(&ratios(&inside, &alone)).context("nothing was measured")?;
        let macs: u64 = genomes.iter().map(|genome| bench.macs(genome)).sum::<Result<u64>>()?;
        let what = match genomes {
            [genome] => bench.supernet.family().space().text(genome),
            several => format!("{} of them at once", several.len()),
        };
        let ms = Spread::of(&alone).context("nothing was measured")?.median * 500.0;
        println!(
            "{name}, {what}, {macs}, {:.3} ({:.3} to {:.3}), alone {ms:.1} ms",
            spread.median, spread.min, spread.max
        );
        Ok(())
    }

    /// Peak memory in MiB of one process that takes three steps.
    fn memory(&self, family: &str, side: &str) -> Result<u64> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--families", family, "--batch-size", &self.batch_size.to_string(), "--peak", side]);
        let output = command.output()?;
        Ok(String::from_utf8(output.stdout)?.trim().parse::<u64>()? / 1024)
    }

    fn peak(&self, side: &str) -> Result<()> {
        let bench = Bench::new(self.families.first().context("no family")?, self.batch_size)?;
        let genome = [bench.supernet.family().largest()];
        let mut step: Box<dyn Side> = match side {
            "inside" => Box::new(bench.inside(&genome)),
            _ => Box::new(bench.alone(&genome)?),
        };
        for _ in 0..3 {
            step.step()?;
        }
        let status = fs::read_to_string("/proc/self/status")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        println!("{}", peak.trim().trim_end_matches(" kB"));
        Ok(())
    }
}

struct Bench {
    supernet: Supernet,
    batch: Batch,
    plan: Plan,
    device: Device,
}

impl Bench {
    fn new(name: &str, batch_size: usize) -> Result<Self> {
        let device = DeviceSpec::CPU.resolve()?;
        let family = family(name, None, None)?;
        let [c, h, w] = family.whole().input();
        let input = (0..batch_size * c * h * w).map(|at| (at * 7919 % 1009) as f32 / 504.5 - 1.0).collect();
        let target = Target::Class((0..batch_size).map(|at| at as u32 % 10).collect());
        let batch = Batch::new([batch_size, c, h, w], input, target)?;
        let plan = Recipe::new(1, Sgd::default(), 0.1).plan(1)?;
        let supernet = Init::default().apply(Supernet::new(&family, &device), Seed(0)).train();
        Ok(Self { supernet, batch, plan, device })
    }

    /// Five networks from the smallest to the largest, in the largest resolution.
    fn sizes(&self) -> Result<Vec<Genome>> {
        let family = self.supernet.family();
        let full = |genome: &Genome| family.at_full_resolution(genome);
        let sample = |number| full(&family.space().sample(&mut Seed(0).stream(Stream::Data, number)));
        let mut found = vec![full(&family.smallest())?, sample(0)?, sample(1)?, sample(2)?, family.largest()];
        found.sort_by_key(|genome| self.macs(genome).unwrap_or(0));
        Ok(found)
    }

    fn macs(&self, genome: &Genome) -> Result<u64> {
        let family = self.supernet.family();
        Ok(family.graph(genome)?.anatomy(family.whole().input())?.macs())
    }

    fn inside<'a>(&'a self, genomes: &'a [Genome]) -> Inside<'a> {
        let opened = Opened::all(self.supernet.family().space());
        let rule = Rule::default();
        let nested = Nested { opened, rule, distillation: Default::default(), teacher: None, seed: Seed(0) };
        Inside { bench: self, genomes, nested }
    }

    fn alone(&self, genomes: &[Genome]) -> Result<Alone<'_>> {
        let net = |genome: &Genome| -> Result<Net> {
            let net = Net::new(self.supernet.family().graph(genome)?, &self.device);
            Ok(Init::default().apply(net, Seed(0)).train())
        };
        Ok(Alone { bench: self, nets: genomes.iter().map(net).collect::<Result<_>>()? })
    }

    /// Waits until a lesson is there.
    fn done(&self, lesson: Lesson) -> Result<()> {
        let last = lesson.gradients.into_values().next().ok_or_else(|| anyhow!("nothing was learnt"))?;
        block_on(read(last.sum()))?;
        block_on(read(lesson.loss))?;
        Ok(())
    }

    fn context(&self) -> StepContext<'_> {
        StepContext { plan: &self.plan, iteration: 0, device: &self.device }
    }
}

struct Inside<'a> {
    bench: &'a Bench,
    genomes: &'a [Genome],
    nested: Nested,
}

impl Side for Inside<'_> {
    fn step(&mut self) -> Result<f64> {
        let Bench { supernet, batch, device, .. } = self.bench;
        let timer = Timer::start(device)?;
        self.bench.done(self.nested.lesson(supernet, self.genomes, batch, &self.bench.context())?)?;
        Ok(timer.stop()?.as_secs_f64())
    }
}

struct Alone<'a> {
    bench: &'a Bench,
    nets: Vec<Net>,
}

impl Side for Alone<'_> {
    fn step(&mut self) -> Result<f64> {
        let timer = Timer::start(&self.bench.device)?;
        for net in &self.nets {
            self.bench.done(Supervised.teach(net, &self.bench.batch, &self.bench.context())?)?;
        }
        Ok(timer.stop()?.as_secs_f64())
    }
}
