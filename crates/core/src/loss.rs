//! The loss that networks are trained and scored with.

use burn::tensor::{Tensor, TensorData, activation::log_softmax};

use crate::{Error, Target};

/// The mean loss of a batch: cross-entropy of the softmax over classes (with
/// label smoothing), or binary cross-entropy of the sigmoid for dense targets.
///
/// # Shapes
/// - `logits`: `[N, K]`
/// - returns: `[1]`
pub fn loss(logits: Tensor<2>, target: &Target, smoothing: f64) -> Result<Tensor<1>, Error> {
    let [examples, outputs] = logits.dims();
    match target {
        Target::Class(classes) => {
            let soft = soft_labels(classes, [examples, outputs], smoothing)?;
            let soft = Tensor::<2>::from_data(soft, (&logits.device(), logits.dtype()));
            Ok((log_softmax(logits, 1) * soft).sum_dim(1).mean().neg())
        }
        Target::Dense(values) if values.len() == examples * outputs => {
            let values = TensorData::new(values.clone(), [examples, outputs]);
            let y = Tensor::<2>::from_data(values, (&logits.device(), logits.dtype()));
            // max(z, 0) - z y + log(1 + exp(-|z|)), which overflows for no z.
            let z = logits;
            let tail = z.clone().abs().neg().exp().log1p();
            Ok((z.clone().clamp_min(0.0) - z * y + tail).mean())
        }
        Target::Dense(values) => Err(Error::Target(format!(
            "the network has {outputs} outputs per example, but the dense target has {} values for {examples} examples",
            values.len()
        ))),
    }
}

/// The distributions that cross-entropy compares with:
/// `(1 - smoothing) * onehot + smoothing / K`.
///
/// # Shapes
/// `[N, K]`
pub fn soft_labels(
    classes: &[u32],
    [examples, outputs]: [usize; 2],
    smoothing: f64,
) -> Result<TensorData, Error> {
    if classes.len() != examples {
        return Err(Error::Target(format!("there are {} labels for {examples} examples", classes.len())));
    }
    let mut soft = vec![(smoothing / outputs as f64) as f32; examples * outputs];
    for (row, class) in soft.chunks_mut(outputs).zip(classes) {
        let Some(value) = row.get_mut(*class as usize) else {
            return Err(Error::Target(format!(
                "label {class} is out of range: the network has {outputs} classes, 0 to {}",
                outputs.saturating_sub(1)
            )));
        };
        *value += (1.0 - smoothing) as f32;
    }
    Ok(TensorData::new(soft, [examples, outputs]))
}
