//! `shrink`

pub(super) mod multiple;
pub(super) mod plan;
mod ranked;
mod timed;

use std::{io::Write, path::PathBuf};

use clap::{ArgGroup, Args};
use sapwood_backend::block_on;
use sapwood_core::{ModuleState, Observed, State, TrainedOn, graph::Groups, reestimate, write_atomic};
use sapwood_models::{Net, Opened, Spec, pack};
use sapwood_prune::Criteria;
use sapwood_report::Cell;
use sapwood_shrink::{
    Cost, Dead, Error as Shrinking, Removal, Share, Shrunk, Surgery, Target, without_zero_branches,
};

use self::{
    ranked::Ranked,
    timed::{Aim, Timed},
};
use super::{bar::note, scoring::Scoring};
use crate::Error;

/// Take channels out of a network, and write the smaller network
///
/// Without a target the channels that masks or zeros have killed leave, and outputs stay what they were. With one those
/// with the lowest scores leave, together with all that reads them. The file opens alone in every command. A channel
/// that is constant leaves where what reads it can have the constant in its bias; where zeros are added around the
/// planes it stays, and the command says so.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
#[command(group = ArgGroup::new("target").args(["channels", "macs", "params", "bytes", "milliseconds"]))]
#[command(group = ArgGroup::new("result").args(["out", "plan"]).required(true).multiple(true))]
pub(super) struct Shrink {
    #[command(flatten)]
    scoring: Scoring,
    /// The share of channels that goes, as in 30%: of each group, or of those that --selection compares
    #[arg(long, value_name = "SHARE")]
    channels: Option<Share>,
    /// The share of multiply-accumulates that goes at least
    #[arg(long, value_name = "SHARE")]
    macs: Option<Share>,
    /// The share of parameters that goes at least
    #[arg(long, value_name = "SHARE")]
    params: Option<Share>,
    /// The share of the values' bytes that goes at least
    #[arg(long, value_name = "SHARE")]
    bytes: Option<Share>,
    /// The most milliseconds that one image takes, as the runtime computes it here on --threads
    #[arg(long, value_name = "MS", conflicts_with = "rounds")]
    milliseconds: Option<f64>,
    /// Threads of that time [default: 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    #[command(flatten)]
    ranked: Ranked,
    /// Of masks that are not of whole channels, take out the channels that are dead, and keep the masks of the rest
    #[arg(long, conflicts_with = "target")]
    dead_only: bool,
    /// Estimate the statistics of normalisation anew, on the examples of --data
    #[arg(long, conflicts_with = "dead_only", requires = "target")]
    recalibrate: bool,
    /// Print which layers lose channels together, their widths before and after, and why the others keep all of
    /// theirs; without --out nothing is written
    #[arg(long)]
    plan: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A network in parts, before and after.
struct Made {
    spec: Spec,
    trained_on: Option<TrainedOn>,
    before: Cost,
    groups: Groups,
    removal: Removal,
    shrunk: Shrunk,
    notes: Vec<String>,
}

impl Shrink {
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        if self.threads.is_some() && self.milliseconds.is_none() {
            let problem =
                "`--threads` says by how many `--milliseconds` are measured: add that, or leave it out";
            return Err(Error::Usage(problem.into()));
        }
        let made = match self.target() {
            Some(target) => self.chosen(criteria, target)?,
            None => {
                self.scoring.nothing_is_scored()?;
                self.dead()?
            }
        };
        let (before, after) = (made.before, Cost::of(&made.shrunk.graph)?);
        let written = match &self.out {
            None => None,
            Some(path) => {
                let spec = made.spec.with_layers(made.shrunk.graph.clone())?;
                let Shrunk { state, masks, .. } = made.shrunk.clone();
                let bytes = pack(&spec, made.trained_on.as_ref(), state, masks)?.to_bytes()?;
                write_atomic(path, &bytes)?;
                Some(bytes.len() as u64)
            }
        };
        let gone = (before, after, written);
        if self.json {
            plan::json(&made.groups, &made.removal, gone, out)?;
        } else {
            if self.plan {
                plan::table(&made.groups, &made.removal, out)?;
            }
            let count = |n: u64| Cell::count(n).text().to_string();
            let share = |before: u64, after: u64| 100.0 * (1.0 - after as f64 / before.max(1) as f64);
            write!(
                out,
                "{} of {} channels gone; {} parameters of {} ({:.2} % gone); {} multiply-accumulates of {} ({:.2} % gone)",
                plan::gone(&made.groups, &made.removal),
                plan::channels(&made.groups),
                count(after.params),
                count(before.params),
                share(before.params, after.params),
                count(after.macs),
                count(before.macs),
                share(before.macs, after.macs),
            )?;
            match written {
                Some(bytes) => writeln!(out, "; {} bytes written", count(bytes))?,
                None => writeln!(out)?,
            }
        }
        made.notes.iter().for_each(|line| note(&format!("note: {line}")));
        Ok(())
    }

