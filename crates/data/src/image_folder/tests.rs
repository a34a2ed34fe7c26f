//! Folders as people have them.

mod drawn;

use std::{fs, path::Path};

use sapwood_core::ImageFit;

use super::*;
use crate::{
    Normalisation, OpenOptions, Task,
    image_file::tests::png_bytes,
    open, open_with,
    photo_cache::{Key, PhotoCache},
};

/// A colour image of one value.
fn solid(size: [u32; 2], value: u8) -> Vec<u8> {
    png_bytes(png::ColorType::Rgb, size, &vec![value; (3 * size[0] * size[1]) as usize])
}

fn put_bytes(root: &Path, file: &str, bytes: &[u8]) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn put(root: &Path, file: &str, value: u8) {
    put_bytes(root, file, &solid([2, 2], value));
}

/// Two classes with an image each, in both splits.
fn two(root: &Path) {
    for (file, value) in
        [("train/a/1.png", 1), ("train/b/1.png", 2), ("test/a/1.png", 3), ("test/b/1.png", 4)]
    {
        put(root, file, value);
    }
}

fn opened(root: &Path, split: Split) -> Result<(Dataset, String), Error> {
    let found = open_with("image-folder", split, root, &OpenOptions::default(), &Reading::default())?;
    Ok((found.dataset, found.summary.unwrap().to_string()))
}

fn refused(root: &Path, split: Split, expected: &[&str]) {
    let error = opened(root, split).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    expected.iter().for_each(|part| assert!(error.contains(part), "expected `{part}` in {error}"));
}

/// The first value of each image.
fn values(data: &Dataset) -> Vec<u8> {
    (0..data.len()).map(|at| data.image(at).unwrap()[0]).collect()
}

#[test]
fn classes_and_files_come_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "train/dog/2.PNG", 3);
    put(root, "train/dog/1.png", 2);
    put(root, "train/cat/9.png", 1);
    put(root, "test/dog/a.png", 4);
    fs::write(root.join("train/cat/notes.txt"), "").unwrap();
    let (train, summary) = opened(root, Split::Train).unwrap();
    assert_eq!((train.shape(), train.task()), ([3, 2, 2], Task::Classes(2)));
    assert_eq!((values(&train), train.labels()), (vec![1, 2, 3], &Labels::Class(vec![0, 1, 1])));
    assert_eq!(train.class_names(), ["cat", "dog"]);
    assert_eq!(summary, "train: 3 images: cat 1, dog 2; 1 file passed over: 1 txt");
    let (test, summary) = opened(root, Split::Test).unwrap();
    assert_eq!((test.labels(), summary.as_str()), (&Labels::Class(vec![1]), "test: 1 image: cat 0, dog 1"));

    put(root, "test/cow/a.png", 4);
    refused(root, Split::Test, &["class `cow` of the test split has no folder", "`cat`, `dog`", "test/cow"]);
    put_bytes(root, "train/dog/3.png", &solid([4, 6], 5));
    refused(root, Split::Train, &["its size is 4x6, but the first image's is 2x2", "dog/3.png"]);
    let first = png_bytes(png::ColorType::Grayscale, [2, 2], &[1; 4]);
    put_bytes(root, "train/cat/0.png", &first);
    refused(root, Split::Train, &["it has colours, but the first image is grey"]);
    fs::remove_file(root.join("train/cat/0.png")).unwrap();
    let grey = OpenOptions { image: Some([1, 3, 3]), ..OpenOptions::default() };
    let train = open("image-folder", Split::Train, root, &grey).unwrap();
    assert_eq!((train.shape(), train.len()), ([1, 3, 3], 4));
    let learnt = OpenOptions { trained_with: Some("(x/255-0.1307)/0.3081".parse().unwrap()), ..grey };
    let seen = open("image-folder", Split::Train, root, &learnt).unwrap();
    assert_eq!((seen.normalisation(), seen.images()), (&Normalisation::MNIST, train.images()));
    assert_eq!(train.image(3).as_deref(), Some([5; 9].as_slice()));
}

#[test]
fn what_notebooks_desktops_and_archives_leave_is_neither_class_nor_image() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    two(root);
    for file in
        ["train/.ipynb_checkpoints/1-checkpoint.png", "test/.ipynb_checkpoints/1.png", "train/a/.cache/1.png"]
    {
        put(root, file, 9);
    }
    for file in [
        "train/.DS_Store",
        "train/a/.DS_Store",
        "train/a/._1.png",
        "train/__MACOSX/a/._1.png",
        "train/a/Thumbs.db",
        "train/b/desktop.ini",
        "train/b/Desktop.ini",
    ] {
        put_bytes(root, file, b"\0\x05\x16\x07");
    }
    let (train, summary) = opened(root, Split::Train).unwrap();
    assert_eq!((values(&train), train.class_names().len()), (vec![1, 2], 2));
    assert_eq!(summary, "train: 2 images: a 1, b 1");
    assert_eq!(values(&opened(root, Split::Test).unwrap().0), [3, 4]);
}

