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
///
/// # Errors
/// [`Error::Setting`] for seconds that are not from 0 to 3600; a device that fails.
pub fn products(device: &Device, seconds: f64) -> Result<f64, Error> {
    if !(0.0..=3600.0).contains(&seconds) {
        return Err(Error::setting("seconds", format!("`seconds`: expected 0 to 3600, found {seconds}")));
    }
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

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;

    use super::*;

    #[test]
    fn seconds_that_never_pass_are_refused() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        for seconds in [f64::NAN, f64::INFINITY, -1.0, 1e9] {
            let said = products(&device, seconds).unwrap_err().to_string();
            assert!(said.contains("expected 0 to 3600"), "{said}");
        }
    }
}
