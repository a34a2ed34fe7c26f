//! The networks that were made, in numbers.

use serde::Serialize;

use super::form::Form;

/// A network that was made, in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// What it is called.
    pub network: String,
    /// `taken`, or `not-taken` where it loses more than may be lost; of integers also `slower` where they take longer than the
    /// numbers that they were made of, and `untimed` where their time cannot be told although one was asked for.
    pub verdict: &'static str,
    /// Of integers that are slower: how many times as long they take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times_as_long: Option<f64>,
    /// Of integers: the layers that are in floating point all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub float_layers: Option<Vec<String>>,
    /// Multiply-accumulates of an example.
    pub macs: u64,
    /// Trained numbers.
    pub params: u64,
    /// The size of its file.
    pub bytes: usize,
    /// The milliseconds that an example takes, where the runtime computes all layers.
    pub milliseconds: Option<f64>,
    /// The share of right answers on the examples that decide.
    pub deciding: f64,
    /// The share of right answers on the examples that it is tested with.
    pub test: f64,
    /// Wilson's interval of that, at 95 %.
    pub test_interval: Option<[f64; 2]>,
}

impl Measured {
    pub(super) fn of(form: &Form) -> Self {
        Self {
            network: form.name.clone(),
            verdict: form.verdict.name(),
            times_as_long: form.verdict.times(),
            float_layers: form.float_layers.clone(),
            macs: form.macs,
            params: form.params,
            bytes: form.bytes,
            milliseconds: form.milliseconds,
            deciding: form.deciding / 100.0,
            test: form.test / 100.0,
            test_interval: form.interval.map(|interval| [interval.low, interval.high]),
        }
    }
}