#[test]
fn images_in_folders_of_a_class_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    two(root);
    put(root, "train/a/2020/05/2.png", 5);
    put(root, "train/a/2019/9.png", 6);
    let (train, summary) = opened(root, Split::Train).unwrap();
    assert_eq!((values(&train), train.labels()), (vec![1, 6, 5, 2], &Labels::Class(vec![0, 0, 0, 1])));
    assert_eq!(summary, "train: 4 images: a 3, b 1");
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles_and_those_to_nowhere_are_counted() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    two(root);
    put(root, "elsewhere/2.png", 7);
    put(root, "train/a/z/3.png", 8);
    symlink("../a", root.join("train/a/circle")).unwrap();
    symlink(root.join("elsewhere"), root.join("train/a/linked")).unwrap();
    symlink("z", root.join("train/a/again")).unwrap();
    symlink("nothing.png", root.join("train/a/gone.png")).unwrap();
    let (train, summary) = opened(root, Split::Train).unwrap();
    assert_eq!((values(&train), train.labels()), (vec![1, 7, 8, 2], &Labels::Class(vec![0, 0, 0, 1])));
    assert!(summary.contains("1 links that lead nowhere"), "{summary}");
    assert!(summary.contains("links to folders that are read anyway"), "{summary}");
    // An image is of one class.
    for (other, in_class) in [("..", "`a`"), ("../b", "`a`")] {
        let link = root.join("train/a/other");
        symlink(other, &link).unwrap();
        refused(root, Split::Train, &["its images are also in class", in_class, "train/b"]);
        fs::remove_file(link).unwrap();
    }
}

#[test]
fn a_class_without_images_is_an_error_that_says_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    two(root);
    fs::create_dir_all(root.join("train/c")).unwrap();
    refused(root, Split::Train, &["class `c` has no image", "expected PNG", "found nothing", "train/c"]);
    for file in ["train/c/1.heic", "train/c/2.HEIC", "train/c/notes", "train/c/list.csv"] {
        put_bytes(root, file, b"x");
    }
    refused(root, Split::Train, &["class `c`", "found 2 heic, 1 csv, 1 without an extension", "train/c"]);
}

#[test]
fn other_names_of_the_splits_are_taken_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (file, value) in [("Train/a/1.png", 1), ("Train/b/1.png", 2), ("val/b/1.png", 3)] {
        put(root, file, value);
    }
    let (test, summary) = opened(root, Split::Test).unwrap();
    assert_eq!((values(&test), test.labels()), (vec![3], &Labels::Class(vec![1])));
    assert!(summary.ends_with("; taken from `val`, as there is no `test`"), "{summary}");
    assert!(opened(root, Split::Train).unwrap().1.contains("taken from `Train`"));
    put(root, "test/a/1.png", 4);
    let (test, summary) = opened(root, Split::Test).unwrap();
    assert_eq!(values(&test), [4]);
    assert!(summary.ends_with("; `val` is there too and is not used"), "{summary}");
}

#[test]
fn folders_without_splits_or_with_one_class_are_errors_that_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    refused(
        root,
        Split::Train,
        &["expected `train` and `test` here, with a folder of images per class", "train"],
    );
    put(root, "a/1.png", 1);
    put(root, "b/1.png", 1);
    refused(root, Split::Train, &["found `a`, `b`", "move them into `train`"]);
    fs::create_dir_all(root.join("train")).unwrap();
    refused(root, Split::Train, &["expected one folder per class here, found none"]);
    put(root, "train/1.png", 1);
    refused(root, Split::Train, &["found 1 image, in no folder"]);
    put(root, "train/animals/cat/1.png", 1);
    put(root, "train/animals/dog/1.png", 1);
    refused(
        root,
        Split::Train,
        &["one class alone, `animals`", "(`cat`, `dog`) do not count", "two at least"],
    );
    put(root, "train/plants/1.png", 1);
    assert!(opened(root, Split::Train).unwrap().1.contains("1 beside the folders of the classes"));
    refused(root, Split::Test, &["expected `test` (or `val`)", "found `a`, `b`, `train`"]);
}

#[test]
fn names_that_look_alike_are_matched_by_their_letters_or_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for file in ["train/caf\u{e9}/1.png", "train/a/1.png", "train/A/1.png", "test/cafe\u{301}/1.png"] {
        put(root, file, 1);
    }
    let (test, _) = opened(root, Split::Test).unwrap();
    assert_eq!(
        (test.class_names(), test.labels()),
        (["A", "a", "café"].map(String::from).as_slice(), &Labels::Class(vec![2]))
    );
    put(root, "test/\u{430}/1.png", 1);
    refused(root, Split::Test, &["class `\u{430}` (\\u{430})", "has no folder"]);
    put(root, "train/cafe\u{301}/1.png", 1);
    refused(root, Split::Train, &["(cafe\\u{301}) and", "(caf\\u{e9}) are one name in two spellings"]);
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_classes_of_their_own() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [(b"\xff", 2), (b"\xfe", 1)] {
        let class = folder.path().join("train").join(OsStr::from_bytes(name));
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join("1.png"), solid([2, 2], value)).unwrap();
    }
    let (train, _) = opened(folder.path(), Split::Train).unwrap();
    assert_eq!(
        (train.class_names(), values(&train)),
        (["\\xfe", "\\xff"].map(String::from).as_slice(), vec![1, 2])
    );
}

