//! What a network becomes on its way to whoever uses it: as large as it was trained, masked, shrunk, in integers, packed.

use burn::prelude::Device;
use sapwood_backend::block_on;
use sapwood_core::{Masks, ModuleState, Observed as _, State, StateFile, graph::Groups};
use sapwood_deploy::latency::level;
use sapwood_models::{Net, Spec, fold, pack, pack_integers};
use sapwood_prune::{Cut, NetworkProbe, criterion};
use sapwood_quant::{Examples, Made, Ptq};
use sapwood_runtime::{Plan, Runtime};
use sapwood_shrink::{GroupScore, Selection, Share, Target, shrink, squares};

use super::Bench;
use crate::{
    Error, Reporter,
    report::{Cell, Table},
};

/// How many weights are masked, and what share of the multiply-accumulates leaves for good.
const MASKED: &str = "0.9";
const SHRUNK: f64 = 0.5;
/// Examples that a network is quantised with.
const CALIBRATED: usize = 256;
/// Runs of which the least time counts.
const RUNS: usize = 200;

/// A network in one form.
#[derive(Clone, Copy)]
pub(super) struct Form {
    name: &'static str,
    /// Right answers on the test images, in percent.
    accuracy: f64,
    /// Of one image on one thread.
    milliseconds: f64,
    /// Of the file.
    bytes: usize,
}

/// The forms of one network, each trained again where something left it.
pub(super) fn forms(bench: &Bench<'_>, reporter: &dyn Reporter) -> Result<Vec<Form>, Error> {
    let (dense, accuracy) = bench.train(bench.initial()?, Masks::new())?;
    reporter.advance(1);
    let state = block_on(State::read(&dense))?;
    let file = pack(&bench.spec, None, state.clone(), Masks::new())?;
    let mut found = vec![Form::of("dense", &dense, accuracy, &file)?];

    let probe = NetworkProbe::new(&dense);
    let magnitude = criterion("magnitude", bench.seed)?;
    let masks = Cut::to(MASKED.parse()?).masks_blocking(magnitude.as_ref(), &probe, None)?.into_masks();
    let (masked, accuracy) = bench.train(dense.clone(), masks.clone())?;
    reporter.advance(1);
    let file = pack(&bench.spec, None, block_on(State::read(&masked))?, masks)?;
    let form = Form::of("90 % of its weights masked", &masked, accuracy, &file)?;
    let bytes = file.to_coded()?.bytes.len();
    found.extend([form, Form { name: "the same file, packed", bytes, ..form }]);

    let (spec, small) = half(&dense, &state, bench.device)?;
    let (small, accuracy) = bench.train(small, Masks::new())?;
    reporter.advance(1);
    let state = block_on(State::read(&small))?;
    let file = pack(&spec, None, state.clone(), Masks::new())?;
    found.push(Form::of("half of its arithmetic gone", &small, accuracy, &file)?);

    let (spec, state) = fold(&spec, &state)?;
    let folded = state.write(spec.net(bench.device)?)?;
    let examples = Examples::new(&bench.train, CALIBRATED)?;
    let made = block_on(Ptq::default().quantize(&folded, examples, bench.device))?;
    found.push(integers(bench, &spec, &folded, made)?);
    Ok(found)
}

impl Form {
    fn of(name: &'static str, net: &Net, accuracy: f64, file: &StateFile) -> Result<Self, Error> {
        let plan = Runtime::new().level(level()).plan(net.graph(), &block_on(State::read(net))?)?;
        Ok(Self { name, accuracy, milliseconds: milliseconds(&plan)?, bytes: file.to_bytes()?.len() })
    }
}

/// The network without the channels of the smallest norm, as many of each layer as halve its multiply-accumulates.
fn half(dense: &Net, state: &State, device: &Device) -> Result<(Spec, Net), Error> {
    let graph = dense.graph();
    let groups = Groups::of(graph).map_err(sapwood_shrink::Error::Graph)?;
    let scores = GroupScore::default().of(&groups, &squares(graph, state))?;
    let target = Target::Macs(Share::new(SHRUNK)?);
    let chosen = Selection::PerGroup.choose(graph, &groups, &scores, target, 1)?;
    let small = shrink(graph, state, &Masks::new(), &chosen.removal)?;
    let spec = Spec::of_layers("resnet-20", small.graph)?;
    let net = small.state.write(spec.net(device)?)?;
    Ok((spec, net))
}

/// A network in integers of 8 bits, computed with them.
fn integers(bench: &Bench<'_>, spec: &Spec, folded: &Net, made: Made) -> Result<Form, Error> {
    let plan = Runtime::new().level(level()).plan_integers(&made.integers(folded.graph())?)?;
    let accuracy = bench.accuracy(&made.network(folded.clone())?)?;
    let Made { quantized, rest, ranges, calibrated, .. } = made;
    let file = pack_integers(pack(spec, None, rest, Masks::new())?, quantized, ranges, &calibrated)?;
    let (milliseconds, bytes) = (milliseconds(&plan)?, file.to_bytes()?.len());
    Ok(Form { name: "and the rest in int8", accuracy, milliseconds, bytes })
}

/// What one image takes on one thread.
fn milliseconds(plan: &Plan) -> Result<f64, Error> {
    let image = vec![0.5; plan.sizes()[0]];
    Ok(1e3 * plan.session()?.profile(&image, RUNS)?.whole.as_secs_f64())
}

/// The forms side by side.
pub(super) fn table(forms: &[Form]) -> Table {
    let mut table = Table::new(["one network", "accuracy (%)", "ms", "bytes"]);
    for Form { name, accuracy, milliseconds, bytes } in forms {
        table.row([
            (*name).into(),
            Cell::fixed(*accuracy, 1),
            Cell::fixed(*milliseconds, 3),
            Cell::count(*bytes as u64),
        ]);
    }
    table
}
