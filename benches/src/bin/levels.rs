//! `cargo xtask bench levels`: every kernel at each level of this machine beside the next lower
//! one, and an error where more registers make it slower.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::Parser;
use sapwood_benches::{
    exit_code,
    kernels::{Pair, TOLERANCE, Timer, serve},
    machine,
};
use sapwood_report::{Cell, Table};

/// Time every kernel at each level, in turns with the next lower one, on one thread
#[derive(Parser)]
#[command(name = "cargo xtask bench levels", bin_name = "cargo xtask bench levels", max_term_width = 100)]
struct Options {
    /// Only kernels with this in their names
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Print all of them, and not only those that are slower
    #[arg(long)]
    all: bool,
    /// Be the process that times
    #[arg(long, hide = true)]
    serve: bool,
}

fn main() -> ExitCode {
    exit_code(Options::parse().run())
}

impl Options {
    fn run(self) -> Result<()> {
        if self.serve {
            return serve();
        }
        let mut timer = Timer::start(Command::new(std::env::current_exe()?).arg("--serve"))?;
        let own = [timer.process_id()];
        let mut table = Table::new(["kernel", "level", "Gop/s", "beside", "Gop/s", "time", "others' load"]);
        let (mut slower, mut compared) = (0, 0);
        let jobs = timer.jobs.clone();
        for (job, (work, name)) in jobs.iter().enumerate().filter(|(_, (_, name))| name.contains(&self.only))
        {
            for high in 0..timer.levels.len().saturating_sub(1) {
                let timer = std::cell::RefCell::new(&mut timer);
                let time = |level: usize| timer.borrow_mut().time(job, level);
                let measure = || Pair::measure(&own, || time(high + 1), || time(high));
                let mut pair = measure()?;
                // Once more before anything is said: others may have come in between.
                if pair.ratio > TOLERANCE {
                    let again = measure()?;
                    pair = if again.ratio < pair.ratio { again } else { pair };
                }
                compared += 1;
                let is_slower = pair.ratio > TOLERANCE;
                slower += usize::from(is_slower);
                if self.all || is_slower {
                    let levels = &timer.borrow().levels;
                    let speed = |seconds: f64| Cell::fixed(work / seconds / 1e9, 2);
                    table.row([
                        name.as_str().into(),
                        levels[high].as_str().into(),
                        speed(pair.second),
                        levels[high + 1].as_str().into(),
                        speed(pair.first),
                        Cell::fixed(pair.ratio, 2),
                        Cell::written(pair.foreign, format!("{:.0}%", 100.0 * pair.foreign)),
                    ]);
                }
            }
        }
        println!(
            "{}; one thread; time: of the level, beside the next lower one, median of 20 pairs\n",
            machine()
        );
        if self.all || slower > 0 {
            println!("{}", table.to_text());
        }
        if slower > 0 {
            bail!("{slower} of {compared} times are more than 10 % above those of the next lower level");
        }
        println!("none of {compared} times is more than 10 % above that of the next lower level");
        Ok(())
    }
}
