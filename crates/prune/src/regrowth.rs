//! Dynamic sparse training: weights that are dropped and others that are grown.

use std::ops::Range;

use rand::RngExt as _;
use sapwood_backend::{Seed, Stream};
use sapwood_core::{Bits, Masks};
use serde::{Deserialize, Serialize};

use crate::{Error, ranking};

/// Which weights are exchanged while a sparse network is trained, and when. Every so
/// many iterations, of the alive weights of each layer the fraction `f_t` with the
/// smallest magnitude is dropped, and as many are grown of all that are then not
/// kept, the dropped ones included. The number of weights of a layer never changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regrowth {
    /// Which are grown.
    pub growth: Growth,
    /// The fraction of the alive weights that is exchanged at first, above 0 and at
    /// most 1.
    pub fraction: f64,
    /// How the fraction falls.
    #[serde(default)]
    pub anneal: Anneal,
    /// Iterations between exchanges.
    pub every: usize,
    /// The iteration from which on nothing is exchanged.
    pub until: usize,
}

/// Which weights are grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Growth {
    /// Any, with equal chances: SET (Mocanu et al. 2018).
    Random,
    /// Those where the loss of the batch is steepest, seen with the dense gradient:
    /// RigL (Evci et al. 2020, algorithm 1).
    Gradient,
}

/// How the exchanged fraction falls from its first value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anneal {
    /// To zero along half a cosine.
    #[default]
    Cosine,
    /// Not at all.
    Constant,
    /// As `(1 - t/T)^e`.
    Power(
        /// e
        f64,
    ),
}

/// A layer in the moment of an exchange: flat, and in PyTorch's layout.
#[derive(Clone, Copy, Debug)]
pub struct SparseLayer<'a> {
    /// Which weights are alive.
    pub mask: &'a Bits,
    /// All weights.
    pub weights: &'a [f64],
    /// The dense gradient of the loss. [`Growth::Random`] does not look at it.
    pub gradient: &'a [f64],
}

impl Regrowth {
    /// Refuses what makes no sense in a run that trains these iterations.
    ///
    /// # Errors
    /// [`Error::Schedule`] for a fraction, a power, an interval or an end that cannot be, or where no exchange is in
    /// the run.
    pub fn check(&self, run: Range<usize>) -> Result<(), Error> {
        let wrong =
            |field, expected: &str, found| Err(Error::Schedule { field, expected: expected.into(), found });
        if !(0.0 < self.fraction && self.fraction <= 1.0) {
            return wrong("regrown fraction", "above 0 and at most 1", self.fraction.to_string());
        }
        if let Anneal::Power(power) = self.anneal
            && !(0.0..f64::INFINITY).contains(&power)
        {
            return wrong("power of the regrown fraction", "at least 0 and finite", power.to_string());
        }
        if self.every == 0 {
            return wrong("interval of regrowth", "at least 1it", "0it".into());
        }
        if self.until <= run.start || run.end < self.until {
            let expected = format!("within the run, from {}it to {}it", run.start + 1, run.end);
            return wrong("end of regrowth", &expected, format!("{}it", self.until));
        }
        if run.start.next_multiple_of(self.every) >= self.until {
            let expected =
                format!("so short that a multiple of it lies from {}it to {}it", run.start, self.until - 1);
            return wrong("interval of regrowth", &expected, format!("{}it", self.every));
        }
        Ok(())
    }

    /// Refuses masks of which no weight would ever be exchanged in a run of these iterations: where in each
    /// layer none is kept, none is gone, or the fraction is less than one weight.
    ///
    /// # Errors
    /// [`Error::NoMasks`]; [`Error::NothingToExchange`].
    pub fn check_masks(&self, masks: &Masks, run: Range<usize>) -> Result<(), Error> {
        if masks.is_empty() {
            return Err(Error::NoMasks);
        }
        // The fraction falls: the first exchange of the run is the largest.
        let fraction = run.clone().find_map(|iteration| self.at(iteration)).unwrap_or(0.0);
        let moves = |mask: &Bits| mask.count_ones() < mask.len() && 0 < self.dropped(fraction, mask);
        if masks.values().any(moves) {
            return Ok(());
        }
        let (kept, total) = (masks.values().map(Bits::count_ones).sum(), masks.values().map(Bits::len).sum());
        Err(Error::NothingToExchange { kept, total, fraction })
    }

    /// How many weights of a layer the fraction `f` is.
    fn dropped(&self, f: f64, mask: &Bits) -> usize {
        (f * mask.count_ones() as f64).floor() as usize
    }

    /// The fraction to exchange in the place of this iteration's step, if it is one:
    /// the first is iteration 0, as in the authors' code.
    pub fn at(&self, iteration: usize) -> Option<f64> {
        if self.until <= iteration || !iteration.is_multiple_of(self.every) {
            return None;
        }
        let t = iteration as f64 / self.until as f64;
        Some(
            self.fraction
                * match self.anneal {
                    Anneal::Constant => 1.0,
                    Anneal::Cosine => (1.0 + (std::f64::consts::PI * t).cos()) / 2.0,
                    Anneal::Power(e) => (1.0 - t).powf(e),
                },
        )
    }