    fn target(&self) -> Option<Aim> {
        let share = self.channels.map(Target::Channels).or(self.macs.map(Target::Macs));
        let share = share.or(self.params.map(Target::Params)).or(self.bytes.map(Target::Bytes));
        let threads = self.threads.unwrap_or(1) as usize;
        let timed = |most| Aim::Milliseconds(Timed { most, threads });
        share.map(Aim::Share).or(self.milliseconds.map(timed))
    }

    /// The channels with the lowest scores leave.
    fn chosen(&self, criteria: &Criteria, target: Aim) -> Result<Made, Error> {
        if self.recalibrate && self.scoring.data.is_none() {
            let problem = "`--recalibrate` needs examples: name a data set or a file of `images` and `labels` with `--data`";
            return Err(Error::Usage(problem.into()));
        }
        let scored = self.ranked.open(&self.scoring, criteria, self.recalibrate)?;
        let graph = Observed::graph(&scored.net).clone();
        let mut groups = Groups::of(&graph)?;
        let prunable = self.ranked.scope(&self.scoring, &scored, &mut groups)?;
        let chosen = self.ranked.choose(&self.scoring, &scored, (&groups, &prunable), target)?;
        let state = block_on(State::read(&scored.net))?;
        let surgery = Surgery::new(&graph, &groups, &chosen.removal)?;
        let (left, masks) = (surgery.state(&state)?, surgery.masks(&scored.masks, &state)?);
        let mut shrunk = Shrunk { graph: surgery.graph, state: left, masks };
        if self.recalibrate {
            let device = self.scoring.device.resolve()?;
            let net = shrunk.state.clone().write(Net::new(shrunk.graph.clone(), &device))?;
            shrunk.state = block_on(State::read(&reestimate(net, &scored.examples, &device)?))?;
        }
        let mut notes: Vec<String> = scored.note.iter().cloned().collect();
        if let (Aim::Milliseconds(_), rounds @ 2..) = (target, scored.customary_rounds()) {
            let name = scored.criterion.name();
            notes.push(format!(
                "criterion `{name}` is customarily applied in {rounds} rounds; for a time it scored once"
            ));
        }
        if let Aim::Milliseconds(timed) = target {
            let taken = timed.of(&shrunk.graph, &shrunk.state)?;
            notes.push(format!("one image takes {taken:.3} ms, of the {} ms that were allowed", timed.most));
        }
        if !chosen.floors.is_empty() {
            let which = sapwood_lab::few(&chosen.floors);
            notes.push(format!("{which} would be empty: at least one channel stays in each layer"));
        }
        if let Some(first) = chosen.kept.first() {
            notes.push(format!(
                "{} more channels were to leave and stay, the first of them channel {} of `{}`: {}",
                chosen.kept.len(),
                first.slot.unit,
                first.group,
                first.reason
            ));
        }
        let (spec, trained_on, removal) = (scored.spec.clone(), scored.trained_on.clone(), chosen.removal);
        let before = Cost::of(&graph)?;
        Ok(Made { spec, trained_on, before, groups, removal, shrunk, notes })
    }

    /// The channels leave that are dead.
    fn dead(&self) -> Result<Made, Error> {
        let Opened { spec, net, masks, trained_on, .. } = self.scoring.opened()?;
        let graph = Observed::graph(&net).clone();
        let before = Cost::of(&graph)?;
        let state = block_on(State::read(&net))?;
        let (Shrunk { graph, state, masks }, blocks) = without_zero_branches(&graph, &state, &masks)?;
        let groups = Groups::of(&graph)?;
        let dead = Dead::of(&graph, &groups, &state);
        if !self.dead_only {
            dead.check_whole(&groups, &masks, &state).map_err(|error| Error::Hinted {
                said: format!("{error}, or take out those that can leave with `--dead-only`"),
                error: Box::new(error.into()),
            })?;
        }
        if dead.removal.units() == 0 && blocks.is_empty() {
            let reason = match dead.kept.first() {
                Some(kept) => format!(
                    "{} channels have no weights and stay, as channel {} of `{}`: {}",
                    dead.kept.len(),
                    kept.slot.unit,
                    kept.group,
                    kept.reason
                ),
                None => "none is masked whole (name a target such as `--channels 30%`)".into(),
            };
            return Err(Shrinking::Nothing { reason }.into());
        }
        let shrunk = dead.remove(&graph, &groups, &state, &masks)?;
        let kept = dead.kept.first().map(|kept| {
            let count = dead.kept.len();
            format!(
                "{count} channels without weights stay, the first of them channel {} of `{}`: {}",
                kept.slot.unit, kept.group, kept.reason
            )
        });
        let whole = (!blocks.is_empty()).then(|| {
            let (count, which) = (blocks.len(), sapwood_lab::few(&blocks));
            format!("{count} layers of branches that are zero are gone whole: {which}")
        });
        let notes = whole.into_iter().chain(kept).collect();
        Ok(Made { spec, trained_on, before, groups, removal: dead.removal.clone(), shrunk, notes })
    }
}
