//! A progress bar on the standard error.

use std::{cell::RefCell, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use crate::Reporter;

/// Draws a bar for whatever takes longer than a second, where there is a
/// terminal; notes are lines above it.
#[derive(Default)]
pub(super) struct Bar(RefCell<Option<ProgressBar>>);

impl Reporter for Bar {
    fn begin(&self, label: &str, total: u64) {
        self.end();
        let style = "{msg} [{bar:32}] {pos}/{len} {elapsed} (about {eta} left)";
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar =
            ProgressBar::new(total).with_style(style.progress_chars("=> ")).with_message(label.to_string());
        bar.enable_steady_tick(Duration::from_millis(500));
        *self.0.borrow_mut() = Some(bar);
    }

    fn advance(&self, units: u64) {
        if let Some(bar) = &*self.0.borrow() {
            bar.inc(units);
        }
    }

    fn note(&self, line: &str) {
        match &*self.0.borrow() {
            // A hidden bar swallows lines, and a log wants them.
            Some(bar) if !bar.is_hidden() => bar.println(line),
            _ => eprintln!("{line}"),
        }
    }

    fn end(&self) {
        if let Some(bar) = self.0.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}
