//! Examples in a file: safetensors, or NumPy's `.npz`.

use std::path::Path;

use sapwood_core::{Array, Batch, ExampleShape, Source, SourceError, Target};

use crate::{ArrayFile, Error, Takes};

/// What labels may be called.
const LABELS: [&str; 2] = ["labels", "y"];

/// Reads the examples of a file, in batches of `batch_size`, of which the last may be
/// smaller, or in one.
///
/// # Shapes
/// - `images` or `x`: `[N, C, H, W]`, numbers that are inputs already, or bytes; see [`Takes`]
/// - `labels` or `y`: whole numbers `[N]`, or f32 `[N, ..]` from 0 to 1 where each output has a
///   target of its own
///
/// # Errors
/// A file that cannot be read; [`Error::Content`] for one of another kind or without one of the two, images that cannot
/// become inputs, and labels that are neither.
pub fn read_batches(path: &Path, batch_size: Option<usize>, takes: &Takes<'_>) -> Result<Vec<Batch>, Error> {
    let mut file = ArrayFile::read(path)?;
    let images = file.take(&["images", "x"], ", f32 [N, C, H, W]")?;
    let labels = file.take(&LABELS, ", i64 [N]")?;
    batches_of(&file, images, Some(labels), batch_size, takes)
}

/// Reads the inputs of a file as [`read_batches`] does; their labels may be missing, and tells whether they are there.
/// Missing ones are class 0.
///
/// # Shapes
/// As there; the inputs may also be called `input`.
///
/// # Errors
/// Those of [`read_batches`], but for labels that are missing.
pub fn read_unlabelled(
    path: &Path,
    batch_size: usize,
    takes: &Takes<'_>,
) -> Result<(Vec<Batch>, bool), Error> {
    let mut file = ArrayFile::read(path)?;
    let images = inputs(&mut file)?;
    let labels = file.find(&LABELS);
    let labelled = labels.is_some();
    Ok((batches_of(&file, images, labels, Some(batch_size), takes)?, labelled))
}

/// The inputs of a file that may have no labels.
fn inputs(file: &mut ArrayFile<'_>) -> Result<Array, Error> {
    match file.has("input") {
        true => file.take(&["input"], ""),
        false => file.take(&["images", "x"], " or `input`, f32 [N, C, H, W]"),
    }
}

fn batches_of(
    file: &ArrayFile<'_>,
    images: Array,
    labels: Option<Array>,
    batch_size: Option<usize>,
    takes: &Takes<'_>,
) -> Result<Vec<Batch>, Error> {
    let (shape, values) = takes.inputs("images", &images).map_err(|problem| file.wrong(problem))?;
    drop(images);
    let target = match labels {
        None => Target::Class(vec![0; shape[0]]),
        Some(labels) if labels.shape().first() != Some(&shape[0]) => {
            let labels = labels.shape().to_vec();
            return Err(file.wrong(format!("there are {} images, but `labels` is {labels:?}", shape[0])));
        }
        Some(labels) => target(labels, shape[0]).map_err(|problem| file.wrong(problem))?,
    };
    let size = batch_size.unwrap_or(shape[0]).clamp(1, shape[0]);
    let whole = Batch::new(shape, values, target)?;
    let rows: Vec<usize> = (0..shape[0]).collect();
    Ok(rows.chunks(size).map(|rows| whole.select(rows)).collect())
}

fn target(labels: Array, examples: usize) -> Result<Target, String> {
    if labels.dtype().integers().is_none() {
        let values: Vec<f32> = labels.iter().collect();
        if let Some(at) = values.iter().position(|value| !(0.0..=1.0).contains(value)) {
            let found = values[at];
            return Err(format!(
                "`labels` in floating point are targets from 0 to 1, one for each output, but value {at} is {found}: give classes \
                 as whole numbers (i64)"
            ));
        }
        return Ok(Target::Dense(values));
    }
    if labels.len() != examples {
        return Err(format!("`labels` should be [{examples}], but is {:?}", labels.shape()));
    }
    let class = |(at, label): (usize, i64)| {
        u32::try_from(label)
            .map_err(|_| format!("`labels` should be classes, 0 and up, but label {at} is {label}"))
    };
    Ok(Target::Class(labels.iter::<i64>().enumerate().map(class).collect::<Result<_, _>>()?))
}

