//! The options of networks on the command line.

use clap::{Args, ValueEnum};
use sapwood_data::life::{Boundary, LifeOptions};
use sapwood_models::{Padding, Shortcut, Spec};

use crate::Error;

/// Options that change a network's shape. A weight file knows its own.
#[derive(Args)]
pub(super) struct ModelShape {
    /// Multiply every hidden width, of transformers the number of heads, rounded up (all but life-net) [default: 1]
    #[arg(long, conflicts_with = "weights")]
    width: Option<f64>,
    /// resnet-20 to resnet-110: the shortcut [default: b]
    #[arg(long, value_enum, conflicts_with = "weights")]
    shortcut: Option<ShortcutName>,
    /// life-net: times the minimal network [default: 1]
    #[arg(long, value_name = "M", conflicts_with = "weights")]
    overcompleteness: Option<usize>,
    /// life and life-net: steps to predict [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "weights")]
    steps: Option<usize>,
    /// life and life-net: what lies beyond the edge of the board [default: torus]
    #[arg(long, value_enum, conflicts_with = "weights")]
    boundary: Option<Edge>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Edge {
    Torus,
    Zero,
}

#[derive(Clone, Copy, ValueEnum)]
enum ShortcutName {
    A,
    B,
}

impl ModelShape {
    /// The options that were given.
    fn given(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("--width", self.width.is_some()),
            ("--shortcut", self.shortcut.is_some()),
            ("--overcompleteness", self.overcompleteness.is_some()),
            ("--steps", self.steps.is_some()),
            ("--boundary", self.boundary.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(option, _)| option)
    }

    /// Refuses them beside an option that says the whole network.
    pub(super) fn none(&self, beside: &str) -> Result<(), Error> {
        match self.given().next() {
            None => Ok(()),
            Some(option) => Err(Error::Usage(format!(
                "`{option}` belongs to `--model`, and `{beside}` names a whole network: leave it out"
            ))),
        }
    }

    /// The network with these options, for a data set; one that it does not have is
    /// refused.
    pub(super) fn apply(&self, spec: Spec, data: Option<&str>) -> Result<Spec, Error> {
        let known: &[&str] = match spec.model.as_str() {
            "life-net" => &["--overcompleteness", "--steps", "--boundary"],
            "resnet-20" | "resnet-32" | "resnet-44" | "resnet-56" | "resnet-110" => {
                &["--width", "--shortcut"]
            }
            _ => &["--width"],
        };
        let of_data: &[&str] = if data == Some("life") { &["--steps", "--boundary"] } else { &[] };
        for option in self.given() {
            if !known.contains(&option) && !of_data.contains(&option) {
                let (model, known) = (spec.model, known.join(", "));
                let problem = format!("`{model}` has no option `{option}`, only {known}: leave it out");
                return Err(Error::Usage(problem));
            }
        }
        Ok(Spec {
            width: self.width.unwrap_or(1.0),
            shortcut: match self.shortcut {
                Some(ShortcutName::A) => Shortcut::A,
                Some(ShortcutName::B) | None => Shortcut::B,
            },
            overcompleteness: self.overcompleteness.unwrap_or(1),
            steps: self.steps.unwrap_or(1),
            padding: match self.boards().boundary {
                _ if spec.model != "life-net" => Padding::default(),
                Boundary::Torus => Padding::Circular,
                Boundary::Zero => Padding::Zeros,
            },
            ..spec
        })
    }

    /// The boards of the data set `life` that belong to them.
    pub(super) fn boards(&self) -> LifeOptions {
        LifeOptions {
            steps: self.steps.unwrap_or(1),
            boundary: match self.boundary {
                Some(Edge::Torus) | None => Boundary::Torus,
                Some(Edge::Zero) => Boundary::Zero,
            },
            ..LifeOptions::default()
        }
    }
}
