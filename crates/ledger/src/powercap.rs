//! The energy counters of the processor, as Linux shows them in its powercap folder.
//!
//! RAPL (running average power limit) counts microjoules per *package*, the processor
//! as it is bought. The domains below a package (`core`, `uncore`, often `dram`) are
//! left out: the first two are parts of it and would count twice. So are the domain
//! `psys` and the folders `intel-rapl-mmio`, which show the same energy another way.
//! AMD processors appear under the same names.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Unmeasured;

/// The folder that Linux has for them.
pub const POWERCAP: &str = "/sys/class/powercap";

/// The package counters of a machine.
#[derive(Clone, Debug)]
pub struct Powercap {
    packages: Vec<Package>,
}

#[derive(Clone, Debug)]
struct Package {
    counter: PathBuf,
    /// The counter begins again at 0 after this many microjoules.
    range_uj: u64,
}

/// What the counters of all packages show at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading(Vec<u64>);

impl Powercap {
    /// Finds the package counters below `root` (`/sys/class/powercap` on a real
    /// machine) and checks that they can be read.
    ///
    /// # Errors
    /// [`Unmeasured::Absent`] where there is no package; a folder that cannot be listed; a counter, or the number at
    /// which it begins again, that cannot be read.
    pub fn open(root: &Path) -> Result<Self, Unmeasured> {
        let folders = fs::read_dir(root).map_err(|error| Unmeasured::reading(root, &error))?;
        let mut folders: Vec<PathBuf> = folders.flatten().map(|entry| entry.path()).collect();
        folders.sort();
        let mut packages = Vec::new();
        for folder in folders.iter().filter(|folder| is_package(folder)) {
            let range_uj = number(&folder.join("max_energy_range_uj"))?;
            packages.push(Package { counter: folder.join("energy_uj"), range_uj });
        }
        if packages.is_empty() {
            return Err(Unmeasured::Absent { path: root.into() });
        }
        let powercap = Self { packages };
        powercap.read()?;
        Ok(powercap)
    }

    /// How many packages there are.
    pub fn packages(&self) -> usize {
        self.packages.len()
    }

    /// Reads all counters.
    ///
    /// # Errors
    /// A counter that is gone, may not be read, or holds no whole number.
    pub fn read(&self) -> Result<Reading, Unmeasured> {
        self.packages.iter().map(|package| number(&package.counter)).collect::<Result<_, _>>().map(Reading)
    }

    /// The energy in joules that all packages used from one reading to the next. A
    /// counter that is below its earlier value has begun again once.
    pub fn joules(&self, earlier: &Reading, later: &Reading) -> f64 {
        let used = self.packages.iter().zip(&earlier.0).zip(&later.0).map(|((package, &from), &to)| {
            if from <= to { to - from } else { package.range_uj.saturating_sub(from).saturating_add(to) }
        });
        used.map(|microjoules| microjoules as f64 * 1e-6).sum()
    }
}

/// `intel-rapl:0` with the name `package-0`, but not `intel-rapl:0:0`.
fn is_package(folder: &Path) -> bool {
    let folder_name = folder.file_name().unwrap_or_default().to_string_lossy();
    let top_level = folder_name
        .strip_prefix("intel-rapl:")
        .is_some_and(|index| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()));
    top_level && fs::read_to_string(folder.join("name")).is_ok_and(|name| name.starts_with("package-"))
}

fn number(path: &Path) -> Result<u64, Unmeasured> {
    let text = fs::read_to_string(path).map_err(|error| Unmeasured::reading(path, &error))?;
    text.trim().parse().map_err(|_| Unmeasured::Unreadable {
        problem: format!("it holds `{}`", text.trim().chars().take(40).collect::<String>()),
        path: path.into(),
    })
}

/// The energy of all packages since a start, over any number of new beginnings of the
/// counters, as long as it is asked for once in each.
///
/// A counter holds some 65 to 260 kilojoules: at 100 W it begins again after 10 to 40
/// minutes, at 400 W after 3 to 10. Ask more often than that, best with every heartbeat.
#[derive(Debug)]
pub struct PackageEnergy {
    powercap: Powercap,
    last: Reading,
    joules: f64,
}

impl PackageEnergy {
    /// Starts at 0 joules.
    ///
    /// # Errors
    /// Those of [`Powercap::read`].
    pub fn start(powercap: Powercap) -> Result<Self, Unmeasured> {
        Ok(Self { last: powercap.read()?, powercap, joules: 0.0 })
    }

