//! The command line: what a person types becomes calls of the crates below, and what these answer
//! becomes lines that a person reads.
//!
//! Its principal type is [`Lab`], the command line as a value, with criteria of one's own; [`main`]
//! is the one without. So a binary of one's own is three lines, and has the same commands as the
//! program `sapwood`.
//!
//! The one design decision: it is the only crate that prints, and that knows flags. Each command is a
//! file that reads its flags, asks a crate below, and writes what came of it; whatever can be done
//! from the command line can be done without it.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     sapwood_cli::main(std::env::args_os())
//! }
//! ```

mod cli;
mod error;
mod lab;

pub use cli::{commands, main, run};
pub use error::Error;
pub use lab::Lab;
