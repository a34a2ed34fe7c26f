//! Getting data sets: from folders, archives, mirrors that answer and mirrors that do not.

use std::{fs, io::Write};

use flate2::{Compression, write::GzEncoder};

use super::{download::tests::serve, *};
use crate::{Digests, Labels, Normalisation, Task, open};

const IDX: [&str; 4] =
    ["a-images-idx3-ubyte", "a-labels-idx1-ubyte", "b-images-idx3-ubyte", "b-labels-idx1-ubyte"];

/// Two training images of 1x2 and one test image.
fn idx_files() -> [(&'static str, Vec<u8>); 4] {
    let array = |dims: &[u8], values: &[u8]| {
        let mut bytes = vec![0, 0, 8, dims.len() as u8];
        dims.iter().for_each(|dim| bytes.extend([0, 0, 0, *dim]));
        [bytes.as_slice(), values].concat()
    };
    [
        (IDX[0], array(&[2, 1, 2], &[10, 11, 12, 13])),
        (IDX[1], array(&[2], &[1, 0])),
        (IDX[2], array(&[1, 1, 2], &[14, 15])),
        (IDX[3], array(&[1], &[1])),
    ]
}

fn idx_row(digests: Option<Digests<&'static str>>, sources: &'static [Origin]) -> Entry {
    Entry {
        name: "toy",
        about: "",
        shape: Some([1, 1, 2]),
        task: Some(Task::Classes(2)),
        sizes: Some([2, 1]),
        normalisation: Normalisation::MNIST,
        augment: &[],
        classes: &[],
        layout: Layout::Idx(IDX),
        digests,
        sources,
        open: crate::open::idx,
    }
}

/// Rows of 1x2 colour images in CIFAR's layout.
fn cifar_row(sources: &'static [Origin]) -> Entry {
    Entry {
        shape: Some([3, 1, 2]),
        normalisation: Normalisation::IMAGENET,
        layout: Layout::Cifar { train: &["data_batch_1.bin"], test: "test_batch.bin", label_bytes: 1 },
        open: crate::open::cifar,
        ..idx_row(None, sources)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_gz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("some/where/{name}"), *bytes).unwrap();
    }
    gzip(&builder.into_inner().unwrap())
}

fn take(row: &Entry, root: &Path, from: Option<&Path>) -> Result<Acquired, Error> {
    obtain(row, root, from, &Http::direct(), &mut |_| {})
}

/// What lies in a folder, by name.
fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_with_packed_and_renamed_files_becomes_the_official_layout() {
    let folder = tempfile::tempdir().unwrap();
    let (from, root) = (folder.path().join("from"), folder.path().join("root"));
    fs::create_dir_all(from.join("deep")).unwrap();
    for (number, (name, bytes)) in idx_files().iter().enumerate() {
        match number {
            0 => fs::write(from.join("deep").join(format!("{name}.gz")), gzip(bytes)).unwrap(),
            1 => fs::write(from.join(name.replace("-idx", ".idx")), bytes).unwrap(),
            _ => fs::write(from.join(name), bytes).unwrap(),
        }
    }
    let row = idx_row(None, &[]);
    let got = take(&row, &root, Some(&from)).unwrap();
    assert_eq!((got.folder, got.verified.checked), (Some(root.join("toy")), false));
    assert_eq!(
        (listing(&root), listing(&root.join("toy"))),
        (vec!["toy".into()], IDX.map(String::from).to_vec())
    );
    for (name, bytes) in idx_files() {
        assert_eq!(fs::read(root.join("toy").join(name)).unwrap(), bytes);
    }
    assert!(take(&row, &root, None).unwrap().source.contains("was there"));
}

