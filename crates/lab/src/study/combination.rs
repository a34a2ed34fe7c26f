//! One combination of a method's settings.

use sapwood_core::Step;
use sapwood_data::Task;
use sapwood_prune::{Allocation, Criterion, Granularity, Growth, Options, Sparsity};
use sapwood_train::{Distillation, Recipe, Retraining};
use std::num::NonZero;

use super::{
    Control, CutSettings, Distill, During, Method, Pruning, Several, distill,
    limit::{MOST_RUNS, too_many},
};
use crate::{Error, Examples, GradualScore, Quantize, SparseTraining};

/// A method with one value of each setting, but for the sparsity.
#[derive(Clone, Debug)]
pub(super) struct Combination<'a> {
    method: &'a Method,
    cut: Option<CutSettings>,
    at: Step,
    retrain: Retraining,
    control: Control,
    quantize: Option<Quantize>,
    distill: Option<Distillation>,
    /// Whether the dense network comes trained, so that no position lies before its end.
    comes_trained: bool,
    /// Whether the method's name would stand for several of them.
    ambiguous: bool,
}

type Build<'a> = dyn Fn(&str, &Options) -> Result<Box<dyn Criterion>, Error> + 'a;

impl<'a> Combination<'a> {
    /// All of them, in the order of the settings.
    pub(super) fn all(
        method: &'a Method,
        task: Task,
        comes_trained: bool,
        build: impl Fn(&str, &Options) -> Result<Box<dyn Criterion>, Error>,
    ) -> Result<Vec<Self>, Error> {
        let some = |given: &Option<Several<Step>>| given.as_ref().map_or(vec![Step::START], |s| s.0.clone());
        let controls = method.ablation.as_ref().map_or(vec![Control::None], |s| s.0.clone());
        let cuts = cuts(method, task, &build)?;
        let mut ats = some(&method.at);
        let changes = method.during.is_some();
        let only_rounds = method.quantize.is_some() && method.criterion.is_none() && !changes;
        // Masks that change in training begin with it.
        let begins_trained = comes_trained && !changes;
        if method.at.is_none() && (only_rounds || begins_trained) {
            ats = vec![Step::End];
        }
        let retrains = method.retrain.as_ref().map(|s| s.0.as_slice());
        let quantized = method.quantize.as_ref();
        let quantized =
            quantized.map_or(vec![None], |s| s.0.iter().map(|of| Some(Quantize::from(*of))).collect());
        let distills = method.distill.as_ref().map_or(vec![Distill(None)], |s| s.0.clone());
        let retrained = retrains.map_or(1, <[_]>::len);
        let lengths = [cuts.len(), ats.len(), retrained, controls.len(), quantized.len(), distills.len()];
        let count = lengths.iter().fold(1, |count: usize, length| count.saturating_mul(*length));
        if MOST_RUNS < count {
            return Err(too_many("methods", count));
        }
        let ambiguous = cuts.len() * ats.len() * retrained * quantized.len() * distills.len() > 1;
        let mut found = Vec::new();
        for cut in &cuts {
            for &at in &ats {
                for &retrain in retrains.unwrap_or(&[usual(at)]) {
                    let pairs =
                        controls.iter().flat_map(|control| quantized.iter().map(move |q| (control, q)));
                    for (&control, quantize) in pairs {
                        found.extend(distills.iter().map(|Distill(distill)| Self {
                            method,
                            cut: cut.clone(),
                            at,
                            retrain,
                            control,
                            quantize: quantize.clone(),
                            distill: *distill,
                            comes_trained,
                            ambiguous,
                        }));
                    }
                }
            }
        }
        found.iter().try_for_each(Self::check)?;
        Ok(found)
    }

