//! `cargo xtask bench infer`: how fast networks answer.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use sapwood_benches::{Load, OnnxRuntime, exit_code, machine};
use sapwood_kernels::{Level, infer::integers::Dots};
use sapwood_runtime::{Runtime, Session};
use serde::Serialize;

/// Time networks of the zoo, and EfficientNet-B0, on the CPU, in short bursts in turn with ONNX Runtime on the same files: PyTorch's
/// weights with random batch statistics, and masks drawn with seed 0, alike in each layer but the first
/// convolution and the last layer. What an empty session takes is subtracted from the peer's time and printed
#[derive(Parser)]
#[command(name = "cargo xtask bench infer", bin_name = "cargo xtask bench infer", max_term_width = 100)]
struct Options {
    /// The peer: onnxruntime
    #[arg(long, value_name = "PEER")]
    against: String,
    /// The networks
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "lenet-300-100,lenet-5,resnet-20,resnet-56,vgg-16,resnet-18-small,resnet-18,resnet-50,mobilenet-v2,mobilenet-v3-large,efficientnet-b0,vit-tiny"
    )]
    models: Vec<String>,
    /// Images at once
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// Threads of either side
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// dense, the percentage of weights that are removed, or that in pairs of outputs: `90-2x1`; int8, beside ONNX
    /// Runtime's int8 of the same file, where its answers can be relied on: not of `vit-tiny`, and with weights of 7 bits
    /// where the processor cuts off sums of two products of 8
    #[arg(long, value_delimiter = ',', default_value = "dense,90,90-2x1,int8")]
    forms: Vec<String>,
    /// Turns of either side, each a burst of runs
    #[arg(long, default_value_t = 15)]
    turns: usize,
    /// Python with the packages `torch`, `torchvision`, `onnx` and `onnxruntime`
    #[arg(long, default_value = "python3")]
    python: String,
    /// Print a row of JSON for each network
    #[arg(long)]
    json: bool,
}

/// Seconds; the peer's are those of the dense file, or of the same integers.
#[derive(Serialize)]
struct Row {
    name: String,
    batch: usize,
    form: String,
    ours_s: f64,
    peer_s: f64,
    ratio: f64,
    /// The least of each side, which others on the machine disturb least.
    ours_least_s: f64,
    peer_least_s: f64,
    empty_s: f64,
    foreign: Option<f64>,
}

fn main() -> ExitCode {
    exit_code(Options::parse().run())
}

impl Options {
    fn run(self) -> Result<()> {
        ensure!(self.against == "onnxruntime", "expected `--against onnxruntime`, found `{}`", self.against);
        println!("{}", serde_json::to_string(&machine())?);
        let folder = std::env::temp_dir().join(format!("sapwood-infer-{}", std::process::id()));
        let done = self.all(&folder);
        // Some hundred megabytes; where they cannot be removed, the timings are still there.
        let _ = fs::remove_dir_all(&folder);
        done
    }

    fn all(&self, folder: &Path) -> Result<()> {
        if !self.json {
            println!(
                "network, form: ours / ONNX Runtime's dense of the medians (of the least), ours, its, an empty session's"
            );
        }
        for name in &self.models {
            let dense = self.file(folder, name, "dense")?;
            let mut peer = OnnxRuntime::start(&self.python, &dense, self.threads)?;
            for form in &self.forms {
                if form == "int8"
                    && let Some(why) = without_integers(name)
                {
                    eprintln!("{name}, int8 is left out: {why}");
                    continue;
                }
                let file = self.file(folder, name, form)?;
                let row = match form.as_str() {
                    "int8" => {
                        let mut peer = OnnxRuntime::start(&self.python, &file, self.threads)?;
                        let floats = self.floats(&mut peer, &file)?;
                        if 0 < floats {
                            eprintln!(
                                "{name}, int8 is left out: ONNX Runtime computes {floats} of its convolutions in floating point"
                            );
                            continue;
                        }
                        self.row(name, form, &file, &mut peer)?
                    }
                    _ => self.row(name, form, &file, &mut peer)?,
                };
                match self.json {
                    true => println!("{}", serde_json::to_string(&row)?),
                    false => println!(
                        "{name}, {form}: {:.3} ({:.3}), {:.4} ms, {:.4} ms, {:.4} ms, foreign load {:.0} %",
                        row.ratio,
                        row.ours_least_s / row.peer_least_s,
                        1e3 * row.ours_s,
                        1e3 * row.peer_s,
                        1e3 * row.empty_s,
                        100.0 * row.foreign.unwrap_or(f64::NAN)
                    ),
                }
            }
        }
        Ok(())
    }

    /// How many convolutions of a network of integers ONNX Runtime computes in floating point.
    fn floats(&self, peer: &mut OnnxRuntime, file: &Path) -> Result<usize> {
        let found = peer.operators(file, self.threads)?;
        Ok(["Conv", "FusedConv"].iter().filter_map(|op| found.get(*op)).sum())
    }

