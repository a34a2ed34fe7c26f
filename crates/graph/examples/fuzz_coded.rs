//! Reads mutated coded weight files, by default a million: none may panic, and none whose checksum is
//! wrong may be taken for a file.
//!
//! ```sh
//! cargo run -p sapwood-graph --example fuzz_coded -- 1000000
//! ```

#[path = "../tests/coded/files.rs"]
mod files;
#[path = "../tests/coded/mutations.rs"]
mod mutations;

fn main() {
    let number = |at| std::env::args().nth(at).and_then(|text| text.parse().ok());
    let (mutations, seed) = (number(1).unwrap_or(1_000_000), number(2).unwrap_or(1));
    let read = mutations::fuzz(mutations, seed as u64);
    println!("{mutations} mutations with seed {seed}: no panic; {read} with right checksums are a file");
}
