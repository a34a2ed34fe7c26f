//! How long networks take to be opened: the first file, and of each other the time over that of the first,
//! in turns, the medians of 40 rounds.
//!
//! ```sh
//! cargo run -p sapwood-models --example loading -- dense.safetensors sparse.sapwood
//! ```

use std::{error::Error, path::PathBuf, time::Instant};

use sapwood_backend::DeviceSpec;

const ROUNDS: usize = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let device = DeviceSpec::CPU.resolve()?;
    let mut seconds = vec![Vec::new(); files.len()];
    for _ in 0..ROUNDS {
        for (file, seconds) in files.iter().zip(&mut seconds) {
            let start = Instant::now();
            sapwood_models::open(file, None, &device)?;
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    let median = |seconds: &mut Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        seconds[ROUNDS / 2]
    };
    let medians: Vec<f64> = seconds.iter_mut().map(median).collect();
    for (file, median) in files.iter().zip(&medians) {
        let bytes = std::fs::metadata(file)?.len();
        println!(
            "{bytes:>10} bytes {:>8.3} ms {:>6.2} {}",
            1e3 * median,
            median / medians[0],
            file.display()
        );
    }
    Ok(())
}
