//! How the kept weights are spread over the layers.

mod apportion;
mod balanced;
mod erdos_renyi;
mod table;
mod uniform;

use std::{fmt, str::FromStr};

pub use table::{AllocationTable, Share};

use sapwood_core::{ParamInfo, UnknownName};
use serde::{Deserialize, Serialize};

use crate::{Error, MaskSet, Sparsity};

/// How the kept weights are spread over the layers. Whatever it is, the total is
/// exactly what the sparsity says.
///
/// ```
/// use sapwood_prune::Allocation;
///
/// assert_eq!("erk".parse::<Allocation>()?, Allocation::ErdosRenyiKernel);
/// let table: Allocation = "conv1.weight=0.5,fc.weight=0.99".parse()?;
/// assert_eq!(table.to_string(), "conv1.weight=0.5,fc.weight=0.99");
/// # Ok::<(), sapwood_prune::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Allocation {
    /// One ranking over all layers.
    #[default]
    Global,
    /// The same fraction of every layer.
    Uniform,
    /// The same number of kept weights in every layer.
    Balanced,
    /// Denser the fewer channels a layer has, by its shape of single weights, also where groups go.
    ErdosRenyi,
    /// Denser the fewer channels and the smaller kernels a layer has, by that shape too.
    ErdosRenyiKernel,
    /// The same fraction of every output of every layer: of each row of the matrix
    /// `[out, in/groups * kh * kw]`. Rows that masks have left too few weights keep these, and the others one number of
    /// their own. A remainder goes to the rows in which the next weight has the highest score.
    Rows,
    /// What is written down for each layer.
    Table(AllocationTable),
}

/// A row of [`ALLOCATIONS`].
#[derive(Clone, Debug)]
pub struct AllocationEntry {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Where it was published, or empty.
    pub paper: &'static str,
    /// The value, but for those that carry a table.
    pub allocation: Allocation,
}

/// All allocations, in the order in which they are shown.
pub const ALLOCATIONS: &[AllocationEntry] = &[
    AllocationEntry {
        name: "global",
        about: "one ranking over all layers",
        paper: "",
        allocation: Allocation::Global,
    },
    AllocationEntry {
        name: "uniform",
        about: "the same fraction of every layer",
        paper: "",
        allocation: Allocation::Uniform,
    },
    AllocationEntry {
        name: "balanced",
        about: "the same number of kept weights in every layer; small layers stay dense",
        paper: "",
        allocation: Allocation::Balanced,
    },
    AllocationEntry {
        name: "er",
        about: "density in proportion to (in + out) / (in * out)",
        paper: "Mocanu et al. 2018",
        allocation: Allocation::ErdosRenyi,
    },
    AllocationEntry {
        name: "erk",
        about: "density in proportion to (sum of dimensions) / (product of dimensions), kernel included",
        paper: "Evci et al., ICML 2020",
        allocation: Allocation::ErdosRenyiKernel,
    },
    AllocationEntry {
        name: "rows",
        about: "the same fraction of every output of every layer",
        paper: "Sun et al. 2024, arXiv 2306.11695",
        allocation: Allocation::Rows,
    },
];

impl Allocation {
    /// As many weights of each layer as these masks keep: the layer proportions of
    /// another method.
    pub fn like(masks: &MaskSet) -> Self {
        let share = |layer: crate::LayerDensity| (layer.path, Share::Kept(layer.kept));
        Self::Table(AllocationTable(masks.layers().into_iter().map(share).collect()))
    }

    /// How many of its weights, or groups of weights, each layer keeps, or `None` where one ranking over all
    /// layers decides. `scored` has a place for each of them, and `layers` the shapes of the parameters. `room` says
    /// how many of each layer can be kept; it has room for all that the sparsity keeps.
    pub(crate) fn quotas(
        &self,
        scored: &[ParamInfo],
        layers: &[ParamInfo],
        sparsity: Sparsity,
        room: &[usize],
    ) -> Result<Option<Vec<usize>>, Error> {
        let total = sparsity.kept(scored.iter().map(ParamInfo::len).sum());
        let random = |density: fn(&[usize]) -> f64| {
            let densities: Vec<f64> = layers.iter().map(|layer| density(&layer.shape)).collect();
            erdos_renyi::wishes(scored, total, &densities)
        };
        let wishes = match self {
            Self::Global => return Ok(None),
            Self::Uniform | Self::Rows => uniform::wishes(scored, sparsity),
            Self::Balanced => balanced::wishes(scored, total),
            Self::ErdosRenyi => random(erdos_renyi::er),
            Self::ErdosRenyiKernel => random(erdos_renyi::erk),
            Self::Table(table) => return table.quotas(scored, total, room).map(Some),
        };
        Ok(Some(apportion::apportion(&wishes, room, total)))
    }
}

/// How many weights each part of a layer keeps, if the layer keeps `total`: in
/// proportion to its size, with what is left over for the first ones, and as far as
/// there is room.
pub(crate) fn share_out(sizes: &[usize], room: &[usize], total: usize) -> Vec<usize> {
    let all = sizes.iter().sum::<usize>().max(1) as u128;
    let wish = |size: &usize| apportion::Wish::fraction(*size as u128 * total as u128, all);
    apportion::apportion(&sizes.iter().map(wish).collect::<Vec<_>>(), room, total)
}

