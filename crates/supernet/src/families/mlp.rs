//! Fully connected networks with elastic depth and widths.

use sapwood_core::{Graph, Shape};
use sapwood_search::{Choice, Space};

use crate::{Error, Family};

/// The most hidden layers.
const DEPTH: usize = 3;

/// Choices `d`, the hidden layers, and `w.0`-`w.2`, their widths.
pub(super) fn family(input: Shape, classes: usize) -> Result<Family, Error> {
    let mut choices = vec![Choice::new("d", ["1", "2", "3"])];
    for layer in 0..DEPTH {
        let choice = Choice::new(format!("w.{layer}"), ["32", "64", "128"]);
        choices.push(match layer {
            0 => choice,
            1 => choice.when("d", ["2", "3"]),
            _ => choice.when("d", ["3"]),
        });
    }
    Family::new(Space::new("mlp", choices)?, move |chosen| {
        let mut g = Graph::builder(input);
        let mut x = g.flatten(g.input());
        for layer in 0..chosen.get("d")? {
            x = g.linear(&format!("layers.{layer}"), x, chosen.get(&format!("w.{layer}"))?);
            x = g.relu(x);
        }
        g.linear("classifier", x, classes);
        Ok(g.finish()?)
    })
}
