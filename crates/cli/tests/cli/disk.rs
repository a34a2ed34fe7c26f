//! Folders that cannot be written to, and disks that are full.

use std::{
    io::{self, ErrorKind, Write},
    path::Path,
    process::Command,
};

use sapwood_cli::Error;

use crate::{
    child,
    safetensors::{file, floats},
    workplace::{NET, Workplace, one_line_error},
};

/// Every command that writes, up to the path.
const WRITERS: [&str; 4] = [
    "prune --weights net.safetensors --sparsity 0.5 --out",
    "forward --weights net.safetensors --input input.safetensors --out",
    "train --model lenet-300-100 --width 0.1 --data digits --epochs 1 --out",
    "demo --replicates 1 --epochs 1 --out",
];

fn workplace() -> Workplace {
    let place = Workplace::with_net();
    place.put("input.safetensors", file(&[("input", "F32", &[1, 1, 8, 8], floats(64, 0.5))]));
    place
}

#[test]
fn a_path_below_a_file_cannot_be_written() {
    let place = workplace();
    place.put("file", "");
    for writer in WRITERS {
        place.refuse(&format!("{writer} file/x"), &["cannot ", "file/x"]);
    }
    place.refuse("data get mnist --from . --data-root file/x", &["cannot ", "file/x"]);
    // That is known before anything is read or timed.
    for writer in ["latency build --space none --out", "prune --weights none --sparsity 0.5 --out"] {
        place.refuse(&format!("{writer} file/x/y"), &["cannot make the folder for: ", "file/x/y"]);
    }
}

#[test]
fn a_file_is_not_written_over_a_folder() {
    let place = workplace();
    place.put("folder/file", "");
    for writer in WRITERS.iter().filter(|writer| !writer.starts_with("train")) {
        place.refuse(&format!("{writer} folder"), &["folder"]);
    }
    place.refuse(&format!("{} {NET}", WRITERS[2]), &["cannot ", NET]);
    // That is known before anything is read or computed.
    for writer in [
        "prune --weights none --sparsity 0.5 --out",
        "score --weights none --criterion magnitude --out",
        "quantize --weights none --data digits --out",
        "shrink --weights none --out",
        "cluster --weights none --out",
        "forward --weights none --input none --out",
        "pack none --out",
        "data prune none --method random --keep 50% --out",
        "supernet pairs --weights none --data digits --out",
        "supernet extract --weights none --data digits --arch min --out",
        "supernet export --weights none --out",
        "latency build --space none --out",
        "latency check --space none --table none --out",
        "search --space none --page",
        "predictors --space none --pairs none --page",
        "demo --device none --out",
    ] {
        place.refuse(&format!("{writer} folder"), &["expected the name of a file", "found a folder"]);
    }
}

/// A folder that refuses writing; the superuser cannot have one.
#[cfg(unix)]
#[test]
fn a_folder_that_is_read_only_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let place = workplace();
    place.put("locked/file", "");
    let locked = place.path().join("locked");
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o555)).unwrap();
    if std::fs::write(locked.join("probe"), "").is_ok() {
        return println!("not tested: this user may write to any folder");
    }
    for writer in WRITERS {
        place.refuse(&format!("{writer} locked/x"), &["cannot ", "locked/x"]);
    }
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o755)).unwrap();
}

/// A file system of four pages, as long as this lives.
struct TinyDisk<'a>(&'a Path);

