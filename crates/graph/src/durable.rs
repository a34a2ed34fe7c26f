//! Files that are whole or not there.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::{Error, FileError};

const MAGIC: &[u8; 8] = b"SAPWOOD1";
const HASH: usize = 32;
/// How the names of files begin and end that are being written. Between stand as many letters and digits as [`UNIQUE`].
const TEMPORARY: [&str; 2] = [".sapwood-", ".tmp"];
const UNIQUE: usize = 6;
/// How often a file is written that somebody else sweeps away at once.
const TRIES: usize = 10;
/// The most links that lead to a file, as on Linux.
const LINKS: usize = 40;

/// Writes a file so that a reader, or a crash at any moment, sees either the old
/// content or the new: temporary file in the same folder, sync, rename. Folders
/// on the way are made, and what killed writers left beside it is removed. What is
/// no ordinary file (a device, a pipe) is written to, never replaced, and a link
/// goes on pointing where it did, also where nothing was yet.
///
/// # Errors
/// [`Error::File`]: a path that is a folder's, links that lead in a circle, a folder that cannot be made, or a file
/// that cannot be written.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let error = |action| FileError::of::<Error>(action, path.to_path_buf());
    let target = match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            return Err(error("write a file where a folder is")(ErrorKind::IsADirectory.into()));
        }
        Ok(found) if !found.is_file() => {
            let device = File::options().write(true).open(path);
            return device.and_then(|mut device| device.write_all(bytes)).map_err(error("write"));
        }
        Ok(_) => fs::canonicalize(path).map_err(error("write"))?,
        Err(nothing) => match end_of_links(path) {
            Some(end) => end,
            None => return Err(error("write")(nothing)),
        },
    };
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(error("make the folder for"))?;
    sweep_abandoned(folder);
    let mut tries = 0..TRIES;
    loop {
        match write_once(folder, &target, bytes) {
            // Somebody swept in the moment before the file was locked.
            Err(gone) if gone.kind() == ErrorKind::NotFound && tries.next().is_some() => {}
            written => break written.map_err(error("write"))?,
        }
    }
    // The rename itself is durable once the folder is; not every system lets a
    // folder be opened, and then there is nothing to wait for.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().map_err(error("write"))?;
    }
    Ok(())
}

/// The path itself or, of a link, where it points; `None` for links that lead nowhere.
fn end_of_links(path: &Path) -> Option<PathBuf> {
    let mut end = path.to_path_buf();
    for _ in 0..=LINKS {
        if !fs::symlink_metadata(&end).is_ok_and(|found| found.is_symlink()) {
            return Some(end);
        }
        let next = fs::read_link(&end).ok()?;
        // Beside the link, unless it begins at the root.
        end = end.parent().unwrap_or(Path::new("")).join(next);
    }
    None
}

/// Writes a temporary file, which is locked meanwhile, and gives it the name of another.
fn write_once(folder: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = temporary().tempfile_in(folder)?;
    // Where there are no locks, nobody sweeps.
    let _ = file.as_file().try_lock();
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|failed| failed.error)?;
    Ok(())
}

/// Removes the temporary files of processes that were killed while they wrote: those that nobody has locked. It is no
/// failure of a writer that this cannot be done.
fn sweep_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_temporary(&entry.path())
            && let Ok(file) = File::options().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Removes the temporary files that a process left in a folder when it was killed
/// in [`write_atomic`]. Only for a folder in which nobody else writes.
///
/// # Errors
/// [`Error::File`]: a folder that is there and cannot be listed, or a temporary file that cannot be removed.
pub fn sweep(folder: &Path) -> Result<(), Error> {
    let error = |action, path: &Path| FileError::of::<Error>(action, path.to_path_buf());
    let entries = match fs::read_dir(folder) {
        Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(error("list", folder))?,
    };
    for entry in entries {
        let path = entry.map_err(error("list", folder))?.path();
        if is_temporary(&path) {
            match fs::remove_file(&path) {
                // Another process that writes there has just finished, or swept.
                Err(missing) if missing.kind() == ErrorKind::NotFound => {}
                removed => removed.map_err(error("remove", &path))?,
            }
        }
    }
    Ok(())
}

/// Whether a file has such a name as [`write_atomic`] gives one that is being written. Nobody else's is swept.
pub fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let [begin, end] = TEMPORARY;
    let unique = name.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    unique.is_some_and(|unique| unique.len() == UNIQUE && unique.bytes().all(|b| b.is_ascii_alphanumeric()))
        && path.is_file()
}

