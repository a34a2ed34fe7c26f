//! `cargo xtask bench outside`: the kernels as a crate outside of this workspace gets them, with
//! Cargo's own release profile, beside the workspace's.

use std::{
    cell::RefCell,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use sapwood_benches::{
    exit_code,
    kernels::{JOBS, Pair, TIMER, TOLERANCE, Timer, serve},
    machine,
};
use sapwood_report::{Cell, Table};

/// Build a crate on the kernels outside of the workspace with plain `--release`, and time every
/// kernel at every level in turns with the workspace's
#[derive(Parser)]
#[command(name = "cargo xtask bench outside", bin_name = "cargo xtask bench outside", max_term_width = 100)]
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
        let folder = env::temp_dir().join(format!("sapwood-outside-{}", std::process::id()));
        let compared = build(&folder).and_then(|program| self.compare(&program));
        // What cannot be removed is in the system's folder for such things.
        let _ = fs::remove_dir_all(&folder);
        compared
    }

    fn compare(&self, program: &Path) -> Result<()> {
        let inside = RefCell::new(Timer::start(Command::new(env::current_exe()?).arg("--serve"))?);
        let outside = RefCell::new(Timer::start(&mut Command::new(program))?);
        let (jobs, levels) = (inside.borrow().jobs.clone(), inside.borrow().levels.clone());
        ensure!(jobs == outside.borrow().jobs, "both sides time the same kernels");
        let own = [inside.borrow().process_id(), outside.borrow().process_id()];
        let mut table =
            Table::new(["kernel", "level", "outside (Gop/s)", "workspace (Gop/s)", "time", "others' load"]);
        let (mut slower, mut compared) = (0, 0);
        for (job, (work, name)) in jobs.iter().enumerate().filter(|(_, (_, name))| name.contains(&self.only))
        {
            for (number, level) in levels.iter().enumerate() {
                let inside = || inside.borrow_mut().time(job, number);
                let measure = || Pair::measure(&own, inside, || outside.borrow_mut().time(job, number));
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
                    let speed = |seconds: f64| Cell::fixed(work / seconds / 1e9, 2);
                    table.row([
                        name.as_str().into(),
                        level.as_str().into(),
                        speed(pair.second),
                        speed(pair.first),
                        Cell::fixed(pair.ratio, 2),
                        Cell::written(pair.foreign, format!("{:.0}%", 100.0 * pair.foreign)),
                    ]);
                }
            }
        }
        println!("{}; one thread; time: outside beside workspace, median of 20 pairs\n", machine());
        if self.all || slower > 0 {
            println!("{}", table.to_text());
        }
        if slower > 0 {
            bail!("{slower} of {compared} times are more than 10 % above the workspace's");
        }
        println!("none of {compared} times is more than 10 % above the workspace's");
        Ok(())
    }
}

/// Compiles the crate, with the versions of the workspace.
fn build(folder: &Path) -> Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let kernels = workspace.join("crates/kernels").canonicalize()?;
    let manifest = format!(
        "[package]\nname = \"outside\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         sapwood-kernels = {{ path = {kernels:?} }}\n\n[workspace]\n"
    );
    let main = "mod jobs;\nmod timer;\n\nfn main() {\n    timer::serve(jobs::jobs()).expect(\"pipes\");\n}\n";
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).with_context(|| format!("cannot write {}", folder.display()))
    };
    fs::create_dir_all(folder.join("src"))?;
    write("Cargo.toml", &manifest)?;
    write("src/main.rs", main)?;
    write("src/jobs.rs", JOBS)?;
    write("src/timer.rs", TIMER)?;
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    eprintln!("compiling a crate outside of the workspace, about half a minute");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--release", "--quiet"]).current_dir(folder);
    cargo.env("CARGO_TARGET_DIR", folder.join("target"));
    // What Cargo tells its own children about this workspace is not for that one.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS"] {
        cargo.env_remove(variable);
    }
    ensure!(cargo.status().context("cannot run cargo")?.success(), "the crate outside does not compile");
    Ok(folder.join("target/release").join(format!("outside{}", env::consts::EXE_SUFFIX)))
}
