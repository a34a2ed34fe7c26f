//! Arrays as people save them.

use std::io::{Cursor, Write};

use sapwood_core::{State, StateFile, Target, Values::Float as Floats};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::{Augment, Augmentation, Loader, LoaderOptions, open as open_named};

/// A file with these arrays, in a folder of its own.
fn file(arrays: &[(&str, Array)]) -> (tempfile::TempDir, std::path::PathBuf) {
    let state = State(arrays.iter().map(|(name, array)| ((*name).into(), array.clone())).collect());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.safetensors");
    std::fs::write(&path, StateFile { state, ..StateFile::default() }.to_bytes().unwrap()).unwrap();
    (folder, path)
}

fn read(split: Split, arrays: &[(&str, Array)], options: &OpenOptions) -> Result<Dataset, Error> {
    let (_folder, path) = file(arrays);
    open_named("arrays", split, &path, options)
}

fn classes(labels: &[i64]) -> Array {
    Array::new([labels.len()], labels.to_vec()).unwrap()
}

/// Three training and two test examples of this shape.
fn examples(shape: &[usize], values: impl Fn(&[usize]) -> Array) -> Vec<(&'static str, Array)> {
    let of = |n: usize| values(&[[n].as_slice(), shape].concat());
    vec![
        ("x_train", of(3)),
        ("y_train", classes(&[0, 1, 0])),
        ("x_test", of(2)),
        ("y_test", Array::new([2, 1], vec![1_u8, 1]).unwrap()),
    ]
}

fn numbers(shape: &[usize]) -> Array {
    Array::from_fn(shape, |at| at as f32 - 2.5)
}

fn bytes(shape: &[usize]) -> Array {
    Array::from_fn(shape, |at| at as u8)
}

