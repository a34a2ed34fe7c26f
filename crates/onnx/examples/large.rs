//! How long a large file takes to be read, and how much memory at most beside its bytes: the least of five times.
//!
//! ```sh
//! cargo run -p sapwood-onnx --example large -- [FILE]
//! ```
//!
//! Without a file it is a network of 100 MB, which it writes itself.

use std::{env, error::Error, fs, time::Instant};

use peak_alloc::PeakAlloc;
use sapwood_graph::{Array, Conv, Graph, State};
use sapwood_onnx::{Options, export, import};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn written() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut g = Graph::builder([64, 8, 8]);
    let (mut x, mut state, mut before) = (g.input(), State::default(), 64);
    for (number, outputs) in [512, 1024, 1024, 1024].into_iter().enumerate() {
        let name = format!("conv{number}");
        x = g.conv(&name, x, Conv::new(outputs, 3).same());
        x = g.relu(x);
        let weight = Array::from_fn([outputs, before, 3, 3], |at| (at % 251) as f32 / 251.0);
        state.0.insert(format!("{name}.weight").into(), weight);
        state.0.insert(format!("{name}.bias").into(), Array::from_fn([outputs], |at| at as f32));
        before = outputs;
    }
    let x = g.global_avg_pool(x);
    g.linear("fc", x, 1000);
    state.0.insert("fc.weight".into(), Array::from_fn([1000, before], |at| (at % 13) as f32));
    state.0.insert("fc.bias".into(), Array::from_fn([1000], |at| at as f32));
    Ok(export(&g.finish()?, &state, &Options::default())?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let bytes = match env::args().nth(1) {
        Some(path) => fs::read(path)?,
        None => written()?,
    };
    let (mut seconds, mut most) = (f64::INFINITY, 0);
    for _ in 0..5 {
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let start = Instant::now();
        let found = import(&bytes)?;
        seconds = start.elapsed().as_secs_f64().min(seconds);
        most = MEMORY.peak_usage().saturating_sub(before).max(most);
        drop(found);
    }
    let all = (bytes.len() + most) as f64 / bytes.len() as f64;
    println!("{} bytes: {seconds:.3} s, {all:.2} times its size with its own bytes", bytes.len());
    Ok(())
}
