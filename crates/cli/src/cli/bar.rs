//! A progress bar on the standard error.

use std::{
    io::{self, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use sapwood_lab::Reporter;

/// Draws a bar for whatever takes longer than a second, where there is a
/// terminal; notes are lines above it.
#[derive(Default)]
pub(super) struct Bar(Mutex<Option<ProgressBar>>);

/// A line on the standard error. Where nobody takes it, it is lost: the work is
/// worth more.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{}", super::one_line::one_line(line));
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
        *self.shown() = Some(bar);
    }

    fn advance(&self, units: u64) {
        if let Some(bar) = &*self.shown() {
            bar.inc(units);
        }
    }

    fn note(&self, line: &str) {
        match &*self.shown() {
            // A hidden bar swallows lines, and a log wants them.
            Some(bar) if !bar.is_hidden() => bar.println(line),
            _ => note(line),
        }
    }

    fn end(&self) {
        if let Some(bar) = self.shown().take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}
