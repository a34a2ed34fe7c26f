//! The page in a browser: `web/test/*.test.mjs`, each on the CPU and on WebGPU.
//!
//! A test is a program for Node.js. It is told by the environment where the page is served
//! (`SAPWOOD_URL`), which device to take (`SAPWOOD_DEVICE`), which browser (`CHROMIUM`) and where its
//! pictures belong (`SAPWOOD_SHOTS`), and ends with 0 if all is well.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use super::{Problem, build::Variant, serve, toolchain::output};

const TESTS: &str = "web/test";
/// The tests that need the suite in the module.
const CONFORMANCE: &str = "conformance";

/// A browser, with what drives it.
pub(super) struct Browser {
    program: PathBuf,
}

impl Browser {
    /// Chromium and Node.js, or what to install; fetches the npm package that drives it.
    pub(super) fn find() -> Result<Self, Problem> {
        let named = env::var_os("CHROMIUM").map(PathBuf::from);
        let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
        let program = named.into_iter().chain(usual.map(PathBuf::from)).find(|program| program.is_file());
        let program = program
            .ok_or("there is no Chromium: install Debian's package chromium, or name one in CHROMIUM")?;
        if output("node", &["--version"]).is_none() || output("npm", &["--version"]).is_none() {
            return Err("there is no Node.js: install Debian's packages nodejs and npm".into());
        }
        let installed = Path::new(TESTS).join("node_modules/playwright-core");
        if !installed.is_dir() {
            let fetched =
                Command::new("npm").args(["ci", "--prefix", TESTS, "--no-audit", "--no-fund"]).status();
            if !fetched.is_ok_and(|status| status.success()) {
                return Err(
                    "`npm ci` does not get the npm package playwright-core, which drives Chromium".into()
                );
            }
        }
        Ok(Self { program })
    }

    /// Runs tests on a page.
    pub(super) fn run(&self, site: &Path, tests: &[PathBuf], devices: &[&str]) -> Result<(), Problem> {
        let listener =
            TcpListener::bind("127.0.0.1:0").map_err(|error| format!("cannot serve the page: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (served, shots) = (site.to_path_buf(), site.with_file_name("shots"));
        fs::create_dir_all(&shots).map_err(|error| format!("cannot make a folder for pictures: {error}"))?;
        thread::spawn(move || serve::forever(&listener, &served));
        let mut failed = Vec::new();
        for test in tests {
            for device in devices {
                println!("$ node {} on {device}", test.display());
                let mut node = Command::new("node");
                node.arg(test).env("SAPWOOD_URL", format!("http://{address}/")).env("SAPWOOD_DEVICE", device);
                node.env("CHROMIUM", &self.program).env("SAPWOOD_SHOTS", &shots);
                if !node.status().is_ok_and(|status| status.success()) {
                    failed.push(format!("{} on {device}", test.display()));
                }
            }
        }
        match failed.is_empty() {
            true => Ok(()),
            false => Err(format!("these tests failed: {}", failed.join(", "))),
        }
    }
}

/// Refuses a name that no test has.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let all = [tests(Variant::Page, None)?, tests(Variant::Conformance, None)?].concat();
    let names = all.iter().filter_map(|path| path.file_name()?.to_str()?.strip_suffix(".test.mjs"));
    let names: Vec<&str> = names.collect();
    match names.contains(&name) {
        true => Ok(()),
        false => Err(format!("no browser test is called `{name}`: expected {}", names.join(", "))),
    }
}

/// The tests of a variant, or that of one name.
pub(super) fn tests(variant: Variant, only: Option<&str>) -> Result<Vec<PathBuf>, Problem> {
    let failed = |error: std::io::Error| format!("cannot list the browser tests: {error}");
    let mut tests = Vec::new();
    for entry in fs::read_dir(TESTS).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".test.mjs") else { continue };
        let of_variant = (name == CONFORMANCE) == (variant == Variant::Conformance);
        if of_variant && only.is_none_or(|only| only == name) {
            tests.push(path);
        }
    }
    tests.sort();
    Ok(tests)
}
