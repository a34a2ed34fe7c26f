//! What was measured on, in words.

use std::{env, fs, path::Path, thread::available_parallelism};

/// The number of threads on each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads(pub usize);

impl Threads {
    /// Those of this process's pool: `RAYON_NUM_THREADS`, or one per core.
    pub fn of_pool() -> Self {
        let asked = env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok());
        Self(asked.filter(|threads| 0 < *threads).unwrap_or_else(cores))
    }
}

/// The processor, its cores and the level of instructions that ours computes at; nothing that tells one machine of a kind from
/// another.
pub fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = field(&info, "model name").unwrap_or(env::consts::ARCH);
    let cores = cores();
    let s = if cores == 1 { "" } else { "s" };
    format!("{model}, {cores} core{s}, {}, level {}", env::consts::OS, sapwood_backend::level())
}

/// This project's version and that of what it computes with.
pub fn versions() -> String {
    let lock = include_str!("../../Cargo.lock");
    let burn = lock
        .split_once("name = \"burn\"\nversion = \"")
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or("?");
    format!("sapwood {} on burn {burn}", env!("CARGO_PKG_VERSION"))
}

/// The most memory that a process ever held, in bytes: `VmHWM` of its status
/// file, `/proc/self/status` for this one. `None` where there is no such file.
pub fn peak_memory(status: &Path) -> Option<u64> {
    let status = fs::read_to_string(status).ok()?;
    let kibibytes: u64 = field(&status, "VmHWM")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// The first value of a name in a text of `name : value` lines.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|it| it.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "model\t\t: 1\nmodel name\t: Some CPU @ 3 GHz: fast\nmodel name\t: another\n";
        assert_eq!(field(text, "model name"), Some("Some CPU @ 3 GHz: fast"));
        assert_eq!(field(text, "name"), None);
    }

    #[test]
    fn the_version_of_burn_is_read_from_the_lock_file() {
        let said = versions();
        let burn = said.split_once("burn ").unwrap().1;
        assert!(burn.split('.').all(|part| part.parse::<u32>().is_ok()), "{said}");
    }
}
