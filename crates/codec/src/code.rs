//! The ways in which symbols become bits, and zeros are told from the rest.

use std::fmt;

/// How symbols become bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Code {
    /// As many bits for each symbol as the largest one needs.
    Raw = 0,
    /// Canonical Huffman codes: whole bits, few for what is frequent.
    Huffman = 1,
    /// Range asymmetric numeral systems with fixed frequencies: fractions of bits.
    Rans = 2,
    /// Adaptive binary arithmetic coding: frequencies are learnt on the way, and zeros, signs and
    /// sizes are foreseen from their neighbours.
    Adaptive = 3,
}

impl Code {
    /// All codes, by the number that stands for them in a file.
    pub const ALL: [Self; 4] = [Self::Raw, Self::Huffman, Self::Rans, Self::Adaptive];
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Huffman => "huffman",
            Self::Rans => "rans",
            Self::Adaptive => "adaptive",
        })
    }
}

/// How it is said which values are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Positions {
    /// Not apart: a zero is a symbol like others.
    Inline = 0,
    /// By the number of zeros before each value that is none, as in Deep Compression.
    Gaps = 1,
    /// By a bit for each value.
    Bitmap = 2,
    /// By a decision for each value, which is foreseen from its neighbours.
    Coder = 3,
}

impl Positions {
    /// All ways, by the number that stands for them in a file.
    pub const ALL: [Self; 4] = [Self::Inline, Self::Gaps, Self::Bitmap, Self::Coder];
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inline => "inline",
            Self::Gaps => "gaps",
            Self::Bitmap => "bitmap",
            Self::Coder => "coder",
        })
    }
}
