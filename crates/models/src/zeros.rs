//! Weights that are exactly zero and have no mask.

use sapwood_core::{Array, Bits, Masks, ParamInfo, ParamPath, State};

/// Fewer zeros are no sparsity: of what is drawn or trained in floating point hardly any weight is
/// exactly zero, but some are where half precision ran out or where somebody wrote them.
const FEWEST: usize = 4;
/// Of this many weights at least one is zero in a sparse layer.
const ONE_OF: usize = 100;

/// Zeros of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerZeros {
    /// The weight.
    pub path: ParamPath,
    /// How many of its values are zero.
    pub zeros: usize,
    /// How many values it has.
    pub of: usize,
}

impl LayerZeros {
    /// Whether the layer was pruned, as far as zeros tell: at least 4, and at least 1 % of the weights. A
    /// layer of nothing but zeros was initialised so.
    fn is_sparse(&self) -> bool {
        self.zeros >= FEWEST && self.zeros * ONE_OF >= self.of && self.zeros < self.of
    }
}

/// The prunable weights that are exactly zero and have no mask, by layer; empty where no layer has so
/// many that it is sparse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreeZeros {
    /// The layers without a mask, in the order in which they run, if one of them is sparse.
    pub layers: Vec<LayerZeros>,
    /// The prunable weights of the whole network.
    pub of: usize,
}

impl FreeZeros {
    pub(crate) fn of(state: &State, masks: &Masks, params: &[ParamInfo]) -> Self {
        let weights = || params.iter().filter(|info| info.role.is_weight());
        let layer = |info: &ParamInfo| {
            let zeros = is_zero(state.0.get(&info.path)?).filter(|zero| *zero).count();
            Some(LayerZeros { path: info.path.clone(), zeros, of: info.len() })
        };
        let free = weights().filter(|info| !masks.contains_key(&info.path));
        let layers: Vec<LayerZeros> = free.filter_map(layer).collect();
        let sparse = layers.iter().any(LayerZeros::is_sparse);
        Self { layers: if sparse { layers } else { Vec::new() }, of: weights().map(ParamInfo::len).sum() }
    }

    /// Whether no layer is sparse.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// How many weights are zero, but for layers of nothing else.
    pub fn zeros(&self) -> usize {
        self.layers.iter().filter(|layer| layer.zeros < layer.of).map(|layer| layer.zeros).sum()
    }
}

/// Masks of all weights that have none, which keep what is not zero. A layer of nothing but zeros stays
/// without: it could never learn. `None` if no weight is zero.
pub(crate) fn masks_of_zeros(state: &State, masks: &Masks, params: &[ParamInfo]) -> Option<Masks> {
    let free = params.iter().filter(|info| info.role.is_weight() && !masks.contains_key(&info.path));
    let mask = |info: &ParamInfo| {
        let mask: Bits = is_zero(state.0.get(&info.path)?).map(|zero| !zero).collect();
        (mask.count_ones() > 0).then(|| (info.path.clone(), mask))
    };
    let found: Masks = free.filter_map(mask).collect();
    found.values().any(|mask| mask.count_ones() < mask.len()).then_some(found)
}

fn is_zero(value: &Array) -> Box<dyn Iterator<Item = bool> + '_> {
    match value.as_slice::<f32>() {
        Some(values) => Box::new(values.iter().map(|x| *x == 0.0)),
        None => Box::new(value.iter::<f64>().map(|x| x == 0.0)),
    }
}

#[cfg(test)]
mod tests {
    use sapwood_core::Role;

    use super::*;

    fn layers(all: &[(&str, usize, usize)]) -> (State, Vec<ParamInfo>) {
        let info = |(name, _, of): &(&str, usize, usize)| ParamInfo {
            path: (*name).into(),
            role: Role::LinearWeight,
            shape: vec![1, *of],
            transposed: true,
        };
        let value = |(name, zeros, of): &(&str, usize, usize)| {
            let values = (0..*of).map(|at| if at < *zeros { 0.0 } else { 1.0f32 }).collect::<Vec<_>>();
            ((*name).into(), Array::new([1, *of], values).unwrap())
        };
        (State(all.iter().map(value).collect()), all.iter().map(info).collect())
    }

    #[test]
    fn a_layer_is_sparse_by_its_share_of_zeros_and_not_by_one_or_by_all() {
        for (all, expected) in [
            (vec![("a", 70, 100), ("b", 0, 10)], 70),
            (vec![("a", 3, 100)], 0),
            (vec![("a", 4, 100), ("b", 1, 100)], 5),
            (vec![("a", 40, 10000)], 0),
            (vec![("a", 100, 100)], 0),
            (vec![("a", 100, 100), ("b", 50, 100)], 50),
        ] {
            let (state, params) = layers(&all);
            let zeros = FreeZeros::of(&state, &Masks::new(), &params);
            assert_eq!(zeros.zeros(), expected, "{all:?}");
            assert_eq!(zeros.of, all.iter().map(|layer| layer.2).sum::<usize>());
        }
    }

    #[test]
    fn what_has_a_mask_is_not_asked() {
        let (state, params) = layers(&[("a", 70, 100), ("b", 50, 100)]);
        let masks: Masks = [("a".into(), Bits::ones(100))].into();
        assert_eq!(FreeZeros::of(&state, &masks, &params).zeros(), 50);
        let made = masks_of_zeros(&state, &masks, &params).unwrap();
        assert_eq!(
            made.iter().map(|(path, mask)| (path.as_str(), mask.count_ones())).collect::<Vec<_>>(),
            [("b", 50)]
        );
    }

    #[test]
    fn masks_are_made_of_all_layers_but_those_of_nothing_but_zeros() {
        let (state, params) = layers(&[("a", 100, 100), ("b", 1, 100), ("c", 0, 10)]);
        let made = masks_of_zeros(&state, &Masks::new(), &params).unwrap();
        assert_eq!(made.keys().map(ParamPath::as_str).collect::<Vec<_>>(), ["b", "c"]);
        let (state, params) = layers(&[("a", 100, 100), ("c", 0, 10)]);
        assert!(masks_of_zeros(&state, &Masks::new(), &params).is_none());
    }
}
