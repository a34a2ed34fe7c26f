//! One cut: how much, where, and spread how.

use sapwood_backend::Seed;
use sapwood_core::{Bits, Masks, ParamPath};
use tracing::Instrument as _;

use crate::{
    Ablation, Allocation, Criterion, Error, Granularity, Iterations, MaskSet, Probe, Prunable, Pruned,
    Removed, RoundExamples, Scope, Scores, Sparsity, Ties, Warning, channels::Channels,
    reconstruction::reconstruct, round::Round,
};

/// What is orthogonal to a criterion: how much is removed, which parameters are
/// considered, how the rest is spread over the layers, what is removed together, in
/// how many rounds, and which control is applied.
///
/// ```
/// use sapwood_prune::{Ablation, Allocation, Cut, Iterations, Scope};
///
/// let cut = Cut::to("98.2%".parse()?)
///     .iterations(Iterations::exponential(100))
///     .allocation(Allocation::ErdosRenyiKernel)
///     .scope(Scope::excluding(["fc"]).unwrap())
///     .ablation(Ablation::Shuffle);
/// # Ok::<(), sapwood_prune::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How much is removed, of all weights in scope.
    pub sparsity: Sparsity,
    /// How the kept weights are spread over the layers.
    pub allocation: Allocation,
    /// Which parameters are considered.
    pub scope: Scope,
    /// What is removed together.
    pub granularity: Granularity,
    /// In how many rounds; `None` for as many as are customary for the criterion.
    pub iterations: Option<Iterations>,
    /// The control that is applied, if any.
    pub ablation: Option<Ablation>,
    /// What the control draws from.
    pub seed: Seed,
}

impl Cut {
    /// Down to this sparsity: all conv and linear weights, each for itself, in one
    /// ranking, in as many rounds as are customary for the criterion.
    pub fn to(sparsity: Sparsity) -> Self {
        Self {
            sparsity,
            allocation: Allocation::default(),
            scope: Scope::default(),
            granularity: Granularity::default(),
            iterations: None,
            ablation: None,
            seed: Seed(0),
        }
    }

    /// With this allocation.
    pub fn allocation(self, allocation: Allocation) -> Self {
        Self { allocation, ..self }
    }

    /// Within this scope.
    pub fn scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// In groups of this kind.
    pub fn granularity(self, granularity: Granularity) -> Self {
        Self { granularity, ..self }
    }

    /// In these rounds.
    pub fn iterations(self, iterations: Iterations) -> Self {
        Self { iterations: Some(iterations), ..self }
    }

    /// With this control.
    pub fn ablation(self, ablation: Ablation) -> Self {
        Self { ablation: Some(ablation), ..self }
    }

    /// With this seed for what the control draws.
    pub fn seed(self, seed: Seed) -> Self {
        Self { seed, ..self }
    }

    /// Scores a network and selects what is kept, round by round. `alive` are the
    /// masks that the network already has, if any; what they removed stays removed
    /// unless the criterion says otherwise. Whole channels stay removed in any case where channels are cut. Masks of
    /// parameters out of scope are carried over.
    ///
    /// # Errors
    /// Those of [`Cut::prune`] but for [`Error::NothingToAblate`]; [`Error::ChangesWeights`] for a criterion that also
    /// changes the weights it keeps (SparseGPT): [`Cut::prune`] returns both.
    pub async fn masks(
        &self,
        criterion: &dyn Criterion,
        probe: &dyn Probe,
        alive: Option<&MaskSet>,
    ) -> Result<MaskSet, Error> {
        if criterion.reconstruction().is_some() {
            return Err(Error::ChangesWeights { criterion: criterion.name().into() });
        }
        let (chosen, _) = self.rounds(criterion, probe, &self.start(criterion, probe, alive)?).await?;
        Ok(over(alive, chosen, criterion.removed()))
    }

    /// [`Cut::masks`], waiting for the device. It does not exist in a browser.
    ///
    /// # Errors
    /// Those of [`Cut::masks`].
    #[cfg(not(target_family = "wasm"))]
    pub fn masks_blocking(
        &self,
        criterion: &dyn Criterion,
        probe: &dyn Probe,
        alive: Option<&MaskSet>,
    ) -> Result<MaskSet, Error> {
        sapwood_backend::block_on(self.masks(criterion, probe, alive))
    }

