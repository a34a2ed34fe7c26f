//! The network in integers of 8 bits, where these are good enough.

use std::path::{Path, PathBuf};

use sapwood_backend::block_on;
use sapwood_core::{ModuleState as _, Observed as _, graph::QuantizedNetwork};
use sapwood_models::{OnnxForm, Spec, fold, pack, pack_integers, to_quantized_onnx};
use sapwood_quant::{Examples, Gptq, Made, Ptq, Rounding};

use super::{
    form::{Form, Judge},
    stage::{OPSET, Stage},
    write,
};
use crate::{Conditions, Error, TrainConfig, lines};

/// Training examples of which the bounds of values are taken.
const EXAMPLES: usize = 512;

/// What tables call it.
pub(super) const INTEGERS: &str = "in int8";

pub(super) const FILE: &str = "net-int8.safetensors";
pub(super) const ONNX: &str = "net-int8.onnx";

/// Makes integers, the nearest and then those of GPTQ with corrected biases, and writes the first that are good enough.
/// Otherwise the last ones are told of and nothing is written.
pub(super) fn made(
    stage: &Stage,
    config: &TrainConfig,
    judge: &Judge<'_>,
    is_enough: impl Fn(&Form) -> bool,
    folder: &Path,
) -> Result<(Option<Form>, Vec<PathBuf>), Error> {
    let reporter = judge.conditions.reporter;
    let ways = [(Rounding::Nearest, false), (Rounding::Gptq(Gptq::default()), true)];
    let mut last = None;
    for (rounding, correct_bias) in ways {
        let ptq = Ptq { rounding, correct_bias, ..Ptq::default() };
        let (spec, network, file) = match quantized(&ptq, stage, config, judge) {
            Err(Error::Quant(error)) => {
                lines::note(reporter, format_args!("note: no integers: {error}"));
                break;
            }
            made => made?,
        };
        let mut form = judge.form(INTEGERS, &file)?;
        form.is_taken = is_enough(&form);
        let (right, verdict) = (form.deciding, if form.is_taken { "taken" } else { "not taken" });
        lines::note(
            reporter,
            format_args!("int8, {rounding}: {right:.2} % of the examples that decide, {verdict}"),
        );
        if form.is_taken {
            let mut files = vec![write(folder, FILE, &file)?];
            match to_quantized_onnx(&spec, stage.trained_on.as_ref(), &network, (OnnxForm::Qdq, OPSET)) {
                Ok(bytes) => files.push(write(folder, ONNX, &bytes)?),
                Err(error) => {
                    lines::note(reporter, format_args!("note: no ONNX file of the integers: {error}"))
                }
            }
            return Ok((Some(form), files));
        }
        last = Some(form);
    }
    Ok((last, Vec::new()))
}

/// The network in integers, and its file.
fn quantized(
    ptq: &Ptq,
    stage: &Stage,
    config: &TrainConfig,
    judge: &Judge<'_>,
) -> Result<(Spec, QuantizedNetwork, Vec<u8>), Error> {
    let Conditions { device, datasets, .. } = *judge.conditions;
    let (spec, state) = fold(&stage.spec, &stage.state()?)?;
    let net = state.write(spec.net(device)?)?;
    let source = judge.labelled(config.plain_source(datasets)?)?;
    let made = block_on(ptq.quantize(&net, Examples::new(&source, EXAMPLES)?, device))?;
    for note in made.notes() {
        lines::note(judge.conditions.reporter, format_args!("note: {note}"));
    }
    let network = made.integers(net.graph())?;
    let Made { quantized, rest, ranges, calibrated, .. } = made;
    let mut masks = stage.masks.clone();
    masks.retain(|path, _| rest.0.contains_key(path) || quantized.contains_key(path));
    let file = pack(&spec, stage.trained_on.as_ref(), rest, masks)?;
    Ok((spec, network, pack_integers(file, quantized, ranges, &calibrated)?.to_bytes()?))
}
