//! How long each part of a chore takes, so that a log shows where the time goes.

use std::time::{Duration, Instant};

/// What most of a part's time is spent on.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Compile,
    Run,
    /// Both in one call of cargo, which does not tell them apart.
    Both,
}

/// The parts that were done, in their order.
#[derive(Default)]
pub(crate) struct Parts(Vec<(&'static str, Kind, Duration)>);

impl Parts {
    /// Does a part, and tells whether it succeeded.
    pub(crate) fn run(&mut self, name: &'static str, kind: Kind, part: impl FnOnce() -> bool) -> bool {
        let begin = Instant::now();
        let passed = part();
        self.0.push((name, kind, begin.elapsed()));
        passed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The table of all parts with their wall time and its sum, a line each.
    pub(crate) fn table(&self) -> String {
        let row = |name: &str, kind: &str, time: Duration| {
            format!("{name:<20}  {kind:<15}  {:>7.1}\n", time.as_secs_f64())
        };
        let rows: String = self.0.iter().map(|(name, kind, time)| row(name, kind.name(), *time)).collect();
        let head = format!("{:<20}  {:<15}  seconds\n", "part", "");
        head + &rows + &row("together", "", self.0.iter().map(|(.., time)| *time).sum())
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Compile => "compile",
            Self::Run => "run",
            Self::Both => "compile and run",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_listed_in_their_order_also_one_that_failed() {
        let mut parts = Parts::default();
        assert!(parts.run("first", Kind::Compile, || true));
        assert!(!parts.run("second", Kind::Run, || false));
        let table = parts.table();
        let starts: Vec<_> = table.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!(starts, ["part", "first", "second", "together"]);
        assert!(table.contains("compile ") && table.contains("run "), "{table}");
        let seconds: Vec<_> =
            table.lines().skip(1).map(|l| l.rsplit(' ').next().unwrap().parse::<f64>()).collect();
        assert!(seconds.iter().all(Result::is_ok), "{table}");
    }
}