    /// The mask of a layer after an exchange of the fraction `f`. `index` numbers what is drawn: the iteration and the
    /// layer.
    pub fn exchange(&self, f: f64, layer: SparseLayer<'_>, seed: Seed, index: u64) -> Bits {
        let SparseLayer { mask, weights, gradient } = layer;
        let alive = mask.count_ones();
        let dropped = self.dropped(f, mask);
        let magnitude: Vec<f64> = weights.iter().map(|w| w.abs()).collect();
        let kept = ranking::keep_first(&[(&magnitude, Some(mask))], alive - dropped).0.remove(0);
        let free = Bits::ones(mask.len()).minus(&kept);
        let worth: Vec<f64> = match self.growth {
            Growth::Gradient => gradient.iter().map(|g| g.abs()).collect(),
            Growth::Random => {
                let mut rng = seed.stream(Stream::Regrowth, index);
                (0..mask.len()).map(|_| rng.random::<f64>()).collect()
            }
        };
        kept.or(&ranking::keep_first(&[(&worth, Some(&free))], dropped).0.remove(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(growth: Growth) -> Regrowth {
        Regrowth { growth, fraction: 0.5, anneal: Anneal::Cosine, every: 10, until: 40 }
    }

    fn bits(text: &str) -> Bits {
        text.chars().map(|c| c == '1').collect()
    }

    #[test]
    fn the_smallest_go_and_the_steepest_come() {
        let mask = bits("111100");
        let weights = [0.1, -3.0, 0.2, 1.0, 0.0, 0.0];
        let exchange = |gradient: [f64; 6]| {
            let layer = SparseLayer { mask: &mask, weights: &weights, gradient: &gradient };
            rule(Growth::Gradient).exchange(0.5, layer, Seed(1), 0)
        };
        assert_eq!(exchange([0.0, 9.0, 0.0, 9.0, -0.5, 0.1]), bits("010111"));
        // A weight that was just dropped may be the steepest.
        assert_eq!(exchange([5.0, 0.0, 0.0, 0.0, -0.5, 0.1]), bits("110110"));
    }

    #[test]
    fn chance_is_a_function_of_seed_and_index_and_keeps_the_number() {
        let mask: Bits = (0..100).map(|i| i % 4 == 0).collect();
        let weights: Vec<f64> = (0..100).map(f64::from).collect();
        let layer = SparseLayer { mask: &mask, weights: &weights, gradient: &[] };
        let draw = |seed, index| rule(Growth::Random).exchange(0.4, layer, Seed(seed), index);
        assert_eq!(draw(1, 0), draw(1, 0));
        assert!(draw(1, 0) != draw(2, 0) && draw(1, 0) != draw(1, 1));
        assert_eq!(draw(1, 0).count_ones(), 25);
        // The 15 largest stay: 40, 44, ..., 96.
        assert!((40..100).step_by(4).all(|i| draw(1, 0).get(i)));
    }

    #[test]
    fn the_fraction_falls_to_nothing_and_a_hopeless_schedule_is_refused() {
        let rigl = rule(Growth::Gradient);
        let at: Vec<Option<f64>> = [0, 10, 15, 20, 30, 40].iter().map(|at| rigl.at(*at)).collect();
        let cosine = |t: f64| Some(0.25 * (1.0 + (std::f64::consts::PI * t).cos()));
        assert_eq!(at, [cosine(0.0), cosine(0.25), None, cosine(0.5), cosine(0.75), None]);
        assert!(rigl.check(0..40).is_ok() && rigl.check(30..50).is_ok());
        for (broken, total) in [
            (Regrowth { fraction: 0.0, ..rigl }, 0..40),
            (Regrowth { fraction: f64::NAN, ..rigl }, 0..40),
            (Regrowth { anneal: Anneal::Power(-1.0), ..rigl }, 0..40),
            (Regrowth { anneal: Anneal::Power(f64::NAN), ..rigl }, 0..40),
            (Regrowth { anneal: Anneal::Power(f64::INFINITY), ..rigl }, 0..40),
            (Regrowth { every: 0, ..rigl }, 0..40),
            (Regrowth { until: 0, ..rigl }, 0..40),
            (rigl, 0..39),
            // Nothing would be exchanged after 30, and 31 to 39 hold no multiple of 10.
            (rigl, 31..40),
            (rigl, 40..60),
        ] {
            assert!(broken.check(total.clone()).is_err(), "{broken:?} {total:?}");
        }
        let steep = Regrowth { anneal: Anneal::Power(f64::INFINITY), ..rigl }.check(0..40).unwrap_err();
        assert!(steep.to_string().ends_with("must be at least 0 and finite, but it is inf"), "{steep}");
    }

    #[test]
    fn masks_of_which_nothing_can_be_exchanged_are_refused() {
        let check = |masks: &[&str]| check_in(masks, 0..1);
        fn check_in(masks: &[&str], run: Range<usize>) -> Result<(), Error> {
            let rigl = rule(Growth::Gradient);
            let named =
                masks.iter().enumerate().map(|(at, mask)| (format!("{at}.weight").into(), bits(mask)));
            rigl.check_masks(&named.collect(), run)
        }
        // Late in the run a cosine leaves less than one weight.
        assert!(check_in(&["1100"], 0..40).is_ok() && check_in(&["1100"], 30..40).is_err());
        assert!(check(&["0000", "1111", "1100"]).is_ok());
        assert!(matches!(check(&[]), Err(Error::NoMasks)));
        let nothing = check(&["0000", "1111", "1000"]).unwrap_err();
        assert!(matches!(nothing, Error::NothingToExchange { kept: 5, total: 12, .. }), "{nothing}");
    }
}
