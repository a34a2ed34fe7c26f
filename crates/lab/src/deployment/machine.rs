//! The machine whose latencies a study is about.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::step::Done;
use crate::{
    Error,
    latency::{Engine, level},
    ledger::processor,
};

/// What of a machine decides how long networks take there, beside the device of the study.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    processor: String,
    /// The instructions of the CPU, where that computes.
    level: Option<String>,
    threads: usize,
}

impl Machine {
    /// This one, where an engine runs networks.
    pub(super) fn this(engine: &Engine) -> Self {
        let level = match engine {
            Engine::Runtime { .. } => Some(level().name()),
            Engine::Burn { device, .. } => sapwood_backend::level_of(device),
        };
        Self { processor: processor(), level: level.map(String::from), threads: engine.threads() }
    }

    /// Refuses to go on where other times were taken than an engine would take now. Studies of earlier versions do not
    /// say which machine theirs are of.
    pub(super) fn check(taken: &Done<Option<Self>>, engine: &Engine) -> Result<(), Error> {
        let here = Self::this(engine);
        match &taken.value {
            Some(there) if *there != here => Err(Error::Content {
                problem: format!(
                    "these are the latencies of another machine ({there}) than this one ({here}): go on there, or remove \
                     the folder to time this one"
                ),
                path: taken.run.path().into(),
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.processor)?;
        if let Some(level) = &self.level {
            write!(f, "{level}, ")?;
        }
        write!(f, "{} thread{}", self.threads, if self.threads == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RunFolder, ledger::Account};

    #[test]
    fn the_times_of_another_machine_are_refused_and_those_of_this_one_or_of_an_unknown_one_are_not() {
        let engine = Engine::Runtime { threads: 1 };
        let check = |value: Option<Machine>| {
            let run = RunFolder::new("runs/devices/latencies-0");
            Machine::check(&Done { run, value, account: Account::default() }, &engine)
        };
        let here = Machine::this(&engine);
        check(None).unwrap();
        check(Some(here.clone())).unwrap();
        for there in [
            Machine { threads: 2, ..here.clone() },
            Machine { processor: "another".into(), ..here.clone() },
            Machine { level: None, ..here },
        ] {
            let said = check(Some(there.clone())).unwrap_err().to_string();
            assert!(said.contains(&format!("another machine ({there})")), "{said}");
            assert!(said.ends_with("runs/devices/latencies-0"), "{said}");
        }
    }
}
