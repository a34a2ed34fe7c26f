//! What binaries, tests and examples are built with: the CPU backend, and one
//! set of features for all that lies below Burn.
//!
//! Cargo compiles a crate once for each set of features that it is asked for.
//! `cargo test -p sapwood-core` and `cargo xtask` would otherwise ask for
//! different sets somewhere below Burn, and compile it twice. Every member has
//! this crate among its development dependencies, the command line and `xtask` among
//! their ordinary ones; no other library depends on it.
