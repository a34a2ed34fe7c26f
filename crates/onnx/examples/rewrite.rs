//! Reads an ONNX file and writes it again as the network that it was read as: what an importer and an exporter make of
//! it together, to be run beside it. Reading what was written has to give the same network.
//!
//! ```sh
//! cargo run -p sapwood-onnx --example rewrite -- in.onnx out.onnx [OPSET] [f16] [3x48x192]
//! ```

use std::{env, error::Error, fs, path::Path, time::Instant};

use peak_alloc::PeakAlloc;
use sapwood_onnx::{Importer, Options, Weights, export, import};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [from, to, rest @ ..] = &arguments[..] else {
        return Err("usage: rewrite IN OUT [OPSET] [f16]".into());
    };
    let folder = Path::new(from).parent().unwrap_or(Path::new("."));
    let bytes = fs::read(from)?;
    let begun = Instant::now();
    let importer = Importer::default().beside(|file| fs::read(folder.join(file)));
    let sizes = |word: &String| word.split('x').map(|n| n.parse().ok()).collect::<Option<Vec<usize>>>();
    let found = match rest.iter().filter_map(sizes).find(|sizes| sizes.len() > 1) {
        Some(example) => importer.example(example).import(&bytes)?,
        None => importer.import(&bytes)?,
    };
    let (took, memory) = (begun.elapsed(), MEMORY.peak_usage() as f64 / bytes.len() as f64);
    let opset = rest.iter().find_map(|word| word.parse().ok()).unwrap_or(18);
    let weights = if rest.iter().any(|word| word == "f16") { Weights::F16 } else { Weights::F32 };
    let options = Options {
        opset,
        weights,
        outputs: found.outputs.clone(),
        channels_last: found.channels_last.clone(),
        int32: found.int32.clone(),
        metadata: found.metadata.clone(),
        ..Options::default()
    };
    let written = export(&found.graph, &found.state, &options)?;
    fs::write(to, &written)?;
    let again = import(&written)?;
    let same = again.graph == found.graph && (weights == Weights::F16 || again.state == found.state);
    let operations = found.graph.nodes().len();
    println!(
        "{operations} operations, {} parameters, read in {took:.2?} and {memory:.2} times the file's memory: {:?}",
        found.state.0.len(),
        found.notes
    );
    if !same {
        for (a, b) in found.graph.nodes().iter().zip(again.graph.nodes()).filter(|(a, b)| a != b).take(3) {
            println!("{a:?}\n{b:?}");
        }
        return Err("what was written is read as another network".into());
    }
    Ok(())
}