#[test]
fn numbers_of_any_shape_are_inputs_as_they_are() {
    let default = OpenOptions::default();
    for (shape, expected) in
        [(&[5][..], [5, 1, 1]), (&[2, 7], [2, 1, 7]), (&[2, 3, 4], [2, 3, 4]), (&[1, 2, 3, 4], [1, 2, 12])]
    {
        let train = read(Split::Train, &examples(shape, numbers), &default).unwrap();
        assert_eq!((train.shape(), train.len(), train.task()), (expected, 3, Task::Classes(2)));
        let batch = train.batch(&[0, 1, 2]).unwrap();
        let all: Vec<f32> = (0..3 * shape.iter().product::<usize>()).map(|at| at as f32 - 2.5).collect();
        assert_eq!(batch.inputs()[0].values, Floats(all));
        assert_eq!(batch.target(), &Target::Class(vec![0, 1, 0]));
    }
    let wide = |shape: &[usize]| Array::from_fn(shape, |at| f64::from(at as u32) - 2.5);
    let [one, other] = [examples(&[2, 7], numbers), examples(&[2, 7], wide)]
        .map(|arrays| read(Split::Test, &arrays, &default).unwrap());
    assert_eq!((one.labels(), one.len()), (&Labels::Class(vec![1, 1]), 2));
    assert_eq!((one.content(), one.trained_on().scale), (other.content(), 1.0));

    // The same numbers are an image, where one is asked for.
    let image = OpenOptions { image: Some([1, 2, 7]), ..default.clone() };
    let seen = read(Split::Test, &examples(&[14], numbers), &image).unwrap();
    let [seen, row] = [(seen, [1, 2, 7]), (one, [2, 1, 7])].map(|(data, shape)| {
        assert_eq!(data.shape(), shape);
        data.batch(&[1]).unwrap().inputs()[0].values.clone()
    });
    assert_eq!(seen, row);
    // With channels last they get these first, where the network says that they are its image.
    let image = OpenOptions { image: Some([2, 3, 4]), ..default.clone() };
    let last = read(Split::Train, &examples(&[3, 4, 2], numbers), &image).unwrap();
    let batch = last.batch(&[0]).unwrap();
    let Floats(found) = &batch.inputs()[0].values else { panic!("numbers") };
    assert_eq!((last.shape(), found[1], found[12]), ([2, 3, 4], -0.5, -1.5));
    let error = read(Split::Train, &examples(&[4, 2, 3], numbers), &image).unwrap_err().to_string();
    assert!(error.contains("an example is [4, 2, 3], and [2, 3, 4] is asked for"), "{error}");

    // Constants are used where they are stated.
    let preprocess = Some("(x-0.5)/2, bgr".parse().unwrap());
    let stated = OpenOptions { preprocess, ..default.clone() };
    let train = read(Split::Train, &examples(&[3, 2, 2], numbers), &stated).unwrap();
    let batch = train.batch(&[0]).unwrap();
    let Floats(found) = &batch.inputs()[0].values else { panic!("numbers") };
    for (at, found) in found.iter().enumerate() {
        let expected = (at as f32 - 3.0) / 2.0;
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
    assert!(train.trained_on().image.is_some());
    let bytes = read(Split::Train, &examples(&[3, 2, 2], bytes), &stated).unwrap();
    assert_eq!((bytes.image(0).unwrap()[0], bytes.trained_on().image.is_some()), (8, true));
}

#[test]
fn images_become_inputs_as_the_weights_learnt_that_are_to_see_them() {
    let learnt =
        |how: &str| OpenOptions { trained_with: Some(how.parse().unwrap()), ..OpenOptions::default() };
    let constants = |options: &OpenOptions, value: fn(&[usize]) -> Array, shape: &[usize]| {
        let read = read(Split::Train, &examples(shape, value), options).unwrap();
        assert!(read.trained_on().image.is_none());
        (read.normalisation().scale, read.normalisation().channels.to_vec())
    };
    let mnist = learnt("(x/255-0.1307)/0.3081");
    assert_eq!(constants(&mnist, bytes, &[1, 2, 2]), (255.0, vec![(0.1307, 0.3081)]));
    // In the size of the weights, and with the channels that come of it.
    let larger = OpenOptions { image: Some([3, 4, 4]), ..learnt("(x/255-[0.1,0.2,0.3])/0.5") };
    let of_colours = vec![(0.1, 0.5), (0.2, 0.5), (0.3, 0.5)];
    assert_eq!(constants(&larger, bytes, &[1, 2, 2]), (255.0, of_colours));
    // Constants for other channels are for other images, and numbers are inputs already.
    let colours = learnt("(x/255-[0.1,0.2,0.3])/0.5");
    assert_eq!(constants(&colours, bytes, &[1, 2, 2]).1, Normalisation::GREY.channels.to_vec());
    assert_eq!(constants(&mnist, numbers, &[1, 2, 2]), (1.0, vec![(0.0, 1.0)]));
    // What is stated goes before.
    let stated = OpenOptions { preprocess: Some("x/255".parse().unwrap()), ..mnist };
    let read = read(Split::Train, &examples(&[1, 2, 2], bytes), &stated).unwrap();
    assert_eq!(read.normalisation().channels.to_vec(), vec![(0.0, 1.0)]);
}

/// The numbers of the first of three examples of this shape, as they are seen where a shape is asked for.
fn seen(shape: &[usize], asked: Option<[usize; 3]>) -> Result<([usize; 3], Vec<f32>), String> {
    let options = OpenOptions { image: asked, ..OpenOptions::default() };
    let train = read(Split::Train, &examples(shape, numbers), &options).map_err(|error| error.to_string())?;
    let batch = train.batch(&[0]).unwrap();
    let Floats(found) = &batch.inputs()[0].values else { panic!("numbers") };
    Ok((train.shape(), found.iter().map(|x| x + 2.5).collect()))
}

#[test]
fn numbers_with_their_channels_last_get_these_first() {
    let ordered = |n: usize| (0..n).map(|at| at as f32).collect::<Vec<_>>();
    // What looks like an image, as Keras saves it, where nothing is asked for.
    let turned = [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0];
    let (shape, found) = seen(&[4, 2, 3], None).unwrap();
    assert_eq!((shape, &found[..8]), ([3, 4, 2], turned.as_slice()));
    assert_eq!(seen(&[4, 2, 1], None).unwrap(), ([1, 4, 2], ordered(8)));
    for plain in [[3, 4, 3], [1, 2, 3], [4, 1, 3], [4, 2, 5]] {
        assert_eq!(seen(&plain, None).unwrap(), (plain, ordered(plain.iter().product())));
    }
    assert_eq!(seen(&[4, 2, 3], Some([4, 2, 3])).unwrap(), ([4, 2, 3], ordered(24)));

    // A sequence, for a network that takes its channels first.
    let (shape, found) = seen(&[4, 3], Some([3, 1, 4])).unwrap();
    assert_eq!((shape, &found[..4]), ([3, 1, 4], [0.0, 3.0, 6.0, 9.0].as_slice()));
    assert_eq!(seen(&[3, 4], Some([3, 1, 4])).unwrap(), ([3, 1, 4], ordered(12)));
    // Grey images without a channel, what becomes a row, and what was one.
    for (shape, asked) in [
        (&[4, 3][..], [1, 4, 3]),
        (&[1, 4, 3], [4, 1, 3]),
        (&[4, 3], [12, 1, 1]),
        (&[2, 2, 3], [1, 1, 12]),
        (&[12], [3, 1, 4]),
    ] {
        assert_eq!(seen(shape, Some(asked)).unwrap(), (asked, ordered(12)), "{shape:?}");
    }
    for (shape, asked) in [(&[4, 3][..], [1, 3, 4]), (&[4, 3], [2, 1, 6]), (&[2, 2, 3], [3, 1, 4])] {
        let error = seen(shape, Some(asked)).unwrap_err();
        assert!(error.contains("is asked for: only images, of bytes, are resized"), "{shape:?}: {error}");
    }
}

#[test]
fn the_order_of_the_networks_file_counts_where_a_shape_does_not_tell() {
    let [channels, height, width] = [3, 2, 5];
    // The number at a channel, row and column of what lies as `[H, W, C]`.
    let turned = |[c, h, w]: [usize; 3]| -> Vec<f32> {
        let place = move |at: usize| (at % (h * w) * c + at / (h * w)) as f32;
        (0..c * h * w).map(place).collect()
    };
    let ordered = |n: usize| (0..n).map(|at| at as f32).collect::<Vec<_>>();
    let seen = |shape: &[usize], asked: [usize; 3], channels_last: bool| {
        let options = OpenOptions { image: Some(asked), channels_last, ..OpenOptions::default() };
        let train = read(Split::Train, &examples(shape, numbers), &options).unwrap();
        let batch = train.batch(&[0]).unwrap();
        let Floats(found) = &batch.inputs()[0].values else { panic!("numbers") };
        assert_eq!(train.shape(), asked);
        found.iter().map(|x| x + 2.5).collect::<Vec<f32>>()
    };
    let image = [channels, height, width];
    for (shape, asked) in [(&[30][..], image), (&[3, 3, 3], [3, 3, 3])] {
        assert_eq!(seen(shape, asked, true), turned(asked), "{shape:?}");
        assert_eq!(seen(shape, asked, false), ordered(asked.iter().product()), "{shape:?}");
    }
    // These shapes tell.
    for last in [true, false] {
        assert_eq!(seen(&[height, width, channels], image, last), turned(image), "{last}");
        assert_eq!(seen(&[channels, height, width], image, last), ordered(30), "{last}");
    }

    let pixels = |channels_last: bool| {
        let options = OpenOptions { image: Some([3; 3]), channels_last, ..OpenOptions::default() };
        read(Split::Train, &examples(&[3, 3, 3], bytes), &options).unwrap().image(0).unwrap().to_vec()
    };
    let (first, last) = (pixels(false), pixels(true));
    assert!((0..27).all(|at| last[at] == first[at % 9 * 3 + at / 9]) && first != last);
}

#[test]
fn bytes_are_images_with_their_channels_first_or_last() {
    let default = OpenOptions::default();
    let first = read(Split::Train, &examples(&[3, 4, 5], bytes), &default).unwrap();
    assert_eq!((first.shape(), first.normalisation()), ([3, 4, 5], &Normalisation::IMAGENET));
    let last = |shape: &[usize]| {
        let [n, h, w, c] = shape else { panic!("{shape:?}") };
        let of = bytes(&[*n, *c, *h, *w]);
        let value = |at: usize| {
            let (image, pixel, channel) = (at / (h * w * c), at / c % (h * w), at % c);
            of.as_slice::<u8>().unwrap()[(image * c + channel) * h * w + pixel]
        };
        Array::from_fn(shape, value)
    };
    assert_eq!(read(Split::Train, &examples(&[4, 5, 3], last), &default).unwrap(), first);
    let grey = read(Split::Train, &examples(&[4, 5], bytes), &default).unwrap();
    assert_eq!((grey.shape(), grey.normalisation()), ([1, 4, 5], &Normalisation::GREY));
    assert_eq!(grey, read(Split::Train, &examples(&[1, 4, 5], bytes), &default).unwrap());
    let four = read(Split::Train, &examples(&[4, 6, 5], bytes), &default).unwrap();
    assert_eq!((four.shape(), four.normalisation().channels.len()), ([4, 6, 5], 4));

    let larger = OpenOptions { image: Some([3, 8, 8]), ..default.clone() };
    let seen = read(Split::Train, &examples(&[3, 4, 5], bytes), &larger).unwrap();
    assert_eq!((seen.shape(), seen.native_shape()), ([3, 8, 8], [3, 4, 5]));
    let error = read(Split::Train, &examples(&[3, 4, 5], numbers), &larger).unwrap_err().to_string();
    assert!(error.contains("an example is [3, 4, 5], and [3, 8, 8] is asked for"), "{error}");
    // How photographs would be cut is not for what has the size already.
    let preprocess = Some("imagenet, bgr".parse().unwrap());
    let stated = OpenOptions { preprocess, image: Some([3, 4, 5]), ..default };
    let bgr = read(Split::Train, &examples(&[3, 4, 5], bytes), &stated).unwrap();
    assert_eq!((bgr.shape(), bgr.image(0).unwrap()[0]), ([3, 4, 5], 40));
}

#[test]
fn bytes_are_what_the_network_takes_where_that_is_known() {
    let read = |shape: &[usize], image: Option<[usize; 3]>, how: Option<&str>| {
        let preprocess = how.map(|how| how.parse().unwrap());
        let options = OpenOptions { image, preprocess, ..OpenOptions::default() };
        read(Split::Train, &examples(shape, bytes), &options)
    };
    let first = |data: Dataset| data.image(0).unwrap().into_owned();
    let ordered = |n: u8| (0..n).collect::<Vec<_>>();
    // Its own input, before what they look like.
    for shape in [[5, 6, 3], [5, 6, 4], [4, 5, 6]] {
        let found = read(&shape, Some(shape), None).unwrap();
        assert_eq!((found.shape(), first(found)), (shape, ordered(shape.iter().product::<usize>() as u8)));
    }
    let last = read(&[5, 6, 4], Some([4, 5, 6]), None).unwrap();
    assert_eq!((last.shape(), &first(last)[..3]), ([4, 5, 6], [0, 4, 8].as_slice()));
    // With transparency, or grey with some, it is not known which channel is which.
    for channels in [2, 4] {
        let error = read(&[5, 6, channels], None, None).unwrap_err().to_string();
        let expected = format!("`x_train` is [3, 5, 6, {channels}]");
        assert!(error.contains(&expected) && error.contains("give 1 or 3 channels"), "{error}");
    }
    // A row, or a sequence, of as many values: the network flattens it.
    for asked in [[30, 1, 1], [1, 1, 30]] {
        let found = read(&[5, 6], Some(asked), None).unwrap();
        assert_eq!(
            (found.shape(), found.normalisation(), found.is_resized()),
            ([1, 5, 6], &Normalisation::GREY, false)
        );
        let error = read(&[5, 5], Some(asked), None).unwrap_err().to_string();
        assert!(
            error.contains("an example is [1, 5, 5]") && error.contains("to one channel or three"),
            "{error}"
        );
    }
    let thirty = format!("(x-[{}])/2", ["7"; 30].join(","));
    let found = read(&[5, 6], Some([30, 1, 1]), Some(&thirty)).unwrap();
    let batch = found.batch(&[0]).unwrap();
    let Floats(values) = &batch.inputs()[0].values else { panic!("numbers") };
    assert!(found.shape() == [1, 5, 6] && (values[9] - 1.0).abs() < 1e-4, "{values:?}");
}

#[test]
fn numbers_are_not_augmented_and_images_are() {
    let flips = |data: Dataset| {
        let augment = Augmentation { steps: vec![Augment::Flip], ..Augmentation::default() };
        let options = LoaderOptions { augment, batch_size: 1, ..LoaderOptions::default() };
        Loader::new(std::sync::Arc::new(data), options)
    };
    let default = OpenOptions::default();
    assert!(flips(read(Split::Train, &examples(&[3, 4, 5], bytes), &default).unwrap()).is_ok());
    let error = flips(read(Split::Train, &examples(&[3, 4, 5], numbers), &default).unwrap()).unwrap_err();
    assert!(error.to_string().contains("its examples are numbers"), "{error}");
}

/// An example of two zeros for each split, of these types of NumPy.
fn archive([train, test]: [&str; 2]) -> Vec<u8> {
    let npy = |descr: &str, shape: &str, count: usize| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let size: usize = descr[2..].parse().unwrap();
        let begin = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes()].concat();
        [begin, header.into_bytes(), vec![0; count * size]].concat()
    };
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in [
        ("x_train", npy(train, "(1, 2)", 2)),
        ("y_train", npy("|u1", "(1,)", 1)),
        ("x_test", npy(test, "(1, 2)", 2)),
        ("y_test", npy("|b1", "(1,)", 1)),
    ] {
        writer.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        writer.write_all(&array).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn types_are_called_as_the_file_calls_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.npz");
    let said = |types: [&str; 2]| {
        std::fs::write(&path, archive(types)).unwrap();
        open_named("arrays", Split::Test, &path, &OpenOptions::default()).unwrap_err().to_string()
    };
    for (descr, called) in [
        ("|b1", "bool"),
        ("|i1", "i8"),
        ("<i2", "i16"),
        ("<i4", "i32"),
        ("<i8", "i64"),
        ("<u2", "u16"),
        ("<u4", "u32"),
    ] {
        let error = said([descr; 2]);
        let expected =
            format!("`x_test` has values of the type {called}: give images as u8, and numbers as f32");
        assert!(error.contains(&expected), "expected `{expected}` in {error}");
    }
    let error = said(["|u1", "<u2"]);
    assert!(error.contains("`x_train` is u8 [1, 2] and `x_test` u16 [1, 2]"), "{error}");
}

