//! What specialised networks cost for many devices.

use serde::{Deserialize, Serialize};

use crate::Error;

/// The hours of computing that an approach takes for N targets: some once, some for each.
///
/// ```
/// use sapwood_ledger::Approach;
///
/// // OFA and ProxylessNAS, table 1 of Cai et al. 2020.
/// let ofa = Approach::new("OFA", 40.0 + 1200.0, 0.0)?;
/// let proxyless = Approach::new("ProxylessNAS", 0.0, 200.0 + 300.0)?;
/// assert_eq!((ofa.hours(1), proxyless.hours(1)), (1240.0, 500.0));
/// assert_eq!(ofa.pays_from(&proxyless), Some(3));
/// # Ok::<(), sapwood_ledger::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approach {
    name: String,
    once_hours: f64,
    hours_per_target: f64,
}

/// What an hour of computing costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Energy, in kWh, as drawn from the grid.
    pub kwh_per_hour: f64,
    /// Emissions, in kg CO2e for a kWh.
    pub kg_per_kwh: f64,
    /// Money, in any currency.
    pub money_per_hour: f64,
}

/// What something costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Hours of computing.
    pub hours: f64,
    /// Energy, in kWh.
    pub kwh: f64,
    /// Emissions, in kg CO2e.
    pub kg_co2e: f64,
    /// Money, in the currency of the rates.
    pub money: f64,
}

/// Kilograms in a pound.
pub const KG_PER_LB: f64 = 0.453_592_37;

impl Rates {
    /// The rates behind table 1 of Cai et al. 2020, for an hour of one V100: 12,041.51 W for
    /// 64 of them, a PUE of 1.58 and 0.954 lb CO2e for a kWh (Strubell et al. 2019), and
    /// $24.48 for an hour of eight.
    pub const OFA_TABLE: Self = Self {
        kwh_per_hour: 1.58 * 12_041.51 / 64.0 / 1000.0,
        kg_per_kwh: 0.954 * KG_PER_LB,
        money_per_hour: 24.48 / 8.0,
    };
}

impl Approach {
    /// An approach that takes `once_hours` whatever the number of targets, and
    /// `hours_per_target` for each.
    ///
    /// # Errors
    /// Hours that are negative or not finite.
    pub fn new(name: impl Into<String>, once_hours: f64, hours_per_target: f64) -> Result<Self, Error> {
        for (field, hours) in [("hours once", once_hours), ("hours for a target", hours_per_target)] {
            if !hours.is_finite() || hours < 0.0 {
                return Err(Error::Hours { field, found: hours });
            }
        }
        Ok(Self { name: name.into(), once_hours, hours_per_target })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hours for this many targets.
    pub fn hours(&self, targets: u64) -> f64 {
        self.once_hours + self.hours_per_target * targets as f64
    }

    /// What this many targets cost.
    pub fn cost(&self, targets: u64, rates: &Rates) -> Cost {
        let hours = self.hours(targets);
        let kwh = hours * rates.kwh_per_hour;
        Cost { hours, kwh, kg_co2e: kwh * rates.kg_per_kwh, money: hours * rates.money_per_hour }
    }

    /// The number of targets at which both take the same time, which need not be whole. `None`
    /// if that is nowhere, or everywhere.
    pub fn break_even(&self, other: &Self) -> Option<f64> {
        let targets = (self.once_hours - other.once_hours) / (other.hours_per_target - self.hours_per_target);
        (targets.is_finite() && 0.0 <= targets).then_some(targets)
    }

    /// The smallest number of targets, at least 1, from which on this takes less time than
    /// the other. `None` if it never does for good, or only with more targets than a `u64` counts.
    pub fn pays_from(&self, other: &Self) -> Option<u64> {
        let more_once = self.once_hours - other.once_hours;
        let less_each = other.hours_per_target - self.hours_per_target;
        let pays = |targets: u64| more_once < less_each * targets as f64;
        if less_each < 0.0 || !pays(u64::MAX) {
            return None;
        }
        let (mut not_yet, mut from) = (0, u64::MAX);
        while 1 < from - not_yet {
            let middle = not_yet + (from - not_yet) / 2;
            if pays(middle) { from = middle } else { not_yet = middle }
        }
        Some(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_once_for_all_network_pays_from_three_targets_on() {
        let approach = |once, each| Approach::new("", once, each).unwrap();
        let (ofa, proxyless) = (approach(1240.0, 0.0), approach(0.0, 500.0));
        assert_eq!(ofa.break_even(&proxyless), Some(2.48));
        assert_eq!((ofa.pays_from(&proxyless), proxyless.pays_from(&ofa)), (Some(3), None));
        // At exactly the break-even both take the same time, which does not pay yet.
        assert_eq!(approach(1000.0, 0.0).pays_from(&proxyless), Some(3));
        assert_eq!(approach(0.0, 100.0).pays_from(&proxyless), Some(1));
        assert_eq!((ofa.pays_from(&ofa), ofa.break_even(&ofa)), (None, None));
        // Nearer than the last digits of hours tell, and beyond what can be counted.
        let [near, far] = [1e17, 1e20].map(|once| approach(once, 0.0).pays_from(&approach(0.0, 1.0)));
        assert!(near.is_some_and(|from| from - 100_000_000_000_000_000 < 100), "{near:?}");
        assert_eq!(far, None);
        assert!(approach(1000.0, 1.0).pays_from(&approach(0.0, 1.0 + f64::EPSILON)).is_some());
        assert!(Approach::new("", -1.0, 0.0).is_err() && Approach::new("", f64::NAN, 0.0).is_err());
    }
}
