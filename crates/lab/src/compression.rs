//! From a trained network to a small one that is about as good.
//!
//! Channels leave step by step, the least important first, and after each step the network learns again, from labels
//! and from what the network that was given answers (Hinton et al. 2015): iterative pruning of whole channels (Molchanov et
//! al. 2017, section 2). Then the running statistics of batch normalisation are taken anew, of training images. Integers of
//! 8 bits end it; where they take longer than the numbers that they were made of, and a time was asked for or they are no
//! smaller, they are written but are not the result. A step that loses more than may be lost is not taken, and half of it is tried in its place. That is
//! decided by one half of the test split, and what is told is of the other half; or, where training examples are kept back, by
//! these, and the whole test split tells.

mod files;
mod form;
mod integers;
mod outcome;
mod pace;
mod page;
mod plan;
mod stage;
mod steps;
mod verdict;

pub use outcome::Measured;
pub use plan::Planned;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use sapwood_backend::Ops;
use sapwood_core::Observed as _;
use sapwood_models::Opened;
use sapwood_prune::{Criteria, Scope};
use sapwood_shrink::Share;
use sapwood_train::Recipe;
use serde::Serialize;
use serde_json::{Value, json};

use self::{
    files::{remove, write},
    form::{Form, Judge},
    page::Page,
    stage::Stage,
};
use crate::{
    Conditions, DataConfig, Error, Evaluate, Outputs, RunFolder, SmallData, TrainConfig, Transfer, digest,
    lines,
    report::{Report, Table},
    run::Prepared,
};

/// Points of accuracy that are less than one example, whatever the number of these, and more than numbers are rounded by.
const ROUNDING: f64 = 1e-9;

/// What tables call the network that is given.
const GIVEN: &str = "as it came";

/// What may be lost, and how a network becomes smaller.
#[derive(Clone, Debug)]
pub struct Compression {
    /// The file of the network that is given. `config.json` names it, for the error that another network in the same folder gets.
    pub file: PathBuf,
    /// The most points of accuracy that may be lost, on the examples that decide.
    pub most_lost: f64,
    /// The share of the multiply-accumulates after which no more channels leave; without it channels leave for
    /// as long as no more points are lost than may be.
    pub macs: Option<Share>,
    /// The most milliseconds for one example, as the runtime takes them here, after which no more leave.
    pub milliseconds: Option<f64>,
    /// The threads on which an example is timed.
    pub threads: usize,
    /// The share of the multiply-accumulates that are left which leaves in each step.
    pub step: Share,
    /// What the channels that stay are a multiple of, where there are that many.
    pub round_to: usize,
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

/// What came of it. Written down, it is numbers alone.
#[derive(Clone, Debug, Serialize)]
pub struct Compressed {
    /// What became of the network, in a line.
    pub summary: String,
    /// What the data set is called.
    pub data: String,
    /// The number of examples that decided what was taken.
    pub deciding_examples: usize,
    /// The number of examples that all were tested with.
    pub test_examples: usize,
    /// The most points that may be lost.
    pub most_lost: f64,
    /// The share of the multiply-accumulates that was to leave, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macs: Option<f64>,
    /// The most milliseconds that an example was to take, where some were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<f64>,
    /// The threads of all times.
    pub threads: usize,
    /// The networks that were made, the given one first.
    pub networks: Vec<Measured>,
    /// The name of the one that is the result.
    pub result: String,
    /// The file of it.
    pub result_file: &'static str,
    /// A row for each network.
    #[serde(skip)]
    pub table: Table,
    /// The page.
    #[serde(skip)]
    pub report: Report,
    /// The files that were written.
    #[serde(skip)]
    pub files: Vec<PathBuf>,
}

/// What is known once nothing is refused any more, and nothing is written yet.
struct Begun<'a> {
    given: Stage,
    /// Where it lies.
    file: String,
    /// How it learns after a step.
    config: TrainConfig,
    judge: Judge<'a>,
    /// What is to be said of the trainings of all steps.
    notes: Vec<String>,
}

