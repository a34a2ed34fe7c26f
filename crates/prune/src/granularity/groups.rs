//! Blocks, kernels and filters.

use sapwood_core::{Bits, Masks, ParamInfo};

use super::Granularity;
use crate::{Allocation, Error, MaskSet, Prunable, Scores, Sparsity, Ties};

/// Selects groups as if they were weights, and keeps all weights of those that are
/// kept.
pub(super) fn select(
    granularity: Granularity,
    scores: &Scores,
    sparsity: Sparsity,
    allocation: &Allocation,
    alive: Option<&MaskSet>,
) -> Result<(MaskSet, Option<Ties>), Error> {
    let grids: Vec<Grid> = scores.iter().map(|(info, _)| Grid::of(granularity, info)).collect();
    let infos = scores.iter().zip(&grids).map(|((info, _), grid)| ParamInfo {
        shape: grid.groups().to_vec(),
        transposed: false,
        ..info.clone()
    });
    let prunable = Prunable::from_infos(infos.collect());
    let mut each = scores.iter().zip(&grids);
    let grouped = Scores::try_from_fn(&prunable, |_| {
        each.next().map_or_else(Vec::new, |((_, scores), grid)| grid.means(scores))
    })?;
    let living = alive.map(|alive| {
        let masks = scores
            .iter()
            .zip(&grids)
            .filter_map(|((info, _), grid)| Some((info.path.clone(), grid.any(alive.get(&info.path)?))));
        MaskSet::from(masks.collect::<Masks>())
    });
    let layers = scores.prunable().params();
    let (chosen, ties) = MaskSet::chosen(&grouped, layers, sparsity, allocation, living.as_ref())?;
    let masks = scores.iter().zip(&grids).filter_map(|((info, _), grid)| {
        let kept = grid.spread(chosen.get(&info.path)?);
        let kept = match alive.and_then(|alive| alive.get(&info.path)) {
            Some(alive) => kept.and(alive),
            None => kept,
        };
        Some((info.path.clone(), kept))
    });
    Ok((MaskSet::from(masks.collect::<Masks>()), ties))
}

/// How many groups have a weight that is kept, and how many there are in all masks.
pub(super) fn count(granularity: Granularity, infos: &[ParamInfo], masks: &MaskSet) -> [usize; 2] {
    let masked = infos.iter().filter_map(|info| Some((Grid::of(granularity, info), masks.get(&info.path)?)));
    masked.fold([0, 0], |[kept, all], (grid, mask)| [kept + grid.any(mask).count_ones(), all + grid.count()])
}

/// A matrix cut into groups by lines between its rows and columns.
struct Grid {
    /// Rows and columns of the matrix.
    size: [usize; 2],
    /// Rows and columns of a group.
    group: [usize; 2],
}

impl Grid {
    fn of(granularity: Granularity, info: &ParamInfo) -> Self {
        // A single number is a row of one.
        let rows = info.shape.first().copied().unwrap_or(1);
        let size = [rows, info.len() / rows.max(1)];
        let group = match granularity {
            Granularity::Weight | Granularity::Pattern { .. } | Granularity::Channel(_) => [1, 1],
            Granularity::Block { rows, columns } => [rows.get(), columns.get()],
            Granularity::Kernel => [1, info.shape.iter().skip(2).product()],
            Granularity::Filter => [1, size[1]],
        };
        Self { size, group }
    }

    /// How many groups there are, down and across.
    fn groups(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.size[axis].div_ceil(self.group[axis].max(1)))
    }

    /// The group of each weight.
    fn places(&self) -> impl Iterator<Item = usize> {
        let ([rows, columns], [height, width], across) = (self.size, self.group, self.groups()[1]);
        (0..rows).flat_map(move |row| (0..columns).map(move |column| row / height * across + column / width))
    }

    fn count(&self) -> usize {
        self.groups().iter().product()
    }

    fn means(&self, scores: &[f64]) -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0); self.count()];
        for (place, score) in self.places().zip(scores) {
            sums[place].0 += score;
            sums[place].1 += 1.0;
        }
        sums.into_iter().map(|(sum, count)| sum / count).collect()
    }

    fn any(&self, alive: &Bits) -> Bits {
        let mut groups = Bits::zeros(self.count());
        self.places()
            .zip(alive.iter())
            .filter(|(_, alive)| *alive)
            .for_each(|(place, _)| groups.set(place, true));
        groups
    }

    fn spread(&self, kept: &Bits) -> Bits {
        self.places().map(|place| kept.get(place)).collect()
    }
}

#[cfg(test)]
mod tests {
    use sapwood_core::Role;

    use super::*;

    #[test]
    fn a_single_number_is_a_group() {
        let info = ParamInfo { path: "gamma".into(), role: Role::Bias, shape: vec![], transposed: false };
        let masks = MaskSet::from(Masks::from([("gamma".into(), Bits::ones(1))]));
        for granularity in [Granularity::Filter, Granularity::Kernel, "4x4".parse().unwrap()] {
            assert_eq!(count(granularity, std::slice::from_ref(&info), &masks), [1, 1], "{granularity}");
        }
    }
}
