//! Sums of entries: of one run that was resumed, or of all runs of a study.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Entry, Macs, Usage};

/// What several stretches of work cost together. An account of a run is the sum of its
/// entries, one of a study the sum of its runs' accounts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Account {
    /// How many stretches of work.
    pub stretches: usize,
    /// When the first started, in seconds since 1970 (UTC).
    pub started: Option<u64>,
    /// The machines.
    pub hosts: BTreeSet<String>,
    /// What was computed on.
    pub devices: BTreeSet<String>,
    /// Device time in seconds.
    pub device_s: f64,
    /// What was used of the machines.
    pub usage: Usage,
    /// Examples that were trained on.
    pub examples_seen: u64,
    /// MACs of training.
    pub training_macs: Macs,
    /// MACs of evaluation.
    pub evaluation_macs: Macs,
}

impl From<&Entry> for Account {
    fn from(entry: &Entry) -> Self {
        Self {
            stretches: 1,
            started: Some(entry.started),
            hosts: [entry.host.clone()].into(),
            devices: [entry.device.clone()].into(),
            device_s: entry.device_s(),
            usage: entry.usage.clone(),
            examples_seen: entry.examples_seen,
            training_macs: entry.training_macs,
            evaluation_macs: entry.evaluation_macs,
        }
    }
}

impl Account {
    /// Adds other work.
    pub fn add(&mut self, other: &Self) {
        // An empty account must not turn known figures into unknown ones: see `Usage::add`.
        if self.stretches == 0 {
            *self = other.clone();
            return;
        } else if other.stretches == 0 {
            return;
        }
        self.stretches += other.stretches;
        self.started = self.started.min(other.started);
        self.hosts.extend(other.hosts.iter().cloned());
        self.devices.extend(other.devices.iter().cloned());
        self.device_s += other.device_s;
        self.usage.add(&other.usage);
        self.examples_seen = self.examples_seen.saturating_add(other.examples_seen);
        self.training_macs.add(other.training_macs);
        self.evaluation_macs.add(other.evaluation_macs);
    }
}

impl<'a> FromIterator<&'a Entry> for Account {
    fn from_iter<I: IntoIterator<Item = &'a Entry>>(entries: I) -> Self {
        entries.into_iter().map(Self::from).sum()
    }
}

impl std::iter::Sum for Account {
    fn sum<I: Iterator<Item = Self>>(accounts: I) -> Self {
        accounts.fold(Self::default(), |mut sum, account| {
            sum.add(&account);
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::entry;

    #[test]
    fn a_resumed_run_is_the_sum_of_its_stretches() {
        let entries = [entry(200, "oak"), entry(100, "ash"), entry(300, "oak")];
        let run: Account = entries.iter().collect();
        assert_eq!((run.stretches, run.started, run.examples_seen), (3, Some(100), 1920));
        assert_eq!(run.hosts.iter().map(String::as_str).collect::<Vec<_>>(), ["ash", "oak"]);
        assert_eq!((run.device_s, run.usage.wall_s, run.usage.cpu_s), (30.0, 30.0, Some(28.5)));
        assert_eq!(run.usage.peak_memory, entries[0].usage.peak_memory);
        assert_eq!(run.usage.energy.joules(), 1275.0);
        assert_eq!(run.usage.energy.how(), "estimated: 85 W TDP x 50 %");
        assert_eq!(run.training_macs, Macs::forward(1000, 100).training(1920));
    }

    #[test]
    fn a_study_is_the_sum_of_its_runs_in_any_grouping() {
        let entries = [entry(1, "a"), entry(2, "b"), entry(3, "c")];
        let whole: Account = entries.iter().collect();
        let (first, second): (Account, Account) =
            (entries[..1].iter().collect(), entries[1..].iter().collect());
        let grouped: Account = [first, Account::default(), second].into_iter().sum();
        assert_eq!(grouped, whole);
    }
}