    /// [`Cut::masks`], and what the kept weights become where the criterion changes
    /// them (SparseGPT).
    ///
    /// # Errors
    /// Masks of another network; a scope, a granularity or an allocation that the network cannot have; more rounds than
    /// [`Iterations::MOST`]; what the criterion, the probe and the device refuse; scores that are not finite;
    /// [`Error::TooFewAlive`]; [`Error::NothingToAblate`] for a control of a criterion that changes weights.
    pub async fn prune(
        &self,
        criterion: &dyn Criterion,
        probe: &dyn Probe,
        alive: Option<&MaskSet>,
    ) -> Result<Pruned, Error> {
        let start = self.start(criterion, probe, alive)?;
        let (chosen, warnings) = self.rounds(criterion, probe, &start).await?;
        let (chosen, weights) = match (criterion.reconstruction(), self.ablation) {
            (None, _) => (chosen, None),
            (Some(_), Some(ablation)) => {
                return Err(Error::NothingToAblate { criterion: criterion.name().into(), ablation });
            }
            (Some(reconstruction), None) => {
                let how = (self.granularity, self.allocation == Allocation::Rows);
                let Start { prunable, before, .. } = &start;
                let found = reconstruct(reconstruction, probe, prunable, &chosen, how, before).await?;
                (found.0, Some(found.1))
            }
        };
        Ok(Pruned { masks: over(alive, chosen, criterion.removed()), weights, warnings })
    }

    /// [`Cut::prune`], waiting for the device. It does not exist in a browser.
    ///
    /// # Errors
    /// Those of [`Cut::prune`].
    #[cfg(not(target_family = "wasm"))]
    pub fn prune_blocking(
        &self,
        criterion: &dyn Criterion,
        probe: &dyn Probe,
        alive: Option<&MaskSet>,
    ) -> Result<Pruned, Error> {
        sapwood_backend::block_on(self.prune(criterion, probe, alive))
    }

    /// What is considered, and what may be kept of it.
    fn start(
        &self,
        criterion: &dyn Criterion,
        probe: &dyn Probe,
        alive: Option<&MaskSet>,
    ) -> Result<Start, Error> {
        if let Some(alive) = alive {
            alive.fits_params(probe.infos())?;
        }
        let in_scope = self.scope.of(probe.infos())?;
        let prunable = criterion.scope(probe, in_scope.clone())?;
        prunable.tell(probe.infos(), &in_scope, criterion.name());
        let channels = match self.granularity {
            Granularity::Channel(counted) => {
                Some(Channels::of(counted, &self.allocation, criterion, probe, &prunable)?)
            }
            _ => None,
        };
        let before = match (criterion.removed(), alive, &channels) {
            (Removed::StayRemoved, Some(alive), _) => alive.within(&prunable),
            (Removed::MayReturn, Some(alive), Some(channels)) => {
                channels.without_gone(probe, &prunable, alive)?
            }
            _ => MaskSet::dense(&prunable),
        };
        Ok(Start { prunable, before, channels })
    }

