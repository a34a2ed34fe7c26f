//! Networks and their accuracies, in a file.

use std::{fs, path::Path};

use sapwood_backend::{DeviceSpec, Seed};
use sapwood_conformance::{batch, fill};
use sapwood_core::{Batch, ExampleShape, ModuleState as _, Silent, Source, SourceError, infos};
use sapwood_deploy::{Error, Pairs, Sample};
use sapwood_supernet::{Judge, Supernet};

use crate::small::family;

/// Five batches of forty.
struct Images;

impl Source for Images {
    fn examples(&self) -> usize {
        200
    }

    fn batches(&self) -> usize {
        5
    }

    fn shape(&self) -> ExampleShape {
        [1, 4, 4].into()
    }

    fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new((from..5).map(|at| Ok(batch(&format!("x{at}"), &format!("y{at}"), [40, 1, 4, 4], 10))))
    }
}

fn sample(count: usize, origin: &str) -> Sample {
    Sample { count, listed: None, seed: Seed(1), origin: origin.into() }
}

/// Collects pairs of a supernet with weights that are a function of their names.
fn collect(workers: usize, sample: &Sample, path: &Path) -> Result<Pairs, Error> {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let supernet = Supernet::new(&family(), &device);
    let supernet = fill(&infos(&supernet)).write(supernet).unwrap();
    let calibration = [batch("c", "y", [8, 1, 4, 4], 10)];
    let judge = Judge::new(&calibration, &Images, &device);
    Pairs::collect_with(workers, &supernet, &judge, sample, path, &Silent)
}

#[test]
fn a_file_that_was_cut_short_is_gone_on_with_by_any_number_of_workers() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, cut) = (folder.path().join("whole.csv"), folder.path().join("cut.csv"));
    let found = collect(1, &sample(12, "here"), &whole).unwrap();
    assert_eq!(found.pairs.len(), 12);
    let text = fs::read_to_string(&whole).unwrap();
    // In the middle of the sixth line of networks.
    let end = text.match_indices('\n').nth(6).unwrap().0 + 5;
    fs::write(&cut, &text[..end]).unwrap();
    assert_eq!(collect(3, &sample(12, "here"), &cut).unwrap(), found);
    assert_eq!(fs::read_to_string(&cut).unwrap(), text);
    assert_eq!(Pairs::read(&family(), &cut).unwrap(), found);
}

#[test]
fn networks_that_were_judged_otherwise_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.csv");
    collect(1, &sample(2, "here"), &path).unwrap();
    let before = fs::read(&path).unwrap();
    let error = collect(1, &sample(4, "there"), &path).unwrap_err();
    assert!(matches!(error, Error::Content { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    // Nor is anything else that somebody has, be it a line alone; but what a kill left of the first lines is.
    fs::write(&path, "a list").unwrap();
    assert!(matches!(collect(1, &sample(2, "here"), &path), Err(Error::Content { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"a list");
    for left in ["", "# he", "# here", "# here\n", "# here\narchitec", "# here\narchitecture,top1"] {
        fs::write(&path, left).unwrap();
        collect(1, &sample(2, "here"), &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), before, "{left:?}");
    }
    fs::write(&path, "# here\nname,top1\n").unwrap();
    assert!(collect(1, &sample(2, "here"), &path).is_err());
    fs::write(&path, "# here\narchitecture,top1\nnothing,0.5\n").unwrap();
    assert!(matches!(Pairs::read(&family(), &path), Err(Error::Line { line: 3, .. })));
}
