//! Small models, trained for twenty steps: beside the CPU.

use sapwood_core::{Batch, ExampleShape, ModuleState as _, Source, SourceError, infos};
use sapwood_models::{Net, Spec};
use sapwood_train::{Hook, HookError, Live, Recipe, Sgd, StepReport, Trainer};
use std::{cell::RefCell, rc::Rc};

use crate::{Findings, On, Outcome, batch, fill};

pub(super) const BATCH_OF_STEPS: usize = 8;
pub(super) const CLASSES: usize = 10;

/// Each kind of small model, with the width and the images that a driver in software manages.
const SMALL: [(&str, f64, [usize; 3]); 4] = [
    ("lenet-300-100", 1.0, [1, 8, 8]),
    ("lenet-5", 0.5, [1, 28, 28]),
    ("conv-2", 0.25, [1, 8, 8]),
    ("resnet-20", 0.25, [3, 8, 8]),
];

const STEPS: usize = 20;

pub(super) async fn twenty_steps_of_small_models_are_the_cpus(on: &On, found: &mut Findings) -> Outcome {
    let cpu = on.cpu().await?;
    for (model, width, input) in SMALL {
        let spec = Spec { width, ..Spec::named(model)? }.fit(input, CLASSES);
        let (here, there) = (losses(&spec, on).await?, losses(&spec, &cpu).await?);
        for (step, (loss, expected)) in here.iter().zip(&there).enumerate() {
            let what = format!("{model}: loss of step {step}");
            found.near(what, &[*loss], &[*expected], on.tolerances.losses);
        }
        let (first, last) = (here[0], here[STEPS - 1]);
        found.holds(format!("{model} learns: from {first} to {last}"), last < first);
    }
    Ok(())
}

async fn losses(spec: &Spec, on: &On) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let net = spec.net(&on.device)?;
    let net = fill(&infos(&net)).write(net)?;
    let losses = Rc::default();
    let source = Again(Steps { shape: spec.input, batch: BATCH_OF_STEPS, steps: STEPS });
    let recipe = Recipe::new(1, Sgd { momentum: 0.9, nesterov: false }, 0.01);
    Trainer::new(recipe, &on.device).hook(Losses(Rc::clone(&losses))).run(net, &source).await?;
    Ok(losses.take())
}

#[derive(Default)]
struct Losses(Rc<RefCell<Vec<f64>>>);

impl Hook<Net> for Losses {
    fn on_step_end(&mut self, step: &StepReport, _: &mut Live<Net>) -> Result<(), HookError> {
        self.0.borrow_mut().push(step.loss);
        Ok(())
    }
}

/// One epoch of batches `input.0`, `input.1`, ...
pub(super) struct Steps {
    pub(super) shape: [usize; 3],
    pub(super) batch: usize,
    pub(super) steps: usize,
}

impl Steps {
    fn batch_of(&self, step: usize) -> Batch {
        let [c, h, w] = self.shape;
        batch(&format!("input.{step}"), &format!("labels.{step}"), [self.batch, c, h, w], CLASSES)
    }
}

impl Source for Steps {
    fn examples(&self) -> usize {
        self.steps * self.batch
    }

    fn batches(&self) -> usize {
        self.steps
    }

    fn shape(&self) -> ExampleShape {
        self.shape.into()
    }

    fn epoch(&self, _epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new((from..self.steps).map(move |step| Ok(self.batch_of(step))))
    }
}

/// Repeats the first batch, because random labels can only be memorised.
pub(super) struct Again(pub(super) Steps);

impl Source for Again {
    fn examples(&self) -> usize {
        self.0.examples()
    }

    fn batches(&self) -> usize {
        self.0.batches()
    }

    fn shape(&self) -> ExampleShape {
        self.0.shape()
    }

    fn epoch(&self, _epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new((from..self.0.steps).map(move |_| Ok(self.0.batch_of(0))))
    }
}