#[test]
fn of_several_data_sets_with_files_of_the_same_names_the_one_of_the_name_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (from, root) = (folder.path().join("from"), folder.path().join("root"));
    let put = |path: &str, bytes: &[u8]| {
        let path = from.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let other = [0, 0, 8, 1, 0, 0, 0, 1, 0];
    for (name, bytes) in idx_files() {
        put(&format!("another/{name}"), if name == IDX[3] { &other } else { &bytes });
        put(&format!("TOY/raw/{name}.gz"), &gzip(&bytes));
    }
    let row = idx_row(None, &[]);
    let labels = || fs::read(root.join("toy").join(IDX[3])).unwrap();
    take(&row, &root, Some(&from)).unwrap();
    assert_eq!(labels(), idx_files()[3].1);

    // Of none that has the name the files of one folder, though one of them lies in a folder before it.
    fs::remove_dir_all(from.join("TOY")).unwrap();
    put(&format!("a/{}", IDX[3]), &idx_files()[3].1);
    fs::write(root.join("toy/notes.txt"), "mine").unwrap();
    take(&row, &root, Some(&from)).unwrap();
    assert_eq!(labels(), other);
    assert_eq!(fs::read(root.join("toy/notes.txt")).unwrap(), b"mine", "what else lies there stays");
    // And of no folder that has them all the nearer one.
    put(&format!("another/deep/{}", IDX[3]), &other);
    fs::remove_file(from.join("another").join(IDX[3])).unwrap();
    fs::rename(from.join("a"), from.join("yet")).unwrap();
    take(&row, &root, Some(&from)).unwrap();
    assert_eq!(labels(), idx_files()[3].1);
}

#[test]
fn other_data_than_the_catalogue_means_are_refused_and_what_was_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (from, root) = (folder.path().join("from"), folder.path().join("root"));
    fs::create_dir_all(&from).unwrap();
    idx_files().iter().for_each(|(name, bytes)| fs::write(from.join(name), bytes).unwrap());
    take(&idx_row(None, &[]), &root, Some(&from)).unwrap();

    let other = idx_row(Some(Digests(["0", "0", "0", "0"])), &[]);
    fs::write(from.join(IDX[3]), [0, 0, 8, 1, 0, 0, 0, 1, 0]).unwrap();
    let error = take(&other, &root, Some(&from)).unwrap_err().to_string();
    assert!(error.contains("the SHA-256 of its training images should be 0 but is"), "{error}");
    fs::remove_file(from.join(IDX[3])).unwrap();
    let error = take(&other, &root, Some(&from)).unwrap_err().to_string();
    assert!(error.contains("expected the file b-labels-idx1-ubyte or b-labels-idx1-ubyte.gz"), "{error}");
    assert_eq!(listing(&root), ["toy"]);
    assert_eq!(fs::read(root.join("toy").join(IDX[3])).unwrap(), idx_files()[3].1);
}

#[test]
fn where_one_file_cannot_be_replaced_nothing_of_the_user_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (from, root) = (folder.path().join("from"), folder.path().join("root"));
    fs::create_dir_all(&from).unwrap();
    idx_files().iter().for_each(|(name, bytes)| fs::write(from.join(name), bytes).unwrap());
    // A folder that has the name of one of the files, with something in it.
    let taken = root.join("toy").join(IDX[1]);
    fs::create_dir_all(&taken).unwrap();
    for path in [taken.join("mine"), root.join("toy/notes.txt")] {
        fs::write(path, "mine").unwrap();
    }
    let error = take(&idx_row(None, &[]), &root, Some(&from)).unwrap_err().to_string();
    assert!(error.contains(IDX[1]) && !error.contains('\n'), "{error}");
    assert_eq!((listing(&root), listing(&taken)), (vec!["toy".into()], vec!["mine".into()]));
    assert_eq!(fs::read(root.join("toy/notes.txt")).unwrap(), b"mine");
}

#[test]
fn what_a_killed_process_left_is_removed_and_what_another_one_needs_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (from, root) = (folder.path().join("from"), folder.path().join("root"));
    fs::create_dir_all(&from).unwrap();
    idx_files().iter().for_each(|(name, bytes)| fs::write(from.join(name), bytes).unwrap());
    // Others may begin their names as we do, and keep a file called like ours.
    let others = [".get-photos", ".get-2026.tmp", ".get-Photos2.tmp"];
    for name in [".get-killed.tmp", ".get-W0rks1.tmp"].into_iter().chain(others) {
        fs::create_dir_all(root.join(name)).unwrap();
        fs::write(root.join(name).join("lock"), "").unwrap();
        fs::write(root.join(name).join("images"), "half").unwrap();
    }
    let theirs = File::open(root.join(".get-W0rks1.tmp/lock")).unwrap();
    theirs.lock().unwrap();
    take(&idx_row(None, &[]), &root, Some(&from)).unwrap();
    assert_eq!(
        listing(&root),
        [".get-2026.tmp", ".get-Photos2.tmp", ".get-W0rks1.tmp", ".get-photos", "toy"]
    );
    assert_eq!(listing(&root.join(".get-photos")), ["images", "lock"]);
}

