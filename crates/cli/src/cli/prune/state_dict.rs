//! Pruning weights of which no network is known: shapes are enough for scores of the weights alone.

use std::io::Write;

use burn::tensor::Tensor;
use sapwood_core::{ParamInfo, ParamPath, StateFile, tensor_data, write_atomic};
use sapwood_lab::{Error as Lab, few};
use sapwood_models::{Error as Models, Fitted, Problem, StateDict};
use sapwood_prune::{Criteria, MaskSet, Needs, ParamTensors, Pruned, StateProbe};
use sapwood_report::{Cell, Table};

use super::Prune;
use crate::{Error, cli::bar};

/// Whether an error says that nobody knows which network weights are of.
pub(super) fn is_unknown(error: &Error) -> bool {
    let error = match error {
        Error::Hinted { error, .. } => error.as_ref(),
        Error::Lab(error) => error,
        _ => return false,
    };
    let Lab::Models(Models::Weights { problem, .. }) = error else { return false };
    matches!(**problem, Problem::NoModel { .. })
}

/// The tensors of two dimensions and more that were not scored.
fn state_left_out(file: &StateFile, scored: impl Fn(&ParamPath) -> bool) -> Vec<String> {
    let tensors = file.state.0.iter().filter(|(path, value)| value.shape().len() > 1 && !scored(path));
    tensors
        .filter(|(path, _)| path.as_str().rsplit('.').next() != Some("weight"))
        .map(|(path, _)| path.to_string())
        .collect()
}

impl Prune {
    /// Prunes by shapes alone, where the criterion looks at the weights alone; `unknown` is why nothing more is known.
    pub(super) fn by_shapes(
        &self,
        criteria: &Criteria,
        unknown: Error,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let criterion = self.scoring.criterion(criteria, self.by())?;
        if self.masks_from.is_some() || criterion.needs() != Needs::Weights || self.scoring.data.is_some() {
            return Err(unknown);
        }
        let StateDict { params, fitted, integers, .. } = self.scoring.network.state_dict()?;
        let Fitted { mut state, masks, .. } = fitted;
        let criterion = criterion.without(&masks);
        let device = self.scoring.device.resolve()?;
        let flat = |info: &ParamInfo| {
            let array = state.0.get(&info.path).filter(|_| info.role.is_weight())?;
            let value =
                Tensor::<1>::from_data(tensor_data(array.clone().reshape([array.len()]).ok()?), &device);
            Some((info.path.clone(), value))
        };
        let weights: ParamTensors = params.iter().filter_map(flat).collect();
        let probe = StateProbe::new(params.clone(), weights)?;
        let alive = (!masks.is_empty()).then(|| MaskSet::from(masks));
        let cut = self.cut(criterion.as_ref())?;
        let pruned = cut.prune_blocking(criterion.as_ref(), &probe, alive.as_ref());
        let Pruned { masks, warnings, .. } = pruned.map_err(|error| self.scoring.explain(error))?;
        let kept = masks.clone().into_masks();
        state.apply(&kept).map_err(sapwood_models::Error::from)?;
        state.0.extend(integers.0);
        let file = StateFile { state, masks: kept, ..StateFile::default() };
        write_atomic(&self.out, &file.to_bytes().map_err(sapwood_models::Error::from)?)?;

        let mut table = Table::new(["parameter", "kept", "of", "density"]);
        let (mut all_kept, mut all) = (0, 0);
        for info in params.iter().filter(|info| info.role.is_weight()) {
            let Some(mask) = masks.get(&info.path) else { continue };
            let (kept, total) = (mask.count_ones(), mask.len());
            (all_kept, all) = (all_kept + kept, all + total);
            let share = kept as f64 / total.max(1) as f64;
            let counts = [kept, total].map(|n| Cell::count(n as u64));
            let share = Cell::written(share, format!("{:.2} %", 100.0 * share));
            table.row([info.path.as_str().into()].into_iter().chain(counts).chain([share]));
        }
        write!(out, "{}", table.to_text())?;
        let groups = self.in_groups(&params, &masks, [all_kept, all]);
        writeln!(out, "{all_kept} of {all} weights kept{groups}")?;
        let scored = |path: &ParamPath| masks.get(path).is_some();
        let left_out = state_left_out(&file, scored);
        if !left_out.is_empty() {
            let names = few(&left_out);
            bar::note(&format!(
                "note: only tensors called `weight` were scored; others with rows and columns were left as they are: {names}"
            ));
        }
        bar::note(
            "note: no model is known that has these weights, so they were taken by their shapes: not checked is which of \
             them are embeddings, whether the kept weights still lie on a path, and what the network computes",
        );
        self.scoring.warn(&warnings);
        Ok(())
    }
}
