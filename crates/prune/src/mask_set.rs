//! One bit per prunable weight.

use burn::{
    module::Module,
    tensor::{Bool, Tensor, TensorData},
};
use sapwood_core::{Bits, Layout, Masks, Mismatch, ParamInfo, ParamPath, Role, infos, map};

use crate::{Allocation, Error, LayerDensity, Prunable, Scores, Sparsity, Ties, Warning, ranking};

/// Which prunable weights of a network are kept: one bit for each, in PyTorch's
/// row-major order. A parameter without a mask is dense and does not count.
///
/// Where single weights are selected, by whatever scores and allocation, the number of kept ones is exactly
/// `N - floor(s N + 1/2)`, with N over all masked parameters. Where groups of weights go together it depends on how
/// large these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskSet(Masks);

impl MaskSet {
    /// Keeps everything.
    pub fn dense(prunable: &Prunable) -> Self {
        Self(prunable.params().iter().map(|info| (info.path.clone(), Bits::ones(info.len()))).collect())
    }

    /// Keeps those that come first in the order (score descending, path ascending,
    /// flat index ascending), as many as the sparsity says of *all* scored weights,
    /// spread over the parameters as the allocation says.
    ///
    /// Only weights that are alive are candidates. Without `alive` all weights are,
    /// which is how a criterion under which weights may return is selected.
    ///
    /// Where one ranking over several layers has to part a score that a hundredth of all weights have (or all, if it is
    /// zero), each layer keeps the same fraction of these, drawn: by path the last layers would be empty.
    ///
    /// # Errors
    /// [`Error::TooFewAlive`]; [`Error::Transposed`] for [`Allocation::Rows`]; a table that cannot be kept.
    pub fn of_scores(
        scores: &Scores,
        sparsity: Sparsity,
        allocation: &Allocation,
        alive: Option<&MaskSet>,
    ) -> Result<Self, Error> {
        Ok(Self::chosen(scores, scores.prunable().params(), sparsity, allocation, alive)?.0)
    }

