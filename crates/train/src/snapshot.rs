//! The content of a checkpoint.

use std::{collections::BTreeMap, path::Path};

use burn::tensor::Tensor;
use sapwood_backend::read_all;
use sapwood_core::{
    Cause, Layout, ModuleState, Network, ParamInfo, ParamPath, Source, State, StateFile, array, infos, seal,
    tensor_data,
};
use serde::{Deserialize, Serialize};

use crate::{Error, Evaluation, Live, Plan, Row, Slots, curve::Losses};

const VERSION: u32 = 1;
const NET: &str = "net.";
const OPTIM: &str = "optim.";

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Progress {
    /// Complete iterations, counted from the start of the schedule.
    pub(crate) iteration: usize,
    /// The losses of the epoch in progress.
    pub(crate) losses: Losses,
    pub(crate) curve: Vec<Row>,
}

/// What makes a run this run and no other: the fields that are compared.
pub(crate) type Identity = BTreeMap<String, String>;

/// Of what the run consists, before its first step.
pub(crate) async fn identity<N: Network>(
    plan: &Plan,
    live: &Live<N>,
    source: &dyn Source,
    label: &str,
) -> Result<Identity, Error> {
    let infos = infos(&live.network);
    let shapes: Vec<_> = infos.iter().map(|info| (&info.path, &info.shape)).collect();
    let masks: Vec<u8> = live
        .masks()
        .iter()
        .flat_map(|(path, mask)| path.as_str().bytes().chain([0]).chain(mask.iter().map(u8::from)).chain([2]))
        .collect();
    let kept: usize = live.masks().values().map(|mask| mask.count_ones()).sum();
    let start = StateFile { state: State::read(&live.network).await?, ..StateFile::default() };
    Ok(Identity::from([
        ("recipe".into(), text(&plan.recipe)?),
        ("network".into(), format!("{} tensors {}", infos.len(), digest(text(&shapes)?.as_bytes()))),
        (
            "starting masks".into(),
            format!("{kept} weights kept in {} {}", live.masks().len(), digest(&masks)),
        ),
        (
            "data set".into(),
            format!("{} examples of {} in {} batches", source.examples(), source.shape(), source.batches()),
        ),
        ("starting weights".into(), digest(&start.to_bytes()?)),
        ("label".into(), format!("`{label}`")),
    ]))
}

/// The metadata of a checkpoint. Floats are their bits, since JSON's decimals
/// need not come back as they went.
#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    identity: Identity,
    iteration: usize,
    losses: (u64, usize),
    curve: Vec<RowBits>,
    /// Per parameter, how often it was stepped.
    steps: BTreeMap<ParamPath, usize>,
}

type RowBits = (usize, usize, u64, u64, Option<(usize, [u64; 2], [Option<u64>; 2])>);

/// Writes down a run: tensors in PyTorch's names and layouts, `net.<path>` for
/// the network's and `optim.<path>.<slot>` for the optimiser's.
pub(crate) async fn to_bytes<N: Network>(
    live: &Live<N>,
    progress: &Progress,
    identity: &Identity,
) -> Result<Vec<u8>, Error> {
    let known = by_path(&live.network);
    let mut state = State::default();
    for (path, value) in State::read(&live.network).await?.0 {
        state.0.insert(format!("{NET}{path}").into(), value);
    }
    let (mut names, mut tensors) = (Vec::new(), Vec::new());
    for (path, slots) in &live.memory.0 {
        let Some(info) = known.get(path) else { continue };
        for (slot, tensor) in &slots.tensors {
            names.push((format!("{OPTIM}{path}.{slot}"), info.shape.clone()));
            tensors.push(info.reorder(tensor.clone(), Layout::Stored, Layout::Torch));
        }
    }
    if !tensors.is_empty() {
        for ((name, shape), value) in names.into_iter().zip(read_all(tensors).await?) {
            state.0.insert(name.into(), array(value)?.reshape(shape)?);
        }
    }
    let record = Record {
        version: VERSION,
        identity: identity.clone(),
        iteration: progress.iteration,
        losses: (progress.losses.sum.to_bits(), progress.losses.examples),
        curve: progress.curve.iter().map(to_bits).collect(),
        steps: live.memory.0.iter().map(|(path, slots)| (path.clone(), slots.steps)).collect(),
    };
    let masks = live.masks().iter().map(|(path, mask)| (format!("{NET}{path}").into(), mask.clone()));
    let metadata = serde_json::to_value(record).map_err(json)?;
    Ok(StateFile { state, masks: masks.collect(), metadata, ..StateFile::default() }.to_bytes()?)
}

