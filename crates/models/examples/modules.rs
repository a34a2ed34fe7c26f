//! Writes networks as modules of PyTorch, with zeros for weights: a file of cases, each with an `id` and a `graph`, into a folder for
//! each of them. `benches/pytorch/check_modules.py` compares what these compute.
//!
//! ```sh
//! cargo run -p sapwood-models --example modules -- crates/conformance/expected/operations.json FOLDER
//! ```

use std::{env, error::Error, fs, path::PathBuf};

use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{Graph, ModuleState, State};
use sapwood_models::{Net, PythonModule};

#[derive(serde::Deserialize)]
struct Case {
    id: String,
    graph: Graph,
}

#[derive(serde::Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let [from, to] = env::args()
        .skip(1)
        .map(PathBuf::from)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "expected FILE FOLDER")?;
    let cases: Cases = serde_json::from_str(&fs::read_to_string(from)?)?;
    for Case { id, graph } in cases.cases {
        let net = Net::new(graph.clone(), &DeviceSpec::CPU.resolve()?);
        let module = PythonModule::of(&id, &graph, &block_on(State::read(&net))?, None)?;
        let folder = to.join(&id);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(PythonModule::SOURCE), module.source)?;
        fs::write(folder.join(PythonModule::STATE_DICT), module.state_dict)?;
    }
    Ok(())
}