    /// [`Self::of_scores`], and the equal scores that were parted. The scores may be those of groups of weights:
    /// `layers` are the parameters themselves.
    pub(crate) fn chosen(
        scores: &Scores,
        layers: &[ParamInfo],
        sparsity: Sparsity,
        allocation: &Allocation,
        alive: Option<&MaskSet>,
    ) -> Result<(Self, Option<Ties>), Error> {
        let prunable = scores.prunable();
        let has_inputs_first = |info: &&ParamInfo| info.role == Role::TransposedConvWeight;
        if let (Allocation::Rows, Some(info)) = (allocation, layers.iter().find(has_inputs_first)) {
            let what = format!("the allocation `{allocation}`");
            return Err(Error::Transposed { path: info.path.clone(), what });
        }
        if let Some(alive) = alive {
            alive.same_params(&Self::dense(prunable), "what is scored")?;
        }
        let mask = |info: &ParamInfo| alive.and_then(|alive| alive.get(&info.path));
        let candidates: Vec<ranking::Candidates<'_>> =
            scores.iter().map(|(info, scores)| (scores, mask(info))).collect();
        let room: Vec<usize> =
            candidates.iter().map(|(all, alive)| alive.map_or(all.len(), Bits::count_ones)).collect();
        let (total, left) = (prunable.weights(), room.iter().sum());
        let asked = sparsity.kept(total);
        if asked > left {
            return Err(Error::TooFewAlive { asked, total, alive: left });
        }
        let (bits, ties) = match allocation.quotas(prunable.params(), layers, sparsity, &room)? {
            None => ranking::keep_first_of_layers(&candidates, asked),
            Some(quotas) => {
                let each = candidates.iter().zip(quotas).zip(prunable.params());
                let keep =
                    |((layer, keep), info): ((&ranking::Candidates<'_>, usize), &ParamInfo)| match allocation
                    {
                        Allocation::Rows => ranking::keep_first_of_rows(*layer, info.shape[0], keep),
                        _ => ranking::keep_first(&[*layer], keep),
                    };
                let (bits, ties): (Vec<Vec<Bits>>, Vec<Option<Ties>>) = each.map(keep).unzip();
                (bits.concat(), Ties::join(ties.into_iter().flatten()))
            }
        };
        let paths = prunable.params().iter().map(|info| info.path.clone());
        Ok((Self(paths.zip(bits).collect()), ties))
    }

    /// The masks of these parameters alone; what has none is dense.
    pub fn within(&self, prunable: &Prunable) -> Self {
        let mask = |info: &ParamInfo| self.get(&info.path).cloned().unwrap_or_else(|| Bits::ones(info.len()));
        Self(prunable.params().iter().map(|info| (info.path.clone(), mask(info))).collect())
    }

    /// These masks, with others in the place of some, or beside them.
    pub fn overlaid(&self, by: Self) -> Self {
        Self(self.0.iter().map(|(path, mask)| (path.clone(), mask.clone())).chain(by.0).collect())
    }

    /// The network with every masked weight set to zero.
    ///
    /// # Errors
    /// Those of [`MaskSet::fits`].
    pub fn apply<M: Module>(&self, network: M) -> Result<M, Error> {
        self.fits(&network)?;
        Ok(map(network, Layout::Torch, |info, weights| match self.get(&info.path) {
            None => weights,
            Some(mask) => masked(weights, mask),
        }))
    }

    /// Whether each mask has its parameter in the network; otherwise an error that
    /// lists what differs.
    ///
    /// # Errors
    /// [`Error::Foreign`] for masks without a parameter of their name, or of another number of weights.
    pub fn fits<M: Module>(&self, network: &M) -> Result<(), Error> {
        self.fits_params(&infos(network))
    }

    pub(crate) fn fits_params(&self, infos: &[ParamInfo]) -> Result<(), Error> {
        let found = self.0.iter().map(|(path, mask)| (path, mask.len()));
        refuse(mismatch(found, infos), "this network")
    }

    /// The weights that both keep.
    ///
    /// # Errors
    /// [`Error::Foreign`] for masks of other parameters, or of another number of weights.
    pub fn and(&self, other: &Self) -> Result<Self, Error> {
        self.zip(other, Bits::and)
    }

    /// The weights that either keeps.
    ///
    /// # Errors
    /// Those of [`MaskSet::and`].
    pub fn or(&self, other: &Self) -> Result<Self, Error> {
        self.zip(other, Bits::or)
    }

    /// The weights that are kept here and not in `other`.
    ///
    /// # Errors
    /// Those of [`MaskSet::and`].
    pub fn minus(&self, other: &Self) -> Result<Self, Error> {
        self.zip(other, Bits::minus)
    }

    /// Whether every weight that is kept here is kept in `other`.
    ///
    /// # Errors
    /// Those of [`MaskSet::and`].
    pub fn is_subset(&self, other: &Self) -> Result<bool, Error> {
        Ok(self.minus(other)?.kept() == 0)
    }

    /// The number of kept weights.
    pub fn kept(&self) -> usize {
        self.0.values().map(Bits::count_ones).sum()
    }

    /// The number of weights, kept or not.
    pub fn total(&self) -> usize {
        self.0.values().map(Bits::len).sum()
    }

    /// The fraction of weights that is really removed: where single weights go, within half a weight of what was asked.
    pub fn realised_sparsity(&self) -> f64 {
        (self.total() - self.kept()) as f64 / self.total().max(1) as f64
    }

    /// The mask of one parameter.
    pub fn get(&self, path: &ParamPath) -> Option<&Bits> {
        self.0.get(path)
    }

    /// What is kept of each parameter, by path.
    pub fn layers(&self) -> Vec<LayerDensity> {
        let row = |(path, mask): (&ParamPath, &Bits)| LayerDensity {
            path: path.clone(),
            kept: mask.count_ones(),
            total: mask.len(),
        };
        self.0.iter().map(row).collect()
    }

    /// What a user should know about these masks.
    pub fn warnings(&self) -> Vec<Warning> {
        Warning::of(&self.layers())
    }

    /// The masks as the other crates take them.
    pub fn as_masks(&self) -> &Masks {
        &self.0
    }

    /// The masks as the other crates take them.
    pub fn into_masks(self) -> Masks {
        self.0
    }

    fn zip(&self, other: &Self, f: impl Fn(&Bits, &Bits) -> Bits) -> Result<Self, Error> {
        self.same_params(other, "the same network")?;
        let both = self.0.iter().zip(other.0.values());
        Ok(Self(both.map(|((path, a), b)| (path.clone(), f(a, b))).collect()))
    }

    /// Whether both mask the same parameters.
    fn same_params(&self, expected: &Self, to: &'static str) -> Result<(), Error> {
        let mut mismatch = Mismatch::default();
        for (path, mask) in &expected.0 {
            match self.get(path) {
                None => mismatch.missing.push(path.clone()),
                Some(found) if found.len() != mask.len() => {
                    mismatch.misshapen.push((path.clone(), vec![mask.len()], vec![found.len()]));
                }
                Some(_) => {}
            }
        }
        mismatch.unexpected = self.0.keys().filter(|path| expected.get(path).is_none()).cloned().collect();
        refuse(mismatch, to)
    }
}

/// Masks as they come out of a file; whether they belong to a network,
/// [`MaskSet::fits`] tells.
impl From<Masks> for MaskSet {
    fn from(masks: Masks) -> Self {
        Self(masks)
    }
}

/// These weights, flat and in PyTorch's layout, with zeros where the mask keeps none.
pub(crate) fn masked(weights: Tensor<1>, mask: &Bits) -> Tensor<1> {
    let dead: Vec<bool> = mask.iter().map(|keep| !keep).collect();
    let dead = TensorData::new(dead, [mask.len()]);
    let dead = Tensor::<1, Bool>::from_data(dead, &weights.device());
    weights.mask_fill(dead, 0.0)
}

/// How parameters with these names and numbers of values differ from those of a network.
pub(crate) fn mismatch<'a>(
    found: impl Iterator<Item = (&'a ParamPath, usize)>,
    infos: &[ParamInfo],
) -> Mismatch {
    let mut mismatch = Mismatch::default();
    for (path, len) in found {
        match infos.iter().find(|info| info.path == *path && info.role != Role::Buffer) {
            None => mismatch.unexpected.push(path.clone()),
            Some(info) if info.len() != len => {
                mismatch.misshapen.push((path.clone(), info.shape.clone(), vec![len]));
            }
            Some(_) => {}
        }
    }
    mismatch
}

pub(crate) fn refuse(mismatch: Mismatch, to: &'static str) -> Result<(), Error> {
    if mismatch.is_empty() { Ok(()) } else { Err(Error::Foreign { to, mismatch }) }
}
