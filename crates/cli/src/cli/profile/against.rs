//! A network timed in turn with ONNX Runtime.

mod scratch;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread::{JoinHandle, sleep},
    time::{Duration, Instant},
};

use sapwood_runtime::Session;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use self::scratch::Scratch;
use crate::Error;

/// What answers, run by Python.
const SCRIPT: &str = include_str!("onnx_runtime.py");
/// Bursts of either side.
const TURNS: usize = 15;
/// How far outputs in floating point may be apart, as norm of the difference over norm: sums in another order, and no
/// more.
pub(super) const APART: f64 = 1e-3;
/// The same for integers, of which one that is rounded to the other neighbour moves all behind it.
pub(super) const INTEGERS_APART: f64 = 0.1;

/// What one run takes on either side, as medians in seconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Compared {
    /// ONNX Runtime's version.
    pub(super) version: String,
    pub(super) ours_s: f64,
    /// Less what an empty session takes.
    pub(super) peer_s: f64,
    /// Of a network of one operation on one number.
    pub(super) empty_s: f64,
    /// Ours over the peer's.
    pub(super) ratio: f64,
}

#[derive(Deserialize)]
struct About {
    version: String,
    outputs: Vec<f64>,
}

#[derive(Deserialize)]
struct Burst {
    seconds: Vec<f64>,
    empty: Vec<f64>,
}

/// Times a session on some images in turn with ONNX Runtime on an ONNX file of the same network.
///
/// # Errors
/// No such Python, none of its packages, a file that ONNX Runtime does not take, and other answers than ours.
pub(super) fn against(
    python: &str,
    file: &[u8],
    session: &mut Session,
    images: &[f32],
    ([batch, threads], most): ([usize; 2], f64),
) -> Result<Compared, Error> {
    let folder = Scratch::new()?;
    let path = folder.path().join("network.onnx");
    fs::write(&path, file).map_err(Error::file("write", &path))?;
    turns(Peer::start(python)?, &path, session, images, ([batch, threads], most))
}

fn turns(
    mut peer: Peer,
    path: &Path,
    session: &mut Session,
    images: &[f32],
    ([batch, threads], most): ([usize; 2], f64),
) -> Result<Compared, Error> {
    let setup = json!({ "cmd": "setup", "file": path.to_string_lossy(), "threads": threads, "batch": batch });
    let About { version, outputs } = peer.ask(&setup)?;
    let apart = distance(session.run(images)?, &outputs);
    if apart.is_nan() || most < apart {
        return Err(Error::Usage(format!(
            "ONNX Runtime answers something else: expected outputs within {most:e} of it, found {apart:.2e}"
        )));
    }
    // Some milliseconds each.
    let runs = (0.02 / burst(session, images, 3)?[1]).clamp(3.0, 200.0) as usize;
    let (mut ours, mut theirs, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        ours.extend(burst(session, images, runs)?);
        let found: Burst = peer.ask(&json!({ "cmd": "burst", "runs": runs }))?;
        theirs.extend(found.seconds);
        empty.extend(found.empty);
        // Until its threads, which spin for a while, sleep.
        sleep(Duration::from_millis(20));
    }
    let [ours_s, peer_s, empty_s] = [ours, theirs, empty].map(median);
    let peer_s = (peer_s - empty_s).max(0.0);
    Ok(Compared { version, ours_s, peer_s, empty_s, ratio: ours_s / peer_s })
}

/// Some runs, after two that do not count.
fn burst(session: &mut Session, images: &[f32], runs: usize) -> Result<Vec<f64>, Error> {
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn distance(ours: &[f32], theirs: &[f64]) -> f64 {
    if ours.len() != theirs.len() {
        return f64::INFINITY;
    }
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut ours.iter().zip(theirs).map(|(a, b)| f64::from(*a) - b));
    difference / norm(&mut theirs.iter().copied()).max(f64::MIN_POSITIVE)
}

/// Python with ONNX Runtime, which answers each line with a line; it ends when this is dropped.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// What Python complains about, read all along: with much of it a child would wait for a reader.
    complaints: Option<JoinHandle<String>>,
}

impl Peer {
    fn start(python: &str) -> Result<Self, Error> {
        let missing = |problem: &str| {
            Error::Usage(format!(
                "`{python}` {problem}: name a Python 3 that has the PyPI packages `onnxruntime`, `onnx` and `numpy` with `--python`"
            ))
        };
        let mut command = Command::new(python);
        command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|_| missing("cannot be run"))?;
        let (Some(input), Some(output), Some(mut error)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(missing("has no pipes"));
        };
        let complaints = std::thread::spawn(move || {
            let mut said = Vec::new();
            // What was read before an error is still worth showing.
            let _ = error.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        });
        Ok(Self { child, input, output: BufReader::new(output), complaints: Some(complaints) })
    }

    fn ask<T: DeserializeOwned>(&mut self, request: &Value) -> Result<T, Error> {
        let mut line = String::new();
        // A child that is gone shows as an empty answer, whichever pipe broke.
        let _ = writeln!(self.input, "{request}").and_then(|()| self.input.flush());
        let _ = self.output.read_line(&mut line);
        serde_json::from_str(&line).map_err(|_| self.ended())
    }

    /// What Python said last.
    fn ended(&mut self) -> Error {
        // It may have ended by itself.
        let _ = self.child.kill();
        let said = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let reason = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("its process ended");
        let hint = match reason.trim_end().ends_with("is not installed") {
            true => ": install it, or name a Python that has it with `--python`",
            false => "",
        };
        Error::Usage(format!("ONNX Runtime cannot be timed: {}{hint}", reason.trim()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Either may fail only because the child has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
