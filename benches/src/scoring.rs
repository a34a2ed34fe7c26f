//! Scoring and selecting, from a network to its masks.

use std::time::Instant;

use anyhow::{Context as _, Result};
use sapwood_backend::{DeviceSpec, Seed};
use sapwood_core::Batch;
use sapwood_models::{Init, Net};
use sapwood_prune::{Criterion, Cut, NetworkProbe, Sparsity, criterion};

use crate::{Case, Side, case::Score};

/// How much goes, on both sides.
pub(crate) const SPARSITY: f64 = 0.9;

/// A criterion and a network, with a batch to score with.
pub struct Scoring {
    criterion: Box<dyn Criterion>,
    net: Net,
    examples: Vec<Batch>,
    wide: bool,
}

impl Scoring {
    /// A newly initialised network.
    ///
    /// # Errors
    /// An unknown criterion, or no CPU backend in this build.
    pub fn start(case: &Case, score: Score) -> Result<Self> {
        let net = Init::default().apply(case.spec.net(&DeviceSpec::CPU.resolve()?)?, Seed(0));
        let criterion = criterion(score.criterion, Seed(0))?;
        Ok(Self { criterion, net, examples: vec![case.data()?], wide: score.is_wide })
    }
}

impl Side for Scoring {
    fn step(&mut self) -> Result<f64> {
        let sparsity = Sparsity::try_from(SPARSITY)?;
        let probe = NetworkProbe::observed(&self.net).with_examples(&self.examples);
        // The copy in f64 is made before the clock starts, as the peer's is.
        let probe = if self.wide { probe.in_f64() } else { probe };
        let start = Instant::now();
        let masks = Cut::to(sparsity).prune_blocking(self.criterion.as_ref(), &probe, None)?.masks;
        let seconds = start.elapsed().as_secs_f64();
        let kept = (masks.kept() == sparsity.kept(masks.total())).then_some(seconds);
        kept.context("the masks do not keep what was asked for")
    }
}
