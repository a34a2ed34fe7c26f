//! How busy others kept the machine while something was measured.
//!
//! Turns cancel what slows both sides alike, but competition does not: OpenMP
//! cuts work into fixed shares and waits for the slowest, rayon's threads steal
//! what is left. A busy machine therefore flatters our side, and a row must say
//! how busy it was.

use std::{fs, process};

/// The state of the processors' counters, in clock ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// All processors together, idle or not.
    total: u64,
    /// Work of anybody, other guests of the same host included.
    busy: u64,
    /// Work of the processes that were asked about.
    own: u64,
}

impl Load {
    /// The counters now, with this process and these others as the own ones. `None`
    /// where the system does not tell.
    pub fn now(others: &[u32]) -> Option<Self> {
        let (total, busy) = machine_ticks(&fs::read_to_string("/proc/stat").ok()?)?;
        let own = others.iter().copied().chain([process::id()]).map(|id| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            process_ticks(&stat)
        });
        Some(Self { total, busy, own: own.sum::<Option<u64>>()? })
    }

    /// The share of all processors, from 0 to 1, that foreign work took since then.
    pub fn foreign_since(&self, then: &Self) -> f64 {
        let [total, busy, own] = [(self.total, then.total), (self.busy, then.busy), (self.own, then.own)]
            .map(|(now, then)| now.saturating_sub(then) as f64);
        if total == 0.0 { 0.0 } else { ((busy - own) / total).clamp(0.0, 1.0) }
    }
}

/// Total and busy ticks, of the first line of `/proc/stat`: user, nice, system,
/// idle, iowait, irq, softirq, steal; what follows is contained in user and nice.
fn machine_ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|text| text.parse().ok()).collect();
    let total: u64 = ticks.iter().sum();
    Some((total, total - ticks.get(3)? - ticks.get(4)?))
}

/// User and system ticks of `/proc/PID/stat`. The name before them may hold
/// spaces, so the count starts behind its closing bracket.
fn process_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_work_is_what_is_busy_and_not_our_own() {
        let stat = "cpu  100 20 30 500 50 1 2 7 90 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(machine_ticks(stat), Some((710, 160)));
        let name = "42 (a b) c) S 1 2 3 4 5 6 7 8 9 10 300 40 0 0 20 0";
        assert_eq!(process_ticks(name), Some(340));
        let then = Load { total: 1000, busy: 100, own: 50 };
        let now = Load { total: 2000, busy: 900, own: 600 };
        assert_eq!(now.foreign_since(&then), 0.25);
        assert_eq!(then.foreign_since(&then), 0.0);
    }
}
