//! What the command line shows of the events of the crates below.

use std::{
    io::{self, Write},
    sync::LazyLock,
};

use clap::{ArgAction, Args};
use tracing::{Dispatch, Subscriber, dispatcher, subscriber::NoSubscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{format::FmtSpan, time::uptime},
    layer::SubscriberExt as _,
    registry,
};

use super::{bar, one_line::one_line};
use crate::Error;

/// What chooses events by crate and level, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "RUST_LOG";

/// How much is told while a command goes on.
#[derive(Args)]
pub(super) struct Listening {
    /// Tell on the standard error what happens: runs, epochs and checkpoints; -vv decisions too, -vvv
    /// every step [env: RUST_LOG, by crate, as in sapwood_train=debug]
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// The same as JSON, an event a line
    #[arg(long, global = true)]
    log_json: bool,
}

/// Says of a subscriber that this command line has made it, and of what it hears.
struct Heard {
    /// Whether all that is worth a line is among it.
    notes: bool,
    json: bool,
    arguments: Vec<String>,
}

impl<S: Subscriber> Layer<S> for Heard {}

/// An event at a time, above the bar that is shown.
struct Above;

impl Write for Above {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        bar::above(&one_line(&text));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Listening {
    /// Who hears the events, if anybody wants to.
    ///
    /// # Errors
    /// What the environment says is nothing that can be chosen by.
    pub(super) fn dispatch(&self) -> Result<Option<Dispatch>, Error> {
        let level = match (self.verbose, self.log_json) {
            (0, false) => None,
            (0 | 1, _) => Some("sapwood=info"),
            (2, _) => Some("sapwood=debug"),
            (_, _) => Some("sapwood=trace"),
        };
        let asked = std::env::var(VARIABLE).ok().filter(|asked| !asked.trim().is_empty());
        let directives: Vec<&str> = level.into_iter().chain(asked.as_deref()).collect();
        if directives.is_empty() {
            return Ok(None);
        }
        let filter = EnvFilter::builder().parse(directives.join(",")).map_err(|error| {
            let found = asked.unwrap_or_default();
            Error::Usage(format!(
                "{VARIABLE}: expected levels by crate as in `sapwood_train=debug`, found `{found}`: {error}"
            ))
        })?;
        let heard = Heard { notes: level.is_some(), json: self.log_json, arguments: self.arguments() };
        let heard = registry().with(filter).with(heard);
        let lines = tracing_subscriber::fmt::layer().with_span_events(FmtSpan::CLOSE).with_writer(|| Above);
        Ok(Some(match self.log_json {
            true => Dispatch::new(heard.with(lines.json())),
            false => Dispatch::new(heard.with(lines.with_ansi(false).with_timer(uptime()))),
        }))
    }

    /// The arguments that say the same.
    fn arguments(&self) -> Vec<String> {
        let verbose = (0 < self.verbose).then(|| format!("-{}", "v".repeat(self.verbose.into())));
        verbose.into_iter().chain(self.log_json.then(|| "--log-json".into())).collect()
    }
}

/// Asks the subscriber in force, if a command line has made it.
fn heard<T>(what: impl Fn(&Heard) -> T) -> Option<T> {
    dispatcher::get_default(|dispatch| dispatch.downcast_ref::<Heard>().map(&what))
}

/// Whether notes are shown as the events that say the same.
pub(super) fn shows_notes() -> bool {
    heard(|heard| heard.notes).unwrap_or(false)
}

/// Whether the standard error is to have JSON alone.
pub(super) fn is_json() -> bool {
    heard(|heard| heard.json).unwrap_or(false)
}

/// The arguments by which another process tells as much.
pub(super) fn arguments() -> Vec<String> {
    heard(|heard| heard.arguments.clone()).unwrap_or_default()
}

/// A second subscriber that hears nothing. While there is one alone, an event that happens first on a
/// thread which does not hear it counts as heard nowhere.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

/// Does something that the subscriber hears. For the whole process it is set once; where there is one
/// already, and for a part of a process, this thread alone is heard.
pub(super) fn heard_by<T>(dispatch: Option<Dispatch>, whole_process: bool, work: impl FnOnce() -> T) -> T {
    match dispatch {
        None => work(),
        Some(dispatch) if whole_process && dispatcher::set_global_default(dispatch.clone()).is_ok() => work(),
        Some(dispatch) => {
            LazyLock::force(&SECOND);
            dispatcher::with_default(&dispatch, work)
        }
    }
}
