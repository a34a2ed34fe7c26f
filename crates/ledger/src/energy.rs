//! Energy and where the figure comes from.

use serde::{Deserialize, Serialize};

/// Where a figure of energy comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum EnergySource {
    /// Measured: the RAPL counters of the processor packages. Memory, disks and the
    /// power supply are not in it.
    RaplPackages {
        /// How many packages.
        packages: usize,
    },
    /// Measured: NVML's counter of all energy that a GPU uses, its memory included,
    /// whoever it works for.
    NvmlTotal {
        /// Which GPU.
        gpu: String,
    },
    /// Stated by the user: a power that the whole machine draws while it works.
    StatedPower {
        /// In watts.
        watts: f64,
    },
    /// Estimated from the processor's thermal design power.
    EstimatedTdp {
        /// The thermal design power in watts.
        tdp_w: f64,
        /// The fraction of it that is assumed to be drawn.
        load: f64,
    },
    /// A GPU that worked, but whose energy nobody counted: nothing is added for it.
    UnmeasuredGpu {
        /// Which GPU.
        gpu: String,
    },
}

impl EnergySource {
    /// What is assumed where nothing is measured or stated: half of 85 W, the constants
    /// that codecarbon 3.3.2 falls back on for an unknown processor.
    pub const FALLBACK: Self = Self::EstimatedTdp { tdp_w: 85.0, load: 0.5 };

    /// The power in watts where it is not counted, but assumed.
    pub fn assumed_w(&self) -> Option<f64> {
        match self {
            Self::StatedPower { watts } => Some(*watts),
            Self::EstimatedTdp { tdp_w, load } => Some(tdp_w * load),
            _ => None,
        }
    }

    /// How it was obtained and what it is.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::RaplPackages { packages: 1 } => ("measured", "RAPL package".into()),
            Self::RaplPackages { packages } => ("measured", format!("{packages} RAPL packages")),
            Self::NvmlTotal { gpu } => ("measured", format!("NVML total energy of GPU {gpu}")),
            Self::StatedPower { watts } => ("stated", format!("{watts} W")),
            Self::EstimatedTdp { tdp_w, load } => {
                ("estimated", format!("{tdp_w} W TDP x {:.0} %", 100.0 * load))
            }
            Self::UnmeasuredGpu { gpu } => ("not measured", format!("GPU {gpu}")),
        }
    }
}

/// The energy from one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyPart {
    /// Where the figure comes from.
    pub source: EnergySource,
    /// The joules of all that the source covers.
    pub counted_j: f64,
    /// The joules of them that are this run's. Several workers share a machine: each
    /// is given its share of the CPU time that the machine spent meanwhile.
    pub joules: f64,
}

/// The energy that a stretch of work used, part by part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Energy {
    /// One part per source.
    pub parts: Vec<EnergyPart>,
}

impl Energy {
    /// All of it, in joules.
    pub fn joules(&self) -> f64 {
        // The standard sum of nothing is -0.
        self.parts.iter().fold(0.0, |sum, part| sum + part.joules)
    }

    /// How it was obtained: `measured: RAPL package x 48 % of its CPU time + NVML total
    /// energy of GPU 0`.
    pub fn how(&self) -> String {
        let mut text = String::new();
        let mut last_verb = "";
        for part in &self.parts {
            let (verb, what) = part.source.words();
            text += if text.is_empty() { "" } else { " + " };
            if verb != last_verb {
                text += &format!("{verb}: ");
            }
            text += &what;
            let percent = format!("{:.0}", 100.0 * part.joules / part.counted_j);
            if part.joules < part.counted_j && percent != "100" {
                text += &format!(" x {percent} % of its CPU time");
            }
            last_verb = verb;
        }
        text
    }

    /// Adds the energy of other work: parts from the same source become one.
    pub fn add(&mut self, other: &Self) {
        for part in &other.parts {
            match self.parts.iter_mut().find(|mine| mine.source == part.source) {
                Some(mine) => {
                    mine.counted_j += part.counted_j;
                    mine.joules += part.joules;
                }
                None => self.parts.push(part.clone()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(source: EnergySource, counted_j: f64, joules: f64) -> EnergyPart {
        EnergyPart { source, counted_j, joules }
    }

    #[test]
    fn each_figure_says_how_it_was_obtained() {
        let rapl = |packages| EnergySource::RaplPackages { packages };
        let nvml = EnergySource::NvmlTotal { gpu: "0".into() };
        let cases = [
            (vec![part(rapl(1), 10.0, 10.0)], "measured: RAPL package"),
            (vec![part(rapl(2), 10.0, 9.99)], "measured: 2 RAPL packages"),
            (vec![part(rapl(1), 10.0, 4.8)], "measured: RAPL package x 48 % of its CPU time"),
            (
                vec![part(rapl(1), 10.0, 4.8), part(nvml.clone(), 7.0, 7.0)],
                "measured: RAPL package x 48 % of its CPU time + NVML total energy of GPU 0",
            ),
            (
                vec![part(EnergySource::FALLBACK, 5.0, 5.0), part(nvml, 7.0, 7.0)],
                "estimated: 85 W TDP x 50 % + measured: NVML total energy of GPU 0",
            ),
            (vec![part(EnergySource::StatedPower { watts: 65.0 }, 1.0, 1.0)], "stated: 65 W"),
            (
                vec![
                    part(rapl(1), 1.0, 1.0),
                    part(EnergySource::UnmeasuredGpu { gpu: "1".into() }, 0.0, 0.0),
                ],
                "measured: RAPL package + not measured: GPU 1",
            ),
        ];
        for (parts, expected) in cases {
            assert_eq!(Energy { parts }.how(), expected);
        }
    }

    #[test]
    fn parts_of_one_source_add_up_with_their_mean_share() {
        let rapl = EnergySource::RaplPackages { packages: 1 };
        let mut sum = Energy { parts: vec![part(rapl.clone(), 100.0, 40.0)] };
        sum.add(&Energy { parts: vec![part(rapl, 100.0, 60.0), part(EnergySource::FALLBACK, 5.0, 5.0)] });
        assert_eq!(sum.joules(), 105.0);
        assert_eq!(sum.how(), "measured: RAPL package x 50 % of its CPU time + estimated: 85 W TDP x 50 %");
    }

    #[test]
    fn it_is_stored_with_its_origin() {
        let energy = Energy { parts: vec![part(EnergySource::StatedPower { watts: 65.0 }, 2.0, 1.0)] };
        let text = serde_json::to_string(&energy).unwrap();
        assert_eq!(text, r#"[{"source":{"kind":"stated_power","watts":65.0},"counted_j":2.0,"joules":1.0}]"#);
        assert_eq!(serde_json::from_str::<Energy>(&text).unwrap(), energy);
    }
}
