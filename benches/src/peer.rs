//! PyTorch, in a process of its own.

use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread::JoinHandle,
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Case, Side, Threads, Work, case::LEARNING_RATE, peak_memory, scoring::SPARSITY};

/// The scripts that answer, beside this crate's sources.
const STEP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pytorch/step.py");
const SCORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pytorch/score.py");

/// A PyTorch process that was set up for one case; it ends when this is dropped.
pub struct Peer {
    process: Process,
    version: String,
    work: Work,
}

#[derive(Deserialize)]
struct About {
    torch: String,
    threads: usize,
    parameters: u64,
}

impl Peer {
    /// Starts the script and builds the same network in it.
    ///
    /// # Errors
    /// No such Python, no PyTorch, or a network that is not the same.
    pub fn start(python: &str, case: &Case, threads: Threads) -> Result<Self> {
        let script = if let Work::Score(_) = case.work { SCORE } else { STEP };
        let mut process = Process::start(Command::new(python).arg(script), python)?;
        let about: About = process.ask(&setup(case, threads))?;
        let parameters = case.parameters()?;
        if (about.threads, about.parameters) != (threads.0, parameters) {
            let (name, found) = (&case.spec.model, (about.threads, about.parameters));
            bail!(
                "{name} should run on {} threads and have {parameters} parameters, but PyTorch has {found:?}",
                threads.0
            );
        }
        Ok(Self { process, version: about.torch, work: case.work })
    }

    /// PyTorch's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The process's number.
    pub fn process_id(&self) -> u32 {
        self.process.child.id()
    }

    /// The most memory that the process ever held, in bytes, where the system tells.
    pub fn peak_memory(&self) -> Option<u64> {
        peak_memory(Path::new(&format!("/proc/{}/status", self.process_id())))
    }
}

/// What the script is asked to build: a network that it knows by name, or these layers.
fn setup(case: &Case, threads: Threads) -> Value {
    json!({
        "cmd": "setup",
        "model": case.spec.model,
        "layers": case.spec.layers,
        "batch": case.batch,
        "input": case.spec.input,
        "threads": threads.0,
        "lr": LEARNING_RATE,
    })
}

impl Side for Peer {
    fn step(&mut self) -> Result<f64> {
        #[derive(Deserialize)]
        struct Step {
            seconds: f64,
        }
        let request = match self.work {
            Work::Train => json!({ "cmd": "step" }),
            Work::Infer => json!({ "cmd": "infer" }),
            Work::Score(score) => json!({
                "cmd": "score",
                "criterion": score.criterion,
                "dtype": if score.is_wide { "f64" } else { "f32" },
                "sparsity": SPARSITY,
            }),
        };
        Ok(self.process.ask::<Step>(&request)?.seconds)
    }
}

/// A child that answers each line with a line.
pub(crate) struct Process {
    pub(crate) child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    complaints: Option<JoinHandle<String>>,
}

impl Process {
    pub(crate) fn start(command: &mut Command, name: &str) -> Result<Self> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().with_context(|| {
            format!("`{name}` cannot be run: install Python 3 with the PyPI package `torch`, or leave `--against` out")
        })?;
        let (Some(input), Some(output), Some(mut error)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            bail!("the pipes of `{name}` are missing");
        };
        // Read all along, or a child with much to complain about would block.
        let complaints = std::thread::spawn(move || {
            let mut text = Vec::new();
            // What was read before an error is still worth showing.
            let _ = error.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Self { child, input, output: BufReader::new(output), complaints: Some(complaints) })
    }

    pub(crate) fn ask<T: for<'de> Deserialize<'de>>(&mut self, request: &Value) -> Result<T> {
        let mut line = String::new();
        // A child that is gone shows as an empty answer, whichever pipe broke.
        let _ = writeln!(self.input, "{request}").and_then(|()| self.input.flush());
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            return Err(self.ending());
        }
        let answer: Value = serde_json::from_str(&line)
            .with_context(|| format!("the peer should answer with JSON, but it said {:?}", line.trim()))?;
        match answer["error"].as_str() {
            Some(error) => bail!("the peer cannot do this: {error}"),
            None => Ok(serde_json::from_value(answer)?),
        }
    }

    /// The last thing that a child said before it went.
    fn ending(&mut self) -> anyhow::Error {
        let said = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        match said.lines().rfind(|line| !line.trim().is_empty()) {
            Some(reason) => anyhow!("{}", reason.trim()),
            None => anyhow!("the peer's process ended without a word"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either may fail only because the child has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapwood_core::Graph;

    #[test]
    fn a_missing_python_is_one_line_that_says_what_to_install() {
        let case = Case::new("lenet-5", None, Work::Train).unwrap();
        let error = Peer::start("no-such-python", &case, Threads(1)).err().unwrap();
        let said = format!("{error:#}");
        assert!(said.starts_with("`no-such-python` cannot be run: install Python 3") && !said.contains('\n'));
    }

    #[test]
    fn layers_are_handed_over_where_the_script_knows_no_name() {
        let layers = |model: &str| {
            let case = Case::new(model, None, Work::Train).unwrap();
            setup(&case, Threads(1))["layers"].take()
        };
        assert_eq!(layers("resnet-20"), Value::Null);
        let nodes = layers("mbv3-small-image")["nodes"].take();
        let depthwise = nodes.as_array().unwrap().iter().map(|node| &node["op"]["conv"]["groups"]);
        assert!(depthwise.filter_map(Value::as_u64).any(|groups| 1 < groups), "{nodes}");
    }

    /// The file that the script's own check begins with is in the form that is handed over.
    #[test]
    fn the_scripts_example_is_a_graph_as_it_is_written_here() {
        let text = include_str!("../pytorch/every_operation.json");
        let graph: Graph = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(&graph).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(graph.outputs().unwrap(), 5);
    }
}
