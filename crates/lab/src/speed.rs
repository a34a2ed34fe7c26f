//! How fast a device is, found out in about a second.

use burn::{
    prelude::Device,
    tensor::{Distribution, Tensor},
};
use sapwood_backend::Timer;

use crate::Error;

/// Rows and columns of the matrices: a layer of a network, and not so large that a slow device takes
/// minutes.
const SIZE: usize = 512;

/// Multiplications and additions per second in products of square matrices, measured for as many
/// seconds, with the time to compile kernels left out.
pub fn products(device: &Device, seconds: f64) -> Result<f64, Error> {
    let matrix = || Tensor::<2>::random([SIZE, SIZE], Distribution::Uniform(-1.0, 1.0), device);
    let (a, b) = (matrix(), matrix());
    let time = |times: u32| -> Result<f64, Error> {
        let timer = Timer::start(device)?;
        for _ in 0..times {
            let _ = a.clone().matmul(b.clone());
        }
        Ok(timer.stop()?.as_secs_f64())
    };
    // The first compiles.
    time(1)?;
    let (mut times, mut done, mut taken) = (1, 0.0, 0.0);
    loop {
        taken += time(times)?;
        done += f64::from(times);
        if seconds <= taken {
            return Ok(done * 2.0 * (SIZE as f64).powi(3) / taken);
        }
        // As many as fit into the rest, and no more than has been shown to be quick.
        let rest = (done * (seconds - taken) / taken.max(1e-9)).ceil();
        times = rest.clamp(1.0, 2.0 * f64::from(times)) as u32;
    }
}
