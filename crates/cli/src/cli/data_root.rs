//! `--data-root`

use std::path::PathBuf;

use clap::Args;
use sapwood_lab::Datasets;

use super::{bar::Bar, cache};

/// The folder of the data sets.
#[derive(Args)]
pub(super) struct DataRoot {
    /// The folder of the data sets; for image-folder your own folder, which has
    /// train/CLASS/* and test/CLASS/* (or val), turned upright as EXIF says; for arrays your own file. Resized images are kept in the user's cache
    /// folder, or in that of SAPWOOD_CACHE
    #[arg(long, default_value = "data", value_name = "PATH")]
    pub(super) data_root: PathBuf,
}

impl DataRoot {
    /// The data sets there: with a bar while many images are read, and kept for the next time.
    pub(super) fn datasets(&self) -> Datasets {
        Datasets::below(&self.data_root).keeping(cache::folder()).telling(Bar::default())
    }
}
