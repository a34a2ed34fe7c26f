//! The loss that networks are trained and scored with.

use burn::tensor::{Tensor, TensorData};
use sapwood_backend::ordered;

use crate::{Error, Target};

/// The mean loss of a batch: cross-entropy of the softmax over classes (with
/// label smoothing), of examples or of the tokens that count, or binary cross-entropy of the
/// sigmoid for dense targets, which are taken as they are.
///
/// # Shapes
/// - `logits`: `[rows, K]`, as [`Output::rows`](crate::Output::rows) gives them
/// - returns: `[1]`
///
/// # Errors
/// [`Error::Target`]: labels, tokens or values of another number than the logits ask for, a class that the network does
/// not have, or tokens of which none counts.
pub fn loss(logits: Tensor<2>, target: &Target, smoothing: f64) -> Result<Tensor<1>, Error> {
    let [examples, outputs] = logits.dims();
    match target {
        Target::Class(classes) => {
            let soft = soft_labels(classes, [examples, outputs], smoothing)?;
            let soft = Tensor::<2>::from_data(soft, (&logits.device(), logits.dtype()));
            Ok(ordered::mean(ordered::sum_last(ordered::log_softmax(logits) * soft)).neg())
        }
        Target::Token(tokens) => {
            let (soft, counted) = soft_tokens(tokens, [examples, outputs], smoothing)?;
            let soft = Tensor::<2>::from_data(soft, (&logits.device(), logits.dtype()));
            let mean = ordered::mean(ordered::sum_last(ordered::log_softmax(logits) * soft)).neg();
            // The mean over all tokens, of which those that do not count gave 0.
            Ok(mean * (examples as f64 / counted as f64))
        }
        Target::Dense(values) if values.len() == examples * outputs => {
            let values = TensorData::new(values.clone(), [examples, outputs]);
            let y = Tensor::<2>::from_data(values, (&logits.device(), logits.dtype()));
            // max(z, 0) - z y + log(1 + exp(-|z|)), which overflows for no z. The
            // maximum is (z + |z|) / 2, so that its gradient at 0 is 1/2 as it must.
            let z = logits;
            let tail = z.clone().abs().neg().exp().log1p();
            let positive = (z.clone() + z.clone().abs()) * 0.5;
            Ok(ordered::mean(positive - z * y + tail))
        }
        Target::Dense(values) => Err(Error::Target(format!(
            "the network has {outputs} outputs per example, but the dense target has {} values for {examples} examples",
            values.len()
        ))),
    }
}

/// [`soft_labels`] of the tokens that count, and the number of these. The rows of others are 0.
fn soft_tokens(
    tokens: &[Option<u32>],
    [rows, outputs]: [usize; 2],
    smoothing: f64,
) -> Result<(TensorData, usize), Error> {
    if tokens.len() != rows {
        let found = tokens.len();
        return Err(Error::Target(format!("there are {found} target tokens for {rows} rows of logits")));
    }
    let counted: Vec<u32> = tokens.iter().copied().flatten().collect();
    if counted.is_empty() {
        return Err(Error::Target(format!("none of the {rows} target tokens counts")));
    }
    let soft = soft_labels(&counted, [counted.len(), outputs], smoothing)?;
    let (mut soft, nothing) = (soft.iter::<f32>(), vec![0.0; outputs]);
    let all = tokens.iter().flat_map(|token| match token {
        Some(_) => soft.by_ref().take(outputs).collect(),
        None => nothing.clone(),
    });
    Ok((TensorData::new(all.collect::<Vec<f32>>(), [rows, outputs]), counted.len()))
}

/// The distributions that cross-entropy compares with:
/// `(1 - smoothing) * onehot + smoothing / K`.
///
/// # Shapes
/// `[N, K]`
///
/// # Errors
/// [`Error::Target`] for labels of another number than the examples, and for a class that there is not.
pub fn soft_labels(
    classes: &[u32],
    [examples, outputs]: [usize; 2],
    smoothing: f64,
) -> Result<TensorData, Error> {
    if classes.len() != examples {
        return Err(Error::Target(format!("there are {} labels for {examples} examples", classes.len())));
    }
    let mut soft = vec![(smoothing / outputs as f64) as f32; examples * outputs];
    for (row, class) in classes.iter().enumerate() {
        let class = *class as usize;
        if outputs <= class {
            let range = if outputs == 0 { String::new() } else { format!(", 0 to {}", outputs - 1) };
            return Err(Error::Target(format!(
                "label {class} is out of range: the network has {outputs} classes{range}"
            )));
        }
        soft[row * outputs + class] += (1.0 - smoothing) as f32;
    }
    Ok(TensorData::new(soft, [examples, outputs]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapwood_backend::DeviceSpec;

    /// PyTorch 2.15: `binary_cross_entropy_with_logits` of these has the gradients
    /// (sigmoid(z) - y) / 4 and the mean loss below.
    #[test]
    fn the_dense_loss_and_its_gradient_are_right_also_at_zero() {
        let device = DeviceSpec::CPU.resolve().unwrap().autodiff();
        let z = Tensor::<2>::from_data([[0.0f32, 0.0], [100.0, -2.0]], &device).require_grad();
        let target = Target::Dense(vec![1.0, 0.0, 1.0, 1.0]);
        let loss = loss(z.clone(), &target, 0.0).unwrap();
        let gradient = z.grad(&loss.backward()).unwrap().into_data();
        let gradient: Vec<f64> = gradient.iter().collect();
        let expected = [-0.125, 0.125, 0.0, (0.119_202_922 - 1.0) / 4.0];
        assert!(gradient.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{gradient:?}");
        let expected = (2.0 * std::f64::consts::LN_2 + 2.126_928_011) / 4.0;
        assert!((loss.into_scalar::<f64>() - expected).abs() < 1e-6);
    }

    #[test]
    fn a_label_out_of_range_is_an_error_that_says_the_range() {
        let error = soft_labels(&[1, 3], [2, 3], 0.0).unwrap_err().to_string();
        assert_eq!(error, "label 3 is out of range: the network has 3 classes, 0 to 2");
        let error = soft_labels(&[0], [1, 0], 0.0).unwrap_err().to_string();
        assert_eq!(error, "label 0 is out of range: the network has 0 classes");
    }
}