#[test]
fn an_archive_from_a_server_is_unpacked_and_nothing_else_stays() {
    let archive = tar_gz(&[
        ("data_batch_1.bin", &[1, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12]),
        ("test_batch.bin", &[0; 7]),
    ]);
    let (address, requests) = serve(archive, 100, false);
    let dead = Origin::Official { address: "http://127.0.0.1:1/", files: &["toy.tar.gz"] };
    let alive = Origin::Official { address: address.leak(), files: &["toy.tar.gz"] };
    let folder = tempfile::tempdir().unwrap();
    let row = cifar_row(vec![dead, alive].leak());
    let got = take(&row, folder.path(), None).unwrap();
    assert!(got.source.starts_with("http://127.0.0.1:"));
    assert!(requests.lock().unwrap().len() > 1);
    assert_eq!(listing(folder.path()), ["toy"]);
    let train = (row.open)(&row, crate::Split::Train, folder.path(), &Default::default()).unwrap();
    assert_eq!(train.image(1).as_deref(), Some([7, 8, 9, 10, 11, 12].as_slice()));
    assert_eq!(train.labels(), &Labels::Class(vec![1, 0]));
}

#[test]
fn the_pictures_of_the_npm_package_become_official_records() {
    let picture = |rows: u32, pixels: &[u8]| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, rows);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        bytes
    };
    let folder = tempfile::tempdir().unwrap();
    let (archive, root) = (folder.path().join("package.tgz"), folder.path().join("root"));
    let train = picture(2, &[1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]);
    let test = picture(1, &[21, 22, 23, 24, 25, 26]);
    let files = [("data_batch_1.png", train.as_slice()), ("test_batch.png", &test)];
    let labels: [(&str, &[u8]); 2] = [("train_lables.json", b"[1,0]"), ("test_lables.json", b"[1]")];
    fs::write(&archive, tar_gz(&[files, labels].concat())).unwrap();
    take(&cifar_row(&[]), &root, Some(&archive)).unwrap();
    let records = fs::read(root.join("toy/data_batch_1.bin")).unwrap();
    assert_eq!(records, [1, 1, 4, 2, 5, 3, 6, 0, 11, 14, 12, 15, 13, 16]);

    let labels: [(&str, &[u8]); 2] = [("train_lables.json", b"[1]"), ("test_lables.json", b"[1]")];
    fs::write(&archive, tar_gz(&[files, labels].concat())).unwrap();
    let error = take(&cifar_row(&[]), &root, Some(&archive)).unwrap_err().to_string();
    assert!(error.contains("more images than labels"), "{error}");
    let bytes = fs::read(&archive).unwrap();
    fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
    let error = take(&cifar_row(&[]), &root, Some(&archive)).unwrap_err().to_string();
    assert!(error.starts_with("not a usable archive") && !error.contains('\n'), "{error}");
}

