//! The same number of kept weights in every layer.

use sapwood_core::ParamInfo;

use super::apportion::Wish;

/// `total / layers` weights each. Layers that are smaller stay dense, and the
/// others share what those cannot use, until nothing changes.
pub(super) fn wishes(layers: &[ParamInfo], total: usize) -> Vec<Wish> {
    let mut dense = vec![false; layers.len()];
    loop {
        let sparse = dense.iter().filter(|dense| !**dense).count().max(1) as u128;
        let used: usize = layers.iter().zip(&dense).filter(|(_, dense)| **dense).map(|(l, _)| l.len()).sum();
        let share = Wish::fraction((total - used) as u128, sparse);
        let full = |layer: &ParamInfo| layer.len() <= share.whole;
        let before = dense.clone();
        dense.iter_mut().zip(layers).for_each(|(dense, layer)| *dense |= full(layer));
        if dense == before {
            let wish = |(layer, dense): (&ParamInfo, &bool)| match dense {
                true => Wish { whole: layer.len(), rest: 0 },
                false => share,
            };
            return layers.iter().zip(&dense).map(wish).collect();
        }
    }
}
