//! Files that are whole or not there.

use std::{fs::File, io::Write, path::Path};

use crate::Error;

const MAGIC: &[u8; 8] = b"SAPWOOD1";
const HASH: usize = 32;

/// Writes a file so that a reader, or a crash at any moment, sees either the old
/// content or the new: temporary file in the same folder, sync, rename. Folders
/// on the way are made.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let error = |action| move |error| Error::File { action, path: path.to_path_buf(), error };
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(error("make the folder of"))?;
    let mut file = temporary().tempfile_in(folder).map_err(error("write"))?;
    file.write_all(bytes).map_err(error("write"))?;
    file.as_file().sync_all().map_err(error("write"))?;
    file.persist(path).map_err(|failed| error("write")(failed.error))?;
    // The rename itself is durable once the folder is; not every system lets a
    // folder be opened, and then there is nothing to wait for.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().map_err(error("write"))?;
    }
    Ok(())
}

/// A temporary file with the rights that any new file has; the crate's own choice
/// is a file for its owner alone.
fn temporary() -> tempfile::Builder<'static, 'static> {
    #[allow(unused_mut)]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// A payload behind a checksum.
pub fn seal(payload: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), blake3::hash(payload).as_bytes(), payload].concat()
}

/// The payload, if the checksum in front of it is right.
pub fn unseal(bytes: &[u8]) -> Result<&[u8], Error> {
    let wrong = |problem: &str| Error::Format { what: "checkpoint", problem: problem.into() };
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
    fn a_folder_that_is_a_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), b"").unwrap();
        let error = write_atomic(&folder.path().join("file/x"), b"").unwrap_err().to_string();
        assert!(error.contains("cannot make the folder of") && error.ends_with("file/x"), "{error}");
    }
}
