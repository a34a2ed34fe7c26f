//! What masks cost on the disk and in opening: a network of which 95 % were removed, coded, beside the
//! dense one as safetensors. Files are read from the disk's cache; least times of turns that alternate.
//!
//! ```sh
//! cargo run -p sapwood-graph --example load
//! ```

use std::{fs, path::Path, time::Instant};

use sapwood_graph::{Array, StateFile};

const TURNS: usize = 40;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("sapwood-load-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    println!("{:>10} {:>12} {:>12} {:>7} {:>9} {:>9} {:>7}", "weights", "dense", "coded", "", "ms", "ms", "");
    for side in [320, 1000, 3200] {
        let (dense, sparse) = networks(side)?;
        let (a, b) = (folder.join("dense.safetensors"), folder.join("sparse.sapwood"));
        fs::write(&a, dense.to_bytes()?)?;
        fs::write(&b, sparse.to_coded()?.bytes)?;
        assert_eq!(StateFile::read(&b)?, sparse);
        let mut least = [f64::INFINITY; 2];
        for _ in 0..TURNS {
            for (least, path) in least.iter_mut().zip([&a, &b]) {
                *least = least.min(seconds(path)?);
            }
        }
        let sizes = [fs::metadata(&a)?.len(), fs::metadata(&b)?.len()];
        println!(
            "{:>10} {:>12} {:>12} {:>7.4} {:>9.3} {:>9.3} {:>7.2}",
            side * side,
            sizes[0],
            sizes[1],
            sizes[1] as f64 / sizes[0] as f64,
            1e3 * least[0],
            1e3 * least[1],
            least[1] / least[0],
        );
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn seconds(path: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let file = StateFile::read(path)?;
    let seconds = start.elapsed().as_secs_f64();
    drop(file);
    Ok(seconds)
}

/// A layer of this number of inputs and outputs, and the same with a twentieth of its weights.
fn networks(side: usize) -> Result<(StateFile, StateFile), sapwood_graph::Error> {
    let mut random = Random(7);
    let mut dense = StateFile::default();
    dense.state.0.insert("fc.weight".into(), Array::from_fn([side, side], |_| random.normal()));
    dense.state.0.insert("fc.bias".into(), Array::from_fn([side], |_| random.normal()));
    let mut sparse = dense.clone();
    sparse.masks.insert("fc.weight".into(), (0..side * side).map(|_| random.below(20) == 0).collect());
    Ok((dense, sparse.with_masks_applied(Vec::new())?))
}

/// Numbers that are the same on every machine (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % end
    }

    /// Nearly normal with a random mantissa.
    fn normal(&mut self) -> f32 {
        let sum = (0..12).map(|_| self.below(1 << 24) as f64 / f64::from(1 << 24)).sum::<f64>() - 6.0;
        (sum * (1.0 + self.below(1 << 24) as f64 / 1e9)) as f32
    }
}