    /// How many packages are counted.
    pub fn packages(&self) -> usize {
        self.powercap.packages()
    }

    /// Reads the counters: joules since the start.
    ///
    /// # Errors
    /// Those of [`Powercap::read`].
    pub fn joules(&mut self) -> Result<f64, Unmeasured> {
        let now = self.powercap.read()?;
        self.joules += self.powercap.joules(&self.last, &now);
        self.last = now;
        Ok(self.joules)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Writes a domain as Linux shows it.
    pub(crate) fn domain(root: &Path, folder: &str, name: &str, energy_uj: u64) {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("name"), format!("{name}\n")).unwrap();
        fs::write(folder.join("energy_uj"), format!("{energy_uj}\n")).unwrap();
        fs::write(folder.join("max_energy_range_uj"), "262143328850\n").unwrap();
    }

    #[test]
    fn only_packages_are_counted_and_all_of_them() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        domain(root, "intel-rapl:0", "package-0", 1_000_000);
        domain(root, "intel-rapl:1", "package-1", 5_000_000);
        domain(root, "intel-rapl:0:0", "core", 0);
        domain(root, "intel-rapl:0:1", "dram", 0);
        domain(root, "intel-rapl:2", "psys", 0);
        domain(root, "intel-rapl-mmio:0", "package-0", 0);
        let powercap = Powercap::open(root).unwrap();
        assert_eq!(powercap.packages(), 2);
        let before = powercap.read().unwrap();
        for (folder, name, energy_uj) in [
            ("intel-rapl:0", "package-0", 3_000_000),
            ("intel-rapl:1", "package-1", 5_500_000),
            ("intel-rapl:0:0", "core", 1_900_000),
            ("intel-rapl:0:1", "dram", 700_000),
            ("intel-rapl:2", "psys", 9_000_000),
            ("intel-rapl-mmio:0", "package-0", 2_000_000),
        ] {
            domain(root, folder, name, energy_uj);
        }
        assert_eq!(powercap.joules(&before, &powercap.read().unwrap()), 2.5);
    }

    #[test]
    fn a_counter_that_begins_again_loses_nothing() {
        let root = tempfile::tempdir().unwrap();
        let set = |energy_uj| domain(root.path(), "intel-rapl:0", "package-0", energy_uj);
        set(262_143_328_850 - 1_000_000);
        let mut energy = PackageEnergy::start(Powercap::open(root.path()).unwrap()).unwrap();
        set(2_000_000);
        assert_eq!(energy.joules(), Ok(3.0));
        set(262_143_328_850 - 500_000);
        energy.joules().unwrap();
        set(500_000);
        let twice_round = 3.0 + (262_143.328_850 - 2.5) + 1.0;
        assert!((energy.joules().unwrap() - twice_round).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let root = tempfile::tempdir().unwrap();
        let absent = root.path().join("powercap");
        assert_eq!(Powercap::open(&absent).unwrap_err(), Unmeasured::Absent { path: absent });
        domain(root.path(), "intel-rapl:0:0", "core", 0);
        assert_eq!(Powercap::open(root.path()).unwrap_err(), Unmeasured::Absent { path: root.path().into() });

        domain(root.path(), "intel-rapl:0", "package-0", 0);
        let counter = root.path().join("intel-rapl:0/energy_uj");
        fs::write(&counter, "soon\n").unwrap();
        let error = Powercap::open(root.path()).unwrap_err().to_string();
        assert!(error.contains("whole number, but it holds `soon`: state the power in watts"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_counter_for_root_alone_is_forbidden() {
        use std::os::unix::fs::PermissionsExt;

        let root = tempfile::tempdir().unwrap();
        domain(root.path(), "intel-rapl:0", "package-0", 0);
        let path = root.path().join("intel-rapl:0/energy_uj");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        // Root reads it nevertheless.
        if fs::read(&path).is_err() {
            assert_eq!(Powercap::open(root.path()).unwrap_err(), Unmeasured::Forbidden { path });
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let refusal = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let error = Unmeasured::reading(Path::new("energy_uj"), &refusal);
        assert_eq!(error, Unmeasured::Forbidden { path: "energy_uj".into() });
        assert!(error.to_string().contains("`chmod a+r`"), "{error}");
    }
}
