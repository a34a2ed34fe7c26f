//! Decodes mutated tensors, by default a million: none may panic, and none whose checksum is wrong
//! may be taken for a tensor.
//!
//! ```sh
//! cargo run -p sapwood-codec --example fuzz -- 1000000
//! ```

#[path = "../tests/codec/mutations.rs"]
mod mutations;
#[path = "../tests/codec/sources.rs"]
mod sources;

fn main() {
    let number = |at| std::env::args().nth(at).and_then(|text| text.parse().ok());
    let (mutations, seed) = (number(1).unwrap_or(1_000_000), number(2).unwrap_or(1));
    let decoded = mutations::fuzz(mutations, seed as u64);
    println!(
        "{mutations} mutations with seed {seed}: no panic; {decoded} with a right checksum are a tensor"
    );
}