impl Compression {
    /// Makes a network smaller for as long as it loses no more than it may, and writes `net.safetensors` and `net.onnx`,
    /// and with integers `net-int8.safetensors` and `net-int8.onnx`.
    ///
    /// Each step is a run below `steps` in the folder, named by what decides it: what was killed goes on, and a step that
    /// was done once is not done again where more or less may be lost.
    ///
    /// # Errors
    /// What may be lost is no number from 0 to 100; an unknown criterion; examples that the network does not take; threads
    /// that the system does not have, and what [`train`](crate::train) refuses.
    pub fn carry_out(
        &self,
        given: Opened,
        folder: &Path,
        criteria: &Criteria,
        conditions: &Conditions<'_>,
    ) -> Result<Compressed, Error> {
        // What a step would refuse is refused before anything is written, and so are files of other commands.
        let (begun, _) = self.begin(given, criteria, conditions)?;
        begun.check_folder(folder)?;
        begun.tell(self);
        let Begun { given, config, judge, .. } = &begun;
        let mut forms = vec![judge.form(GIVEN, &given.file()?)?];
        // Threads that the system does not have and a time that cannot be told are refused before anything is written.
        forms[0].check_threads()?;
        self.is_fast(&forms[0])?;
        let run = RunFolder::new(folder);
        let _lock = run.lock()?;
        // The files of another network would be written over.
        begun.claim(&run)?;
        let taken = self.steps(&begun, (folder, criteria), &mut forms)?;
        // Those of an earlier command may be of another network, and the page is written last.
        remove(folder, &[files::ONNX, files::INTEGERS, files::INTEGERS_ONNX, files::REPORT])?;
        let mut files = vec![write(folder, files::NET, &taken.file()?)?];
        match taken.onnx() {
            Ok(bytes) => files.push(write(folder, files::ONNX, &bytes)?),
            Err(error) => lines::note(conditions.reporter, format_args!("note: no ONNX file: {error}")),
        }
        if self.integers {
            let is_enough = |form: &Form| self.allows(&forms[0], form);
            let (form, written) = integers::made(&taken, config, judge, is_enough, folder)?;
            forms.extend(form);
            files.extend(written);
        }
        form::time(&mut forms)?;
        form::compare(&mut forms, self.milliseconds);
        let layers = [given.net.graph(), taken.net.graph()];
        let page = Page { compression: self, forms: &forms, layers, judge };
        let result = page.result();
        let [deciding_examples, test_examples] = judge.examples();
        Ok(Compressed {
            summary: page.summary(),
            data: judge.data().into(),
            deciding_examples,
            test_examples,
            most_lost: self.most_lost,
            macs: self.macs.map(Share::get),
            milliseconds: self.milliseconds,
            threads: self.threads,
            networks: forms.iter().map(Measured::of).collect(),
            result: result.name.clone(),
            result_file: if result.is_integers() { files::INTEGERS } else { files::NET },
            table: page.table(),
            report: page.report()?,
            files,
        })
    }

    /// Refuses what can be refused without a folder.
    fn begin<'a>(
        &self,
        given: Opened,
        criteria: &Criteria,
        conditions: &'a Conditions<'a>,
    ) -> Result<(Begun<'a>, Prepared), Error> {
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
        let judge = Judge::new(&config, self.threads, conditions)?;
        let prepared = config.prepared(conditions.datasets, conditions.device, &[])?;
        let notes = prepared.notes.clone();
        let file = self.file.display().to_string();
        Ok((Begun { given, file, config, judge, notes }, prepared))
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

impl Begun<'_> {
    /// Takes the folder for this network. That its file lies elsewhere by now changes nothing.
    fn claim(&self, run: &RunFolder) -> Result<(), Error> {
        let network = digest(&self.given.file()?);
        let found =
            fs::read(run.config()).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        // What is no compression is called by what it is.
        let Some(Value::String(other)) = found.as_ref().map(|found| &found["network"]) else {
            return run.claim(&json!({ "network": network, "file": self.file })).map(drop);
        };
        if *other == network {
            return Ok(());
        }
        let whose = found.as_ref().and_then(|found| found["file"].as_str());
        let whose = whose.map_or(String::new(), |file| format!(", `{file}`"));
        let found = format!("what became of another network{whose}");
        Err(Error::OtherFolder { found, path: run.path().to_path_buf() })
    }

    /// Refuses a folder with files of other commands, or of another network, one that cannot be made, and one in which
    /// another process works.
    fn check_folder(&self, folder: &Path) -> Result<(), Error> {
        let run = RunFolder::new(folder);
        run.check_lockable()?;
        let names = [files::NET, files::ONNX, files::INTEGERS, files::INTEGERS_ONNX, files::REPORT];
        run.check_free(names.map(|name| folder.join(name)))?;
        // Where there is a configuration, a claim compares it and writes none.
        if run.config().exists() {
            self.claim(&run)?;
        }
        Ok(())
    }

    /// Tells what was found, and what is to be said of every step.
    fn tell(&self, compression: &Compression) {
        let Conditions { datasets, reporter, .. } = *self.judge.conditions;
        datasets.tell(reporter);
        let [deciding, _] = self.judge.examples();
        let one = 100.0 / deciding as f64;
        if compression.most_lost < one {
            lines::note(
                reporter,
                format_args!(
                    "note: one of the {deciding} examples that decide is {one:.2} points, more than the {} that may be lost",
                    compression.most_lost
                ),
            );
        }
        self.notes.iter().for_each(|note| lines::note(reporter, format_args!("note: {note}")));
    }
}

/// Whether points that were lost are no more than may be. Shares of the same examples differ by whole examples, but for
/// the rounding of their numbers.
fn is_within(lost: f64, most: f64) -> bool {
    lost <= most + ROUNDING
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
