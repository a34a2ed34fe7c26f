//! How much memory the tensors of a file may take.

/// What any file may ask for.
const ANY: usize = 64 << 20;
/// What it may ask for per byte of it: a sparse matrix of which one element in a
/// thousand is left takes 50 times as much when it is dense.
const PER_BYTE: usize = 64;

/// What is left. Tensors may share a storage, repeat elements and leave out zeros,
/// so a small file could ask for any amount of memory.
#[derive(Debug)]
pub(in crate::pytorch) struct Budget {
    left: usize,
    all: usize,
}

impl Budget {
    /// That of a file of `len` bytes.
    pub(in crate::pytorch) fn of(len: usize) -> Self {
        let all = len.saturating_mul(PER_BYTE).saturating_add(ANY);
        Self { left: all, all }
    }

    /// Takes the memory of a tensor or of a record that was compressed.
    pub(in crate::pytorch) fn take(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or_else(|| {
            format!("of {bytes} bytes, and all that a file of this size holds may have {}", self.all)
        })?;
        Ok(())
    }
}
