//! `profile`

mod against;

use std::io::Write;

use clap::{Args, ValueEnum};
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{ModuleState, Observed as _, State};
use sapwood_deploy::latency::level;
use sapwood_models::{OnnxEnds, OnnxForm, Opened, Spec, to_onnx, to_quantized_onnx};
use sapwood_report::{Cell, Table};
use sapwood_runtime::{Profile as Found, Row, Runtime};
use serde::Serialize;

use self::against::{APART, Compared, INTEGERS_APART, against};
use super::{engine::plan, weight_file::WeightFile};
use crate::Error;

/// Time each layer of a network as the runtime computes it on the CPU, which gains from zeros
///
/// Prints for each layer its kernel, the least time of all runs, its share of the whole, how many
/// multiply-accumulates a second that is, those of removed weights among them, and which share of the processor's peak
/// rate the kernel reaches, without those that it leaves out. Where zeros are left out, the last column is the
/// time with all weights. `dense OxP` is a kernel of O blocks of outputs and P pixels at once, `sparse D % ... RxVxL`
/// one for the D % of weights that are there, of R rows and V vectors of L pixels.
#[derive(Args)]
pub(super) struct Profile {
    #[command(flatten)]
    network: WeightFile,
    /// Images at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: u32,
    /// Threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// Runs, of which the least time counts
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Time it in turn with this engine, on the same number of threads: onnxruntime, of the PyPI package
    #[arg(long, value_enum, value_name = "ENGINE")]
    against: Option<Other>,
    /// The Python that has the engine
    #[arg(long, default_value = "python3", requires = "against")]
    python: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An engine to compare with.
#[derive(Clone, Copy, ValueEnum)]
enum Other {
    #[value(name = "onnxruntime")]
    OnnxRuntime,
}

/// The version of ONNX's operations of the file that the other engine is given.
const OPSET: i64 = 18;

#[derive(Serialize)]
struct Json<'a> {
    batch: u32,
    threads: u32,
    level: &'static str,
    seconds: f64,
    memory: usize,
    least_memory: usize,
    /// Where zeros are left out: the time with all weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_with_zeros: Option<f64>,
    layers: Vec<Layer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Compared>,
}

#[derive(Serialize)]
struct Layer<'a> {
    layer: &'a str,
    kernel: &'a str,
    seconds: f64,
    macs: u64,
    of_peak: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_with_zeros: Option<f64>,
}