impl fmt::Display for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, ALLOCATIONS.iter().find(|row| row.allocation == *self)) {
            (Self::Table(table), _) => table.fmt(f),
            (_, row) => f.write_str(row.map_or("", |row| row.name)),
        }
    }
}

impl FromStr for Allocation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.contains('=') {
            return Ok(Self::Table(text.parse()?));
        }
        let unknown = || UnknownName::new("allocation", text, ALLOCATIONS.iter().map(|row| row.name));
        let row = ALLOCATIONS.iter().find(|row| row.name == text).ok_or_else(unknown)?;
        Ok(row.allocation.clone())
    }
}

impl TryFrom<String> for Allocation {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Allocation> for String {
    fn from(allocation: Allocation) -> Self {
        allocation.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sapwood_core::Role;

    fn layers(shapes: &[Vec<usize>]) -> Vec<ParamInfo> {
        let layer = |(index, shape): (usize, &Vec<usize>)| ParamInfo {
            path: format!("{index}.weight").into(),
            role: Role::ConvWeight,
            shape: shape.clone(),
            transposed: false,
        };
        shapes.iter().enumerate().map(layer).collect()
    }

    fn quotas(allocation: Allocation, shapes: &[Vec<usize>], sparsity: &str) -> Vec<usize> {
        let layers = layers(shapes);
        let room: Vec<usize> = layers.iter().map(ParamInfo::len).collect();
        allocation.quotas(&layers, &layers, sparsity.parse().unwrap(), &room).unwrap().unwrap()
    }

    #[test]
    fn names_lead_to_what_they_name() {
        for row in ALLOCATIONS {
            assert_eq!(row.allocation.to_string(), row.name);
            assert_eq!(row.name.parse::<Allocation>().unwrap(), row.allocation);
        }
        assert!("glbal".parse::<Allocation>().unwrap_err().to_string().contains("global"));
    }

    #[test]
    fn uniform_gives_the_left_over_weight_to_the_largest_remainder() {
        // 0.3 of 15, 5, 4 is 4.5, 1.5, 1.2; 24 - floor(16.8 + 0.5) = 7 are kept.
        let shapes = [vec![15, 1], vec![5, 1], vec![4, 1]];
        assert_eq!(quotas(Allocation::Uniform, &shapes, "0.7"), [5, 1, 1]);
    }

    #[test]
    fn balanced_passes_on_what_small_layers_cannot_use() {
        let shapes = [vec![100, 10], vec![2, 5], vec![30, 10]];
        // 310 kept: 103 each; the small layer has only 10, which leaves 150 each.
        assert_eq!(quotas(Allocation::Balanced, &shapes, "0.7633587786"), [150, 10, 150]);
    }

    #[test]
    fn erk_is_what_its_formula_gives() {
        let shapes = [vec![16, 3, 3, 3], vec![32, 16, 3, 3], vec![10, 32]];
        // 5360 weights, 1072 kept. Raw densities are 25/432, 54/4608 and 42/320, so
        // raw * n = 25 + 54 + 42 = 121, and epsilon = 1072 / 121 would give the last
        // layer 1.163 of its weights. It stays dense, and epsilon = 752 / 79.
        assert_eq!(quotas(Allocation::ErdosRenyiKernel, &shapes, "0.8"), [238, 514, 320]);
    }

    proptest! {
        #[test]
        fn every_allocation_keeps_the_exact_total_within_the_room(
            shapes in prop::collection::vec(prop::collection::vec(1usize..12, 4), 1..8),
            thousandths in 0u32..=1000,
            dead in any::<u64>(),
        ) {
            let layers = layers(&shapes);
            let sparsity: Sparsity = format!("{}", f64::from(thousandths) / 1000.0).parse().unwrap();
            let total: usize = layers.iter().map(ParamInfo::len).sum();
            let full: Vec<usize> = layers.iter().map(ParamInfo::len).collect();
            // Some layers have lost weights, but enough are left.
            let mut spare = sparsity.removed(total);
            let reduced: Vec<usize> = full.iter().enumerate().map(|(index, len)| {
                let lost = (dead >> (index * 8) & 0xff) as usize * len / 255;
                let lost = lost.min(spare);
                spare -= lost;
                len - lost
            }).collect();
            for row in &ALLOCATIONS[1..] {
                for room in [&full, &reduced] {
                    let quotas = row.allocation.quotas(&layers, &layers, sparsity, room).unwrap().unwrap();
                    prop_assert_eq!(quotas.iter().sum::<usize>(), sparsity.kept(total), "{}", row.name);
                    prop_assert!(quotas.iter().zip(room).all(|(quota, room)| quota <= room));
                }
            }
            let uniform = Allocation::Uniform.quotas(&layers, &layers, sparsity, &full).unwrap().unwrap();
            for (quota, len) in uniform.iter().zip(&full) {
                let removed = *len as i128 - *quota as i128;
                let exact = *len as i128 * i128::from(thousandths);
                prop_assert!((removed * 1000 - exact).abs() < 1000, "within one weight of s * n");
            }
        }
    }
}