    /// What makes no sense together.
    fn check(&self) -> Result<(), Error> {
        let refuse =
            |problem: &str| Err(Error::setting("methods", format!("method `{}`: {problem}", self.name())));
        let begins_trained = self.comes_trained && self.method.during.is_none();
        if begins_trained && self.at != Step::End {
            return refuse(
                "the dense network comes trained, and has no position before its end: leave `at` out",
            );
        }
        if begins_trained && matches!(self.retrain, Retraining::Init | Retraining::Rewind(_)) {
            return refuse(
                "the dense network comes trained, and has no position to go back to: say `learning-rate` or `fine-tune`, or \
                 leave `retrain` out",
            );
        }
        let whole = Retraining::LearningRate(Step::START);
        let begins_anew = self.retrain.weights() != Step::End || (begins_trained && self.retrain == whole);
        if self.control == Control::Reinit && !begins_anew {
            return refuse("`reinit` draws new initial weights, but its `retrain` goes on with trained ones");
        }
        if let (Some(epochs), Retraining::FineTune { epochs: own }) = (self.method.epochs, self.retrain) {
            return refuse(&format!(
                "`epochs` is {epochs}, and fine-tuning says {own} of its own: leave one of the two out"
            ));
        }
        if self.distill.is_some() && self.quantize.is_some() {
            return refuse(
                "a network that learns with rounding has no teacher: leave `distill` or `quantize` out",
            );
        }
        if self.method.share.is_some() && self.quantize.is_some() {
            return refuse("values that are shared are no integers: leave `share` or `quantize` out");
        }
        if self.method.iterative && self.at != Step::End {
            return refuse("`iterative` scores the trained network of the level before: say `at = \"end\"`");
        }
        if self.method.iterative && !matches!(self.control, Control::None | Control::Reinit) {
            return refuse(
                "`iterative` has no control but `reinit`: one at each level would mean another method",
            );
        }
        if self.method.iterative && self.quantize.is_some() {
            return refuse(
                "`iterative` prunes again what was trained, which integers cannot be: leave `quantize` out",
            );
        }
        let method = self.method;
        if let Granularity::Channel(_) = method.granularity {
            if method.iterative {
                return refuse(
                    "`iterative` counts weights of the whole network, and channels are taken out at each level: \
                     ask for rounds with `iterations`",
                );
            }
            if !matches!(method.allocation, Allocation::Global | Allocation::Uniform) {
                return refuse("channels are spread by the allocation `global` or `uniform`");
            }
        }
        let structured = method.granularity != Granularity::default();
        let unused = [
            ("granularity", structured),
            ("allocation", method.allocation != Allocation::default()),
            ("except", !method.exclude.is_empty()),
            ("iterations", method.iterations.is_some()),
            ("options", !method.options.is_empty()),
            ("examples", method.examples.is_some()),
        ];
        match (&method.during, &self.cut) {
            (Some(During::Gradual { .. }), None)
                if let Some((key, _)) = unused.iter().find(|(_, given)| *given) =>
            {
                refuse(&format!("gradual pruning ranks all single weights of the network: leave `{key}` out"))
            }
            (Some(During::Regrow { .. }), _) if structured => {
                refuse("regrowth exchanges single weights and would break a pattern: leave `granularity` out")
            }
            (Some(During::Gradual { .. }), Some(_)) => {
                refuse("gradual pruning chooses by its own `score`: leave `criterion` out")
            }
            (Some(During::Gradual { .. }), None) if self.control != Control::None => {
                refuse("gradual pruning has no control")
            }
            (Some(_), _) if self.at != Step::START || self.retrain != Retraining::Init => refuse(
                "masks that change in training begin with the initial weights: leave `at` and `retrain` out",
            ),
            (None, None) if self.quantize.is_some() => {
                let mut unused = unused.into_iter().chain([("sparsity", method.sparsity.is_some())]);
                match unused.find_map(|(key, given)| given.then_some(key)) {
                    Some(key) => refuse(&format!("it rounds and prunes nothing: leave `{key}` out")),
                    None if self.control != Control::None => refuse("rounding has no control"),
                    None => Ok(()),
                }
            }
            (None | Some(During::Regrow { .. }), None) => refuse("it has no `criterion`"),
            _ => Ok(()),
        }
    }