/// A temporary file with the rights that any new file has; the crate's own choice
/// is a file for its owner alone.
fn temporary() -> tempfile::Builder<'static, 'static> {
    #[allow(unused_mut)]
    let mut builder = tempfile::Builder::new();
    let [begin, end] = TEMPORARY;
    builder.prefix(begin).suffix(end).rand_bytes(UNIQUE);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// A payload behind a checksum.
pub fn seal(payload: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), blake3::hash(payload).as_bytes(), payload].concat()
}

/// The payload, if the checksum in front of it is right.
///
/// # Errors
/// [`Error::Format`] for bytes that do not begin as a sealed payload, end too early, or were altered.
pub fn unseal(bytes: &[u8]) -> Result<&[u8], Error> {
    let wrong = |problem: &str| Error::format("checkpoint", problem);
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong("it does not begin as one"))?;
    let (hash, payload) = rest.split_at_checked(HASH).ok_or_else(|| wrong("it ends too early"))?;
    if blake3::hash(payload).as_bytes() != hash {
        return Err(wrong("its checksum is wrong: it was cut short or altered"));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_notices_every_flipped_byte() {
        let sealed = seal(b"payload");
        assert_eq!(unseal(&sealed).unwrap(), b"payload");
        for position in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[position] ^= 1;
            assert!(unseal(&broken).is_err());
            assert!(unseal(&sealed[..position]).is_err());
        }
    }

    #[test]
    fn writing_makes_folders_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c.bin");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_writer_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (_, left) = temporary().tempfile_in(folder.path()).unwrap().keep().unwrap();
        let others = ["kept", ".sapwood-notes.txt", ".sapwood-backup", ".sapwood-.tmp"];
        let others = others.map(|name| folder.path().join(name));
        others.iter().for_each(|path| fs::write(path, "somebody's").unwrap());
        let like = folder.path().join(".sapwood-A1b2C3.tmp");
        fs::create_dir(&like).unwrap();
        write_atomic(&folder.path().join("written"), b"").unwrap();
        assert!(!left.exists());
        let (_, left) = temporary().tempfile_in(folder.path()).unwrap().keep().unwrap();
        sweep(folder.path()).unwrap();
        assert!(!left.exists() && like.exists() && others.iter().all(|path| path.exists()));
        sweep(&folder.path().join("nowhere")).unwrap();
    }

    #[test]
    fn a_writer_removes_what_killed_ones_left_and_not_what_is_being_written() {
        let folder = tempfile::tempdir().unwrap();
        let (_, left) = temporary().tempfile_in(folder.path()).unwrap().keep().unwrap();
        let (busy, written) = temporary().tempfile_in(folder.path()).unwrap().keep().unwrap();
        busy.try_lock().unwrap();
        write_atomic(&folder.path().join("file"), b"").unwrap();
        assert!(!left.exists() && written.exists());
        drop(busy);
        write_atomic(&folder.path().join("file"), b"").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_many_writers_in_one_folder_none_is_disturbed() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4u8 {
                let path = folder.path().join(writer.to_string());
                scope.spawn(move || (0..100).for_each(|at| write_atomic(&path, &[writer, at]).unwrap()));
            }
        });
        for writer in 0..4u8 {
            assert_eq!(std::fs::read(folder.path().join(writer.to_string())).unwrap(), [writer, 99]);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_links_are_written_to_and_not_replaced() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, b"old").unwrap();
        symlink(&file, &link).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert!(link.is_symlink() && std::fs::read(&file).unwrap() == b"new");

        // A link, so that no device can be lost to a mistake here.
        let null = folder.path().join("null");
        symlink("/dev/null", &null).unwrap();
        write_atomic(&null, b"gone").unwrap();
        assert!(null.is_symlink() && std::fs::metadata(&null).unwrap().file_type().is_char_device());
        assert!(write_atomic(folder.path(), b"").unwrap_err().to_string().contains("where a folder is"));
    }

    #[cfg(unix)]
    #[test]
    fn links_whose_file_is_not_there_yet_are_written_through() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        symlink("second", &first).unwrap();
        symlink(folder.path().join("store/file"), &second).unwrap();
        write_atomic(&first, b"new").unwrap();
        assert!(first.is_symlink() && second.is_symlink());
        assert_eq!(std::fs::read(folder.path().join("store/file")).unwrap(), b"new");

        let circle = folder.path().join("circle");
        symlink("circle", &circle).unwrap();
        let said = write_atomic(&circle, b"new").unwrap_err().to_string();
        assert!(circle.is_symlink() && said.starts_with("cannot write: "), "{said}");
    }

    #[test]
    fn a_folder_that_is_a_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), b"").unwrap();
        let error = write_atomic(&folder.path().join("file/x"), b"").unwrap_err().to_string();
        assert!(error.contains("cannot make the folder for") && error.ends_with("file/x"), "{error}");
    }
}