/// Batches that were read, in their order in every epoch.
#[derive(Clone, Debug)]
pub struct ReadBatches {
    batches: Vec<Batch>,
    shape: ExampleShape,
}

impl ReadBatches {
    /// The examples of a file by which a network with this number of outputs is tested.
    ///
    /// # Errors
    /// Those of [`read_batches`], and labels that the network has no output for.
    pub fn to_test(path: &Path, takes: &Takes<'_>, outputs: usize) -> Result<Self, Error> {
        const TEST_BATCH: usize = 256;
        Self::checked(read_batches(path, Some(TEST_BATCH), takes)?, path, outputs)
    }

    /// The inputs of a file alone, of class 0: labels beside them are not looked at.
    ///
    /// # Errors
    /// Those of [`read_unlabelled`] but for labels; no examples.
    pub fn of_inputs(path: &Path, batch_size: usize, takes: &Takes<'_>) -> Result<Self, Error> {
        let mut file = ArrayFile::read(path)?;
        let images = inputs(&mut file)?;
        let batches = batches_of(&file, images, None, Some(batch_size), takes)?;
        // Every network has an output for class 0.
        Self::checked(batches, path, 1)
    }

    /// The batches, in their order.
    pub fn all(&self) -> &[Batch] {
        &self.batches
    }

    /// Batches of a file, for a network with this number of outputs.
    ///
    /// # Errors
    /// Labels that the network has no output for; no examples.
    pub fn checked(batches: Vec<Batch>, path: &Path, outputs: usize) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Content { problem, path: path.to_path_buf() };
        for batch in &batches {
            match batch.target() {
                Target::Class(labels) => {
                    if let Some(label) = labels.iter().find(|label| outputs <= **label as usize) {
                        return Err(wrong(format!(
                            "label {label} has no output: the network has {outputs}, from 0"
                        )));
                    }
                }
                Target::Dense(values) if values.len() != batch.len() * outputs => {
                    let each = values.len() / batch.len().max(1);
                    return Err(wrong(format!(
                        "there are {each} target values for {outputs} outputs: targets in floating point are one for each output, \
                         and classes are whole numbers (i64)"
                    )));
                }
                _ => {}
            }
        }
        let shape = batches.first().map(Batch::shape);
        let shape = shape.ok_or_else(|| wrong("there are no examples in it".into()))?;
        Ok(Self { batches, shape })
    }
}

impl Source for ReadBatches {
    fn examples(&self) -> usize {
        self.batches.iter().map(Batch::len).sum()
    }

    fn batches(&self) -> usize {
        self.batches.len()
    }

    fn shape(&self) -> ExampleShape {
        self.shape.clone()
    }

    fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new(self.batches.iter().skip(from).cloned().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use sapwood_core::{State, StateFile};

    use super::*;

    const TAKES: Takes<'_> =
        Takes { input: [1, 2, 2], trained_on: None, tokens: None, channels_last: false, is_stated: false };

    #[test]
    fn safetensors_too_have_the_names_that_are_customary() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("xy.safetensors");
        for names in [["images", "labels"], ["x", "y"], ["images", "y"]] {
            let arrays = [Array::from_fn([2, 1, 2, 2], |at| at as f32), Array::from_fn([2], |at| at as i64)];
            let state = State(names.into_iter().map(Into::into).zip(arrays).collect());
            let file = StateFile { state, ..StateFile::default() };
            std::fs::write(&path, file.to_bytes().unwrap()).unwrap();
            let batches = read_batches(&path, None, &TAKES).unwrap();
            assert_eq!(batches[0].target(), &Target::Class(vec![0, 1]));
            assert_eq!(read_unlabelled(&path, 2, &TAKES).unwrap(), (batches, true), "{names:?}");
        }
    }
}
