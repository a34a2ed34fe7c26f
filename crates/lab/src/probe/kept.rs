//! Features that are kept for the next probe of the same examples.

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::prelude::Device;
use sapwood_backend::{Ops, block_on};
use sapwood_core::{ModuleState as _, Observed as _, State, write_atomic};
use sapwood_data::Dataset;
use sapwood_models::Net;

use crate::{Error, digest, ledger::processor, levels::computed_by};

/// Features of more bytes are computed again.
const MOST_BYTES: usize = 256 << 20;

/// A file of features: their numbers, and behind these the BLAKE3 of them.
#[derive(Debug)]
pub(super) struct Kept(PathBuf);

impl Kept {
    /// The file for what a network gives of examples, below a folder. Its name is made of all that decides a bit: the layers
    /// with their values, what computes them, the examples as they are stored and normalised, the device with its level
    /// and whether that is pinned, the processor, by whose cache sums are cut where none is, and the version of this
    /// program.
    pub(super) fn of(
        folder: &Path,
        (features, ops): (&Net, Ops),
        examples: &Dataset,
        device: &Device,
    ) -> Result<Self, Error> {
        let mut decides = format!(
            "features 2 {} {device:?} {} {:?} {ops} {:?} {:?} {}",
            env!("CARGO_PKG_VERSION"),
            computed_by(device),
            processor(),
            features.graph(),
            examples.normalisation(),
            examples.content(),
        )
        .into_bytes();
        for (path, array) in block_on(State::read(features))?.0 {
            decides.extend_from_slice(path.to_string().as_bytes());
            decides.extend(array.iter::<f32>().flat_map(f32::to_le_bytes));
        }
        Ok(Self(folder.join("features").join(digest(&decides))))
    }

    /// The numbers, where they are there whole and as many as this.
    pub(super) fn read(&self, count: usize) -> Option<Vec<f32>> {
        let bytes = fs::read(&self.0).ok()?;
        let (numbers, check) = bytes.split_at_checked(count.checked_mul(4)?)?;
        (digest(numbers).as_bytes() == check).then(|| {
            tracing::debug!(numbers = count, path = %self.0.display(), "cache of features read");
            numbers.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect()
        })
    }

    /// Keeps the numbers. What cannot be written is computed again the next time.
    pub(super) fn write(&self, rows: &[f32]) {
        if MOST_BYTES < 4 * rows.len() {
            return;
        }
        let mut bytes: Vec<u8> = rows.iter().flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend(digest(&bytes).into_bytes());
        if let Err(problem) = write_atomic(&self.0, &bytes) {
            tracing::debug!(%problem, path = %self.0.display(), "cache of features not written");
        }
    }
}

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;
    use sapwood_data::Split;
    use sapwood_models::Spec;

    use super::*;
    use crate::{DataConfig, Datasets};

    #[test]
    fn what_other_operations_compute_is_kept_apart() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let net = Spec::named("lenet-5").unwrap().net(&device).unwrap();
        let examples = Datasets::below("data").open(&DataConfig::named("digits"), Split::Test).unwrap();
        let file = |ops| Kept::of(Path::new("cache"), (&net, ops), &examples, &device).unwrap().0;
        assert_eq!(file(Ops::Kernels), file(Ops::Kernels));
        assert_ne!(file(Ops::Kernels), file(Ops::Burn));
    }

    #[test]
    fn only_what_is_whole_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept(folder.path().join("features").join("x"));
        assert_eq!(kept.read(2), None);
        kept.write(&[1.5, -0.0]);
        assert_eq!(
            kept.read(2).map(|rows| rows.into_iter().map(f32::to_bits).collect()),
            Some(vec![1.5f32.to_bits(), (-0.0f32).to_bits()])
        );
        assert_eq!((kept.read(1), kept.read(3), kept.read(usize::MAX)), (None, None, None));
        let mut bytes = fs::read(&kept.0).unwrap();
        bytes[0] ^= 1;
        fs::write(&kept.0, bytes).unwrap();
        assert_eq!(kept.read(2), None);
    }
}
