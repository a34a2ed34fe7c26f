//! Training moves weights as PyTorch does.

use std::{cell::RefCell, rc::Rc};

use burn::tensor::Tensor;
use sapwood_backend::read_all;
use sapwood_core::{Gradients, ModuleState, State, infos};
use sapwood_models::{Net, Spec};
use sapwood_train::{AdamW, Hook, HookError, Live, Optimizer, Recipe, Sgd, StepReport, Trainer};

use super::steps::{BATCH_OF_STEPS, CLASSES, Steps};
use crate::{Findings, On, Outcome, Series, Workload, fill, training};

pub(super) async fn steps_of_sgd_and_adamw_are_pytorchs(on: &On, found: &mut Findings) -> Outcome {
    for series in training() {
        agrees(&series, on, found).await?;
    }
    Ok(())
}

async fn agrees(series: &Series, on: &On, found: &mut Findings) -> Outcome {
    let (what, room) = (&series.id, on.tolerances);
    // A driver in software takes seconds a step, and the first ones tell most.
    let steps = if on.workload == Workload::Smallest { 3 } else { series.losses.len() };
    let spec = Spec::named(&series.model)?.fit(series.input, CLASSES);
    let net = spec.net(&on.device)?;
    let net = fill(&infos(&net)).write(net)?;

    let seen = Rc::new(RefCell::new(Seen::default()));
    let source = Steps { shape: series.input, batch: BATCH_OF_STEPS, steps };
    let trainer = Trainer::new(recipe(series), &on.device).hook(Look(Rc::clone(&seen)));
    let trained = trainer.run(net, &source).await?;

    let seen = seen.take();
    let (paths, squares): (Vec<String>, Vec<_>) = seen.squares.into_iter().unzip();
    let squares = read_all(squares).await?;
    for (path, squares) in paths.iter().zip(squares) {
        let Some(expected) = series.first_gradient_norms.get(path.as_str()) else { continue };
        let norm = squares.iter::<f64>().sum::<f64>().sqrt();
        let tolerance = if series.model == "resnet-20" { room.deep_gradients } else { room.gradients };
        found.near(format!("{what}: norm of the first gradient of {path}"), &[norm], &[*expected], tolerance);
    }
    for (step, (loss, expected)) in seen.losses.iter().zip(&series.losses).enumerate() {
        found.near(format!("{what}: loss of step {step}"), &[*loss], &[*expected], room.losses);
    }
    if steps < series.losses.len() {
        return Ok(());
    }
    let state = State::read(&trained.network).await?;
    for (path, expected) in &series.running {
        let values: Vec<f64> = state.0[path.as_str()].iter().collect();
        found.near(format!("{what}: {path}"), &values, expected, room.outputs);
    }
    let of_weights = room.weights_of(&series.model, &series.optimizer);
    for (path, expected) in series.parameter_norms.iter().chain(&series.running_norms) {
        let squares: f64 = state.0[path.as_str()].iter::<f64>().map(|x| x * x).sum();
        let tolerance = if path.contains("running_") { room.outputs } else { of_weights };
        found.near(format!("{what}: norm of {path}"), &[squares.sqrt()], &[*expected], tolerance);
    }
    Ok(())
}

fn recipe(series: &Series) -> Recipe {
    let options = &series.options;
    let optimizer: Optimizer = match series.optimizer.as_str() {
        "sgd" => Sgd { momentum: options.momentum, nesterov: options.nesterov }.into(),
        _ => AdamW { betas: options.betas, epsilon: options.eps }.into(),
    };
    Recipe { weight_decay: options.weight_decay, ..Recipe::new(1, optimizer, options.lr) }
}

#[derive(Default)]
struct Seen {
    losses: Vec<f64>,
    /// The sums of the squares of the first gradients, not read yet.
    squares: Vec<(String, Tensor<1>)>,
}

struct Look(Rc<RefCell<Seen>>);

impl Hook<Net> for Look {
    fn on_gradients(
        &mut self,
        step: &StepReport,
        gradients: &mut Gradients,
        _: &Live<Net>,
    ) -> Result<(), HookError> {
        let mut seen = self.0.borrow_mut();
        seen.losses.push(step.loss);
        if step.iteration == 0 {
            let squares =
                gradients.iter().map(|(path, value)| (path.to_string(), value.clone().square().sum()));
            seen.squares = squares.collect();
        }
        Ok(())
    }
}
