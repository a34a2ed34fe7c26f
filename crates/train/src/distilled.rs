//! Lessons of a teacher.

use burn::{prelude::Device, tensor::Tensor};
use sapwood_core::{Batch, Layout, Moments, Network, Norm, Output, Pass, Tap, gradients};

use crate::{
    Distillation, Error, Lesson, Objective, StepContext, attention,
    blocks::{Blocks, Kept},
    features,
    shown::{Shown, apart},
};

/// An objective: the labels, and what a teacher answers to the same inputs.
///
/// The teacher is in evaluation mode and has no gradients. What it answers is computed anew in each step, since
/// inputs are augmented.
///
/// ```no_run
/// # fn example<N: sapwood_core::Network>(
/// #     (student, teacher): (N, N),
/// #     recipe: sapwood_train::Recipe,
/// #     train: &dyn sapwood_core::Source,
/// #     device: &burn::prelude::Device,
/// # ) -> Result<(), sapwood_train::Error> {
/// use sapwood_train::{Distilled, Distillation, Trainer};
///
/// let lessons = Distilled::new(Distillation::default(), teacher, device)?;
/// let trained = Trainer::new(recipe, device).objective(lessons).run_blocking(student, train)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Distilled<T> {
    how: Distillation,
    teacher: T,
    ends: Vec<(usize, usize)>,
}

impl<T: Network> Distilled<T> {
    /// Lessons of a teacher.
    ///
    /// # Errors
    /// [`Error::Recipe`] for weights or a temperature that nothing can be learnt with.
    pub fn new(how: Distillation, teacher: T, device: &Device) -> Result<Self, Error> {
        how.check()?;
        Ok(Self { how, teacher: teacher.valid().to_device(&device.clone().inner()), ends: Vec::new() })
    }

    /// The same for [`Distillation::Blocks`], whose blocks end at these nodes of the student's graph and of the teacher's.
    pub fn ending(self, ends: Vec<(usize, usize)>) -> Self {
        Self { ends, ..self }
    }

    /// Refuses a student that this teacher can teach nothing, as seen by some examples: before a run, a step would say it
    /// late.
    ///
    /// # Errors
    /// As for a step.
    pub fn check<N>(&self, student: &N, batch: &Batch, device: &Device) -> Result<(), Error>
    where
        N: Network<Input = T::Input>,
    {
        let device = device.clone().inner();
        let input = || batch.input(&device);
        let student = student.valid();
        match self.how {
            Distillation::Blocks => self.of_blocks(&student, input()?, input()?, Norm::Running).map(|_| ()),
            _ => {
                let (theirs, seen) = self.of_teacher(input()?);
                let (own, _, shown) = self.answers(&student, input()?, Norm::Running);
                alike(&own, &theirs)?;
                self.apart(shown, seen).map(|_| ())
            }
        }
    }

    /// What the teacher answers, and what its layers were shown.
    fn of_teacher(&self, input: T::Input) -> (Tensor<2>, Shown) {
        let (answers, _, shown) = self.answers(&self.teacher, input, Norm::Running);
        (answers, shown)
    }

    /// What a network answers, what its normalisations saw, and, where the loss looks at that, what its layers were shown.
    fn answers<N: Network>(
        &self,
        network: &N,
        input: N::Input,
        norm: Norm,
    ) -> (Tensor<2>, Vec<Moments>, Shown) {
        let mut shown = Shown::default();
        let looks = matches!(self.how, Distillation::At { .. } | Distillation::Features { .. });
        let (answers, moments) = pass(network, input, norm, looks.then_some(&mut shown));
        (answers, moments, shown)
    }

    /// What the layers of both add to the loss.
    fn apart(&self, own: Shown, theirs: Shown) -> Result<Option<Tensor<1>>, Error> {
        let (distance, weight): (fn(_, _) -> _, _) = match self.how {
            Distillation::At { weight } => (attention::distance, weight),
            Distillation::Features { weight } => (features::unexplained, weight),
            Distillation::Kd { .. } | Distillation::Dkd { .. } | Distillation::Blocks => return Ok(None),
        };
        Ok(Some(apart(own, theirs, distance)? * weight))
    }

    /// The sum of the distances of all blocks, and what the student's normalisations saw. Both inputs are the same, the
    /// student's on its device.
    fn of_blocks<N: Network<Input = T::Input>>(
        &self,
        student: &N,
        own: N::Input,
        theirs: T::Input,
        norm: Norm,
    ) -> Result<(Tensor<1>, Vec<Moments>), Error> {
        let wanted = self.ends.iter().map(|(_, theirs)| *theirs).collect();
        let mut kept = Kept { wanted, ..Kept::default() };
        pass(&self.teacher, theirs, Norm::Running, Some(&mut kept));
        let on_tape = |value: Tensor<4>| if norm == Norm::Batch { value.autodiff() } else { value };
        let ends = self.ends.iter();
        let given = ends.filter_map(|(own, theirs)| Some((*own, on_tape(kept.values.get(theirs)?.clone()))));
        let mut blocks = Blocks { theirs: given.collect(), apart: Vec::new() };
        let (_, moments) = pass(student, own, norm, Some(&mut blocks));
        // Of several blocks the answers alone are alike: that is no learning block by block.
        if blocks.apart.len() < self.ends.len().min(2) {
            return Err(Error::NothingAlike);
        }
        let sum = blocks.apart.into_iter().reduce(|sum, next| sum + next);
        Ok((sum.ok_or(Error::NothingAlike)?, moments))
    }
}

impl<N: Network, T: Network<Input = N::Input>> Objective<N> for Distilled<T> {
    fn teach(&mut self, network: &N, batch: &Batch, at: &StepContext<'_>) -> Result<Lesson, Error> {
        let (own, theirs) = (batch.input(&at.device.clone().autodiff())?, batch.input(at.device)?);
        let (loss, moments) = match self.how {
            Distillation::Blocks => self.of_blocks(network, own, theirs, Norm::Batch)?,
            _ => {
                let (teacher, seen) = self.of_teacher(theirs);
                let (student, moments, shown) = self.answers(network, own, Norm::Batch);
                alike(&student, &teacher)?;
                let progress = at.iteration as f64 / at.plan.length.per_epoch as f64;
                let smoothing = at.plan.recipe.label_smoothing;
                let answers =
                    self.how.loss(student, teacher.autodiff(), batch.target(), (smoothing, progress))?;
                let loss = match self.apart(shown, seen.autodiff())? {
                    Some(apart) => answers + apart,
                    None => answers,
                };
                (loss, moments)
            }
        };
        let value = loss.clone().inner();
        let gradients = gradients(network, loss, Layout::Stored);
        Ok(Lesson { loss: value, gradients, moments })
    }
}

/// Refuses answers of different shapes.
fn alike(student: &Tensor<2>, teacher: &Tensor<2>) -> Result<(), Error> {
    let (own, theirs) = (student.dims(), teacher.dims());
    let problem = format!("the teacher answers {theirs:?} (examples, classes), the student {own:?}");
    if own == theirs { Ok(()) } else { Err(sapwood_core::Error::Target(problem).into()) }
}

/// What a network answers, and what its normalisations saw.
fn pass<N: Network>(
    network: &N,
    input: N::Input,
    norm: Norm,
    tap: Option<&mut impl Tap>,
) -> (Tensor<2>, Vec<Moments>) {
    let mut pass = Pass::new(norm);
    match tap {
        None => (network.forward(input, &mut pass).rows(), pass.into_moments()),
        Some(tap) => {
            let mut pass = pass.with_tap(tap);
            (network.forward(input, &mut pass).rows(), pass.into_moments())
        }
    }
}
