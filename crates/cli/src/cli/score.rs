//! `score`

use std::{io::Write, path::PathBuf};

use burn::tensor::DType;
use clap::Args;
use sapwood_backend::block_on;
use sapwood_core::{Array, State, StateFile, write_atomic};
use sapwood_prune::{Criteria, MaskSet, Warning};
use sapwood_report::{Cell, Table};

use super::{
    bar,
    scoring::{By, Scoring},
};
use crate::Error;

/// Score the weights of a network, and write the scores
///
/// One evaluation of the criterion: for synflow, iterative-snip and force the first of
/// their rounds. The scores are safetensors under the names and layouts of the weights;
/// higher means keep. `prune` and `shrink` take them by --scores.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Score {
    #[command(flatten)]
    scoring: Scoring,
    /// How weights are scored: see `list criteria`
    #[arg(long)]
    criterion: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Score {
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        let scored = self.scoring.open(criteria, By::Criterion(&self.criterion))?;
        let probe = scored.probe();
        let in_scope = self.scoring.scope().on(&scored.net)?;
        let prunable = scored.criterion.scope(&probe, in_scope)?;
        let scores = scored.criterion.score(&probe, &prunable)?;
        let narrow = scores.are_narrow();
        let scores = block_on(scores.read()).map_err(|error| self.scoring.explain(error))?;
        let wide = probe.dtype() == Some(DType::F64);

        let mut table = Table::new(["parameter", "weights", "mean", "smallest", "largest"]);
        let mut state = State::default();
        for (info, values) in scores.iter() {
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            let ends = [f64::min, f64::max].map(|f| values.iter().copied().reduce(f).unwrap_or_default());
            let numbers = [mean, ends[0], ends[1]].map(|x| Cell::written(x, format!("{x:.3e}")));
            let count = Cell::count(values.len() as u64);
            table.row([info.path.as_str().into(), count].into_iter().chain(numbers));
            let data = Array::new(info.shape.clone(), values.to_vec())?;
            let data = if wide { data } else { data.cast::<f32>() };
            state.0.insert(info.path.clone(), data);
        }
        write_atomic(&self.out, &StateFile { state, ..StateFile::default() }.to_bytes()?)?;
        write!(out, "{}", table.to_text())?;
        scored.note.iter().for_each(|note| bar::note(note));
        let alive = MaskSet::from(scored.masks.clone());
        self.scoring.warn(Warning::of_zero_scores(&scores, Some(&alive), narrow).as_slice());
        Ok(())
    }
}