impl<'a> TinyDisk<'a> {
    /// Where the system lets this user mount one.
    fn mount(path: &'a Path) -> Option<Self> {
        std::fs::create_dir(path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"]).arg(path).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for TinyDisk<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn a_full_disk_is_said_and_nothing_is_left_half_written() {
    let place = workplace();
    let path = place.path().join("disk");
    let Some(_disk) = TinyDisk::mount(&path) else {
        return println!("not tested: this user may not mount a small disk");
    };
    place.put("input.safetensors", file(&[("input", "F32", &[999, 1, 8, 8], floats(64 * 999, 0.5))]));
    place.put("disk/old", "old");
    for writer in WRITERS {
        let line = format!("{writer} disk/x");
        let outcome = place.run(&line);
        let last = outcome.err.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: cannot write: No space left on device"), "{line}: {outcome:#?}");
        assert_eq!(outcome.code, Some(2));
        let left: Vec<_> = place.names().into_iter().filter(|path| path.starts_with("disk")).collect();
        for path in &left {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(
                ["disk", "old", "x", "config.json", "level.txt", "lock", "checkpoints"].contains(&name),
                "{line}: {left:?}"
            );
        }
        assert_eq!(place.read("disk/old"), b"old");
        let _ = std::fs::remove_dir_all(path.join("x"));
    }
}

/// A study on a full disk says so, fails no run, and goes on once there is room.
#[test]
fn a_study_on_a_full_disk_goes_on_once_there_is_room() {
    let place = Workplace::new();
    place.put("first.toml", crate::studies::STUDY);
    let path = place.path().join("disk");
    {
        let Some(_disk) = TinyDisk::mount(&path) else {
            return println!("not tested: this user may not mount a small disk");
        };
        let outcome = place.run("run first.toml --root disk");
        let last = outcome.err.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: cannot ") && last.contains("No space left"), "{outcome:#?}");
        assert_eq!(outcome.code, Some(2));
        let left = place.names();
        assert!(!left.iter().any(|path| path.ends_with("failed.txt")), "{left:?}");
        std::fs::create_dir(place.path().join("kept")).unwrap();
        let copied = Command::new("cp").args(["-r", "disk/first", "kept"]).current_dir(place.path()).status();
        assert!(copied.unwrap().success());
    }
    let said = place.succeed("run first.toml --root kept");
    assert!(said.contains("3 runs done, 3 in all"), "{said}");
}

/// What came of a study is there, and its ledger takes nothing.
#[cfg(unix)]
#[test]
fn a_ledger_that_cannot_be_written_is_one_line() {
    let place = Workplace::new();
    let method = "criterion = \"magnitude\"";
    place.put("first.toml", crate::studies::short("name = \"digits\"\nexamples = 300", 100, method));
    place.succeed("run first.toml");
    let ledger = place.path().join("runs/first/ledger.csv");
    std::fs::remove_file(&ledger).unwrap();
    let reports = ["report first", "report first --format csv"];
    if Path::new("/dev/full").exists() {
        std::os::unix::fs::symlink("/dev/full", &ledger).unwrap();
        for line in reports {
            let expected = ["cannot write: No space left on device", "runs/first/ledger.csv"];
            one_line_error(line, &place.run(line), &expected);
        }
        std::fs::remove_file(&ledger).unwrap();
    }
    place.put("runs/first/ledger.csv/file", "");
    for line in reports {
        place.refuse(line, &["cannot write a file where a folder is", "runs/first/ledger.csv"]);
    }
}

#[test]
fn progress_that_nobody_reads_stops_nothing() {
    let place = workplace();
    let prune =
        "prune --weights net.safetensors --sparsity 0.99 --allocation global --out pruned.safetensors";
    for line in [&format!("{} run", WRITERS[2]), prune] {
        let mut process = child::command(place.path(), &line.split(' ').collect::<Vec<_>>()).spawn().unwrap();
        drop(process.stderr.take());
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
    }
}

/// An output that takes nothing.
struct Refuses(ErrorKind);

impl Write for Refuses {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn results_that_cannot_be_written_are_an_error_and_no_panic() {
    for kind in [ErrorKind::StorageFull, ErrorKind::BrokenPipe] {
        for line in ["describe --model resnet-20", "list models", "devices", "data list", "--help"] {
            let args = ["sapwood"].into_iter().chain(line.split(' ')).map(Into::into);
            match sapwood_cli::run(args, &mut Refuses(kind)) {
                Err(Error::Output(error)) => assert_eq!(error.kind(), kind),
                other => panic!("{line}: {other:?}"),
            }
        }
    }
}
