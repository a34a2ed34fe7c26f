//! What Linux knows of this process and of the whole machine, from its `/proc`.
//!
//! Elsewhere there is no such folder, and every answer is `None`.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
};

/// Clock ticks per second in which Linux counts CPU time for programs (`USER_HZ`): 100
/// on every architecture that Rust runs on, whatever the kernel's own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// The CPU seconds of this process, user and system, of all its threads.
pub(super) fn process_cpu_s(proc_root: &Path) -> Option<f64> {
    let stat = fs::read_to_string(proc_root.join("self/stat")).ok()?;
    // The second field is the program's name, which may hold spaces and brackets.
    let after_name = &stat[stat.rfind(')')? + 1..];
    // They are fields 14 and 15, and the third is the first after the name.
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS_PER_SECOND)
}

/// The CPU seconds of all that the machine does: neither idle, nor waiting for a disk,
/// nor taken away by a hypervisor.
pub(super) fn busy_cpu_s(proc_root: &Path) -> Option<f64> {
    let stat = fs::read_to_string(proc_root.join("stat")).ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks = line.split_whitespace().map(|field| field.parse::<u64>().ok()).collect::<Option<Vec<_>>>()?;
    // user, nice, system, idle, iowait, irq, softirq; guests are already in user.
    let [user, nice, system, _idle, _iowait, irq, softirq, ..] = ticks[..] else { return None };
    Some((user + nice + system + irq + softirq) as f64 / TICKS_PER_SECOND)
}

/// The largest resident memory of this process, in bytes.
pub(super) fn peak_memory_bytes(proc_root: &Path) -> Option<u64> {
    let status = fs::read_to_string(proc_root.join("self/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?;
    Some(1024 * kib.trim().parse::<u64>().ok()?)
}

/// Lets the peak begin anew at what is resident now; whether Linux did so.
pub(super) fn reset_peak_memory(proc_root: &Path) -> bool {
    // The file must be there: a new one would be no order to the kernel.
    let file = OpenOptions::new().write(true).open(proc_root.join("self/clear_refs"));
    file.and_then(|mut file| file.write_all(b"5")).is_ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Writes a `/proc` with these ticks of the process and of the machine.
    pub(crate) fn fake(root: &Path, process: u64, busy: u64, peak_kib: u64) {
        fs::create_dir_all(root.join("self")).unwrap();
        let (user, system) = (process / 2, process - process / 2);
        let stat =
            format!("7 (a (b) c) R 1 7 7 0 -1 4194304 99 0 0 0 {user} {system} 400 500 20 0 1 0 39608\n");
        fs::write(root.join("self/stat"), stat).unwrap();
        let status = format!("Name:\ta\nVmPeak:\t 9999999 kB\nVmHWM:\t  {peak_kib} kB\nVmRSS:\t 1 kB\n");
        fs::write(root.join("self/status"), status).unwrap();
        let machine = format!("cpu  {} 2 3 70000 80000 4 1 600 50 60\ncpu0 1 1 1 1 1 1 1 0 0 0\n", busy - 10);
        fs::write(root.join("stat"), machine).unwrap();
    }

    #[test]
    fn the_figures_are_read_as_linux_writes_them() {
        let root = tempfile::tempdir().unwrap();
        fake(root.path(), 123, 456, 2140);
        assert_eq!(process_cpu_s(root.path()), Some(1.23));
        assert_eq!(busy_cpu_s(root.path()), Some(4.56));
        assert_eq!(peak_memory_bytes(root.path()), Some(2140 * 1024));
    }

    #[test]
    fn where_there_is_no_proc_nothing_is_known() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(process_cpu_s(root.path()), None);
        assert_eq!(busy_cpu_s(root.path()), None);
        assert_eq!(peak_memory_bytes(root.path()), None);
        assert!(!reset_peak_memory(root.path()));
        fs::create_dir_all(root.path().join("self")).unwrap();
        fs::write(root.path().join("self/stat"), "7 (a) R 1").unwrap();
        fs::write(root.path().join("stat"), "cpu  1 2 3").unwrap();
        assert_eq!((process_cpu_s(root.path()), busy_cpu_s(root.path())), (None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_answers() {
        let proc_root = Path::new("/proc");
        assert!(busy_cpu_s(proc_root) > Some(0.0));
        assert!(process_cpu_s(proc_root).is_some());
        assert!(peak_memory_bytes(proc_root) > Some(100_000));
    }
}
