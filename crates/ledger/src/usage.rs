//! What a stretch of work used of the machine.

use serde::{Deserialize, Serialize};

use super::Energy;

/// Since when a peak of memory is the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeakSince {
    /// Since the meter started.
    MeterStart,
    /// Since the process started, which may have had other work before.
    ProcessStart,
}

/// The largest resident memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    /// In bytes.
    pub bytes: u64,
    /// Since when.
    pub since: PeakSince,
}

/// What a stretch of work used of the machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Wall-clock seconds.
    pub wall_s: f64,
    /// CPU seconds of the process, user and system, where the system tells.
    pub cpu_s: Option<f64>,
    /// The peak of its memory, where the system tells.
    pub peak_memory: Option<Peak>,
    /// Its energy.
    pub energy: Energy,
}

impl Usage {
    /// Adds other work. Times and energies add up, of the peaks the higher remains,
    /// and what is unknown of one part is unknown of the sum. Work that went on at the
    /// same time counts twice, as GPU hours do.
    pub fn add(&mut self, other: &Self) {
        self.wall_s += other.wall_s;
        self.cpu_s = self.cpu_s.zip(other.cpu_s).map(|(a, b)| a + b);
        self.peak_memory = self.peak_memory.zip(other.peak_memory).map(|(a, b)| Peak {
            bytes: a.bytes.max(b.bytes),
            since: if a.since == b.since { a.since } else { PeakSince::ProcessStart },
        });
        self.energy.add(&other.energy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(cpu_s: Option<f64>, bytes: u64, since: PeakSince) -> Usage {
        Usage { wall_s: 2.0, cpu_s, peak_memory: Some(Peak { bytes, since }), energy: Energy::default() }
    }

    #[test]
    fn times_add_up_and_the_higher_peak_remains() {
        let mut sum = usage(Some(1.5), 10, PeakSince::MeterStart);
        sum.add(&usage(Some(1.0), 30, PeakSince::MeterStart));
        assert_eq!(sum, Usage { wall_s: 4.0, ..usage(Some(2.5), 30, PeakSince::MeterStart) });
        sum.add(&usage(None, 20, PeakSince::ProcessStart));
        assert_eq!(sum, Usage { wall_s: 6.0, ..usage(None, 30, PeakSince::ProcessStart) });
        sum.add(&Usage { wall_s: 1.0, ..Usage::default() });
        assert_eq!(sum, Usage { wall_s: 7.0, ..Usage::default() });
    }
}