    /// What its runs are called.
    pub(super) fn name(&self) -> String {
        let method = self.method;
        if let (Some(name), false) = (&method.name, self.ambiguous) {
            return name.clone();
        }
        let mut text = method.name.as_ref().map_or(String::new(), |name| format!("{name}: "));
        text += &match (&method.during, &self.cut) {
            (Some(During::Gradual { score: GradualScore::Magnitude, .. }), _) => "gradual magnitude".into(),
            (Some(During::Gradual { score: GradualScore::Movement, .. }), _) => "gradual movement".into(),
            (Some(During::Regrow { growth: Growth::Random, .. }), _) => "SET".into(),
            (Some(During::Regrow { growth: Growth::Gradient, .. }), _) => "RigL".into(),
            (None, Some(cut)) if method.iterative => format!("iterative {}", cut.criterion),
            (None, Some(cut)) => cut.criterion.clone(),
            (None, None) => self.quantize.as_ref().map_or_else(String::new, Quantize::name),
        };
        if method.during.is_none() && self.cut.is_some() {
            text += &match self.at {
                Step::START => " at init".to_string(),
                Step::End => " after training".into(),
                step => format!(" at {step}"),
            };
        }
        if self.retrain != usual(self.at) {
            text += &match self.retrain {
                Retraining::Init | Retraining::Rewind(Step::START) => ", rewound to init".to_string(),
                Retraining::Rewind(step) => format!(", rewound to {step}"),
                Retraining::LearningRate(step) => format!(", learning rate from {step}"),
                Retraining::FineTune { epochs } => format!(", fine-tuned for {epochs} epochs"),
            };
        }
        if let Some(cut) = &self.cut
            && let Granularity::Channel(_) = cut.granularity
        {
            text += &format!(", {}", cut.granularity.group_name());
        }
        if let Some(cut) = &self.cut
            && cut.allocation != Allocation::Global
            && method.during.is_none()
        {
            text += &format!(", {}", cut.allocation);
        }
        if let Some(quantize) =
            self.quantize.as_ref().filter(|_| self.cut.is_some() || method.during.is_some())
        {
            text += &format!(", {}", quantize.name());
        }
        if let Some(how) = self.distill {
            text += &format!(", {}", distill::name(how));
        }
        text
    }

    /// All that decides its runs but the sparsity and the control, by which tables tell runs of one name apart.
    pub(super) fn settings(&self) -> Result<serde_json::Value, Error> {
        let all = Pruning { control: Control::None, ..self.levels(&[Sparsity::DENSE])?.swap_remove(0) };
        let mut settings = serde_json::to_value(&all).map_err(Error::unwritable)?;
        settings["iterative"] = self.method.iterative.into();
        Ok(settings)
    }

    /// Whether each of its runs has a twin.
    pub(super) fn has_twins(&self) -> bool {
        self.method.connectivity
    }

    /// Its prunings, one for each sparsity, from the smallest on.
    pub(super) fn levels(&self, sparsities: &[Sparsity]) -> Result<Vec<Pruning>, Error> {
        let sparsities = match self.cut.is_none() && self.method.during.is_none() {
            // It is rounded and keeps all its weights.
            true => vec![Sparsity::DENSE],
            false => ascending(sparsities),
        };
        let pruning = |(level, sparsity): (usize, &Sparsity)| Pruning {
            cut: self.cut.clone(),
            sparsity: *sparsity,
            at: self.at,
            retrain: self.retrain,
            control: self.control,
            after: if self.method.iterative { sparsities[..level].to_vec() } else { Vec::new() },
            during: self.method.during.clone(),
            quantize: self.quantize.clone(),
            epochs: self.method.epochs,
            distill: self.distill,
            order: 0,
        };
        Ok(sparsities.iter().enumerate().map(pruning).collect())
    }
}

