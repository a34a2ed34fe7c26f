//! Arrays of one's own are learnt from as a data set of the catalogue is.

use sapwood_data::{Labels, OpenOptions, Split, open};

use crate::{
    nested::nested,
    numpy::{npy, npz},
    studies::short,
    workplace::Workplace,
};

/// The digits in one file, as numbers from 0 to 1 or as bytes, an example in this shape; their classes as this says.
fn file(shape: &[usize], are_bytes: bool, class: impl Fn(u32) -> i64) -> Vec<u8> {
    let mut arrays = Vec::new();
    for (split, x, y) in [(Split::Train, "x_train", "y_train"), (Split::Test, "x_test", "y_test")] {
        let digits = open("digits", split, "".as_ref(), &OpenOptions::default()).unwrap();
        let Labels::Class(labels) = digits.labels() else { panic!("digits have classes") };
        let dims = [[digits.len()].as_slice(), shape].concat();
        let unit = |byte: &u8| (f32::from(*byte) / 16.0).to_le_bytes();
        arrays.push(match are_bytes {
            true => (x, npy("|u1", false, &dims, digits.images())),
            false => {
                (x, npy("<f4", false, &dims, &digits.images().iter().flat_map(unit).collect::<Vec<u8>>()))
            }
        });
        let classes: Vec<u8> = labels.iter().flat_map(|label| class(*label).to_le_bytes()).collect();
        arrays.push((y, npy("<i8", false, &[digits.len()], &classes)));
    }
    npz(&arrays)
}

const TRAIN: &str = "train --model lenet-300-100 --width 0.1 --epochs 1";
const OWN: &str = "--data arrays --data-root own.npz";

#[test]
fn numbers_give_what_the_same_data_set_gives() {
    let place = Workplace::new();
    place.put("own.npz", file(&[1, 8, 8], false, i64::from));
    let first = |line: &str| place.succeed(line).lines().next().unwrap().to_string();
    let expected = first(&format!("{TRAIN} --data digits --out catalogue"));
    assert_eq!(first(&format!("{TRAIN} {OWN} --out run")), expected);
    let weights = "--weights run/weights.safetensors";
    for data in [OWN, "--data digits"] {
        assert_eq!(first(&format!("eval {weights} {data}")), expected, "{data}");
    }
    place.put("rows.npz", file(&[64], false, i64::from));
    assert_eq!(first(&format!("eval {weights} --data arrays --data-root rows.npz")), expected);
    let said = place.succeed(&format!("quantize {weights} {OWN} --calibrate 64 --out q.safetensors"));
    assert!(said.contains("of 64 training examples"), "{said}");
    let said = place.succeed(&format!("train {weights} {OWN} --examples 200 --epochs 1 --lr 0.01 --out on"));
    assert!(said.starts_with("360 test examples: top-1 "), "{said}");
    let listed = place.succeed("data list --data-root own.npz");
    let row = listed.lines().find(|line| line.starts_with("arrays")).unwrap();
    assert_eq!(row.split_whitespace().nth(1), Some("yes"), "{listed}");
    assert!(place.succeed("data verify arrays --data-root own.npz").starts_with("arrays: not checked"));

    // What they hold decides a run, and not where they lie.
    place.put("moved.npz", place.read("own.npz"));
    let again = place.run(&format!("{TRAIN} --data arrays --data-root moved.npz --out run"));
    assert!(again.err.contains("this run is done"), "{again:#?}");
    place.put("own.npz", file(&[1, 8, 8], false, |label| i64::from(9 - label)));
    place.refuse(&format!("{TRAIN} {OWN} --out run"), &["a run that learnt from other images", "--out"]);
}

#[test]
fn nested_networks_are_judged_by_arrays_in_their_own_size() {
    let place = Workplace::new();
    place.put("nested.toml", nested("arrays", "[1, 4, 4]", 20));
    place.put("own.npz", file(&[8, 8], true, i64::from));
    place.succeed("supernet train nested.toml --data-root own.npz");
    let judged = place
        .run(&format!("supernet eval --weights runs/nested/all-r0/weights.safetensors {OWN} --arch min"));
    assert_eq!(judged.code, Some(0), "{judged:#?}");
    assert!(judged.err.contains("images of `arrays`, 1x8x8, become 1x4x4"), "{judged:#?}");
}

#[test]
fn sequences_of_channels_and_rows_of_values_are_studied() {
    let place = Workplace::new();
    let method = "criterion = \"snip\"\nexamples = { per-class = 2 }";
    place.put("study.toml", short("name = \"arrays\"\nexamples = 100", 20, method));
    for shape in [&[2, 32][..], &[64]] {
        place.put("own.npz", file(shape, false, i64::from));
        let outcome = place.run("run study.toml --data-root own.npz");
        assert!(outcome.code == Some(0) && outcome.out.starts_with("2 runs done"), "{shape:?}: {outcome:#?}");
    }
}

#[test]
fn bytes_are_images_and_get_the_size_that_is_asked_for() {
    let place = Workplace::new();
    place.put("own.npz", file(&[8, 8], true, i64::from));
    let trained = place.succeed(&format!("{TRAIN} {OWN} --image 1x4x4 --augment flip --out run"));
    let found = place.succeed(&format!("eval --weights run/weights.safetensors {OWN}"));
    assert_eq!(found.lines().next(), trained.lines().next(), "the weights know the size");
    // The file has no names for classes.
    let predict = format!("predict --weights run/weights.safetensors {OWN} x.png");
    place.refuse(&predict, &["`--data arrays` has numbers for classes", "leave it out", "`--class-names`"]);
}

#[test]
fn what_cannot_be_learnt_from_is_one_line() {
    let place = Workplace::new();
    place.put("own.npz", file(&[1, 8, 8], false, i64::from));
    place.put("from-one.npz", file(&[1, 8, 8], false, |label| i64::from(label) + 1));
    let flat = npy("<f4", false, &[2, 3], &[0; 24]);
    place.put("one.npz", npz(&[("x", flat.clone()), ("y", npy("|u1", false, &[2], &[0, 1]))]));
    place.put("one.npy", flat);
    for (line, expected) in [
        ("--data own.npz", "`--data arrays --data-root own.npz`"),
        ("--data arrays", "expected one file here, .npz or safetensors, with `x_train`"),
        ("--data arrays --data-root .", "found a folder"),
        ("--data arrays --data-root one.npz", "found x, y"),
        ("--data arrays --data-root one.npy", "found none with a name"),
        ("--data arrays --data-root from-one.npz", "`y_train` has class 10 and no example of class 0"),
        ("--data arrays --data-root own.npz --augment flip", "its examples are numbers"),
        ("--data arrays --data-root own.npz --augment", "no augmentation is customary"),
        (
            "--data arrays --data-root own.npz --image 1x9x9",
            "an example is [1, 8, 8], and [1, 9, 9] is asked for",
        ),
        ("--data arrays --data-root own.npz --skip-bad", "`--skip-bad` belongs to `--data image-folder`"),
    ] {
        place.refuse(&format!("{TRAIN} {line} --out run"), &[expected]);
    }
    place.refuse("data get arrays", &["a file of your own"]);
}
