//! What a command may do where names do not say which output stands for which class.

use clap::Args;
use sapwood_lab::{Classes, Error as Lab, Known, Outputs};
use sapwood_models::Opened;

use super::bar;
use crate::Error;

/// Where weights do not name their outputs.
#[derive(Args)]
pub(super) struct MoreOutputs {
    /// Where the weights do not say what their outputs stand for, and have more than the data have
    /// classes: take the first ones for the classes, in the order of their names
    #[arg(long = "allow-more-outputs")]
    pub(super) allowed: bool,
}

impl MoreOutputs {
    /// What is known of the outputs of a network.
    pub(super) fn known<'a>(&self, opened: &'a Opened) -> Known<'a> {
        let Known { trained_on, outputs } = Known::of(opened);
        Known { trained_on, outputs: Outputs { more: self.allowed, ..outputs } }
    }
}

/// Says on the standard error how classes were matched, if that is worth a line.
pub(super) fn tell(classes: &Classes) {
    if let Some(note) = classes.note() {
        bar::note(&format!("note: {note}"));
    }
}

/// An error with the option that allows what was refused, where the command has it.
pub(super) fn hinted(error: Lab, new_classes: bool) -> Error {
    let said = match &error {
        Lab::MoreOutputs { expected, .. } => {
            format!("{error}; with `--allow-more-outputs` the first {expected} are taken for them")
        }
        Lab::OtherClasses { .. } if new_classes => {
            format!("{error}; with `--new-classes` the outputs are taken for them, in their order")
        }
        Lab::NothingNew { .. } if new_classes => format!("{error}: leave `--new-classes` out"),
        _ => return error.into(),
    };
    Error::Hinted { said, error: error.into() }
}