/// The sparsities of a method, from the smallest to the largest.
fn ascending(sparsities: &[Sparsity]) -> Vec<Sparsity> {
    let mut sorted = sparsities.to_vec();
    sorted.sort_by(|a, b| a.to_f64().total_cmp(&b.to_f64()));
    sorted.dedup();
    sorted
}

/// How a network is trained again that was pruned at a position, if nothing is said.
fn usual(at: Step) -> Retraining {
    match at {
        Step::START => Retraining::Init,
        Step::End => Retraining::LearningRate(Step::START),
        step => Retraining::Rewind(step),
    }
}

fn cuts(method: &Method, task: Task, build: &Build<'_>) -> Result<Vec<Option<CutSettings>>, Error> {
    let Some(Several(criteria)) = &method.criterion else { return Ok(vec![None]) };
    let cut = |name: &String| {
        let criterion = build(name, &method.options)?;
        let usual = match task {
            Task::Classes(_) => Examples::PerClass(NonZero::new(10).unwrap_or(NonZero::<usize>::MIN)),
            Task::Dense(_) => Examples::Batches {
                number: NonZero::<usize>::MIN,
                size: NonZero::new(128).unwrap_or(NonZero::<usize>::MIN),
            },
        };
        let examples = method.examples.unwrap_or(usual);
        if let (Examples::PerClass(_), Task::Dense(_)) = (examples, task) {
            let problem =
                format!("criterion `{name}`: `per-class` needs a data set with classes: ask for `batches`");
            return Err(Error::setting("methods.examples", problem));
        }
        Ok(Some(CutSettings {
            criterion: name.clone(),
            options: method.options.clone(),
            examples: criterion.needs().examples().then_some(examples),
            allocation: method.allocation.clone(),
            granularity: method.granularity,
            exclude: method.exclude.clone(),
            iterations: method.iterations,
        }))
    };
    criteria.iter().map(cut).collect()
}

impl Pruning {
    /// The positions of the dense run whose weights it needs.
    pub(super) fn of_the_dense_run(&self) -> Vec<Step> {
        let begins = match self.control {
            // New weights take their place.
            Control::Reinit => Step::START,
            _ if self.goes_on() => Step::START,
            _ => self.retrain.weights(),
        };
        let scored = if self.after.is_empty() { self.at } else { Step::START };
        let mut steps = vec![scored, begins];
        steps.retain(|step| *step != Step::START);
        steps.dedup();
        steps
    }

    /// The level before of an iterative pruning: the one whose trained network is scored.
    /// A control has the masks of the method itself, so it begins with levels without one.
    pub(super) fn level_before(&self) -> Option<Self> {
        let (last, before) = self.after.split_last()?;
        Some(Self {
            sparsity: *last,
            control: Control::None,
            after: before.to_vec(),
            order: 0,
            ..self.clone()
        })
    }

    /// Whether it trains the trained network of the level before further, where others of its kind go back to weights of
    /// the dense run.
    pub(super) fn goes_on(&self) -> bool {
        !self.after.is_empty() && self.retrain.weights() == Step::End
    }

    /// The same with the examples in another order.
    pub(super) fn twin(&self) -> Self {
        Self { order: 1, ..self.clone() }
    }

    /// The recipe of its training.
    pub(super) fn recipe(&self, dense: &Recipe, batches: usize) -> Result<Recipe, Error> {
        let dense = Recipe { epochs: self.epochs.unwrap_or(dense.epochs), ..dense.clone() };
        let way = match (self.control, self.retrain) {
            (Control::Reinit, Retraining::Rewind(_)) => Retraining::Init,
            (_, way) => way,
        };
        Ok(way.recipe(&dense, batches)?)
    }

    /// How masks change in its training.
    pub(super) fn sparse_training(&self) -> Option<SparseTraining> {
        let allocation = self.cut.as_ref().map_or(Allocation::Global, |cut| cut.allocation.clone());
        Some(self.during.clone()?.to(self.sparsity, allocation))
    }
}
