//! The entry that one stretch of a run's work leaves.

use serde::{Deserialize, Serialize};

use super::{Macs, Usage};

/// What one stretch of work cost: from a start, or from where a run was taken up again,
/// to its end or to its last sign of life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When it started, in seconds since 1970 (UTC).
    pub started: u64,
    /// The machine.
    pub host: String,
    /// What it computed on: "cpu", "NVIDIA H100".
    pub device: String,
    /// How many such devices it held.
    pub device_count: usize,
    /// Which instructions it computed with, where that was the CPU: "avx2".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// What it used of the machine.
    pub usage: Usage,
    /// Examples that it trained on, each as often as it was seen. What was done since
    /// the last checkpoint before a crash is done again and counts again: it was paid.
    pub examples_seen: u64,
    /// MACs of training.
    pub training_macs: Macs,
    /// MACs of evaluation.
    pub evaluation_macs: Macs,
}

impl Entry {
    /// Device time in seconds, as "GPU hours" are counted: the wall-clock time of each
    /// device that was held, busy or not.
    pub fn device_s(&self) -> f64 {
        self.usage.wall_s * self.device_count as f64
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{Energy, EnergyPart, EnergySource, Peak, PeakSince};

    /// A stretch of ten seconds at 42.5 W.
    pub(crate) fn entry(started: u64, host: &str) -> Entry {
        let source = EnergySource::FALLBACK;
        let peak_memory = Some(Peak { bytes: 1 << 20, since: PeakSince::MeterStart });
        let energy = Energy { parts: vec![EnergyPart { source, counted_j: 425.0, joules: 425.0 }] };
        Entry {
            started,
            host: host.into(),
            device: "cpu".into(),
            device_count: 1,
            level: Some("avx2".into()),
            usage: Usage { wall_s: 10.0, cpu_s: Some(9.5), peak_memory, energy },
            examples_seen: 640,
            training_macs: Macs::forward(1000, 100).training(640),
            evaluation_macs: Macs::forward(1000, 100).evaluation(100),
        }
    }

    #[test]
    fn it_comes_back_from_json() {
        let entry = entry(1_700_000_000, "oak");
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
    }

    /// An entry of another version is an error and not a wrong number.
    #[test]
    fn an_unknown_or_missing_field_is_refused() {
        let mut value = serde_json::to_value(entry(0, "oak")).unwrap();
        value["water_l"] = 3.into();
        assert!(serde_json::from_value::<Entry>(value.clone()).unwrap_err().to_string().contains("water_l"));
        let fields = value.as_object_mut().unwrap();
        fields.remove("water_l");
        fields.remove("usage");
        assert!(serde_json::from_value::<Entry>(value).unwrap_err().to_string().contains("usage"));
    }

    #[test]
    fn two_devices_take_twice_the_device_time() {
        assert_eq!(Entry { device_count: 2, ..entry(0, "oak") }.device_s(), 20.0);
    }
}
