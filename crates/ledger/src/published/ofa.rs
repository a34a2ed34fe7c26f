//! Cai et al. 2020, "Once-for-All" (arXiv 1908.09791), table 1: what architecture
//! searches cost for 40 deployment targets.

use crate::{Approach, Error, KG_PER_LB, Rates};

/// The pounds of CO2e of a number of GPU hours, by the [rates of the table](Rates::OFA_TABLE): 0.2836
/// each.
pub fn ofa_co2e_lb(gpu_hours: f64) -> f64 {
    let Rates { kwh_per_hour, kg_per_kwh, .. } = Rates::OFA_TABLE;
    gpu_hours * kwh_per_hour * kg_per_kwh / KG_PER_LB
}

/// The cloud's price of a number of GPU hours in dollars: 3.06 each.
pub fn ofa_dollars(gpu_hours: f64) -> f64 {
    gpu_hours * Rates::OFA_TABLE.money_per_hour
}

/// A row of the table: the GPU hours of search and training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedSearch {
    /// The method.
    pub name: &'static str,
    /// Hours that are paid once.
    pub once: f64,
    /// Hours that are paid again for every deployment target.
    pub per_target: f64,
}

impl PublishedSearch {
    /// The row as an approach, which says what any number of targets costs. A comparison must
    /// state their number: the table's is 40, but for one or two ProxylessNAS takes fewer hours
    /// than OFA.
    ///
    /// # Errors
    /// None for the rows of the table.
    pub fn approach(&self) -> Result<Approach, Error> {
        Approach::new(self.name, self.once, self.per_target)
    }
}

/// The rows in the paper's order.
pub const OFA_TABLE_1: &[PublishedSearch] = &[
    row("MobileNetV2", 0.0, 150.0),
    row("MobileNetV2 #1200", 0.0, 1200.0),
    row("NASNet-A", 0.0, 48_000.0),
    row("DARTS", 0.0, 96.0 + 250.0),
    row("MnasNet", 0.0, 40_000.0),
    row("FBNet-C", 0.0, 216.0 + 360.0),
    row("ProxylessNAS", 0.0, 200.0 + 300.0),
    row("SinglePathNAS", 288.0, 24.0 + 384.0),
    row("AutoSlim", 180.0, 300.0),
    row("MobileNetV3-Large", 0.0, 180.0),
    row("OFA without progressive shrinking", 40.0 + 1200.0, 0.0),
    row("OFA", 40.0 + 1200.0, 0.0),
    row("OFA #25", 40.0 + 1200.0, 25.0),
    row("OFA #75", 40.0 + 1200.0, 75.0),
    row("OFA-Large #75", 40.0 + 1200.0, 75.0),
];

const fn row(name: &'static str, once: f64, per_target: f64) -> PublishedSearch {
    PublishedSearch { name, once, per_target }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published::{strubell_co2e_lb, strubell_kwh};

    /// As printed for 40 targets, in thousands: GPU hours, pounds of CO2e, dollars.
    const PRINTED: [[&str; 3]; 15] = [
        ["6", "1.7", "18.4"],
        ["48", "13.6", "146.9"],
        ["1920", "544.5", "5875.2"],
        ["14", "4.0", "42.8"],
        ["1600", "453.8", "4896.0"],
        ["23", "6.5", "70.4"],
        ["20", "5.7", "61.2"],
        ["17", "4.8", "52.0"],
        ["12", "3.4", "36.7"],
        ["7.2", "1.8", "22.2"],
        ["1.2", "0.34", "3.7"],
        ["1.2", "0.34", "3.7"],
        ["2.2", "0.62", "6.7"],
        ["4.2", "1.2", "13.0"],
        ["4.2", "1.2", "13.0"],
    ];

    /// `value` in thousands, to as many decimals as were printed.
    fn thousands(value: f64, printed: &str) -> String {
        let decimals = printed.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        format!("{:.decimals$}", value / 1000.0)
    }

    /// The paper computes with the hours that it prints, not with the exact ones (DARTS:
    /// 14k and not 13.84k). Two rows are exceptions:
    /// - MobileNetV3: 7.2k hours give 2.0k lb and $22.0k by the factors of all other rows.
    /// - OFA #75: the price is of the exact 4,240 hours; the printed 4.2k give $12.9k.
    #[test]
    fn table_1_is_reproduced_to_the_printed_digits() {
        for (row, [hours, lb, dollars]) in OFA_TABLE_1.iter().zip(PRINTED) {
            let exact = row.approach().unwrap().hours(40);
            assert_eq!(thousands(exact, hours), hours, "GPU hours of {}", row.name);
            let rounded = 1000.0 * hours.parse::<f64>().unwrap();
            let computed = [thousands(ofa_co2e_lb(rounded), lb), thousands(ofa_dollars(rounded), dollars)];
            match row.name {
                "MobileNetV3-Large" => assert_eq!(computed, ["2.0", "22.0"]),
                "OFA #75" | "OFA-Large #75" => {
                    assert_eq!(computed, ["1.2", "12.9"]);
                    assert_eq!(thousands(ofa_dollars(exact), dollars), dollars, "dollars of {}", row.name);
                }
                _ => assert_eq!(computed, [lb, dollars], "{}", row.name),
            }
        }
        assert_eq!(OFA_TABLE_1.len(), PRINTED.len());
    }

    #[test]
    fn the_factors_are_those_that_the_table_implies() {
        // The power of Strubell's BERT by its 64 GPUs.
        let by_strubell = strubell_co2e_lb(strubell_kwh(1.0, 12_041.51 / 64.0));
        assert!((ofa_co2e_lb(1.0) - by_strubell).abs() < 1e-12);
        assert_eq!(format!("{:.5}", ofa_co2e_lb(1.0)), "0.28360");
        assert_eq!(format!("{:.2}", ofa_dollars(1.0)), "3.06");
        // "454,000 against 340 lb" in the project's figure.
        assert_eq!(format!("{:.0} {:.1}", ofa_co2e_lb(1.6e6) / 1000.0, ofa_co2e_lb(1200.0)), "454 340.3");
    }

    #[test]
    fn the_claims_hold_for_40_targets_and_not_for_one() {
        let hours = |name: &str, targets| {
            let row = OFA_TABLE_1.iter().find(|row| row.name == name).unwrap();
            row.approach().unwrap().hours(targets)
        };
        // 16 times below ProxylessNAS, 19 times below FBNet, 1,300 below MnasNet, from
        // hours as printed.
        for (name, printed, times) in
            [("ProxylessNAS", 20e3, 16.0), ("FBNet-C", 23e3, 19.0), ("MnasNet", 1600e3, 1300.0)]
        {
            let ratio = f64::trunc(printed / 1.2e3);
            assert!(times <= ratio && ratio < times * 1.05, "{name}: {ratio}");
            assert_eq!((hours(name, 40) / 1000.0).round() * 1000.0, printed);
        }
        let cheaper = |targets| hours("OFA", targets) < hours("ProxylessNAS", targets);
        assert_eq!((cheaper(1), cheaper(2), cheaper(3)), (false, false, true));
    }
}