#[test]
fn arrays_that_do_not_belong_together_are_one_line_with_the_file() {
    let check = |name: &str, array: Option<Array>, expected: &str| {
        let mut arrays = examples(&[4], numbers);
        arrays.retain(|(other, _)| *other != name);
        arrays.extend(array.map(|array| (NAMES.into_iter().find(|other| *other == name).unwrap(), array)));
        let error = read(Split::Test, &arrays, &OpenOptions::default()).unwrap_err().to_string();
        let is_line = !error.contains('\n') && error.ends_with("own.safetensors");
        assert!(error.contains(expected) && is_line, "expected `{expected}` in {error}");
    };
    let labels = |labels: &[i64]| Some(classes(labels));
    check("x_test", None, "expected arrays x_train, y_train, x_test, y_test, found x_train, y_test, y_train");
    check("y_train", labels(&[0, 1]), "`x_train` has 3 examples, but `y_train` is [2]");
    check("y_train", labels(&[0, -1, 1]), "`y_train` should be classes, 0 and up, but value 1 is -1");
    check("y_train", labels(&[1, 2, 1]), "`y_train` has class 2 and no example of class 0");
    check("y_train", labels(&[0, 1, 4_000_000_000]), "no example of class 2");
    check("y_test", labels(&[1, 2]), "`y_test` has class 2, of which there is no training example");
    check("y_test", Some(numbers(&[2])), "`y_test` should be classes as whole numbers, but is f32");
    check("x_test", Some(numbers(&[2, 5])), "`x_train` is f32 [3, 4] and `x_test` f32 [2, 5]");
    check("x_test", Some(bytes(&[2, 4])), "and `x_test` u8 [2, 4]: expected examples of one shape and type");
    let whole = |shape: &[usize]| Array::from_fn(shape, |at| at as i64);
    for (arrays, expected) in [
        (examples(&[4], whole), "`x_test` has values of the type i64: give images as u8"),
        (examples(&[4], bytes), "`x_test` has bytes, and these are images, [N, C, H, W] or [N, H, W]"),
        (examples(&[], numbers), "`x_test` should be [N, ..] with N examples of one shape, but is [2]"),
        (examples(&[1, 1, 1, 1, 1, 1], numbers), "`x_test` has too many dimensions"),
    ] {
        let error = read(Split::Test, &arrays, &OpenOptions::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "expected `{expected}` in {error}");
    }
    let nan = |shape: &[usize]| Array::from_fn(shape, |at| if at == 1 { f32::NAN } else { 0.0 });
    let error = read(Split::Test, &examples(&[4], nan), &OpenOptions::default()).unwrap_err().to_string();
    assert!(error.contains("`x_test` should be finite, but value 1 is NaN"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    for (path, found) in [(folder.path().to_path_buf(), "a folder"), (folder.path().join("no"), "nothing")] {
        let error =
            open_named("arrays", Split::Train, &path, &OpenOptions::default()).unwrap_err().to_string();
        assert!(
            error.contains("expected one file here, .npz or safetensors") && error.contains(found),
            "{error}"
        );
    }
}
