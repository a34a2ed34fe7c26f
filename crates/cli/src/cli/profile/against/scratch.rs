//! A folder for files that another program reads.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process,
};

use crate::Error;

/// A new folder among temporary files, in which nobody else writes; it goes when this is dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// # Errors
    /// What the file system refuses.
    pub(super) fn new() -> Result<Self, Error> {
        Self::below(&env::temp_dir())
    }

    fn below(place: &Path) -> Result<Self, Error> {
        #[allow(unused_mut)]
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let mut number = 0u32;
        loop {
            let folder = place.join(format!("sapwood-profile-{}-{number}", process::id()));
            match builder.create(&folder) {
                // One that is there, or a link, is somebody else's.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
                created => {
                    created.map_err(Error::file("make the folder", &folder))?;
                    return Ok(Self(folder));
                }
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It lies where temporary files do: whoever cleans there takes it if this cannot.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_there_is_not_taken_and_not_removed() {
        let place = tempfile::tempdir().unwrap();
        let others = place.path().join(format!("sapwood-profile-{}-0", process::id()));
        fs::create_dir(&others).unwrap();
        fs::write(others.join("network.onnx"), "somebody's").unwrap();
        let own = Scratch::below(place.path()).unwrap();
        let path = own.path().to_path_buf();
        assert!(path != others && path.is_dir());
        fs::write(path.join("file"), "").unwrap();
        drop(own);
        assert!(!path.exists());
        assert_eq!(fs::read(others.join("network.onnx")).unwrap(), b"somebody's");
    }
}
