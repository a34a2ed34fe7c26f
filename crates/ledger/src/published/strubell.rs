//! Strubell, Ganesh, McCallum 2019, "Energy and Policy Considerations for Deep Learning
//! in NLP" (arXiv 1906.02243): equations 1 and 2.

/// Power usage effectiveness of the mean data centre of 2018, the paper's 1.58.
pub const PUE: f64 = 1.58;

/// Pounds of CO2e per kilowatt-hour in the United States, the paper's figure from EPA 2018.
pub const LB_PER_KWH: f64 = 0.954;

/// How many times too high the paper's figure for a neural architecture search is for
/// an average organisation, by Patterson et al. 2021 ("Carbon Emissions and Large Neural
/// Network Training", arXiv 2104.10350).
///
/// The 626,155 lb, five cars' lifetimes, were taken for the cost of one training. They
/// are an estimate for a whole search, which is paid once per problem and search space
/// and not per model; and the search ran on small proxy tasks that the estimate took
/// for full trainings. Whoever cites the figure should cite this with it.
pub const NAS_CORRECTION_AVERAGE: f64 = 18.7;

/// The same for the search as it ran, on Google's own processors and in its data centre.
pub const NAS_CORRECTION_GOOGLE: f64 = 88.0;

/// The mean power that a training draws, in watts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// All processors.
    pub cpu_w: f64,
    /// All memory.
    pub ram_w: f64,
    /// How many GPUs.
    pub gpus: u32,
    /// Each GPU.
    pub gpu_w: f64,
}

impl Draw {
    /// All of it.
    pub fn watts(&self) -> f64 {
        self.cpu_w + self.ram_w + f64::from(self.gpus) * self.gpu_w
    }
}

/// Equation 1: the kilowatt-hours of a training of this number of hours that draws this number of
/// watts, the data centre's overhead included.
pub fn strubell_kwh(hours: f64, watts: f64) -> f64 {
    PUE * hours * watts / 1000.0
}

/// Equation 2: their pounds of CO2e.
pub fn strubell_co2e_lb(kwh: f64) -> f64 {
    LB_PER_KWH * kwh
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JOULES_PER_KWH, co2e_grams, grid, grid::GRAMS_PER_POUND};

    /// Rows of the paper's table 3: watts, hours, pounds of CO2e as printed.
    ///
    /// BERT is printed with 79 hours, which give 1,434 lb; the printed 1,438 lb follow
    /// from 79.2 hours, its 3.3 days.
    const ROWS: [(&str, f64, f64, f64); 5] = [
        ("Transformer base", 1415.78, 12.0, 26.0),
        ("Transformer big", 1515.43, 84.0, 192.0),
        ("ELMo", 517.66, 336.0, 262.0),
        ("BERT base", 12_041.51, 79.2, 1438.0),
        ("NAS", 1515.43, 274_120.0, 626_155.0),
    ];

    #[test]
    fn the_published_rows_are_reproduced() {
        for (name, watts, hours, printed_lb) in ROWS {
            // 1437.5 is printed as 1,438: halves round up.
            let lb = strubell_co2e_lb(strubell_kwh(hours, watts));
            assert_eq!(lb.round(), printed_lb, "{name}: {lb}");
        }
        assert_eq!(strubell_co2e_lb(strubell_kwh(79.0, 12_041.51)).round(), 1434.0);
    }

    /// The ledger's own way from joules to grams gives the same.
    #[test]
    fn the_ledger_agrees() {
        for (name, watts, hours, printed_lb) in ROWS {
            let joules = watts * hours / 1000.0 * JOULES_PER_KWH;
            let lb = co2e_grams(joules, PUE, grid("us-strubell").unwrap()) / GRAMS_PER_POUND;
            assert!((lb - printed_lb).abs() < 0.51, "{name}: {lb}");
        }
    }

    #[test]
    fn the_corrected_search_is_three_tonnes() {
        let tonnes = 626_155.0 * GRAMS_PER_POUND / 1e6;
        assert!((tonnes - 284.02).abs() < 0.005);
        assert!((tonnes / NAS_CORRECTION_GOOGLE - 3.2).abs() < 0.05);
        assert!((tonnes / NAS_CORRECTION_AVERAGE - 15.2).abs() < 0.05);
    }

    #[test]
    fn all_parts_draw() {
        assert_eq!(Draw { cpu_w: 100.0, ram_w: 20.0, gpus: 8, gpu_w: 250.0 }.watts(), 2120.0);
    }
}
