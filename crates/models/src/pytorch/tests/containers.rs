//! Archives that PyTorch does not write itself, or that are none.

use std::io::{Cursor, Write as _};

use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::*;

/// `state_dict`s are the same, whatever else the records of the archive are.
fn packed(records: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in records {
        archive.start_file(*name, stored).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The records of a file, without the folder that they lie in.
fn records(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(file(name))).unwrap();
    let record = |index: usize| {
        let mut record = archive.by_index(index).unwrap();
        let name = record.name().unwrap().split_once('/').unwrap().1.to_string();
        let mut content = Vec::new();
        std::io::copy(&mut record, &mut content).unwrap();
        (name, content)
    };
    (0..7).map(record).collect()
}

fn repacked(folder: &str, change: impl Fn(&str, &mut Vec<u8>)) -> Vec<u8> {
    let mut found = records("tensor.pt");
    found.iter_mut().for_each(|(name, content)| {
        change(name, content);
        *name = format!("{folder}{name}");
    });
    packed(&found.iter().map(|(name, content)| (&name[..], content.clone())).collect::<Vec<_>>())
}

#[test]
fn archives_may_have_any_folder_and_be_compressed_or_without_checksums() {
    for folder in ["", "archive/", "a name of 21 letters./", "übung/tiefer/"] {
        assert_floats(&read(&repacked(folder, |_, _| ())).unwrap(), &[], &[2, 3], &W);
    }
    assert_network(&opened("deflated.pt"), &[]);
    assert_network(&opened("without-checksums.pt"), &[]);
}

#[test]
fn the_order_of_bytes_is_the_archives_own() {
    let swapped = repacked("a/", |name, content| match name {
        "byteorder" => *content = b"big".to_vec(),
        name if name.starts_with("data/") => content.chunks_exact_mut(4).for_each(<[u8]>::reverse),
        _ => (),
    });
    assert_floats(&read(&swapped).unwrap(), &[], &[2, 3], &W);
    let odd = repacked("a/", |name, content| {
        if name == "byteorder" {
            *content = b"middle".to_vec();
        }
    });
    let problem = read(&odd).unwrap_err().to_string();
    assert!(problem.contains("byte order is `middle`"), "{problem}");
}

#[test]
fn a_record_that_is_damaged_or_missing_is_named() {
    let mut damaged = file("tensor.pt");
    let at = damaged.windows(4).position(|bytes| bytes == 0.5f32.to_le_bytes()).unwrap();
    damaged[at] ^= 1;
    let node = read(&damaged).unwrap();
    assert!(unreadable(&node, &[]).contains("`data/0` of the archive is damaged"), "{node:?}");

    let found = records("tensor.pt");
    let rest: Vec<_> = found.iter().filter(|(name, _)| name != "data/0").collect();
    let rest: Vec<_> = rest.iter().map(|(name, content)| (&name[..], content.clone())).collect();
    let node = read(&packed(&rest)).unwrap();
    assert!(unreadable(&node, &[]).contains("`data/0` of the archive is missing"), "{node:?}");
    let short = repacked("", |name, content| {
        if name == "data/0" {
            content.pop();
        }
    });
    let node = read(&short).unwrap();
    assert!(unreadable(&node, &[]).contains("its storage has only 5 elements"), "{node:?}");
}

#[test]
fn a_small_archive_that_unpacks_into_a_large_one_is_refused() {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("a/data.pkl", SimpleFileOptions::default()).unwrap();
    let piece = vec![b']'; 1 << 20];
    (0..96).for_each(|_| archive.write_all(&piece).unwrap());
    let bytes = archive.finish().unwrap().into_inner();
    assert!(bytes.len() < 1 << 18, "{}", bytes.len());
    let problem = read(&bytes).unwrap_err().to_string();
    assert!(problem.contains("`data.pkl` of the archive is of 100663296 bytes, and all that"), "{problem}");
}

#[test]
fn what_is_no_checkpoint_is_called_what_it_is() {
    for (bytes, words) in [
        (vec![], "it is empty"),
        (vec![0; 100], "every byte is zero"),
        (b"\n <!DOCTYPE html><html>404".to_vec(), "a web page: download the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0".to_vec(), "a pointer of Git LFS"),
        (b"epoch 1: loss 2.3\nepoch 2: loss 2.1\n".to_vec(), "text, not a checkpoint"),
        (b"\x1f\x8b\x08\x00\x00".to_vec(), "a gzip archive: unpack it first"),
        ([&[0; 257][..], b"ustar\x0000"].concat(), "a tar archive: unpack it first"),
        (b"\x89HDF\r\n\x1a\n\0".to_vec(), "an HDF5 file"),
        ((0..=255).rev().collect(), "neither a checkpoint of PyTorch nor safetensors"),
        (b"PK\x03\x04 and then nothing of use".to_vec(), "cut short: the directory at the end"),
        (packed(&[("weights.pt", file("tensor.pt"))]), "without a `data.pkl` (it begins with `weights.pt`)"),
        (packed(&[]), "without a `data.pkl`: unpack it first"),
        (file("script.pt"), "a TorchScript archive: save `model.state_dict()` instead"),
        (b"\x80\x02}q\0.".to_vec(), "it holds no tensors"),
    ] {
        let problem = read(&bytes).unwrap_err().to_string();
        assert!(problem.contains(words), "{problem}");
        assert!(!problem.contains('\n'), "{problem}");
    }
}
