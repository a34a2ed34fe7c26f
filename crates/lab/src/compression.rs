//! From a trained network to a small one that is about as good.
//!
//! Channels leave step by step, the least important first, and after each step the network learns again, from labels
//! and from what the network that was given answers (Hinton et al. 2015): iterative pruning of whole channels (Molchanov et
//! al. 2017, section 2). Integers of 8 bits end it. A step that loses more than may be lost, on training examples that
//! are kept back for that, is not taken; half of it is tried in its place. The test split decides nothing.

mod form;
mod integers;
mod page;
mod stage;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use sapwood_backend::Ops;
use sapwood_core::{Observed as _, Source as _, write_atomic};
use sapwood_models::Opened;
use sapwood_prune::{Criteria, Scope};
use sapwood_shrink::Share;
use sapwood_train::Recipe;

use self::{
    form::{Form, Judge},
    page::Page,
    stage::Stage,
};
use crate::{
    Conditions, DataConfig, Error, Evaluate, Outputs, RunFolder, SmallData, TrainConfig, Transfer, lines,
    report::{Report, Table},
    train,
};

/// Once a step would take less than this share of the multiply-accumulates that are left, no other is tried.
const LEAST_STEP: f64 = 0.1;

/// The part of the training examples that is kept back where nothing is said of it, and the most of them.
const KEPT_BACK: usize = 10;
const MOST_KEPT_BACK: usize = 5000;

/// What may be lost, and how a network becomes smaller.
#[derive(Clone, Debug)]
pub struct Compression {
    /// The most points of accuracy that may be lost, on the examples that are kept back.
    pub most_lost: f64,
    /// The share of the multiply-accumulates after which no more leave; without it as many as the loss allows.
    pub macs: Option<Share>,
    /// The share of the multiply-accumulates that are left which leaves in each step.
    pub step: Share,
    /// By which criterion channels are scored: those with the lowest scores leave.
    pub criterion: String,
    /// What stays whole.
    pub scope: Scope,
    /// Whether integers are made in the end.
    pub integers: bool,
    /// What is learnt from.
    pub data: DataConfig,
    /// Which output stands for which class.
    pub outputs: Outputs,
    /// How the network learns after each step.
    pub recipe: Recipe,
    /// The examples of a step of that.
    pub batch_size: usize,
    /// What else helps it to learn. Where it keeps back no number of examples, a tenth is, at most 5,000.
    pub small: SmallData,
    /// The seed of all that is random.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Compressed {
    /// A row for each network that was made, the given one first.
    pub table: Table,
    /// The page.
    pub report: Report,
    /// What became of the network, in a line.
    pub summary: String,
    /// The files that were written.
    pub files: Vec<PathBuf>,
}

impl Compression {
    /// Makes a network smaller for as long as the loss allows, and writes `net.safetensors` and `net.onnx`, and
    /// with integers `net-int8.safetensors` and `net-int8.onnx`.
    ///
    /// Each step is a run below `steps` in the folder, named by what decides it: what was killed goes on, and what was
    /// done once for another loss is not done again.
    ///
    /// # Errors
    /// A loss that is no number from 0 to 100; an unknown criterion; examples that the network does not take, and what
    /// [`train`] refuses.
    pub fn carry_out(
        &self,
        given: Opened,
        folder: &Path,
        criteria: &Criteria,
        conditions: &Conditions<'_>,
    ) -> Result<Compressed, Error> {
        if !(0.0..=100.0).contains(&self.most_lost) {
            let problem = format!("expected points of accuracy from 0 to 100, found {}", self.most_lost);
            return Err(Error::setting("most_lost", problem));
        }
        criteria.find(&self.criterion)?;
        let given = Stage::of(given);
        self.scope.on(&given.net)?;
        let config = self.training(&given, conditions)?;
        let judge = Judge::new(&config, conditions)?;
        let _lock = RunFolder::new(folder).lock()?;
        conditions.datasets.tell(conditions.reporter);
        let mut forms = vec![judge.form("as it came", &given.file()?)?];
        let taken = self.steps(&given, &config, &judge, (folder, criteria), &mut forms)?;
        let mut files = vec![write(folder, "net.safetensors", &taken.file()?)?];
        match taken.onnx() {
            Ok(bytes) => files.push(write(folder, "net.onnx", &bytes)?),
            Err(error) => lines::note(conditions.reporter, format_args!("note: no ONNX file: {error}")),
        }
        // Those of an earlier command may be of another network.
        integers::remove(folder)?;
        if self.integers {
            let lowest = forms[0].kept_back - self.most_lost;
            let (form, written) = integers::made(&taken, &config, &judge, lowest, folder)?;
            forms.extend(form);
            files.extend(written);
        }
        form::time(&mut forms)?;
        let page = Page {
            compression: self,
            forms: &forms,
            layers: [given.net.graph(), taken.net.graph()],
            judge: &judge,
        };
        Ok(Compressed { table: page.table(), report: page.report()?, summary: page.summary(), files })
    }

