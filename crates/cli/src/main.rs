//! `sapwood`: the command line as a program of its own.
//!
//! ```sh
//! cargo install --path crates/cli
//! sapwood demo
//! ```

fn main() -> std::process::ExitCode {
    sapwood_cli::main(std::env::args_os())
}
