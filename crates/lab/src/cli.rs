//! The command line.

mod architectures;
mod bar;
mod clean;
mod data;
mod demo;
mod describe;
mod devices;
mod economics;
mod eval;
mod forward;
mod hints;
mod image;
mod latency;
mod list;
mod model_shape;
mod named;
mod outputs;
mod overwriting;
mod own_input;
mod photo_cache;
mod plan;
mod predict;
mod predictors;
mod prune;
mod refusal;
mod report;
mod retry;
mod run;
mod score;
mod scoring;
mod search;
mod shape;
mod sparse;
mod status;
mod studies;
mod supernet;
mod train;
mod weight_file;
mod worker;

use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use burn::prelude::Device;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};
use sapwood_backend::DeviceSpec;

use crate::{Datasets, Error, Lab};

/// Makes neural networks small, and shows that they are still good.
#[derive(Parser)]
#[command(name = "sapwood", version, max_term_width = 100)]
struct Line {
    #[command(subcommand)]
    command: Command,
    /// On the CPU, compute with no other instructions than these: avx512, avx2, neon, portable. The
    /// last digits of results depend on them [env: SAPWOOD_LEVEL] [default: this machine's best]
    #[arg(long, global = true, value_name = "LEVEL")]
    level: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Plan(plan::Plan),
    Run(run::Run),
    Worker(worker::Worker),
    Status(status::Status),
    Report(report::Report),
    Retry(retry::Retry),
    Clean(clean::Clean),
    Search(Box<search::Search>),
    Supernet(supernet::Supernet),
    Latency(latency::Latency),
    Predictors(predictors::Predictors),
    Economics(economics::Prices),
    Train(Box<train::Train>),
    Eval(eval::Eval),
    Predict(predict::Predict),
    Score(Box<score::Score>),
    Prune(Box<prune::Prune>),
    Forward(forward::Forward),
    Describe(describe::Describe),
    List(list::List),
    Data(data::Data),
    Devices(devices::Devices),
}

/// Runs a command line, the program's name first. Results go to the standard
/// output, progress and the one line of an error to the standard error; the exit
/// code is 0, or 2 after an error. For a program's main thread, which becomes one of those that
/// compute.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    main_of(&Lab::new(), args)
}

/// [`main`], with its results written to `out` and its error returned.
pub fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write) -> Result<(), Error> {
    run_of(&Lab::new(), args, out)
}

pub(crate) fn main_of(lab: &Lab, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // No other thread of the lab computes.
    sapwood_backend::compute_on_this_thread();
    refusal::is_left_to_its_error();
    let mut out = io::stdout().lock();
    match run_of(lab, args, &mut out) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever was listening has heard enough: `list models | head -1`.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Where not even this can be written, the exit code has to do.
            let _ = writeln!(io::stderr(), "error: {}", one_line(&error.to_string()));
            ExitCode::from(2)
        }
    }
}

pub(crate) fn run_of(
    lab: &Lab,
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    let line = Line::command().bin_name(program(args.first()));
    match line.try_get_matches_from(args).and_then(|found| Ok((Line::from_arg_matches(&found)?, found))) {
        Ok((line, found)) => {
            overwriting::refuse(&found)?;
            let asked = line.level.or_else(|| std::env::var("SAPWOOD_LEVEL").ok());
            if let Some(level) = asked.filter(|level| !level.is_empty()) {
                sapwood_backend::pin_level(&level)?;
            }
            line.command.run(lab, out).map_err(hints::with_hint)?;
        }
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            write!(out, "{}", error.render())?;
        }
        Err(error) => return Err(Error::Usage(usage(&error))),
    }
    Ok(out.flush()?)
}

impl Command {
    fn run(self, lab: &Lab, out: &mut dyn Write) -> Result<(), Error> {
        match self {
            Self::Demo(command) => command.run(out),
            Self::Plan(command) => command.run(lab, out),
            Self::Run(command) => command.run(lab, out),
            Self::Worker(command) => command.run(lab, out),
            Self::Status(command) => command.run(lab, out),
            Self::Report(command) => command.run(lab, out),
            Self::Retry(command) => command.run(lab, out),
            Self::Clean(command) => command.run(lab, out),
            Self::Search(command) => command.run(out),
            Self::Supernet(command) => command.run(out),
            Self::Latency(command) => command.run(out),
            Self::Predictors(command) => command.run(out),
            Self::Economics(command) => command.run(out),
            Self::Train(command) => command.run(out),
            Self::Eval(command) => command.run(out),
            Self::Predict(command) => command.run(out),
            Self::Score(command) => command.run(lab, out),
            Self::Prune(command) => command.run(lab, out),
            Self::Forward(command) => command.run(),
            Self::Describe(command) => command.run(out),
            Self::List(command) => command.run(lab, out),
            Self::Data(command) => command.run(out),
            Self::Devices(command) => command.run(out),
        }
    }
}

/// What the user calls this program.
fn program(first: Option<&OsString>) -> String {
    let stem =
        first.and_then(|first| Some(std::path::Path::new(first).file_stem()?.to_string_lossy().into_owned()));
    match stem.as_deref() {
        // Cargo runs it, under a name that nobody types.
        Some("xtask") | None => "cargo xtask".into(),
        Some(name) => name.into(),
    }
}

/// The names of the commands with what they do, for whoever puts this command
/// line beside others.
pub fn commands() -> Vec<(String, String)> {
    let about = |command: &clap::Command| command.get_about().map_or(String::new(), ToString::to_string);
    Line::command().get_subcommands().map(|command| (command.get_name().into(), about(command))).collect()
}

/// clap's message without its usage section, on one line.
fn usage(error: &clap::Error) -> String {
    if let ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand = error.kind() {
        return "expected a command: add `--help` to see them".into();
    }
    let message = error.render().to_string();
    let said =
        message.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let said = one_line(&said.collect::<Vec<_>>().join("\n")).replace(" tip: ", "; ");
    said.strip_prefix("error: ").unwrap_or(&said).into()
}

/// A text without line breaks: others' messages may have some.
fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    // Names in files may hold what a terminal obeys.
    line.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// A time as a person says it.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
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
        let device = self.device.parse::<DeviceSpec>()?.resolve()?;
        if let (Some(level), None) = (sapwood_backend::pinned_level(), sapwood_backend::level_of(&device)) {
            return Err(Error::Usage(format!(
                "level {level} is one of the CPU's: leave `--level` and SAPWOOD_LEVEL out for `{}`",
                self.device
            )));
        }
        Ok(device)
    }
}

/// The folder of the data sets.
#[derive(Args)]
struct DataRoot {
    /// The folder of the data sets; for image-folder your own folder, which has
    /// train/CLASS/* and test/CLASS/* (or val), turned upright as EXIF says
    #[arg(long, default_value = "data", value_name = "FOLDER")]
    data_root: PathBuf,
}

impl DataRoot {
    /// The data sets there: with a bar while many images are read, and kept for the next time.
    fn datasets(&self) -> Datasets {
        Datasets::below(&self.data_root).keeping(photo_cache::folder()).telling(bar::Bar::default())
    }
}