    /// The network after the last step that was taken.
    fn steps(
        &self,
        given: &Stage,
        config: &TrainConfig,
        judge: &Judge<'_>,
        (folder, criteria): (&Path, &Criteria),
        forms: &mut Vec<Form>,
    ) -> Result<Stage, Error> {
        let conditions = judge.conditions;
        let (mut taken, mut best, mut step) = (given.clone(), 0, self.step.get());
        while LEAST_STEP <= step {
            let share = self.still_to_go(&forms[0], &forms[best]).map_or(step, |left| step.min(left));
            if share <= 0.0 {
                break;
            }
            let Some(smaller) = taken.without(Share::new(share)?, self, criteria, config, conditions)? else {
                lines::note(conditions.reporter, "no more channels can leave");
                break;
            };
            let config = smaller.trained(config)?;
            let run = RunFolder::new(folder.join("steps").join(config.hash()?));
            train(&config, &run, conditions)?;
            let learnt = Stage::of(sapwood_models::open(&run.weights(), None, conditions.device)?);
            let mut form = judge.form(&format!("step {}", forms.len()), &learnt.file()?)?;
            let lost = forms[0].kept_back - form.kept_back;
            form.is_taken = lost <= self.most_lost;
            let is_taken = form.is_taken;
            let change = match lost {
                lost if lost <= 0.0 => format!("{:.2} points better", -lost),
                lost => format!("{lost:.2} points lost of {} that may be", self.most_lost),
            };
            lines::note(
                conditions.reporter,
                format_args!(
                    "step {}: {:.1} % of the multiply-accumulates are left, {change}: {}",
                    forms.len(),
                    100.0 * form.macs as f64 / forms[0].macs.max(1) as f64,
                    if is_taken { "taken" } else { "not taken" },
                ),
            );
            forms.push(form);
            match is_taken {
                true => (taken, best) = (learnt, forms.len() - 1),
                false => step /= 2.0,
            }
        }
        Ok(taken)
    }

    /// The share of what is left that has to leave until what was asked for is gone.
    fn still_to_go(&self, given: &Form, best: &Form) -> Option<f64> {
        let wanted = (1.0 - self.macs?.get()) * given.macs as f64;
        Some(1.0 - wanted / best.macs.max(1) as f64)
    }

    /// How a network learns after a step.
    fn training(&self, given: &Stage, conditions: &Conditions<'_>) -> Result<TrainConfig, Error> {
        let config = TrainConfig {
            model: given.spec.clone(),
            beginning: given.beginning()?,
            data: conditions.datasets.identified(self.data.clone())?,
            outputs: self.outputs,
            batch_size: self.batch_size,
            seed: self.seed,
            recipe: self.recipe.clone(),
            sparse: None,
            quantize: None,
            regulariser: None,
            shared: BTreeSet::new(),
            transfer: Transfer { teacher: Some(given.teacher()?), ..Transfer::default() },
            small: SmallData { hold_out: None, ..self.small },
            evaluate: Evaluate::EveryEpoch,
            order: 0,
            ops: Ops::default(),
        };
        let examples = config.train_source(conditions.datasets, 0)?.examples();
        let usual = (examples / KEPT_BACK).clamp(1, MOST_KEPT_BACK);
        let small = SmallData { hold_out: self.small.hold_out.or(Some(usual)), ..self.small };
        let config = TrainConfig { small, ..config };
        // What a step would refuse is refused before anything is written.
        config.transfer.check(&config, &[])?;
        config.small.check(&config)?;
        config.recipe.clone().plan(config.train_source(conditions.datasets, 0)?.batches())?;
        Ok(config)
    }
}

/// Writes a file in the folder, and tells where it is.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    write_atomic(&path, bytes)?;
    Ok(path)
}
