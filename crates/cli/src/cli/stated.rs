//! What somebody says of a network's images and outputs, where its file does not.

use std::path::{Path, PathBuf};

use clap::Args;
use sapwood_core::Preprocess;
use sapwood_lab::other_formula;
use sapwood_models::{Opened, read_config};

use super::bar::note;
use crate::Error;

/// It goes before what the file says, and along into files that are written.
#[derive(Args)]
pub(super) struct Stated {
    /// How images become inputs: imagenet, a formula of the stored value x as in '(x-127)/128', with words such as
    /// 'crop 0.875', 'resize 256', stretch, bicubic or bgr behind commas; or timm's config.json
    #[arg(long, value_name = "HOW|FILE")]
    preprocess: Option<String>,
    /// The names of the outputs, one a line
    #[arg(long, value_name = "FILE")]
    pub(super) class_names: Option<PathBuf>,
}

impl Stated {
    /// The network with what is said.
    pub(super) fn apply(&self, opened: Opened) -> Result<Opened, Error> {
        let before = opened.trained_on.clone();
        let opened = match self.preprocess.as_deref() {
            None => opened,
            Some(path) if Path::new(path).extension().is_some_and(|end| end == "json") => {
                opened.described(read_config(Path::new(path))?)?
            }
            Some(text) => {
                opened.preprocessed(&text.parse::<Preprocess>().map_err(sapwood_models::Error::from)?)?
            }
        };
        if let (Some(learnt), Some(now)) = (before, opened.trained_on.as_ref())
            && let Some(told) = other_formula(&learnt, now)
        {
            note(&format!("note: {told}"));
        }
        let Some(path) = &self.class_names else { return Ok(opened) };
        let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
        // Some editors begin a text with a mark of its encoding.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let names: Vec<String> = text.lines().map(|line| line.trim().into()).collect();
        if opened.trained_on.is_none() {
            let problem =
                "`--class-names` needs to know how images become inputs: say it with `--preprocess`";
            return Err(Error::Usage(problem.into()));
        }
        let outputs = opened.spec.classes;
        if outputs < names.len() {
            let (found, path) = (names.len(), path.display());
            let problem = format!(
                "`--class-names`: expected at most {outputs} names, one for each output, found {found}: {path}"
            );
            return Err(Error::Usage(problem));
        }
        opened.with_classes(names).map_err(|error| Error::Usage(format!("{error}: {}", path.display())))
    }

    /// Whether it may say what classes are called.
    pub(super) fn names_classes(&self) -> bool {
        let config = |how: &str| Path::new(how).extension().is_some_and(|end| end == "json");
        self.class_names.is_some() || self.preprocess.as_deref().is_some_and(config)
    }

    /// Refuses it where there are no weights.
    pub(super) fn none(&self) -> Result<(), Error> {
        match self.preprocess.is_some() || self.class_names.is_some() {
            false => Ok(()),
            true => Err(Error::Usage(
                "`--preprocess` and `--class-names` say what `--weights` take and give: leave them out"
                    .into(),
            )),
        }
    }
}
