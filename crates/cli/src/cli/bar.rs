//! A progress bar on the standard error.

use std::{
    io::{self, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use sapwood_lab::Reporter;

use super::{listening, one_line::one_line};

/// Draws a bar for whatever takes longer than a second, where there is a
/// terminal; notes and events are lines above it.
#[derive(Default)]
pub(super) struct Bar(Mutex<Option<ProgressBar>>);

/// The bars that are drawn, the newest last. The terminal is the process's: whoever writes a line to
/// it, on whichever thread, has to know of them.
static DRAWN: Mutex<Vec<ProgressBar>> = Mutex::new(Vec::new());

fn drawn() -> MutexGuard<'static, Vec<ProgressBar>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line on the standard error, above a bar that is drawn. Where nobody takes it, it is lost: the
/// work is worth more.
pub(super) fn above(line: &str) {
    // A hidden bar swallows lines, and a log wants them.
    match drawn().iter().rev().find(|bar| !bar.is_hidden()) {
        Some(bar) => bar.println(line),
        None => drop(writeln!(io::stderr(), "{line}")),
    }
}

/// Tells something worth a line: an event, and a line unless events are lines.
pub(super) fn note(line: &str) {
    let line = one_line(line);
    tracing::info!("{line}");
    shown(&line);
}

fn shown(line: &str) {
    if !listening::shows_notes() {
        above(line);
    }
}

impl Bar {
    fn shown(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter for Bar {
    fn begin(&self, label: &str, total: u64) {
        self.end();
        let style = "{msg} [{bar:32}] {pos}/{len} {elapsed} (about {eta} left)";
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar =
            ProgressBar::new(total).with_style(style.progress_chars("=> ")).with_message(label.to_string());
        bar.enable_steady_tick(Duration::from_millis(500));
        drawn().push(bar.clone());
        *self.shown() = Some(bar);
    }

    fn advance(&self, units: u64) {
        if let Some(bar) = &*self.shown() {
            bar.inc(units);
        }
    }

    /// Whoever tells it has told the event as well.
    fn note(&self, line: &str) {
        shown(&one_line(line));
    }

    fn end(&self) {
        if let Some(bar) = self.shown().take() {
            bar.finish_and_clear();
            drawn().retain(|bar| !bar.is_finished());
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}
