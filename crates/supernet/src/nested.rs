//! What several sub-networks learn of one batch.

use burn::{module::Module, tensor::Tensor};
use sapwood_backend::{Seed, ordered};
use sapwood_core::{Batch, Gradients, Layout, Moments, Network, Pass, Role, gradients, loss};
use sapwood_search::Genome;
use sapwood_train::{Error as TrainError, Lesson, Objective, StepContext};

use crate::{Distillation, Error, Opened, Rule, Subnet, Supernet, subnet::Values};

/// Trains sub-networks that are drawn anew for each batch. Each is run forwards and backwards
/// by itself, as a network of its own size; their gradients are summed, not averaged, and one
/// step is made with the sum (Cai et al. 2020, appendix B). The loss that is told is their mean.
#[derive(Debug)]
pub struct Nested {
    /// Which sub-networks there are.
    pub opened: Opened,
    /// Which of them learn from a batch.
    pub rule: Rule,
    /// What they learn from [the teacher](Nested::teacher), if they have one.
    pub distillation: Distillation,
    /// A supernet whose largest network was trained alone: its outputs are learnt from as well. It
    /// is run in evaluation; the reference runs it in training mode, so that its statistics drift.
    pub teacher: Option<Supernet>,
    /// The seed of the draws.
    pub seed: Seed,
}

/// What one sub-network should give.
struct Goal<'a> {
    batch: &'a Batch,
    smoothing: f64,
    /// The labels, unless outputs are all that is learnt from.
    labels: bool,
    /// The outputs of a larger network.
    outputs: Option<Tensor<2>>,
    distillation: Distillation,
}

impl Nested {
    /// What these sub-networks learn of a batch.
    ///
    /// # Errors
    /// Genomes of another space, and targets that do not fit.
    pub fn lesson(
        &self,
        supernet: &Supernet,
        genomes: &[Genome],
        batch: &Batch,
        at: &StepContext<'_>,
    ) -> Result<Lesson, Error> {
        if genomes.is_empty() {
            return Err(Error::Learning("there is no sub-network to learn".into()));
        }
        let values = supernet.values();
        let mut whole = zeros(&values);
        let (mut losses, mut moments) = (Vec::new(), Vec::new());
        let images: Tensor<4> = batch.input(at.device)?;
        let sandwich = matches!(self.rule, Rule::Sandwich { .. });
        let mut outputs = self.taught(&images, genomes)?;
        for (number, genome) in genomes.iter().enumerate() {
            let goal = Goal {
                batch,
                smoothing: at.plan.recipe.label_smoothing,
                labels: !sandwich || number == 0,
                outputs: outputs.clone(),
                distillation: self.distillation,
            };
            let subnet = Subnet::cut(supernet.family(), genome, &values)?;
            let learnt = goal.learn(subnet, &images, &mut whole)?;
            losses.push(learnt.loss);
            moments.extend(learnt.moments);
            if sandwich && number == 0 {
                outputs = Some(learnt.logits);
            }
        }
        let loss = ordered::mean(Tensor::cat(losses, 0));
        Ok(Lesson { loss, gradients: whole, moments })
    }

    /// What the teacher says to these images, in the resolution of the sub-networks.
    fn taught(&self, images: &Tensor<4>, genomes: &[Genome]) -> Result<Option<Tensor<2>>, Error> {
        let (Some(teacher), Some(genome)) = (&self.teacher, genomes.first()) else { return Ok(None) };
        let largest = self.opened.like(teacher.family().space(), genome)?;
        let network = teacher.subnet(&largest)?.uncalibrated();
        Ok(Some(network.forward(images.clone(), &mut Pass::evaluate())))
    }
}

struct Learnt {
    loss: Tensor<1>,
    logits: Tensor<2>,
    moments: Vec<Moments>,
}

impl Goal<'_> {
    /// Runs a sub-network forwards and backwards, and adds its gradients to the whole's.
    fn learn(&self, subnet: Subnet, images: &Tensor<4>, whole: &mut Gradients) -> Result<Learnt, Error> {
        let network = subnet.net.clone().train();
        let mut pass = Pass::train();
        let logits = network.forward(images.clone().autodiff(), &mut pass);
        let found = logits.clone().inner();
        let mut terms = Vec::new();
        if self.labels {
            terms.push(loss(logits.clone(), self.batch.target(), self.smoothing)?);
        }
        if let Some(outputs) = &self.outputs {
            let teacher = outputs.clone().autodiff();
            terms.push(self.distillation.distance.between(logits, teacher) * self.distillation.weight);
        }
        let loss = terms.into_iter().reduce(|sum, term| sum + term);
        let loss = loss.ok_or_else(|| Error::Learning("there is neither a label nor a teacher".into()))?;
        let value = loss.clone().inner();
        subnet.spread(gradients(&network, loss, Layout::Stored), whole);
        Ok(Learnt { loss: value, logits: found, moments: pass.into_moments() })
    }
}

impl Objective<Supernet> for Nested {
    fn teach(
        &mut self,
        network: &Supernet,
        batch: &Batch,
        at: &StepContext<'_>,
    ) -> Result<Lesson, TrainError> {
        let space = network.family().space();
        let genomes = self.rule.genomes(&self.opened, space, self.seed, at.iteration);
        let lesson = genomes.and_then(|genomes| self.lesson(network, &genomes, batch, at));
        lesson.map_err(|error| TrainError::Objective(error.into()))
    }
}

/// No gradient, for each parameter. All are there: what no sub-network of a step has is
/// decayed and carried on by its momentum all the same, as in the reference.
fn zeros(values: &Values) -> Gradients {
    let trained = values.values().filter(|(info, _)| info.role != Role::Buffer);
    trained.map(|(info, value)| (info.path.clone(), value.zeros_like())).collect()
}
