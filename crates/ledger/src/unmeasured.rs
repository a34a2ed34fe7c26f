//! Why something could not be measured.

use std::{io, path::Path, path::PathBuf};

/// Why a counter gives nothing. It stops no run: an estimate takes the place of the
/// measurement, and this is shown as a note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unmeasured {
    /// This machine has no such counter: a virtual machine, a container, another system.
    #[error("no RAPL package counter: state the power in watts: {path}", path = path.display())]
    Absent {
        /// Where it would be.
        path: PathBuf,
    },
    /// Since 2020, Linux lets only root read the counters, for they leak secrets.
    #[error(
        "the RAPL counter may not be read: let an administrator allow it (`chmod a+r`), or state the power \
         in watts: {path}",
        path = path.display()
    )]
    Forbidden {
        /// The counter.
        path: PathBuf,
    },
    /// A counter that cannot be understood.
    #[error("a RAPL counter should hold a whole number, but {problem}: state the power in watts: {path}", path = path.display())]
    Unreadable {
        /// What was found.
        problem: String,
        /// The counter.
        path: PathBuf,
    },
    /// The GPU's counter cannot be read.
    #[error("the energy of GPU {gpu} is not measured: {problem}: state the power in watts")]
    Gpu {
        /// Which GPU.
        gpu: String,
        /// What is wrong.
        problem: String,
    },
}

impl Unmeasured {
    /// Why, without what to do about it where a power can be stated instead.
    pub fn reason(&self) -> String {
        match self {
            Self::Absent { path } => format!("no RAPL package counter below {}", path.display()),
            Self::Forbidden { path } => {
                format!("{} may not be read; let an administrator allow it: `chmod a+r`", path.display())
            }
            Self::Unreadable { problem, path } => {
                format!("{} should hold a whole number, but {problem}", path.display())
            }
            Self::Gpu { gpu, problem } => format!("GPU {gpu}: {problem}"),
        }
    }

    /// What a failure to read the file of a counter means.
    pub(super) fn reading(path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Absent { path },
            io::ErrorKind::PermissionDenied => Self::Forbidden { path },
            _ => Self::Unreadable { problem: error.to_string(), path },
        }
    }
}
