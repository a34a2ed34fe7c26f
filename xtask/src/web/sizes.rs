//! What a visitor downloads.

use std::{fs, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};

use super::Problem;

/// At most this many bytes, compressed as every server does.
const LIMIT: usize = 8_000_000;

/// Prints how large the files of a folder are, raw and compressed.
///
/// # Errors
/// If they are more than a visitor should wait for.
pub(super) fn report(site: &Path) -> Result<(), Problem> {
    let mut files = Vec::new();
    list(site, site, &mut files)?;
    files.sort();
    let (mut raw, mut packed) = (0, 0);
    println!("{:<24} {:>10} {:>10}", "file", "bytes", "gzip");
    for (name, bytes) in files {
        let small = compressed(&bytes).map_err(|error| error.to_string())?;
        println!("{name:<24} {:>10} {small:>10}", bytes.len());
        (raw, packed) = (raw + bytes.len(), packed + small);
    }
    println!("{:<24} {raw:>10} {packed:>10}", "all");
    match packed <= LIMIT {
        true => Ok(()),
        false => Err(format!("the page is {packed} bytes compressed, more than {LIMIT}")),
    }
}

fn compressed(bytes: &[u8]) -> std::io::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn list(site: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), Problem> {
    let failed = |error: std::io::Error| format!("cannot read the page: {error}");
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            list(site, &path, files)?;
        } else {
            let name = path.strip_prefix(site).unwrap_or(&path).to_string_lossy().into_owned();
            files.push((name, fs::read(&path).map_err(failed)?));
        }
    }
    Ok(())
}
