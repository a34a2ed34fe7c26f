//! The command line.

mod architectures;
mod bar;
mod benchmark;
mod cache;
mod calibration;
mod clean;
mod cluster;
mod compress;
mod conditions;
mod data;
mod data_prune;
mod data_root;
mod demo;
mod describe;
mod devices;
mod duration;
mod economics;
mod engine;
mod eval;
mod export;
mod few_examples;
mod find_rate;
mod forward;
mod hints;
mod image;
mod integers;
mod json;
mod latency;
mod latency_table;
mod list;
mod listening;
mod mixed;
mod model_shape;
mod named;
mod on_device;
mod one_line;
mod outputs;
mod overwriting;
mod own_input;
mod pack;
mod plan;
mod predict;
mod predictors;
mod probabilities;
mod profile;
mod prune;
mod quantize;
mod refusal;
mod remedy;
mod report;
mod retry;
mod rounding;
mod run;
mod score;
mod scoring;
mod search;
mod shape;
mod shrink;
mod sparse;
mod stated;
mod status;
mod studies;
mod supernet;
mod train;
mod transfer;
mod usage;
mod verify;
mod weight_file;
mod worker;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};
use sapwood_prune::Criteria;

use one_line::one_line;

use crate::Error;

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
    #[command(flatten)]
    listening: listening::Listening,
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
    Compress(Box<compress::Compress>),
    Train(Box<train::Train>),
    Eval(eval::Eval),
    Predict(predict::Predict),
    Score(Box<score::Score>),
    Prune(Box<prune::Prune>),
    Quantize(Box<quantize::Quantize>),
    Shrink(Box<shrink::Shrink>),
    Forward(forward::Forward),
    Verify(Box<verify::Verify>),
    Profile(profile::Profile),
    Export(export::Export),
    Cluster(Box<cluster::Cluster>),
    Pack(pack::Pack),
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
    main_of(&Criteria::default(), args)
}

/// [`main`], with its results written to `out` and its error returned.
///
/// # Errors
/// What the program would end with: its line, and exit code 2.
pub fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write) -> Result<(), Error> {
    run_of(&Criteria::default(), args, out)
}

pub(crate) fn main_of(criteria: &Criteria, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // No other thread of the lab computes.
    sapwood_backend::compute_on_this_thread();
    refusal::is_left_to_its_error();
    let mut out = io::stdout().lock();
    match run_in(criteria, args, &mut out, true) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever was listening has heard enough: `list models | head -1`.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let line = one_line(&error.to_string());
            match listening::is_json() {
                true => tracing::error!("{line}"),
                // Where not even this can be written, the exit code has to do.
                false => drop(writeln!(io::stderr(), "error: {line}")),
            }
            ExitCode::from(2)
        }
    }
}

pub(crate) fn run_of(
    criteria: &Criteria,
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    run_in(criteria, args, out, false)
}

/// Runs a command line: as the whole of this process, or as one of several things that it does.
fn run_in(
    criteria: &Criteria,
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    whole_process: bool,
) -> Result<(), Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    let typed: Vec<String> = args.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let mut known = Line::command().bin_name(program(args.first()));
    let parsed = known.try_get_matches_from_mut(args);
    match parsed.and_then(|found| Ok((Line::from_arg_matches(&found)?, found))) {
        Ok((line, found)) => {
            let asked = line.level.or_else(|| std::env::var("SAPWOOD_LEVEL").ok());
            listening::heard_by(line.listening.dispatch()?, whole_process, || {
                overwriting::refuse(&known, &found)?;
                if let Some(level) = asked.filter(|level| !level.is_empty()) {
                    sapwood_backend::pin_level(&level)?;
                }
                line.command.run(criteria, typed, out).map_err(hints::with_hint)
            })?;
        }
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            write!(out, "{}", error.render())?;
        }
        Err(error) => return Err(Error::Usage(usage::in_a_line(&error))),
    }
    Ok(out.flush()?)
}

impl Command {
    /// Carries it out; `typed` are the words that it was made of.
    fn run(self, criteria: &Criteria, typed: Vec<String>, out: &mut dyn Write) -> Result<(), Error> {
        match self {
            Self::Demo(command) => command.run(out),
            Self::Plan(command) => command.run(criteria, out),
            Self::Run(command) => command.run(criteria, out),
            Self::Worker(command) => command.run(criteria, out),
            Self::Status(command) => command.run(criteria, out),
            Self::Report(command) => command.run(criteria, out),
            Self::Retry(command) => command.run(criteria, out),
            Self::Clean(command) => command.run(criteria, out),
            Self::Search(command) => command.run(out),
            Self::Supernet(command) => command.run(out),
            Self::Latency(command) => command.run(out),
            Self::Predictors(command) => command.run(out),
            Self::Economics(command) => command.run(out),
            Self::Compress(command) => command.run(criteria, typed, out),
            Self::Train(command) => command.run(out),
            Self::Eval(command) => command.run(out),
            Self::Predict(command) => command.run(out),
            Self::Score(command) => command.run(criteria, out),
            Self::Prune(command) => command.run(criteria, out),
            Self::Quantize(command) => command.run(out),
            Self::Shrink(command) => command.run(criteria, out),
            Self::Forward(command) => command.run(out),
            Self::Verify(command) => command.run(out),
            Self::Profile(command) => command.run(out),
            Self::Export(command) => command.run(out),
            Self::Cluster(command) => command.run(out),
            Self::Pack(command) => command.run(out),
            Self::Describe(command) => command.run(out),
            Self::List(command) => command.run(criteria, out),
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
