//! What a run says of itself in one line each: to a reporter as it goes on, and in its log.

use std::{collections::BTreeMap, fmt};

use sapwood_train::Row;
use tracing::field::{Field, Visit};

use crate::Reporter;

/// The fields of an event.
#[derive(Default)]
pub(crate) struct Fields(BTreeMap<&'static str, Value>);

enum Value {
    Number(f64),
    Text(String),
}

impl Fields {
    fn number(&self, name: &str) -> Option<f64> {
        match self.0.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// As text, empty where there is no such field.
    fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name(), Value::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_f64(field, value as f64);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record_f64(field, value as f64);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), Value::Text(value.into()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), Value::Text(format!("{value:?}")));
    }
}

/// The line of an event that is worth one, by the event's name.
pub(crate) fn of_event(name: &str, fields: &Fields) -> Option<String> {
    Some(match name {
        "note" => fields.text("message").into(),
        "warning" => warning(fields.text("message")),
        "run_begun" => format!(
            "Sapwood {}, process {} on {}, device {}, seed {}",
            fields.text("version"),
            fields.number("process")?,
            fields.text("host"),
            fields.text("device"),
            fields.text("seed")
        ),
        "run_stopped" => format!("stopped at iteration {}", fields.number("iteration")?),
        "run_failed" => format!("failed: {}", fields.text("error")),
        "resumed" => resumed(fields.number("iteration")? as usize),
        "checkpoint_passed_over" => passed_over(fields.text("problem"), fields.text("path")),
        "epoch" => epoch(
            [fields.number("epoch")?, fields.number("epochs")?].map(|number| number as usize),
            fields.number("training_loss")?,
            fields.number("test_loss").zip(fields.number("top1")),
            "test",
        ),
        _ => return None,
    })
}

/// An epoch and their number, the loss in training, and loss and accuracy on the examples that are called so.
fn epoch([epoch, epochs]: [usize; 2], training_loss: f64, test: Option<(f64, f64)>, tested: &str) -> String {
    let test = test.map_or(String::new(), |(loss, top1)| {
        format!(", {tested} loss {loss:.4}, top-1 {:.2} %", 100.0 * top1)
    });
    format!("epoch {epoch}/{epochs}: training loss {training_loss:.4}{test}")
}

/// An epoch, the number of them, and what the examples are called that it was tested with.
pub(crate) fn of_row(row: &Row, epochs: usize, tested: &str) -> String {
    epoch([row.epoch, epochs], row.train_loss, row.test.map(|test| (test.loss, test.top1)), tested)
}

pub(crate) fn resumed(iteration: usize) -> String {
    format!("continues from iteration {iteration}")
}

pub(crate) fn passed_over(problem: &str, path: impl fmt::Display) -> String {
    format!("passed over a broken checkpoint ({problem}): {path}")
}

fn warning(warning: &str) -> String {
    format!("warning: {warning}")
}

/// Tells something worth a line: an event, and a note of the reporter's.
pub(crate) fn note(reporter: &dyn Reporter, line: impl fmt::Display) {
    tracing::info!(name: "note", "{line}");
    reporter.note(&line.to_string());
}

/// Tells something that is no error, but that a user should know.
pub(crate) fn warn(reporter: &dyn Reporter, line: impl fmt::Display) {
    tracing::warn!(name: "warning", "{line}");
    reporter.note(&warning(&line.to_string()));
}

/// A reporter without its notes: those of a study's runs go into their logs, as events.
pub(crate) struct Unnoted<'a>(pub(crate) &'a dyn Reporter);

impl Reporter for Unnoted<'_> {
    fn begin(&self, label: &str, total: u64) {
        self.0.begin(label, total);
    }

    fn advance(&self, units: u64) {
        self.0.advance(units);
    }

    fn note(&self, _line: &str) {}

    fn end(&self) {
        self.0.end();
    }
}