#[test]
fn bad_images_are_all_found_and_left_out_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    two(root);
    put(root, "train/b/5.png", 5);
    put_bytes(root, "train/b/2.png", &solid([2, 2], 1)[..40]);
    put_bytes(root, "train/b/3.jpg", b"<!DOCTYPE html><html>");
    put_bytes(root, "train/a/0.png", b"version https://git-lfs.github.com/spec/v1");
    refused(root, Split::Train, &["a Git LFS pointer", "train/a/0.png"]);
    let image = Some([3, 2, 2]);
    let options = OpenOptions { image, ..OpenOptions::default() };
    let error = open("image-folder", Split::Train, root, &options).unwrap_err().to_string();
    assert!(error.contains("(and 2 more cannot be read): ") && error.ends_with("train/a/0.png"), "{error}");

    let reading = Reading { skip_bad: true, ..Reading::default() };
    for options in [OpenOptions::default(), options] {
        let found = open_with("image-folder", Split::Train, root, &options, &reading).unwrap();
        assert_eq!(
            (values(&found.dataset), found.dataset.labels()),
            (vec![1, 2, 5], &Labels::Class(vec![0, 1, 1]))
        );
        let summary = found.summary.unwrap();
        assert_eq!(summary.to_string(), "train: 3 images: a 1, b 2; 3 images left out that cannot be read");
        let names: Vec<_> =
            summary.unreadable.iter().map(|(path, _)| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["0.png", "2.png", "3.jpg"]);
    }
    let [train, test] = examine(root, &()).unwrap();
    assert_eq!((train.unreadable.len(), train.images(), test.unreadable.len()), (3, 3, 0));
    assert!(train.unreadable[2].1.contains("a web page"), "{train:?}");

    fs::remove_file(root.join("train/a/1.png")).unwrap();
    let error =
        open_with("image-folder", Split::Train, root, &options_of(image), &reading).unwrap_err().to_string();
    assert!(error.contains("no image of class `a` can be read"), "{error}");
}

fn options_of(image: Option<[usize; 3]>) -> OpenOptions {
    OpenOptions { image, ..OpenOptions::default() }
}

#[test]
fn any_number_of_threads_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for number in 0..40_u8 {
        let size = [5 + u32::from(number % 7), 6 + u32::from(number % 5)];
        put_bytes(root, &format!("train/{}/{number}.png", number % 3), &solid(size, number));
    }
    let read = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| open("image-folder", Split::Train, root, &options_of(Some([3, 4, 4]))).unwrap())
    };
    let one = read(1);
    assert_eq!(one, read(4));
    assert_eq!(values(&one)[..4], [0, 12, 15, 18], "in the order of the names");
}

#[test]
fn resized_images_are_kept_by_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let (root, kept) = (folder.path().join("own"), folder.path().join("cache"));
    two(&root);
    // Bytes behind the end of a PNG file are no part of the image.
    let padded = |value| {
        let mut bytes = solid([2, 2], value);
        bytes.resize(200, 0);
        bytes
    };
    put_bytes(&root, "train/b/1.png", &padded(2));
    let (shape, options) = ([3, 1, 1], options_of(Some([3, 1, 1])));
    let reading = Reading { cache: Some(&kept), ..Reading::default() };
    let read = || open_with("image-folder", Split::Train, &root, &options, &reading).unwrap().dataset;
    let first = read();
    assert_eq!((values(&first), first.clone()), (vec![1, 2], read()));
    // What is kept is used: here it says something else.
    let keys = ["train/a/1.png", "train/b/1.png"].map(|file| Key::of(&fs::read(root.join(file)).unwrap()));
    let train = root.join("train");
    fs::remove_dir_all(&kept).unwrap();
    PhotoCache::open(&kept, &train, shape, ImageFit::default()).keep(&keys, &[77, 77, 77, 88, 88, 88]);
    assert_eq!(values(&read()), [77, 88]);
    // A file of the same size and date with another content is another one.
    let path = root.join("train/b/1.png");
    let date = fs::metadata(&path).unwrap().modified().unwrap();
    let (old, new) = (fs::read(&path).unwrap(), padded(9));
    assert_eq!(old.len(), new.len());
    fs::write(&path, new).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(date).unwrap();
    assert_eq!(values(&read()), [77, 9]);
    // A cache that cannot be written costs nothing but time.
    let nowhere = root.join("train/a/1.png");
    let reading = Reading { cache: Some(&nowhere), ..Reading::default() };
    let found = open_with("image-folder", Split::Train, &root, &options, &reading).unwrap();
    assert_eq!(values(&found.dataset), [1, 9]);
}
