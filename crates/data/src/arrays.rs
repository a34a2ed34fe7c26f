//! A user's own arrays, in one file: images as bytes, or numbers, with a class each.

mod inputs;

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use sapwood_core::{Array, Shape, graph::DType};

use self::inputs::{Inputs, size};
use crate::{
    Dataset, Entry, Error, Labels, Normalisation, OpenOptions, Split, Task, array_file::read_typed,
    npy::Typed, stored::Stored,
};

/// The arrays of a file: inputs and classes of the training split, then those of the test split.
const NAMES: [&str; 4] = ["x_train", "y_train", "x_test", "y_test"];

/// Reads one split of the file `root`.
///
/// Bytes are images, `[N, C, H, W]`, `[N, H, W, C]` with one or three channels, or grey as `[N, H, W]`: they are
/// normalised and augmented as images of a folder, and resized where another size is asked for. Where rows or sequences of
/// as many values are asked for, they keep their size, and the network takes their values one after the other. Numbers in
/// floating point are inputs already, of any shape behind the examples', unless constants for them are stated.
pub(crate) fn open(
    entry: &Entry,
    split: Split,
    root: &Path,
    options: &OpenOptions,
) -> Result<Dataset, Error> {
    let wrong = |problem: String| Error::Format {
        what: "file of arrays",
        problem,
        path: root.to_path_buf(),
        source: None,
    };
    if !root.is_file() {
        let found = if root.is_dir() { "a folder" } else { "nothing" };
        let problem = format!(
            "expected one file here, .npz or safetensors, with {}, found {found}",
            NAMES.map(|name| format!("`{name}`")).join(", ")
        );
        return Err(Error::Missing { name: entry.name.into(), problem, path: root.into() });
    }
    let bytes = std::fs::read(root).map_err(Error::file("read", root))?;
    let arrays = read_typed(&bytes).map_err(wrong)?;
    drop(bytes);
    let (inputs, labels, classes) = of_split(arrays, split, options).map_err(wrong)?;
    let (Inputs { shape, stored }, task, labels) = (inputs, Task::Classes(classes), Labels::Class(labels));
    let images = match stored {
        Stored::Bytes(images) => images,
        Stored::Numbers(numbers) => {
            let unit = unit(1.0, shape[0]);
            let made = Dataset::of_numbers(entry.name, shape, task, unit, numbers, labels)?;
            return match &options.preprocess {
                Some(preprocess) => made.preprocessed(preprocess),
                None => Ok(made),
            };
        }
    };
    let normalisation = match shape[0] {
        1 => Normalisation::GREY,
        3 => entry.normalisation.clone(),
        channels => unit(255.0, channels),
    };
    let made = Dataset::new(entry.name, shape, task, normalisation, images, labels)?;
    match options.image {
        // They have a size, and are cut and resized only where another one is asked for.
        Some(asked) if asked != shape && is_of_images(asked) => made.as_inputs(options),
        Some(asked) if size(asked) != size(shape) => Err(wrong(format!(
            "an example is {shape:?}, and {asked:?} is asked for: images are resized to one channel or three, and to two \
             rows and columns at least"
        ))),
        _ => made.made_by(options),
    }
}

/// Whether images are resized to this shape; a row of values, or a sequence, is none.
fn is_of_images(shape: Shape) -> bool {
    matches!(shape, [1 | 3, h, w] if 1 < h && 1 < w)
}

/// Values are divided by `scale`.
fn unit(scale: f32, channels: usize) -> Normalisation {
    Normalisation { scale, channels: Cow::Owned(vec![(0.0, 1.0); channels]) }
}

/// Inputs in the shape that is asked for and classes of a split, and the number of classes; or what is wrong with the
/// arrays.
fn of_split(
    mut arrays: BTreeMap<String, Typed>,
    split: Split,
    options: &OpenOptions,
) -> Result<(Inputs, Vec<u32>, usize), String> {
    let there: Vec<&str> = arrays.keys().map(String::as_str).filter(|name| !name.is_empty()).collect();
    let there = if there.is_empty() { "none with a name".into() } else { there.join(", ") };
    let mut take = |name: &str| {
        let found = arrays.remove(name);
        found.ok_or_else(|| format!("expected arrays {}, found {there}", NAMES.join(", ")))
    };
    let ((x_train, of_train), (y_train, _)) = (take("x_train")?, take("y_train")?);
    let ((x_test, of_test), (y_test, _)) = (take("x_test")?, take("y_test")?);
    let inside = |x: &Array| (x.shape().get(1..).map(<[usize]>::to_vec), x.dtype() == DType::U8);
    if inside(&x_train) != inside(&x_test) {
        return Err(format!(
            "`x_train` is {of_train} {:?} and `x_test` {of_test} {:?}: expected examples of one shape and type",
            x_train.shape(),
            x_test.shape()
        ));
    }
    let train = labels("train", &x_train, &y_train)?;
    let classes = number_of_classes(&train)?;
    let test = labels("test", &x_test, &y_test)?;
    if let Some(class) = test.iter().find(|class| classes <= **class as usize) {
        return Err(format!("`y_test` has class {class}, of which there is no training example"));
    }
    // The other split, which may be as large, makes room for what this one becomes.
    let (name, x, labels) = match split {
        Split::Train => {
            drop(x_test);
            ("x_train", (x_train, of_train), train)
        }
        Split::Test => {
            drop(x_train);
            ("x_test", (x_test, of_test), test)
        }
    };
    Ok((Inputs::of(name, x, options)?, labels, classes))
}

/// The class of each example.
fn labels(split: &str, x: &Array, y: &Array) -> Result<Vec<u32>, String> {
    let name = format!("y_{split}");
    let examples = x.shape().first().copied().unwrap_or_default();
    if y.dtype().integers().is_none() {
        return Err(format!("`{name}` should be classes as whole numbers, but is {}", y.dtype()));
    }
    if examples == 0 {
        return Err(format!("`x_{split}` is {:?}: expected at least one example", x.shape()));
    }
    if y.shape().first() != Some(&examples) || y.len() != examples {
        return Err(format!(
            "`x_{split}` has {examples} examples, but `{name}` is {:?}: expected a class for each",
            y.shape()
        ));
    }
    let class = |(at, label): (usize, i64)| {
        u32::try_from(label)
            .map_err(|_| format!("`{name}` should be classes, 0 and up, but value {at} is {label}"))
    };
    y.iter::<i64>().enumerate().map(class).collect()
}

/// How many classes the training examples have, from 0 on; each has some.
fn number_of_classes(labels: &[u32]) -> Result<usize, String> {
    let last = labels.iter().max().map_or(0, |last| *last as usize);
    let mut seen = vec![false; labels.len()];
    for class in labels {
        if let Some(seen) = seen.get_mut(*class as usize) {
            *seen = true;
        }
    }
    match (0..last).find(|class| !seen.get(*class).is_some_and(|seen| *seen)) {
        None => Ok(last + 1),
        Some(class) => Err(format!(
            "`y_train` has class {last} and no example of class {class}: expected classes from 0 on, each with examples"
        )),
    }
}

#[cfg(test)]
mod tests;