    /// Writes the file of a network in a form.
    fn file(&self, folder: &Path, name: &str, form: &str) -> Result<PathBuf> {
        let path = folder.join(format!("{name}-{form}-b{}.onnx", self.batch));
        if path.exists() {
            return Ok(path);
        }
        let (percent, blocks) = match form.split_once('-') {
            _ if form == "dense" || form == "int8" => ("0", "1"),
            None => (form, "1"),
            Some((percent, blocks)) => (percent, blocks.strip_suffix("x1").context("blocks are `2x1`")?),
        };
        let sparsity: f64 =
            percent.parse().with_context(|| format!("`{form}` is no form: dense, 90, 90-2x1 or int8"))?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/pytorch/infer_files.py");
        let mut command = Command::new(&self.python);
        command.arg(script).args(["--models", name, "--blocks", blocks]);
        command.args([
            "--batches".into(),
            self.batch.to_string(),
            "--sparsity".into(),
            (sparsity / 100.0).to_string(),
        ]);
        if form == "int8" {
            command.arg("--int8");
            // Else ONNX Runtime's sums are cut off, and it answers something else.
            if Dots::of(Level::detect()).saturates() {
                command.arg("--seven-bits");
            }
        }
        let made = command.arg("--out").arg(folder).output();
        let made = made.with_context(|| format!("`{}` cannot be run: install Python 3", self.python))?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr).into_owned();
            bail!(
                "{}",
                said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("Python ended without a word")
            );
        }
        Ok(path)
    }

    fn row(&self, name: &str, form: &str, file: &Path, peer: &mut OnnxRuntime) -> Result<Row> {
        let net = sapwood_onnx::import(&fs::read(file)?)?;
        let runtime = Runtime::new().threads(self.threads).batch(self.batch);
        let plan = match net.quantized() {
            Some(network) => runtime.plan_integers(&network)?,
            None => runtime.plan(&net.graph, &net.state)?,
        };
        let (mut session, count) = (plan.session()?, self.batch * plan.sizes()[0]);
        let images: Vec<f32> = (0..count).map(|at| ((at * 7919) % 1009) as f32 / 504.5 - 1.0).collect();
        let outputs = session.run(&images)?.to_vec();
        // Integers on both sides, which need not be rounded alike: their tests are to the bit.
        let most = match form {
            "dense" => 1e-4,
            "int8" => 0.1,
            _ => f64::INFINITY,
        };
        if most.is_finite() {
            let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
            let far = norm(&mut outputs.iter().zip(&peer.outputs).map(|(a, b)| f64::from(*a) - b));
            let far = far / norm(&mut peer.outputs.iter().copied());
            ensure!(far < most, "{name} answers something else than ONNX Runtime: it differs by {far:e}");
        }
        // Some milliseconds each.
        let runs = (0.02 / burst(&mut session, &images, 3)?[1]).clamp(3.0, 200.0) as usize;
        let (mut ours, mut theirs, mut empty) = (Vec::new(), Vec::new(), Vec::new());
        let then = Load::now(&[peer.process_id()]);
        for _ in 0..self.turns {
            ours.extend(burst(&mut session, &images, runs)?);
            let found = peer.burst(runs)?;
            theirs.extend(found.seconds);
            empty.extend(found.empty);
            // Until its threads sleep.
            sleep(Duration::from_millis(20));
        }
        let now = Load::now(&[peer.process_id()]);
        let (empty_s, [ours_s, their_s]) =
            (median(&mut empty), [&mut ours, &mut theirs].map(|times| median(times)));
        let peer_s = (their_s - empty_s).max(0.0);
        Ok(Row {
            name: name.into(),
            batch: self.batch,
            form: form.into(),
            ours_s,
            peer_s,
            ratio: ours_s / peer_s,
            ours_least_s: ours[0],
            peer_least_s: (theirs[0] - empty[0]).max(0.0),
            empty_s,
            foreign: now.zip(then).map(|(now, then)| now.foreign_since(&then)),
        })
    }
}

/// Why the integers of a network are not compared with ONNX Runtime's, where they cannot be.
fn without_integers(name: &str) -> Option<&'static str> {
    let why = "ONNX Runtime's own answers differ by 7 % between two of its optimisation levels, so none of them says \
               what is right";
    (name == "vit-tiny").then_some(why)
}

/// Some runs, after two that do not count.
fn burst(session: &mut Session, images: &[f32], runs: usize) -> Result<Vec<f64>> {
    for _ in 0..2 {
        session.run(images)?;
    }
    let timed = |_| {
        let begin = Instant::now();
        session.run(images)?;
        Ok(begin.elapsed().as_secs_f64())
    };
    (0..runs).map(timed).collect()
}

/// The middle one; afterwards they are in order.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use sapwood_models::Spec;

    use super::*;

    #[test]
    fn the_networks_that_are_timed_by_default_are_there_and_a_transformer_is_among_them() {
        let options = Options::parse_from(["infer", "--against", "onnxruntime"]);
        let is_there = |name: &String| name == "efficientnet-b0" || Spec::named(name).is_ok();
        let unknown: Vec<&String> = options.models.iter().filter(|name| !is_there(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        let left_out: Vec<&String> =
            options.models.iter().filter(|name| without_integers(name).is_some()).collect();
        assert_eq!(left_out, ["vit-tiny"]);
    }
}
