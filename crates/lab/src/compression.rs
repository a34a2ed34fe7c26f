//! From a trained network to a small one that is about as good.
//!
//! Channels leave step by step, the least important first, and after each step the network learns again, from labels
//! and from what the network that was given answers (Hinton et al. 2015): iterative pruning of whole channels (Molchanov et
//! al. 2017, section 2). Then the running statistics of batch normalisation are taken anew, of training images. Integers of
//! 8 bits end it. A step that loses more than may be lost is not taken, and half of it is tried in its place. That is decided by one half of the test split, and what is told is of the other half; or, where
//! training examples are kept back, by these, and the whole test split tells.

mod form;
mod integers;
mod page;
mod stage;

use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use sapwood_backend::Ops;
use sapwood_core::{Observed as _, write_atomic};
use sapwood_models::Opened;
use sapwood_prune::{Criteria, Scope};
use sapwood_shrink::Share;
use sapwood_train::Recipe;
use serde_json::json;

use self::{
    form::{Form, Judge},
    page::Page,
    stage::Stage,
};
use crate::{
    Conditions, DataConfig, Error, Evaluate, Outputs, RunFolder, SmallData, TrainConfig, Transfer, digest,
    lines,
    report::{Report, Table},
    train,
};

/// Points of accuracy that are less than one example, whatever the number of these, and more than numbers are rounded by.
const ROUNDING: f64 = 1e-9;

/// The network in numbers, as ONNX.
const ONNX: &str = "net.onnx";

/// The page, which whoever asks writes beside the networks.
const REPORT: &str = "report.html";

