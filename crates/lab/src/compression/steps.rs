//! Channels leave, and the network learns again, step by step.

use std::path::Path;

use sapwood_prune::Criteria;
use sapwood_shrink::Share;

use super::{
    Begun, Compression,
    form::{Form, Judge},
    stage::Stage,
    verdict::Verdict,
};
use crate::{Error, RunFolder, TrainConfig, lines, run::train_told};

impl Compression {
    /// The network after the last step that was taken.
    pub(super) fn steps(
        &self,
        begun: &Begun<'_>,
        (folder, criteria): (&Path, &Criteria),
        forms: &mut Vec<Form>,
    ) -> Result<Stage, Error> {
        let Begun { given, config, judge, .. } = begun;
        let reporter = judge.conditions.reporter;
        let (mut taken, mut best, mut step, mut refused) = (given.clone(), 0, self.step.get(), 0);
        let (mut last, mut is_told) = (None, false);
        // Of a step that is not taken half is tried, and of that no less.
        while refused < 2 {
            let share = self.still_to_go(&forms[0], &forms[best]).map_or(step, |left| step.min(left));
            if share <= 0.0 || self.is_fast(&forms[best])? {
                break;
            }
            let smaller = match taken.without(Share::new(share)?, self, (criteria, config, judge))? {
                Ok(smaller) => smaller,
                Err(why) => {
                    lines::note(reporter, why);
                    (step, refused) = (share / 2.0, refused + 1);
                    continue;
                }
            };
            let config = smaller.trained(config)?;
            let name = config.hash()?;
            if last.as_ref() == Some(&name) {
                lines::note(reporter, "note: half of the step would take out the same channels");
                break;
            }
            let run = RunFolder::new(folder.join("steps").join(&name));
            if run.is_done() && !std::mem::replace(&mut is_told, true) {
                lines::note(reporter, "steps that were done before are not learnt again");
            }
            let learnt = begun.learnt(&config, &run)?;
            let mut form = judge.form(&format!("step {}", forms.len()), &learnt.file()?)?;
            form.verdict = Verdict::of_loss(self.allows(&forms[0], &form));
            let is_taken = form.verdict.is_within();
            self.tell(&form, forms, judge);
            forms.push(form);
            match is_taken {
                true => (taken, best) = (learnt, forms.len() - 1),
                false => (step, refused, last) = (share / 2.0, refused + 1, Some(name)),
            }
        }
        if let Some(left) = self.still_to_go(&forms[0], &forms[best]).filter(|left| 0.0 < *left) {
            let (asked, more) = (100.0 * self.macs.map_or(0.0, Share::get), 100.0 * left);
            lines::note(
                reporter,
                format_args!(
                    "note: {asked:.1} % of the multiply-accumulates were to leave; of those that are left {more:.1} % more would \
                     have to"
                ),
            );
        }
        Ok(taken)
    }

    /// Tells what a step has cost, behind these.
    fn tell(&self, form: &Form, before: &[Form], judge: &Judge<'_>) {
        let given = &before[0];
        let change = match given.deciding - form.deciding {
            lost if lost <= 0.0 => format!("{:.2} points better", 0.0 - lost),
            lost => format!("{lost:.2} points lost of {} that may be", self.most_lost),
        };
        lines::note(
            judge.conditions.reporter,
            format_args!(
                "{}: {:.1} % of the multiply-accumulates are left, {change}: {}",
                form.name,
                100.0 * form.macs as f64 / given.macs.max(1) as f64,
                if form.verdict.is_within() { "taken" } else { "not taken" },
            ),
        );
    }

    /// The share of what is left that has to leave until what was asked for is gone.
    fn still_to_go(&self, given: &Form, best: &Form) -> Option<f64> {
        let wanted = (1.0 - self.macs?.get()) * given.macs as f64;
        Some(1.0 - wanted / best.macs.max(1) as f64)
    }
}

impl Begun<'_> {
    /// A smaller network that has learnt again, in a folder of its own.
    fn learnt(&self, config: &TrainConfig, run: &RunFolder) -> Result<Stage, Error> {
        let conditions = self.judge.conditions;
        train_told(config, run, conditions, Some(&self.notes))?;
        Stage::of(sapwood_models::open(&run.weights(), None, conditions.device)?)
            .with_new_statistics(config, conditions)
    }
}