#[test]
fn files_of_another_kind_are_called_by_their_name_and_by_the_path_that_the_user_knows() {
    let folder = tempfile::tempdir().unwrap();
    let (from, root) = (folder.path().join("from"), folder.path().join("not/yet"));
    let check = |row: &Entry, given: &Path, expected: &[&str]| {
        let error = take(row, &root, Some(given)).unwrap_err().to_string();
        for part in expected {
            assert!(error.contains(part) && !error.contains('\n'), "expected `{part}` in {error}");
        }
        assert!(!error.contains(".get-"), "a path of ours that is gone: {error}");
        assert!(!folder.path().join("not").exists(), "something is left behind");
    };
    let put = |name: &str, bytes: &[u8]| {
        fs::create_dir_all(&from).unwrap();
        fs::write(from.join(name), bytes).unwrap();
    };
    let idx = idx_row(None, &[]);
    idx_files().iter().for_each(|(name, bytes)| put(name, bytes));
    put(IDX[0], b"<!DOCTYPE html><html><title>403</title></html>");
    check(&idx, &from, &["expected an array of images (IDX), found a web page", "from/a-images"]);
    put(IDX[0], &idx_files()[1].1);
    check(&idx, &from, &["expected an array of images (IDX), found a list of labels (IDX)", "from/a-images"]);
    put(IDX[0], b"version https://git-lfs.github.com/spec/v1");
    check(&idx, &from, &["git lfs pull", "from/a-images"]);
    put(IDX[0], &idx_files()[0].1[..19]);
    check(&idx, &from, &["it is cut short: expected 20 bytes, found 19", "from/a-images"]);
    let few: Vec<u8> = [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2], [1, 2].as_slice()].concat();
    put(IDX[0], &few);
    put(IDX[1], &[0, 0, 8, 1, 0, 0, 0, 1, 0]);
    check(&idx, &from, &["its train split should have 2 examples but has 1: ", "/from"]);

    let zip = folder.path().join("toy.zip");
    fs::write(&zip, b"PK\x03\x04 and so on").unwrap();
    check(&idx, &zip, &["found a zip archive: unpack it first", "toy.zip"]);
    let python = folder.path().join("cifar-python.tar.gz");
    fs::write(&python, tar_gz(&[("data_batch_1", b"\x80\x02}"), ("test_batch", b"\x80\x02}")])).unwrap();
    check(
        &cifar_row(&[]),
        &python,
        &["the version for Python: get the binary version", "cifar-python.tar.gz"],
    );
    let renamed = folder.path().join("renamed.tar.gz");
    fs::write(&renamed, tar_gz(&[("data_batch_1.bin", b"\x80\x02}"), ("test_batch.bin", &[0; 7])])).unwrap();
    check(
        &cifar_row(&[]),
        &renamed,
        &["found a Python pickle", "renamed.tar.gz/some/where/data_batch_1.bin"],
    );
}

#[test]
fn when_no_source_can_be_used_one_line_says_what_was_tried() {
    const SOURCES: &[Origin] = &[
        Origin::Official { address: "http://127.0.0.1:1/", files: &["x"] },
        Origin::Official { address: "http://127.0.0.1:2/", files: &["x"] },
    ];
    let folder = tempfile::tempdir().unwrap();
    let error = take(&idx_row(None, SOURCES), folder.path(), None).unwrap_err().to_string();
    assert!(error.starts_with("data set `toy` could not be had; tried http://127.0.0.1:1/ ("), "{error}");
    assert!(
        error.contains("), http://127.0.0.1:2/ (")
            && error.contains("that you have")
            && !error.contains('\n')
    );
    assert!(listing(folder.path()).is_empty());
}

#[test]
fn what_needs_no_files_is_there_already() {
    let root = Path::new("no such folder");
    let digits = get("digits", root, None, &mut |_| {}).unwrap();
    assert_eq!((digits.folder, digits.verified.checked), (None, true));
    assert!(verify("digits", root).unwrap().checked);
    let error = verify("mnist", root).unwrap_err();
    assert!(
        matches!(&error, Error::NoFile { name, path } if name == "mnist" && path.starts_with(root)),
        "{error}"
    );
    let error = get("digits", root, Some(root), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("this program makes it"), "{error}");
    let error = get("image-folder", root, None, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("a folder of your own"), "{error}");
    assert!(matches!(get("mnits", root, None, &mut |_| {}), Err(Error::UnknownName(_))));
}

#[test]
fn files_that_do_not_fit_the_catalogue_are_refused_when_read() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("mnist")).unwrap();
    let path = |name: &str| root.path().join("mnist").join(name);
    let check = |images: &[u8], labels: &[u8], expected: &str| {
        fs::write(path("t10k-images-idx3-ubyte"), images).unwrap();
        fs::write(path("t10k-labels-idx1-ubyte"), labels).unwrap();
        let error =
            open("mnist", crate::Split::Test, root.path(), &Default::default()).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    };
    let image = [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28], [0; 784].as_slice()].concat();
    let label = |label| [0, 0, 8, 1, 0, 0, 0, 1, label];
    check(&image, &label(3), "its test split should have 10000 examples but has 1");
    check(&image, &label(10), "label 10 of example 0 is out of range");
    check(&image[..799], &label(3), "it is cut short: expected 800 bytes, found 799");
    check(&idx_files()[0].1, &label(3), "its last dimensions should be [28, 28] but all are [2, 1, 2]");
    check(&[0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28], &[0, 0, 8, 1, 0, 0, 0, 0], "no examples");
}
