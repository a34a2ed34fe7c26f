//! A session as bytes, from which it goes on elsewhere: on another device, after that one was
//! lost, or in another worker.
//!
//! The worker hands these bytes to the page after each slice of training. If the GPU goes, or
//! memory runs out, that worker is gone with all that it holds; the page then starts another
//! one on the CPU, from here.

use burn::{prelude::Device, tensor::Tensor};
use sapwood_backend::read_all;
use sapwood_core::{Array, ModuleState, Network, State, StateFile, array, tensor_data};
use sapwood_train::{Memory, Recipe, Row};
use serde::{Deserialize, Serialize};

use crate::{Course, Error};

/// What is not a tensor of a course.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    recipe: Recipe,
    iteration: usize,
    curve: Vec<Row>,
    /// Per parameter, how often it was stepped.
    steps: Vec<(String, usize)>,
}

/// Adds a course to a file under a name: weights as `name.net.<path>`, masks beside them, and
/// what the optimiser remembers as `name.memory.<path>.<slot>`.
///
/// # Errors
/// Of reading from the device.
pub(crate) async fn keep<N: Network>(
    course: &Course<N>,
    name: &str,
    file: &mut StateFile,
) -> Result<Record, Error> {
    for (path, value) in State::read(&course.network).await?.0 {
        file.state.0.insert(format!("{name}.net.{path}").into(), value);
    }
    for (path, mask) in &course.masks {
        file.masks.insert(format!("{name}.net.{path}").into(), mask.clone());
    }
    let slots =
        || course.memory.0.iter().flat_map(|(path, slots)| slots.tensors.iter().map(move |s| (path, s)));
    let tensors: Vec<Tensor<1>> = slots().map(|(_, (_, tensor))| tensor.clone()).collect();
    if !tensors.is_empty() {
        for ((path, (slot, _)), value) in slots().zip(read_all(tensors).await?) {
            file.state.0.insert(format!("{name}.memory.{path}.{slot}").into(), array(value)?);
        }
    }
    let steps = course.memory.0.iter().map(|(path, slots)| (path.to_string(), slots.steps)).collect();
    Ok(Record {
        recipe: course.recipe.clone(),
        iteration: course.iteration,
        curve: course.curve.clone(),
        steps,
    })
}

/// The course that was kept under a name, with `network` for its shape.
///
/// # Errors
/// A file of another network.
pub(crate) fn restore<N: Network>(
    network: N,
    name: &str,
    record: Record,
    file: &StateFile,
    device: &Device,
) -> Result<Course<N>, Error> {
    let under = |part: &str| format!("{name}.{part}.");
    let (net, remembered) = (under("net"), under("memory"));
    let mut state = State::default();
    let mut memory = Memory::default();
    for (path, value) in &file.state.0 {
        if let Some(path) = path.as_str().strip_prefix(&net) {
            state.0.insert(path.into(), value.clone());
        } else if let Some(rest) = path.as_str().strip_prefix(&remembered)
            && let Some((path, slot)) = rest.rsplit_once('.')
        {
            let slots = memory.0.entry(path.into()).or_default();
            slots.tensors.insert(slot.into(), flat(value, device));
        }
    }
    for (path, steps) in record.steps {
        memory.0.entry(path.into()).or_default().steps = steps;
    }
    let masks = file
        .masks
        .iter()
        .filter_map(|(path, mask)| Some((path.as_str().strip_prefix(&net)?.into(), mask.clone())));
    Ok(Course {
        network: state.write(network)?,
        masks: masks.collect(),
        memory,
        recipe: record.recipe,
        iteration: record.iteration,
        curve: record.curve,
    })
}

fn flat(value: &Array, device: &Device) -> Tensor<1> {
    let data = tensor_data(value.clone());
    let dtype = data.dtype();
    Tensor::from_data(data, (device, dtype))
}
