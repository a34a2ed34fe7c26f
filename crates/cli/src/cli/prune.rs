//! `prune`

mod state_dict;

use std::{
    fmt::Write as _,
    io::Write,
    num::NonZero,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use sapwood_backend::block_on;
use sapwood_core::{ModuleState, Observed, ParamInfo, State, TrainedOn, infos, write_atomic};
use sapwood_lab::{Reporter, Watched};
use sapwood_models::{Net, Opened, Spec, pack, read_masks};
use sapwood_prune::{
    Ablation, Allocation, Course, Criteria, Criterion, Cut, Diagnosis, Granularity, Iterations, LayerHealth,
    MaskSet, Pruned, RoundExamples, Sparsity,
};
use sapwood_report::{Cell, Table};

use super::{
    bar::{self, Bar},
    scoring::{By, Scored, Scoring},
    weight_file::hinted,
};
use crate::Error;

/// Remove weights of a network and write it with its masks
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Prune {
    #[command(flatten)]
    scoring: Scoring,
    /// Which weights go: see `list criteria`
    #[arg(long, default_value = "magnitude")]
    criterion: String,
    /// Instead of a criterion, the scores of this file, as `score` writes them: safetensors (or .npz) under the names and in
    /// the shapes of the weights; higher means keep. With --granularity channel a channel's is made of those of the weights
    /// that leave with it, without scales of normalisation, so that stored magnitude, bn-scale, fpgm, random or movement may
    /// choose other channels than --criterion does
    #[arg(long, value_name = "FILE", conflicts_with_all = ["criterion", "options", "precision"])]
    scores: Option<PathBuf>,
    /// The fraction that goes, as in 0.9: of all prunable weights, or of the kernels, filters or
    /// blocks that --granularity names
    #[arg(long, required_unless_present = "masks_from")]
    sparsity: Option<Sparsity>,
    /// How the rest is spread over the layers: see `list allocations`, or a table as in
    /// conv1.weight=0.5,fc.weight=0.9
    #[arg(long, default_value = "global")]
    allocation: Allocation,
    /// What goes together: weight, kernel, filter, channel (counted as such, or as channel-macs or channel-params), a
    /// pattern such as 2:4, or a block such as 4x4
    #[arg(long, default_value = "weight")]
    granularity: Granularity,
    /// In how many rounds [default: 100 for synflow, 10 for iterative-snip and force, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=Iterations::MOST as i64))]
    iterations: Option<u32>,
    /// The course of the sparsity over the rounds [default: exponential]
    #[arg(long, value_enum)]
    course: Option<CourseName>,
    /// Score each round with one batch, the next one
    #[arg(long)]
    batch_per_round: bool,
    /// A control: shuffle the mask of each layer, or invert the ranking
    #[arg(long)]
    ablation: Option<Ablation>,
    /// Instead of scoring, take the masks of this file
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "sparsity", "criterion", "scores", "options", "except", "data", "allocation", "granularity", "iterations",
        "course", "batch_per_round", "ablation", "masks", "masks_from_zeros", "precision", "seed", "skip_bad", "image",
        "size", "allowed",
    ])]
    masks_from: Option<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What is written, and what is told once it is.
struct Made {
    spec: Spec,
    trained_on: Option<TrainedOn>,
    net: Net,
    pruned: Pruned,
    note: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum CourseName {
    Exponential,
    Linear,
}

impl Prune {
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        let made = match &self.masks_from {
            Some(path) => self.borrowed(path),
            None => self.scored(criteria),
        };
        let Made { spec, trained_on, net, pruned, note } = match made {
            Err(error) if state_dict::is_unknown(&error) => return self.by_shapes(criteria, error, out),
            made => made?,
        };
        let Pruned { masks, warnings, .. } = pruned;
        let diagnosis = Diagnosis::of(net.graph(), &masks)?;
        let state = block_on(State::read(&net))?;
        let file = pack(&spec, trained_on.as_ref(), state, masks.clone().into_masks())?;
        write_atomic(&self.out, &file.to_bytes()?)?;