impl Profile {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let opened = self.network.open(&DeviceSpec::CPU.resolve()?)?;
        let runtime = Runtime::new().threads(self.threads as usize).batch(self.batch as usize);
        let (made, level) = (plan(&runtime, &opened, opened.spec.input)?, level());
        let count = self.batch as usize * made.sizes()[0];
        // What the numbers are is no matter, as long as no sum becomes so small that it takes longer.
        let images: Vec<f32> = (0..count).map(|at| ((at * 7919) % 1009) as f32 / 504.5 - 1.0).collect();
        let mut session = made.session()?;
        let found = session.profile(&images, self.runs as usize)?;
        let with_zeros = match made.skips_zeros() {
            true => {
                let all = plan(&runtime.skip_zeros(false), &opened, opened.spec.input)?;
                Some(all.session()?.profile(&images, self.runs as usize)?)
            }
            false => None,
        };
        let with_zeros = with_zeros.as_ref();
        let compared = match self.against {
            Some(Other::OnnxRuntime) => {
                let file = onnx(&opened)?;
                let sizes = [self.batch as usize, self.threads as usize];
                let most = if opened.integers.is_some() { INTEGERS_APART } else { APART };
                Some(against(&self.python, &file, &mut session, &images, (sizes, most))?)
            }
            None => None,
        };
        let [memory, least_memory] = made.memory();
        if self.json {
            let layers = found.rows.iter().map(|row| Layer {
                layer: &row.layer,
                kernel: &row.kernel,
                seconds: row.time.as_secs_f64(),
                macs: row.macs,
                of_peak: row.of_peak,
                seconds_with_zeros: with_zeros.and_then(|all| seconds_of(all, row)),
            });
            let json = Json {
                batch: self.batch,
                threads: self.threads,
                level: level.name(),
                seconds: found.whole.as_secs_f64(),
                memory,
                least_memory,
                seconds_with_zeros: with_zeros.map(|all| all.whole.as_secs_f64()),
                layers: layers.collect(),
                against: compared,
            };
            writeln!(out, "{}", super::json::lines(&json)?)?;
            return Ok(());
        }
        write!(out, "{}", table(&found, with_zeros).to_text())?;
        writeln!(
            out,
            "{:.4} ms for {} at once on {} of {}; {} KiB for values, of which {} KiB are needed at once at least",
            1e3 * found.whole.as_secs_f64(),
            named(self.batch, "image"),
            named(self.threads, "thread"),
            level.name(),
            memory.div_ceil(1024),
            least_memory.div_ceil(1024)
        )?;
        if let Some(all) = with_zeros {
            let (all, left) = (all.whole.as_secs_f64(), found.whole.as_secs_f64());
            writeln!(
                out,
                "{:.4} ms with all weights: zeros make it {:.2} times as fast",
                1e3 * all,
                all / left
            )?;
        }
        if let Some(Compared { version, ours_s, peer_s, empty_s, ratio }) = compared {
            writeln!(
                out,
                "{ratio:.2} of the time of ONNX Runtime {version}: {:.4} ms here, {:.4} ms there without the {:.4} ms of its empty session; medians of runs in turn",
                1e3 * ours_s,
                1e3 * peer_s,
                1e3 * empty_s
            )?;
        }
        Ok(())
    }
}

/// The same network as a file for another engine; of integers as that takes them.
fn onnx(opened: &Opened) -> Result<Vec<u8>, Error> {
    let bare = Spec { onnx: OnnxEnds::default(), ..opened.spec.clone() };
    let (spec, trained_on) = (&bare, opened.trained_on.as_ref());
    let state = block_on(State::read(&opened.net))?;
    Ok(match &opened.integers {
        Some(integers) => {
            let network = integers.network(opened.net.graph().clone(), state);
            to_quantized_onnx(spec, trained_on, &network, (OnnxForm::Qdq, OPSET))?
        }
        None => to_onnx(spec, trained_on, &state, OPSET)?,
    })
}

fn named(count: u32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What the products of a layer take in another profile.
fn seconds_of(found: &Found, layer: &Row) -> Option<f64> {
    let same = |row: &&Row| row.of_peak.is_some() && row.layer == layer.layer;
    layer.of_peak.and_then(|_| found.rows.iter().find(same)).map(|row| row.time.as_secs_f64())
}

fn table(found: &Found, with_zeros: Option<&Found>) -> Table {
    let titles = ["layer", "kernel", "us", "share (%)", "GMAC/s", "peak (%)"];
    let mut table = Table::new(titles.into_iter().chain(with_zeros.map(|_| "all weights (us)")));
    let whole = found.rows.iter().map(|row| row.time.as_secs_f64()).sum::<f64>().max(1e-9);
    let fixed = |number: Option<f64>| number.map_or_else(Cell::none, |number| Cell::fixed(number, 1));
    for row in &found.rows {
        let seconds = row.time.as_secs_f64();
        let cells = [
            Cell::from(row.layer.as_str()),
            Cell::from(row.kernel.as_str()),
            Cell::fixed(1e6 * seconds, 1),
            Cell::fixed(100.0 * seconds / whole, 1),
            fixed((row.macs > 0).then(|| row.rate() / 1e9)),
            fixed(row.of_peak.map(|share| 100.0 * share)),
        ];
        let all = with_zeros.map(|all| fixed(seconds_of(all, row).map(|seconds| 1e6 * seconds)));
        table.row(cells.into_iter().chain(all));
    }
    table
}
