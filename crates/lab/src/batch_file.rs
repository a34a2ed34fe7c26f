//! Examples in a safetensors file.

use std::{fs, path::Path};

use sapwood_core::{Array, Batch, StateFile, Target};

use crate::Error;

/// Reads the examples of a file, in batches of `batch_size`, of which the last may be
/// smaller, or in one.
///
/// # Shapes
/// - `images`: f32 `[N, C, H, W]`
/// - `labels`: whole numbers `[N]`, or f32 `[N, ..]` from 0 to 1 where each output has a
///   target of its own
pub fn read_batches(path: &Path, batch_size: Option<usize>) -> Result<Vec<Batch>, Error> {
    let wrong = |problem: String| Error::Content { problem, path: path.to_path_buf() };
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    let mut file = StateFile::from_bytes(&bytes).map_err(|error| wrong(error.to_string()))?;
    let found: Vec<String> = file.state.0.keys().map(ToString::to_string).collect();
    let mut take = |name: &str, what: &str| {
        let found = if found.is_empty() { "none".into() } else { found.join(", ") };
        file.state
            .0
            .remove(name)
            .ok_or_else(|| wrong(format!("expected a tensor `{name}`, {what}, found {found}")))
    };
    let images = take("images", "f32 [N, C, H, W]")?;
    let labels = take("labels", "i64 [N]")?;
    let Ok(shape) = <[usize; 4]>::try_from(images.shape().to_vec()) else {
        return Err(wrong(format!("`images` should be [N, C, H, W], but is {:?}", images.shape().to_vec())));
    };
    if images.is_empty() {
        return Err(wrong(format!("`images` should have at least one value, but is {shape:?}")));
    }
    if labels.shape().to_vec().first() != Some(&shape[0]) {
        let labels = labels.shape().to_vec();
        return Err(wrong(format!("there are {} images, but `labels` is {labels:?}", shape[0])));
    }
    let target = target(labels).map_err(wrong)?;
    let images: Vec<f32> = images.iter::<f32>().collect();
    if let Some(at) = images.iter().position(|pixel| !pixel.is_finite()) {
        return Err(wrong(format!("`images` should be finite, but value {at} is {}", images[at])));
    }

    let size = batch_size.unwrap_or(shape[0]).clamp(1, shape[0]);
    let whole = Batch::new(shape, images, target)?;
    let rows: Vec<usize> = (0..shape[0]).collect();
    Ok(rows.chunks(size).map(|rows| whole.select(rows)).collect())
}

fn target(labels: Array) -> Result<Target, String> {
    if labels.dtype().integers().is_none() {
        return Ok(Target::Dense(labels.iter::<f32>().collect()));
    }
    let class = |(at, label): (usize, i64)| {
        u32::try_from(label)
            .map_err(|_| format!("`labels` should be classes, 0 and up, but label {at} is {label}"))
    };
    Ok(Target::Class(labels.iter::<i64>().enumerate().map(class).collect::<Result<_, _>>()?))
}