        let mut table = Table::new(["parameter", "kept", "of", "density", "effective"]);
        for layer in &diagnosis.layers {
            let percent = |n: usize| {
                let share = n as f64 / layer.total.max(1) as f64;
                Cell::written(share, format!("{:.2} %", 100.0 * share))
            };
            let counts = [layer.kept, layer.total].map(|n| Cell::count(n as u64));
            let shares = [percent(layer.kept), percent(layer.effective)];
            table.row([layer.path.as_str().into()].into_iter().chain(counts).chain(shares));
        }
        write!(out, "{}", table.to_text())?;
        let sum = |of: fn(&LayerHealth) -> usize| diagnosis.layers.iter().map(of).sum::<usize>();
        let (kept, total, effective) =
            (sum(|layer| layer.kept), sum(|layer| layer.total), sum(|layer| layer.effective));
        let mut line = format!("{kept} of {total} weights kept");
        if effective < kept {
            let _ = write!(line, ", {effective} of them effective");
        }
        writeln!(out, "{line}{}", self.in_groups(&infos(&net), &masks, [kept, total]))?;
        note.iter().for_each(|note| bar::note(note));
        self.scoring.warn(&warnings);
        self.scoring.warn(&diagnosis.warnings);
        Ok(())
    }

    /// How many weights are gone, where the sparsity was that of groups of them.
    fn in_groups(&self, params: &[ParamInfo], masks: &MaskSet, [kept, total]: [usize; 2]) -> String {
        if self.granularity == Granularity::Weight {
            return String::new();
        }
        let gone = total - kept;
        let gone = format!("{gone} ({:.2} %) gone", 100.0 * gone as f64 / total.max(1) as f64);
        match self.granularity.groups(params, masks) {
            Some([kept, all]) => {
                format!("; {gone} with {} of {all} {}", all - kept, self.granularity.group_name())
            }
            None => format!("; {gone}"),
        }
    }

    fn by(&self) -> By<'_> {
        By::of(&self.criterion, self.scores.as_deref())
    }

    fn scored(&self, criteria: &Criteria) -> Result<Made, Error> {
        let scored = self.scoring.open(criteria, self.by())?;
        let criterion = scored.criterion.as_ref();
        let cut = self.cut(criterion)?;
        let alive = (!scored.masks.is_empty()).then(|| MaskSet::from(scored.masks.clone()));
        let probe = scored.probe();
        let bar = Bar::default();
        let rounds = cut.iterations.unwrap_or_else(|| criterion.iterations()).rounds.get();
        bar.begin("scoring", (rounds * scored.examples.len().max(1)) as u64);
        let watched = Watched { inner: &probe, reporter: &bar };
        let pruned = cut.prune_blocking(criterion, &watched, alive.as_ref());
        let pruned = pruned.map_err(|error| self.scoring.explain(error))?;
        bar.end();
        drop(probe);
        let Scored { spec, trained_on, net, note, .. } = scored;
        let net = pruned.apply(net)?;
        Ok(Made { spec, trained_on, net, pruned, note })
    }

    fn cut(&self, criterion: &dyn Criterion) -> Result<Cut, Error> {
        Ok(Cut {
            allocation: self.allocation.clone(),
            scope: self.scoring.scope(),
            granularity: self.granularity,
            iterations: Some(self.iterations(criterion)?),
            ablation: self.ablation,
            seed: self.scoring.seed(),
            ..Cut::to(self.sparsity.unwrap_or(Sparsity::DENSE))
        })
    }

    /// The network with the masks of another file.
    fn borrowed(&self, path: &Path) -> Result<Made, Error> {
        let Opened { spec, trained_on, net, .. } = self.scoring.opened()?;
        let reading = self.scoring.network.naming().reading(None);
        let masks = read_masks(path, &infos(&net), &reading).map_err(hinted)?;
        let pruned = Pruned::to(MaskSet::from(masks));
        let net = pruned.apply(net)?;
        Ok(Made { spec, trained_on, net, pruned, note: None })
    }

    fn iterations(&self, criterion: &dyn Criterion) -> Result<Iterations, Error> {
        let Iterations { rounds, course, examples } = criterion.iterations();
        let rounds = self.iterations.and_then(|n| NonZero::new(n as usize)).unwrap_or(rounds);
        if self.course.is_some() && rounds.get() == 1 {
            let problem = "`--course` is that of several rounds, and there is one: ask for more with `--iterations`, or \
                           leave it out";
            return Err(Error::Usage(problem.into()));
        }
        if self.batch_per_round && !criterion.needs().examples() {
            let name = criterion.name();
            let problem = format!(
                "`--batch-per-round` gives each round another batch, and criterion `{name}` reads none: leave it out"
            );
            return Err(Error::Usage(problem));
        }
        let course = match self.course {
            Some(CourseName::Exponential) => Course::Exponential,
            Some(CourseName::Linear) => Course::Linear,
            None => course,
        };
        let examples = if self.batch_per_round { RoundExamples::Next } else { examples };
        Ok(Iterations { rounds, course, examples })
    }
}
