//! Reading tensors back, asynchronously at the bottom.
//!
//! A browser's main thread cannot wait for its GPU, so the library crates read
//! through these functions and stay `async`; where the platform can block,
//! [`block_on`] turns any of them into an ordinary call.

use burn::tensor::{Tensor, TensorData, Transaction};

use crate::Error;

/// Runs a future to its end on this thread. It does not exist in a browser, where waiting for the GPU
/// would wait for good.
#[cfg(not(target_family = "wasm"))]
pub fn block_on<F: Future>(future: F) -> F::Output {
    pollster::block_on(future)
}

/// Reads one tensor.
///
/// # Errors
/// A device that was lost or is full, or on which something that was queued failed.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<TensorData, Error> {
    Ok(tensor.into_data_async().await?)
}

/// Reads many flat tensors in one transaction, in their order.
///
/// # Errors
/// Those of [`read`].
pub async fn read_all(tensors: Vec<Tensor<1>>) -> Result<Vec<TensorData>, Error> {
    Ok(tensors.into_iter().fold(Transaction::default(), Transaction::register).execute_async().await?)
}
