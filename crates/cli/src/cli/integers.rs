//! Networks whose weight file has integers, on the command line.

use burn::{
    prelude::Device,
    tensor::{Tensor, TensorData},
};
use sapwood_backend::{block_on, read};
use sapwood_core::{Batch, ModuleState, Observed, Source, State, Values, graph::QuantizedNetwork};
use sapwood_models::Opened;
use sapwood_runtime::Exact;
use sapwood_train::{Evaluation, evaluate_outputs};

use crate::Error;

/// The network of integers, to be computed with them.
fn of_integers(opened: &Opened) -> Result<Exact, Error> {
    let without = || {
        Error::Usage(
            "`--exact` computes with integers, and the file has none: make some with `quantize`".into(),
        )
    };
    let integers = opened.integers.clone().ok_or_else(without)?;
    let calibrated = integers.calibrated.ok_or_else(without)?;
    let mut rest = block_on(State::read(&opened.net))?;
    rest.0.retain(|path, _| !integers.quantized.contains_key(path));
    let graph = opened.net.graph().clone();
    let network = QuantizedNetwork::between(graph, integers.quantized, rest, &integers.ranges, &calibrated)?;
    Ok(Exact::new(network)?)
}

/// How good it is, computed with integers.
pub(super) fn exact(opened: &Opened, source: &dyn Source) -> Result<Evaluation, Error> {
    let network = of_integers(opened)?;
    let outputs = opened.net.graph().outputs()?;
    let answer = |batch: Batch| {
        let shape = batch.shape().image().unwrap_or(opened.spec.input);
        match &batch.inputs()[0].values {
            Values::Float(values) => {
                let logits = network.run(values, shape)?.into_iter().map(f64::from).collect();
                Ok((batch.target().clone(), logits))
            }
            Values::Index(_) => Err(Error::Usage("`--exact` takes images".into())),
        }
    };
    let batches = source.epoch(0, 0).map(|batch| answer(batch.map_err(sapwood_train::Error::Source)?));
    evaluate_outputs(batches, outputs)
}

/// What it gives for some images, computed with integers.
pub(super) fn exactly(opened: &Opened, input: Tensor<4>, device: &Device) -> Result<Tensor<2>, Error> {
    let [n, c, h, w] = input.dims();
    let values: Vec<f32> = block_on(read(input))?.iter().collect();
    let logits = of_integers(opened)?.run(&values, [c, h, w])?;
    let outputs = logits.len() / n.max(1);
    Ok(Tensor::from_data(TensorData::new(logits, [n, outputs]), device))
}

/// Refuses integers where they would be lost.
pub(super) fn refuse(opened: &Opened, done: &str) -> Result<(), Error> {
    match &opened.integers {
        None => Ok(()),
        Some(integers) => Err(Error::Usage(format!(
            "the file has {} weights as integers, which cannot be {done} yet: use the one that it was made of",
            integers.quantized.len()
        ))),
    }
}