/// What may be lost, and how a network becomes smaller.
#[derive(Clone, Debug)]
pub struct Compression {
    /// The most points of accuracy that may be lost, on the examples that decide.
    pub most_lost: f64,
    /// The share of the multiply-accumulates after which no more channels leave; without it channels leave for
    /// as long as no more points are lost than may be.
    pub macs: Option<Share>,
    /// The most milliseconds for one example, as the runtime takes them on one thread here, after which no more leave.
    pub milliseconds: Option<f64>,
    /// The share of the multiply-accumulates that are left which leaves in each step.
    pub step: Share,
    /// By which criterion channels are scored, once in each step: those with the lowest scores leave. The steps are its
    /// rounds, however many are customary for it.
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
    /// What else helps it to learn. Where training examples are kept back, they decide: a network that was trained on
    /// them answers them better than new ones, and so seems to lose more than it does.
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
    /// Makes a network smaller for as long as it loses no more than it may, and writes `net.safetensors` and `net.onnx`,
    /// and with integers `net-int8.safetensors` and `net-int8.onnx`.
    ///
    /// Each step is a run below `steps` in the folder, named by what decides it: what was killed goes on, and a step that
    /// was done once is not done again where more or less may be lost.
    ///
    /// # Errors
    /// What may be lost is no number from 0 to 100; an unknown criterion; examples that the network does not take, and what
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
        if self.milliseconds.is_some_and(|most| !(most.is_finite() && 0.0 < most)) {
            return Err(Error::setting("milliseconds", "expected a number of milliseconds above 0"));
        }
        let given = Stage::of(given);
        given.scored(self, criteria)?;
        let config = self.training(&given, conditions)?;
        let judge = Judge::new(&config, conditions)?;
        // What a step would refuse is refused before anything is written, and so are files of other commands.
        config.prepared(conditions.datasets, conditions.device, &[])?;
        let run = RunFolder::new(folder);
        run.check_free(
            ["net.safetensors", ONNX, integers::FILE, integers::ONNX, REPORT].map(|name| folder.join(name)),
        )?;
        conditions.datasets.tell(conditions.reporter);
        let [deciding, _] = judge.examples();
        let one = 100.0 / deciding as f64;
        if self.most_lost < one {
            lines::note(
                conditions.reporter,
                format_args!(
                    "note: one of the {deciding} examples that decide is {one:.2} points, more than the {} that may be lost",
                    self.most_lost
                ),
            );
        }
        let mut forms = vec![judge.form("as it came", &given.file()?)?];
        // A time that cannot be told is refused before anything is written.
        self.is_fast(&forms[0])?;
        let _lock = run.lock()?;
        // The files of another network would be written over.
        run.claim(&json!({ "network": digest(&given.file()?) }))?;
        let taken = self.steps(&given, &config, &judge, (folder, criteria), &mut forms)?;
        let mut files = vec![write(folder, "net.safetensors", &taken.file()?)?];
        // Those of an earlier command may be of another network.
        remove(folder, &[ONNX, integers::FILE, integers::ONNX])?;
        match taken.onnx() {
            Ok(bytes) => files.push(write(folder, ONNX, &bytes)?),
            Err(error) => lines::note(conditions.reporter, format_args!("note: no ONNX file: {error}")),
        }
        if self.integers {
            let is_enough = |form: &Form| self.allows(&forms[0], form);
            let (form, written) = integers::made(&taken, &config, &judge, is_enough, folder)?;
            forms.extend(form);
            files.extend(written);
        }
        form::time(&mut forms)?;
        let last = forms.iter().rfind(|form| form.is_taken).and_then(|form| form.milliseconds);
        if let (Some(most), Some(found)) =
            (self.milliseconds, last.filter(|found| self.milliseconds < Some(*found)))
        {
            lines::note(
                conditions.reporter,
                format_args!("note: {most} ms were asked for, {found:.3} are taken"),
            );
        }
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
        let (mut taken, mut best, mut step, mut refused) = (given.clone(), 0, self.step.get(), 0);
        // Of a step that is not taken half is tried, and of that no less.
        while refused < 2 {
            let share = self.still_to_go(&forms[0], &forms[best]).map_or(step, |left| step.min(left));
            if share <= 0.0 || self.is_fast(&forms[best])? {
                break;
            }
            let smaller = match taken.without(Share::new(share)?, self, (criteria, config, judge))? {
                Ok(smaller) => smaller,
                Err(why) => {
                    lines::note(conditions.reporter, why);
                    (step, refused) = (share / 2.0, refused + 1);
                    continue;
                }
            };
            let config = smaller.trained(config)?;
            let run = RunFolder::new(folder.join("steps").join(config.hash()?));
            train(&config, &run, conditions)?;
            let learnt = Stage::of(sapwood_models::open(&run.weights(), None, conditions.device)?)
                .with_new_statistics(&config, conditions)?;
            let mut form = judge.form(&format!("step {}", forms.len()), &learnt.file()?)?;
            let lost = forms[0].deciding - form.deciding;
            form.is_taken = self.allows(&forms[0], &form);
            let is_taken = form.is_taken;
            let change = match lost {
                lost if lost <= 0.0 => format!("{:.2} points better", 0.0 - lost),
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
                false => (step, refused) = (share / 2.0, refused + 1),
            }
        }
        if let Some(left) = self.still_to_go(&forms[0], &forms[best]).filter(|left| 0.0 < *left) {
            let (asked, more) = (100.0 * self.macs.map_or(0.0, Share::get), 100.0 * left);
            lines::note(
                conditions.reporter,
                format_args!(
                    "note: {asked:.1} % of the multiply-accumulates were to leave; of those that are left {more:.1} % more would \
                     have to"
                ),
            );
        }
        Ok(taken)
    }

    /// Whether a network loses no more than it may.
    fn allows(&self, given: &Form, form: &Form) -> bool {
        is_within(given.deciding - form.deciding, self.most_lost)
    }

    /// Whether a network takes no more than the time that was asked for.
    fn is_fast(&self, form: &Form) -> Result<bool, Error> {
        let Some(most) = self.milliseconds else { return Ok(false) };
        match form.timed()? {
            Some(found) => Ok(found <= most),
            None => Err(Error::setting(
                "milliseconds",
                "the runtime has no kernel for some of the network's layers, so its time cannot be told: leave it out",
            )),
        }
    }

    /// The share of what is left that has to leave until what was asked for is gone.
    fn still_to_go(&self, given: &Form, best: &Form) -> Option<f64> {
        let wanted = (1.0 - self.macs?.get()) * given.macs as f64;
        Some(1.0 - wanted / best.macs.max(1) as f64)
    }

    /// How a network learns after a step.
    fn training(&self, given: &Stage, conditions: &Conditions<'_>) -> Result<TrainConfig, Error> {
        Ok(TrainConfig {
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
            small: self.small,
            evaluate: Evaluate::AtEnd,
            order: 0,
            ops: Ops::default(),
        })
    }
}

/// Whether points that were lost are no more than may be. Shares of the same examples differ by whole examples, but for
/// the rounding of their numbers.
fn is_within(lost: f64, most: f64) -> bool {
    lost <= most + ROUNDING
}

/// Removes files from the folder, where they are there.
fn remove(folder: &Path, names: &[&str]) -> Result<(), Error> {
    for path in names.iter().map(|name| folder.join(name)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::file("remove", path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a file in the folder, and tells where it is.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    write_atomic(&path, bytes)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_may_be_lost_may_be() {
        for examples in [100u32, 180, 5000] {
            let share = |right: u32| 100.0 * (f64::from(right) / f64::from(examples));
            for right in 2..=examples {
                let one = 100.0 / f64::from(examples);
                assert!(is_within(share(right) - share(right - 1), one), "{right} of {examples}");
                assert!(!is_within(share(right) - share(right - 2), one), "{right} of {examples}");
            }
        }
    }
}
