//! What a command may do where names do not say which output stands for which class.

use clap::Args;
use sapwood_lab::{Classes, Error as Lab, Known, Outputs};
use sapwood_models::Opened;

use super::bar;
use crate::Error;

/// Where weights do not name their outputs.
#[derive(Args)]
pub(super) struct MoreOutputs {
    /// Where the weights name no classes and have more outputs than the data have classes: the first output stands for
    /// the first class in the order of their names, and so on, and the other outputs for nothing
    #[arg(long = "allow-more-outputs")]
    pub(super) allowed: bool,
}

impl MoreOutputs {
    /// Refuses the option where no data set is read.
    pub(super) fn none(&self) -> Result<(), Error> {
        match self.allowed {
            false => Ok(()),
            true => Err(Error::Usage(
                "`--allow-more-outputs` is for the classes of a data set, and none is read: leave it out"
                    .into(),
            )),
        }
    }

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

/// An error with the options that allow what was refused, where the command has them: one that trains begins with weights
/// of other classes.
pub(super) fn hinted(error: Lab, trains: bool) -> Error {
    let said = match &error {
        Lab::MoreOutputs { expected, .. } if trains => format!(
            "{error}; `--new-head` gives these weights a last layer of {expected}, and with `--allow-more-outputs` the first \
             {expected} are taken for them"
        ),
        Lab::Unfit { expected, .. } if trains && expected.ends_with("classes") => {
            format!("{error}; `--new-head` gives trained weights a last layer for {expected}")
        }
        Lab::MoreOutputs { expected, .. } => {
            format!("{error}; with `--allow-more-outputs` the first {expected} are taken for them")
        }
        Lab::OtherClasses { .. } if trains => format!(
            "{error}; `--new-head` gives it a last layer for these, and with `--new-classes` the outputs are taken for them, in \
             their order"
        ),
        Lab::OtherClasses { .. } => {
            format!(
                "{error}; where these are the same by other names, `--class-names` gives them to the outputs"
            )
        }
        Lab::NothingNew { .. } if trains => format!("{error}: leave `--new-classes` out"),
        _ => return error.into(),
    };
    Error::Hinted { said, error: error.into() }
}