/// Continues a run from what was written down, if it was this run.
pub(crate) fn from_bytes<N: Network>(
    bytes: &[u8],
    path: &Path,
    identity: &Identity,
    live: Live<N>,
) -> Result<(Live<N>, Progress), Error> {
    let content = |problem: String| Error::Content { problem, path: path.into(), source: None };
    let caused =
        |error: Cause| Error::Content { problem: error.to_string(), path: path.into(), source: Some(error) };
    let file = StateFile::from_bytes(bytes).map_err(|error| caused(error.into()))?;
    let record: Record = serde_json::from_value(file.metadata).map_err(|error| caused(error.into()))?;
    if record.version != VERSION {
        return Err(content(format!("version {}, not {VERSION}", record.version)));
    }
    for (what, expected) in identity {
        let found = record.identity.get(what);
        if found != Some(expected) {
            return Err(Error::OtherRun {
                what: what.clone(),
                expected: expected.clone(),
                found: found.map_or_else(|| "not written down".into(), Clone::clone),
                path: path.into(),
            });
        }
    }

    let masks = file.masks.into_iter().filter_map(|(path, mask)| Some((strip(&path, NET)?.into(), mask)));
    let mut live = Live::new(live.network, masks.collect(), &live.device)?;
    let known = by_path(&live.network);
    let mut network = State::default();
    for (name, value) in file.state.0 {
        if let Some(path) = strip(&name, NET) {
            network.0.insert(path.into(), value);
        } else if let Some((path, slot)) = strip(&name, OPTIM).and_then(|rest| rest.rsplit_once('.')) {
            let info = known.get(path).ok_or_else(|| content(format!("unexpected `{name}`")))?;
            let flat = tensor_data(value.reshape([info.len()])?);
            let dtype = flat.dtype();
            let flat = Tensor::from_data(flat, (&live.device, dtype));
            let slots = live.memory.0.entry(info.path.clone()).or_default();
            slots.tensors.insert(slot.into(), info.reorder(flat, Layout::Torch, Layout::Stored));
        }
    }
    for (path, steps) in record.steps {
        live.memory.0.entry(path).or_insert_with(Slots::default).steps = steps;
    }
    live.network = network.write(live.network)?;
    let progress = Progress {
        iteration: record.iteration,
        losses: Losses { sum: f64::from_bits(record.losses.0), examples: record.losses.1 },
        curve: record.curve.into_iter().map(from_bits).collect(),
    };
    Ok((live, progress))
}

fn to_bits(row: &Row) -> RowBits {
    let test = row.test.map(|test| {
        let [top5, exact] = [test.top5, test.exact].map(|share| share.map(f64::to_bits));
        (test.examples, [test.loss.to_bits(), test.top1.to_bits()], [top5, exact])
    });
    (row.epoch, row.iteration, row.learning_rate.to_bits(), row.train_loss.to_bits(), test)
}

fn from_bits((epoch, iteration, rate, loss, test): RowBits) -> Row {
    let test = test.map(|(examples, [loss, top1], shares)| {
        let [top5, exact] = shares.map(|share| share.map(f64::from_bits));
        Evaluation { examples, loss: f64::from_bits(loss), top1: f64::from_bits(top1), top5, exact }
    });
    let [learning_rate, train_loss] = [rate, loss].map(f64::from_bits);
    Row { epoch, iteration, learning_rate, train_loss, test }
}

fn by_path<N: Network>(network: &N) -> BTreeMap<ParamPath, ParamInfo> {
    infos(network).into_iter().map(|info| (info.path.clone(), info)).collect()
}

fn strip<'a>(path: &'a ParamPath, prefix: &str) -> Option<&'a str> {
    path.as_str().strip_prefix(prefix)
}

fn text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(json)
}

fn json(error: serde_json::Error) -> Error {
    sapwood_core::graph::Error::format_of("metadata of a checkpoint", error).into()
}

/// The first bytes of the checksum with which a file of these bytes would begin.
fn digest(bytes: &[u8]) -> String {
    seal(bytes)[8..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
