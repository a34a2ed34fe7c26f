//! From how many devices on a supernet pays.

use crate::{
    Error,
    ledger::{Account, Approach, Carbon, JOULES_PER_KWH, Rates},
    report::{Cell, Table},
};

/// Ways to networks for many devices, and what an hour of them costs.
#[derive(Clone, Debug)]
pub struct Economics {
    approaches: Vec<Approach>,
    rates: Rates,
    with_money: bool,
}

/// Grams in a kilogram.
const GRAMS: f64 = 1000.0;

impl Economics {
    /// Approaches by name, with the seconds that they take once and for each device; an hour
    /// costs what one of `account` did.
    pub(crate) fn new(
        seconds: [(&str, f64, f64); 2],
        account: &Account,
        carbon: &Carbon,
    ) -> Result<Self, Error> {
        let approach = |(name, once, each): (&str, f64, f64)| {
            Ok::<_, Error>(Approach::new(name, once / 3600.0, each / 3600.0)?)
        };
        let hours = account.device_s / 3600.0;
        let kwh = account.usage.energy.joules() / JOULES_PER_KWH;
        let rates = Rates {
            kwh_per_hour: if hours > 0.0 { kwh / hours } else { 0.0 },
            kg_per_kwh: carbon.grams(JOULES_PER_KWH) / GRAMS,
            money_per_hour: 0.0,
        };
        let approaches = seconds.into_iter().map(approach).collect::<Result<_, _>>()?;
        Ok(Self { approaches, rates, with_money: false })
    }

    /// Approaches that were published, with the rates of their table.
    pub fn published(approaches: Vec<Approach>) -> Self {
        Self { approaches, rates: Rates::OFA_TABLE, with_money: true }
    }

    /// The same, where an hour of a device costs so much money.
    pub fn priced(self, money_per_hour: f64) -> Self {
        let rates = Rates { money_per_hour, ..self.rates };
        Self { rates, with_money: true, ..self }
    }

    /// What a number of devices cost.
    pub fn table(&self, devices: &[u64]) -> Table {
        let columns = ["way", "devices", "hours", "kWh", "kg CO2e"]
            .into_iter()
            .chain(self.with_money.then_some("money"));
        let mut table = Table::new(columns);
        for approach in &self.approaches {
            for devices in devices {
                let cost = approach.cost(*devices, &self.rates);
                let money = self.with_money.then(|| Cell::number(cost.money));
                table.row(
                    [
                        Cell::from(approach.name()),
                        Cell::count(*devices),
                        Cell::number(cost.hours),
                        Cell::number(cost.kwh),
                        Cell::number(cost.kg_co2e),
                    ]
                    .into_iter()
                    .chain(money),
                );
            }
        }
        table
    }

    /// From how many devices on the first way takes less time than each other, in a sentence.
    pub fn verdicts(&self) -> Vec<String> {
        let Some((first, others)) = self.approaches.split_first() else { return Vec::new() };
        let verdict = |other: &Approach| {
            let (first_name, other_name) = (first.name(), other.name());
            match (first.pays_from(other), first.break_even(other)) {
                (Some(1), _) => {
                    format!("`{first_name}` takes less time than `{other_name}` from the first device on.")
                }
                (Some(from), Some(even)) => format!(
                    "`{first_name}` takes less time than `{other_name}` from {from} devices on (break-even: {even:.2})."
                ),
                _ => format!("`{first_name}` never takes less time than `{other_name}` for good."),
            }
        };
        others.iter().map(verdict).collect()
    }
}
