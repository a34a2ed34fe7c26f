//! What should be known of how weights were read.

use std::fmt;

use sapwood_core::ParamPath;

use crate::reading::is_mask;

/// Something that was not plain in a weight file, and how it was taken. One line each.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Nobody said which network it is.
    Guessed {
        /// The only one of the zoo whose names and shapes these are.
        model: String,
    },
    /// Nobody said how many heads attention has.
    Heads,
    /// Only averaged weights are there.
    Averaged {
        /// Below which key; empty for the file's own.
        key: String,
    },
    /// Averaged weights are there beside those that were taken.
    AveragedToo {
        /// The key of those that were taken; empty for the file's own.
        key: String,
        /// Those of averaged ones.
        averaged: Vec<String>,
    },
    /// Other weights are there, of another network.
    LeftOut {
        /// The key of those that were taken.
        key: String,
        /// Those of what was left out.
        others: Vec<String>,
    },
    /// What its images are comes from a file beside it.
    Config,
    /// The file beside it that could say that is not understood.
    OtherConfig {
        /// Why.
        problem: String,
    },
    /// A network here has another form than that of an ONNX file.
    Onnx(sapwood_onnx::Note),
    /// What has no masks here had one.
    NoMask {
        /// The parameter, which is no weight of a convolution or of a linear layer.
        path: ParamPath,
        /// How many of its values the mask made zero.
        zeros: usize,
        /// How many values it has.
        of: usize,
    },
}

impl Note {
    /// What is left out where masks are taken.
    pub(crate) fn without_masks(&mut self) {
        if let Self::LeftOut { others, .. } = self {
            others.retain(|key| !is_mask(key));
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guessed { model } => {
                write!(
                    f,
                    "the weights do not say which model they belong to: names and shapes are those of `{model}`"
                )
            }
            Self::Heads => f.write_str(
                "the weights do not say how many heads attention has: they are taken to have 64 channels each, as published ones have \
                 (an ONNX file says it)",
            ),
            Self::Averaged { key } => {
                write!(f, "read the averaged weights {}: there are no others", below(&[key]))
            }
            Self::AveragedToo { key, averaged } => {
                write!(f, "read the weights {}: there are averaged ones {}", below(&[key]), below(averaged))
            }
            Self::LeftOut { key, others } => {
                write!(f, "read the weights {}: left out what lies {}", below(&[key]), below(others))
            }
            Self::Config => f.write_str("`config.json` beside the weights says how images become inputs"),
            Self::OtherConfig { problem } => {
                write!(f, "`config.json` beside the weights is left alone: {problem}")
            }
            Self::Onnx(note) => note.fmt(f),
            Self::NoMask { path, zeros, of } => write!(
                f,
                "{zeros} of {of} values of `{path}` were masked: they are zero now, but only weights have masks here, \
                 so training moves them"
            ),
        }
    }
}

/// Keys in a sentence.
pub(crate) fn below<K: AsRef<str>>(keys: &[K]) -> String {
    const SHOWN: usize = 4;
    let named: Vec<&str> = keys.iter().map(AsRef::as_ref).filter(|key| !key.is_empty()).collect();
    let shown: Vec<String> = named.iter().take(SHOWN).map(|key| format!("`{key}`")).collect();
    let more = named.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    match (named.len() < keys.len(), shown.is_empty()) {
        (true, true) => "at the top".into(),
        (true, false) => format!("at the top and below {}{more}", shown.join(", ")),
        (false, _) => format!("below {}{more}", shown.join(", ")),
    }
}
