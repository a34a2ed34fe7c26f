//! Of many images only those that are drawn are read.

use sapwood_backend::Seed;

use super::*;
use crate::{Drawing, Drawn, Wanted, open_drawn};

fn drawing(wanted: Wanted) -> Drawing {
    Drawing { seed: Seed(3), wanted, needs_classes: false }
}

fn drawn(root: &Path, drawing: Drawing, reading: &Reading<'_>) -> Result<Drawn, Error> {
    open_drawn("image-folder", root, &OpenOptions::default(), reading, drawing)
}

/// Thirty images, each of another value, in three classes.
fn thirty(root: &Path) {
    for number in 0..30_u8 {
        put(root, &format!("train/{}/{number}.png", number % 3), number);
    }
}

#[test]
fn they_are_those_of_the_whole_and_no_other_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    thirty(root);
    let whole = opened(root, Split::Train).unwrap().0;
    for wanted in [Wanted::First(7), Wanted::OfEach(2), Wanted::First(99)] {
        let found = drawn(root, drawing(wanted), &Reading::default()).unwrap();
        assert_eq!(found.dataset, whole.drawn(drawing(wanted)).unwrap(), "{wanted:?}");
        assert!(found.has_labels);
    }
    let found = drawn(root, drawing(Wanted::First(7)), &Reading::default()).unwrap();
    let said = found.summary.unwrap().to_string();
    assert_eq!(said, "train: 30 images: 0 10, 1 10, 2 10; 7 of them are drawn");

    // Whatever the others are; the first of the listing says the size.
    let kept = values(&found.dataset);
    for number in (1..30_u8).filter(|number| !kept.contains(number)) {
        put_bytes(root, &format!("train/{}/{number}.png", number % 3), b"no image");
    }
    assert!(opened(root, Split::Train).is_err());
    let again = drawn(root, drawing(Wanted::First(7)), &Reading::default()).unwrap();
    assert_eq!(again.dataset, found.dataset);
}

#[test]
fn where_bad_ones_are_left_out_they_are_drawn_of_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    thirty(root);
    for number in [3, 4, 8, 20, 29] {
        put_bytes(root, &format!("train/{}/{number}.png", number % 3), b"no image");
    }
    let reading = Reading { skip_bad: true, ..Reading::default() };
    let whole = open_with("image-folder", Split::Train, root, &OpenOptions::default(), &reading).unwrap();
    let wanted = drawing(Wanted::First(9));
    let found = drawn(root, wanted, &reading).unwrap();
    assert_eq!(found.dataset, whole.dataset.drawn(wanted).unwrap());
    let (found, whole) = (found.summary.unwrap(), whole.summary.unwrap());
    assert_eq!((found.unreadable.clone(), found.classes.clone()), (whole.unreadable, whole.classes));
    let said = found.to_string();
    assert!(said.ends_with("; 5 images left out that cannot be read; 9 of them are drawn"), "{said}");
    let all = drawing(Wanted::First(30));
    let error = drawn(root, all, &Reading::default()).unwrap_err().to_string();
    assert!(error.contains("(and 4 more cannot be read)"), "{error}");
}

#[test]
fn what_is_kept_of_the_whole_folder_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (root, kept) = (folder.path().join("own"), folder.path().join("cache"));
    thirty(&root);
    let (options, reading) =
        (options_of(Some([3, 1, 1])), Reading { cache: Some(&kept), ..Reading::default() });
    let whole = open_with("image-folder", Split::Train, &root, &options, &reading).unwrap().dataset;
    let files = || -> Vec<Vec<u8>> {
        fs::read_dir(&kept).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    };
    let before = files();
    let wanted = drawing(Wanted::First(4));
    let found = open_drawn("image-folder", &root, &options, &reading, wanted).unwrap().dataset;
    assert_eq!((found, files()), (whole.drawn(wanted).unwrap(), before));
}

#[test]
fn images_in_no_class_are_taken_where_none_is_needed_and_no_folder_lies_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (file, value) in [("c.png", 3), ("a.png", 1), ("b.PNG", 2), (".hidden.png", 9)] {
        put(root, file, value);
    }
    put_bytes(root, "list.txt", b"x");
    let all = drawing(Wanted::First(9));
    let found = drawn(root, all, &Reading::default()).unwrap();
    let mut there = values(&found.dataset);
    there.sort_unstable();
    assert_eq!((there, found.has_labels, found.dataset.task()), (vec![1, 2, 3], false, Task::Classes(1)));
    let said = found.summary.unwrap().to_string();
    let expected = "train: 3 images without classes; 1 file passed over: 1 txt; taken from the folder itself, as there is \
                    no `train`";
    assert_eq!(said, expected);

    // Whoever needs classes refuses them.
    let error =
        drawn(root, Drawing { needs_classes: true, ..all }, &Reading::default()).unwrap_err().to_string();
    assert!(
        error.contains("with a folder of images per class in each, found 3 images, in no folder"),
        "{error}"
    );
    refused(root, Split::Train, &["expected `train` and `test` here", "found 3 images, in no folder"]);

    // A folder beside them may be a class, or a split.
    put(root, "old/d.png", 4);
    let error = drawn(root, all, &Reading::default()).unwrap_err().to_string();
    assert!(error.contains("expected `train` and `test` here") && error.contains("`old`"), "{error}");

    // Those of the training split come first.
    put(root, "train/e.png", 5);
    let found = drawn(root, all, &Reading::default()).unwrap();
    assert_eq!((values(&found.dataset), found.has_labels), (vec![5], false));
    assert_eq!(found.summary.unwrap().to_string(), "train: 1 image without classes");
    refused(root, Split::Train, &["expected one folder per class here, found 1 image, in no folder"]);
    put_bytes(root, "train/e.png", b"no image");
    let reading = Reading { skip_bad: true, ..Reading::default() };
    let options = options_of(Some([3, 2, 2]));
    let error = open_drawn("image-folder", root, &options, &reading, all).unwrap_err().to_string();
    assert!(error.contains("no image can be read") && error.ends_with("train"), "{error}");
}
