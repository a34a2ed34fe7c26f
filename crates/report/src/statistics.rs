//! What replicates say, and how sure that is.
//!
//! [`Summary`] describes one sample, [`PairedComparison`] two methods that were run
//! on the same replicates, [`Proportion`] how often something succeeded. Each is a
//! value, computed from numbers alone.
//!
//! The one design decision: what cannot be claimed is not there. A single run has no
//! standard deviation, and values without any spread have no interval, so these are
//! `None` rather than a zero that would look like certainty. And nothing is left
//! out: a run that diverged to NaN makes the mean of its sample NaN, because a mean
//! over the runs that went well would be the mean of something else.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use sapwood_report::statistics::{PairedComparison, Summary};
//!
//! let magnitude = BTreeMap::from([(0, 91.2), (1, 90.8), (2, 91.9)]);
//! let random = BTreeMap::from([(0, 90.1), (1, 90.9), (2, 90.6)]);
//!
//! // Over three replicates the difference is 0.77 ± 1.88 points, which may be none.
//! let gain = PairedComparison::of(&magnitude, &random).unwrap();
//! assert_eq!(gain.differences.n, 3);
//! assert!(gain.differences.interval.unwrap().contains(0.0));
//!
//! assert_eq!(Summary::of(&[91.2]).unwrap().interval, None);
//! ```

mod interval;
mod paired;
mod proportion;
mod ranks;
mod student_t;
mod summary;

pub use interval::{CONFIDENCE, Interval};
pub use paired::PairedComparison;
pub use proportion::Proportion;
pub use ranks::{median, spearman};
pub use summary::Summary;
