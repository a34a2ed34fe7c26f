//! Masks that change in training, on the command line.

use clap::{Args, ValueEnum};
use sapwood_core::Step;
use sapwood_lab::Error as Lab;
use sapwood_prune::{Allocation, Anneal, Error as Prune, Growth, Sparsity};
use sapwood_sparse::{Error as Changing, GradualScore, SparseTraining};
use sapwood_train::Plan;

use crate::Error;

/// Options of `train` under which masks change.
#[derive(Args)]
pub(super) struct Sparse {
    /// Prune while training, by a cubic schedule, to this sparsity
    #[arg(long, value_name = "SPARSITY", conflicts_with = "regrow")]
    gradual: Option<Sparsity>,
    /// What goes first [default: magnitude]
    #[arg(long, value_enum, requires = "gradual")]
    gradual_score: Option<ScoreName>,
    /// How the rest is spread over the layers [default: global]
    #[arg(long, value_name = "ALLOCATION", requires = "gradual")]
    gradual_allocation: Option<Allocation>,
    /// Exchange single weights of a network that was pruned, while it is trained: at random
    /// (set), or for those with the largest gradients (rigl); a pattern such as 2:4 is not kept
    #[arg(long, value_enum)]
    regrow: Option<GrowthName>,
    /// The fraction of the weights that is exchanged at first; it falls along a cosine
    /// [default: 0.3]
    #[arg(long, requires = "regrow")]
    regrow_fraction: Option<f64>,
    /// Where masks begin to change with `--gradual` [default: where training starts]
    #[arg(long, value_name = "STEP", requires = "gradual")]
    masks_from_step: Option<Step>,
    /// Where masks have changed for the last time [default: 3/4 of the epochs, rounded up;
    /// if training is over by then, 3/4 of its iterations]
    #[arg(long, value_name = "STEP")]
    masks_until: Option<Step>,
    /// How far changes are apart [default: 100it]
    #[arg(long, value_name = "STEP")]
    masks_every: Option<Step>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScoreName {
    Magnitude,
    Movement,
}

#[derive(Clone, Copy, ValueEnum)]
enum GrowthName {
    Set,
    Rigl,
}

impl Sparse {
    /// What was asked for, in a run of the plan that is made if it is wanted.
    pub(super) fn training(
        &self,
        plan: impl FnOnce() -> Result<Plan, Error>,
    ) -> Result<Option<SparseTraining>, Error> {
        if self.gradual.is_none() && self.regrow.is_none() {
            return match self.masks_until.or(self.masks_every) {
                None => Ok(None),
                Some(_) => {
                    let problem = "`--masks-until` and `--masks-every` belong to `--gradual` or `--regrow`: add one, or leave them out";
                    Err(Error::Usage(problem.into()))
                }
            };
        }
        let plan = plan()?;
        let begin = self.masks_from_step.unwrap_or(plan.recipe.start_at);
        let until = self.masks_until.unwrap_or_else(|| usual_end(&plan, begin, self.gradual.is_some()));
        let every = self.masks_every.unwrap_or(Step::At { epochs: 0, iterations: 100 });
        Ok(match (self.gradual, self.regrow) {
            (Some(target), _) => Some(SparseTraining::Gradual {
                score: match self.gradual_score {
                    Some(ScoreName::Movement) => GradualScore::Movement,
                    _ => GradualScore::Magnitude,
                },
                target,
                allocation: self.gradual_allocation.clone().unwrap_or_default(),
                begin,
                end: until,
                every,
            }),
            (None, Some(growth)) => Some(SparseTraining::Regrow {
                growth: match growth {
                    GrowthName::Set => Growth::Random,
                    GrowthName::Rigl => Growth::Gradient,
                },
                fraction: self.regrow_fraction.unwrap_or(0.3),
                anneal: Anneal::Cosine,
                until,
                every,
            }),
            (None, None) => None,
        })
    }
}

/// The error with the option that says what a run cannot keep.
pub(super) fn by_option(error: Error) -> Error {
    let Error::Lab(Lab::Sparse(Changing::Prune(Prune::Schedule { field, expected, found }))) = &error else {
        return error;
    };
    let option = match *field {
        "begin of the gradual pruning" => "--masks-from-step",
        "end of the gradual pruning" | "end of regrowth" => "--masks-until",
        "interval of the gradual pruning" | "interval of regrowth" => "--masks-every",
        "target of the gradual pruning" => "--gradual",
        "regrown fraction" => "--regrow-fraction",
        _ => return error,
    };
    Error::Usage(format!("`{option}` must be {expected}, but it is {found}"))
}

/// The end of three quarters of the epochs; or of three quarters of the iterations that are left, where training
/// is over by then or has not begun. After the last pruning there is at least one step.
fn usual_end(plan: &Plan, begin: Step, pruning: bool) -> Step {
    let Plan { length, until, recipe, .. } = plan;
    let at = |step: Step| step.iterations(length.per_epoch, *until);
    let (begin, latest) = (at(begin), until - usize::from(pruning && 0 < *until));
    let usual = Step::At { epochs: recipe.epochs - recipe.epochs / 4, iterations: 0 };
    if (begin + 1..=latest).contains(&at(usual)) {
        return usual;
    }
    let left = until.saturating_sub(begin);
    let end = (begin + (3 * left + 2) / 4).min(latest);
    Step::At { epochs: end / length.per_epoch, iterations: end % length.per_epoch }
}
