//! What can go wrong with ONNX files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{FIRST_OPSET, FIRST_WRITTEN, LAST_OPSET};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that are no ONNX model, or one that contradicts itself.
    #[error("not a usable ONNX file: {0}")]
    Format(String),
    /// Operations of a version that is not read.
    #[error(
        "its operations are of opset {found}, and opsets {FIRST_OPSET} to {LAST_OPSET} are read: export it with one of these"
    )]
    Opset {
        /// The version that the file names.
        found: i64,
    },
    /// Operations of a version that is not written.
    #[error("opset {found} is not written: expected {FIRST_WRITTEN} to {LAST_OPSET}")]
    WrittenOpset {
        /// The version that was asked for.
        found: i64,
    },
    /// Weights that lie beside the file, of which nobody said how that is read.
    #[error(
        "its weights lie in another file, `{file}`: give it with that file beside it, or save it as one file"
    )]
    External {
        /// The file, as the model names it.
        file: String,
    },
    /// Weights that lie beside the file and cannot be read.
    #[error("its weights lie in another file, which cannot be read: {source}: {file}")]
    Beside {
        /// The file, as the model names it.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A name of a file that does not lie beside the model.
    #[error("its weights lie in `{file}`, and only files in its own folder are read")]
    Outside {
        /// The file, as the model names it.
        file: String,
    },
    /// Inputs or outputs that a network here cannot have.
    #[error("{0}")]
    Ends(String),
    /// A first input of which more is open than the number of examples.
    #[error(
        "expected an input of 1 to 6 dimensions of which only the first, that of examples, is no \
         number, found {found}: give the size of an example"
    )]
    OpenSize {
        /// What the file says of it.
        found: String,
    },
    /// All operations that a network here cannot have.
    #[error("{0}")]
    Unsupported(Unsupported),
    /// Layers that have no form in ONNX, or none at this opset.
    #[error("cannot be written at opset {opset}: {}", layers.join(", "))]
    Unwritable {
        /// The version of the operations.
        opset: i64,
        /// The layers, each with why.
        layers: Vec<String>,
        /// The first later version in which all of them have one, if it is known.
        later: Option<i64>,
    },
    /// Layers that do not fit one another, or values that do not fit them.
    #[error(transparent)]
    Graph(#[from] sapwood_graph::Error),
}

impl Error {
    /// The first version of the operations in which a network can be written that cannot be in the one asked for.
    pub fn later_opset(&self) -> Option<i64> {
        match self {
            Self::Unwritable { later, .. } => *later,
            _ => None,
        }
    }
}

/// Operations of a file that a network here cannot have, with the nodes that are of this kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsupported {
    /// What each is (`Conv with dilations [2, 2]`), and the names of its nodes.
    pub operations: BTreeMap<String, BTreeSet<String>>,
    /// Of how many examples the file is, if it is of one number alone: shapes say less than in one of any number.
    pub examples: Option<i64>,
}

impl fmt::Display for Unsupported {
    /// `Sigmoid (2 nodes: a, b); Conv with dilations [2, 2] (1 node: c)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        f.write_str("it has operations that a network here cannot have: ")?;
        for (at, (operation, nodes)) in self.operations.iter().enumerate() {
            let shown = nodes.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = match nodes.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let (separator, s) = (if at == 0 { "" } else { "; " }, if nodes.len() == 1 { "" } else { "s" });
            write!(f, "{separator}{operation} ({} node{s}: {shown}{more})", nodes.len())?;
        }
        match self.examples {
            Some(examples) => {
                let s = if examples == 1 { "" } else { "s" };
                write!(
                    f,
                    "; it is of {examples} example{s} alone: shapes may fit when it is exported for any number of them"
                )
            }
            None => Ok(()),
        }
    }
}