    async fn rounds(
        &self,
        criterion: &dyn Criterion,
        probe: &dyn Probe,
        Start { prunable, before, channels }: &Start,
    ) -> Result<(MaskSet, Vec<Warning>), Error> {
        let iterations = self.iterations.unwrap_or_else(|| criterion.iterations());
        self.check(iterations)?;
        let targets = iterations.targets(self.sparsity)?;
        let (total, last) = (prunable.weights(), targets.len() - 1);
        let asked = channels.as_ref().map_or_else(|| prunable.clone(), |all| all.prunable(prunable));
        let groups = self.granularity.groups(probe.infos(), before);
        let [left, all] = groups.unwrap_or([before.kept(), total]);
        let mut floors = Vec::new();
        let mut masks = before.clone();
        let (mut zero, mut ties) = (None, None::<Ties>);
        for (number, target) in targets.into_iter().enumerate() {
            // Masks that a network came with may keep less than the first rounds ask for. Channels that are gone count
            // as gone.
            if channels.is_none() && number < last && target.kept(all) > left {
                continue;
            }
            let candidates = match criterion.removed() {
                Removed::StayRemoved => &masks,
                Removed::MayReturn => before,
            };
            let batch = match iterations.examples {
                RoundExamples::All => None,
                RoundExamples::Next => Some(number),
            };
            let round = Round::new(probe, &masks, batch)?;
            let scoring = tracing::debug_span!(
                "scoring",
                criterion = criterion.name(),
                needs = ?criterion.needs(),
                round = number + 1,
                rounds = last + 1,
                weights = total
            );
            let scored = async {
                let scores = criterion.score(&round, &asked)?;
                Ok::<_, Error>((scores.are_narrow(), scores.read().await?))
            };
            let (narrow, scores) = scored.instrument(scoring).await?;
            // Later rounds see zeros behind what earlier ones have cut off: those say nothing of the criterion.
            zero.get_or_insert_with(|| Warning::of_zero_scores(&scores, Some(candidates), narrow));
            let mut parted = None;
            match channels {
                Some(channels) => {
                    let found = channels.select(probe, &scores, target, candidates, self.ablation);
                    match found {
                        // The first rounds may ask for less than one channel.
                        Err(Error::Shrink(sapwood_shrink::Error::Nothing { .. })) if number < last => {}
                        found => (masks, floors) = found?,
                    }
                }
                None => (masks, parted) = self.select(&scores, target, candidates)?,
            }
            tracing::debug!(round = number + 1, %target, kept = masks.kept(), of = total, "weights selected");
            ties = [ties, parted].into_iter().flatten().max_by_key(|ties| ties.equal);
        }
        let ties = ties.filter(Ties::matter).map(Warning::Ties);
        let dense = self.granularity.left_dense(prunable);
        let floors = (!floors.is_empty()).then_some(Warning::Floors { groups: floors });
        let warnings: Vec<_> = dense.into_iter().chain(zero.flatten()).chain(ties).chain(floors).collect();
        warnings.iter().for_each(|reason| tracing::debug!(%reason, "to be known of this cut"));
        let masks = match (self.ablation, channels) {
            (Some(Ablation::Shuffle), Some(channels)) => channels.shuffled(&masks, before, self.seed),
            (Some(Ablation::Shuffle), None) => masks.shuffled(before, self.seed),
            _ => masks,
        };
        Ok((masks, warnings))
    }

    /// Refuses what cannot be composed.
    fn check(&self, iterations: Iterations) -> Result<(), Error> {
        let wrong = |problem: &str| {
            Err(Error::Granularity { found: self.granularity.to_string(), problem: problem.into() })
        };
        self.granularity.check(self.sparsity, &self.allocation)?;
        match self.granularity {
            Granularity::Weight | Granularity::Channel(_) => Ok(()),
            // Shuffling single weights would take what is removed together apart.
            _ if self.ablation == Some(Ablation::Shuffle) => wrong("masks are shuffled weight by weight"),
            Granularity::Pattern { .. } if iterations.rounds.get() > 1 => {
                wrong("a pattern has one sparsity and is cut in one round: ask for one iteration")
            }
            _ => Ok(()),
        }
    }

    fn select(
        &self,
        scores: &Scores,
        target: Sparsity,
        candidates: &MaskSet,
    ) -> Result<(MaskSet, Option<Ties>), Error> {
        let inverted = (self.ablation == Some(Ablation::Invert)).then(|| scores.negated());
        let scores = inverted.as_ref().unwrap_or(scores);
        self.granularity.chosen(scores, target, &self.allocation, Some(candidates))
    }
}

/// What a cut begins with.
struct Start {
    prunable: Prunable,
    /// What may be kept.
    before: MaskSet,
    /// The channels that are chosen from, where whole ones go.
    channels: Option<Channels>,
}

/// What was chosen, and the masks of what was out of scope. What stays removed does so in biases and scales too, which
/// have masks where whole channels went.
fn over(alive: Option<&MaskSet>, chosen: MaskSet, removed: Removed) -> MaskSet {
    let Some(alive) = alive else { return chosen };
    if removed == Removed::MayReturn {
        return alive.overlaid(chosen);
    }
    let still = |(path, mask): (ParamPath, Bits)| {
        let mask = alive.get(&path).map_or_else(|| mask.clone(), |alive| mask.and(alive));
        (path, mask)
    };
    alive.overlaid(chosen.into_masks().into_iter().map(still).collect::<Masks>().into())
}
