//! `web`: the page, built, served and tested.

mod browser;
mod build;
mod serve;
mod sizes;
mod toolchain;

use std::{ffi::OsString, fs, net::TcpListener, path::PathBuf, process::ExitCode};

use crate::devices;
use browser::Browser;
use build::Variant;
use toolchain::Toolchain;

/// Where the page computes: the browser's processor, and its GPU.
const DEVICES: &[&str] = &["cpu", "webgpu"];

/// What went wrong, in a line.
type Problem = String;

const USAGE: &str = "expected `web build [--toolchain rustup|debian]`, `web serve [--port PORT]` or \
                     `web test [--device cpu|webgpu] [--only NAME]`";

pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    let outcome = match &args[..] {
        ["build"] => Toolchain::choose().and_then(|toolchain| report(&toolchain)),
        ["build", "--toolchain", name] => Toolchain::named(name).and_then(|toolchain| report(&toolchain)),
        ["serve"] => serve(8080),
        ["serve", "--port", port] => port
            .parse()
            .map_err(|_| format!("`{port}` is no port: expected a number from 0 to 65535"))
            .and_then(serve),
        ["test", options @ ..] => test(options),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

fn report(toolchain: &Toolchain) -> Result<(), Problem> {
    let site = build::build(toolchain, Variant::Page)?;
    sizes::report(&site)?;
    println!("the page is in {}: `cargo xtask web serve` shows it", site.display());
    Ok(())
}

fn serve(port: u16) -> Result<(), Problem> {
    let site = build::site(Variant::Page);
    if !site.join("index.html").is_file() {
        return Err("there is no page yet: `cargo xtask web build` makes it".into());
    }
    let listener = TcpListener::bind(("127.0.0.1", port))
        .map_err(|error| format!("cannot listen on port {port}, choose another with `--port`: {error}"))?;
    println!("http://{}/ (Ctrl-C ends it)", listener.local_addr().map_err(|error| error.to_string())?);
    serve::forever(&listener, &site);
    Ok(())
}

fn test(options: &[&str]) -> Result<(), Problem> {
    let (mut devices, mut only) = (DEVICES, None);
    let mut rest = options;
    while let [option, value, more @ ..] = rest {
        match (*option, *value) {
            ("--device", "cpu") => devices = &DEVICES[..1],
            ("--device", "webgpu") => devices = &DEVICES[1..],
            ("--only", name) => {
                browser::check_name(name)?;
                only = Some(name);
            }
            _ => return Err(USAGE.into()),
        }
        rest = more;
    }
    match rest {
        [] => run_tests(&Browser::find()?, devices, only),
        _ => Err(USAGE.into()),
    }
}

fn run_tests(browser: &Browser, devices: &[&str], only: Option<&str>) -> Result<(), Problem> {
    let toolchain = Toolchain::choose()?;
    for variant in [Variant::Page, Variant::Conformance] {
        let tests = browser::tests(variant, only)?;
        if tests.is_empty() {
            continue;
        }
        let site = build::build(&toolchain, variant)?;
        browser.run(&site, &tests, devices)?;
    }
    Ok(())
}

/// Tests all of it. What has passed is then part of the ordinary tests, for as long as dependencies
/// stay the same.
pub(crate) fn all() -> bool {
    let passed = passes(Browser::find(), DEVICES);
    if passed {
        // Only a hint for the next time: where it cannot be written, nothing is lost.
        let _ = fs::write(stamp(), devices::dependencies());
    }
    passed
}

/// Tests it on the browser's processor if all has been tested with these dependencies and a browser is
/// there, else says why not. WebGPU in software takes longer than an ordinary test may.
pub(crate) fn those_that_are_warm() -> bool {
    if fs::read_to_string(stamp()).is_ok_and(|built| built == devices::dependencies()) {
        match Browser::find() {
            Ok(browser) => {
                println!("the page on WebGPU: not tested, `cargo xtask test --all-devices` does that");
                return passes(Ok(browser), &DEVICES[..1]);
            }
            Err(problem) => println!("the page: not tested in a browser, for {problem}"),
        }
    } else {
        println!(
            "the page: not tested in a browser, for it is not built with these dependencies: `cargo xtask test \
             --all-devices` does that, and takes half an hour the first time"
        );
    }
    true
}

fn passes(browser: Result<Browser, Problem>, devices: &[&str]) -> bool {
    let outcome = browser.and_then(|browser| run_tests(&browser, devices, None));
    if let Err(problem) = &outcome {
        eprintln!("error: {problem}");
    }
    outcome.is_ok()
}

/// What tells that all passed, and with what.
fn stamp() -> PathBuf {
    build::site(Variant::Page).with_file_name("site-tested-with")
}
