//! What a table may say of blocks.

/// What is asked of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// How long blocks take.
    Times,
    /// What energy they use.
    Energies,
}
