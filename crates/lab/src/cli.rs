//! The command line.

mod bar;
mod data;
mod demo;
mod describe;
mod devices;
mod eval;
mod forward;
mod list;
mod predict;
mod prune;
mod shape;
mod train;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use burn::prelude::Device;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};
use sapwood_backend::DeviceSpec;

use crate::Error;

/// Makes neural networks small, and shows that they are still good.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Train(train::Train),
    Eval(eval::Eval),
    Predict(predict::Predict),
    Prune(prune::Prune),
    Forward(forward::Forward),
    Describe(describe::Describe),
    List(list::List),
    Data(data::Data),
    Devices(devices::Devices),
}

/// Runs a command line, the program's name first. Results go to the standard
/// output, progress and the one line of an error to the standard error; the exit
/// code is 0, or 2 after an error.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let outcome = match Line::command().try_get_matches_from(args).and_then(|m| Line::from_arg_matches(&m)) {
        Ok(line) => line.command.run(),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            print!("{}", error.render());
            Ok(())
        }
        Err(error) => Err(Error::Usage(one_line(&error.render().to_string()))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

impl Command {
    fn run(self) -> Result<(), Error> {
        match self {
            Self::Demo(command) => command.run(),
            Self::Train(command) => command.run(),
            Self::Eval(command) => command.run(),
            Self::Predict(command) => command.run(),
            Self::Prune(command) => command.run(),
            Self::Forward(command) => command.run(),
            Self::Describe(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Data(command) => command.run(),
            Self::Devices(command) => command.run(),
        }
    }
}

/// The names of the commands with what they do, for whoever puts this command
/// line beside others.
pub fn commands() -> Vec<(String, String)> {
    let about = |command: &clap::Command| command.get_about().map_or(String::new(), ToString::to_string);
    Line::command().get_subcommands().map(|command| (command.get_name().into(), about(command))).collect()
}

/// clap's message without its usage section, on one line.
fn one_line(message: &str) -> String {
    let said =
        message.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let said: Vec<&str> = said.map(str::trim).filter(|line| !line.is_empty()).collect();
    let said = said.join(" ");
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    if said.is_empty() || said.starts_with("Makes neural networks") {
        "expected a command: see `--help`".into()
    } else {
        said.into()
    }
}

/// The device that a command runs on.
#[derive(Args)]
struct OnDevice {
    /// Where to run: cpu, ndarray, vulkan[:n], metal[:n], webgpu[:n], cuda[:n]
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    device: String,
}

impl OnDevice {
    fn resolve(&self) -> Result<Device, Error> {
        Ok(self.device.parse::<DeviceSpec>()?.resolve()?)
    }
}

/// The folder of the data sets.
#[derive(Args)]
struct DataRoot {
    /// The folder of the data sets
    #[arg(long, default_value = "data", value_name = "FOLDER")]
    data_root: PathBuf,
}
