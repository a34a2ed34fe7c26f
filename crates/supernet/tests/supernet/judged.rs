//! How good sub-networks are.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sapwood_backend::{DeviceSpec, block_on};
use sapwood_conformance::batch;
use sapwood_core::{Batch, ExampleShape, Reporter, Silent, Source, SourceError};
use sapwood_supernet::{Judge, family, pack_cut_blocking};

use crate::filled;

/// Three batches of four images.
struct Images;

impl Source for Images {
    fn examples(&self) -> usize {
        12
    }

    fn batches(&self) -> usize {
        3
    }

    fn shape(&self) -> ExampleShape {
        [3, 32, 32].into()
    }

    fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new((from..3).map(|at| Ok(batch(&format!("x{at}"), &format!("y{at}"), [4, 3, 32, 32], 10))))
    }
}

/// Counts what it is told.
#[derive(Default)]
struct Counting(AtomicU64);

impl Reporter for Counting {
    fn begin(&self, _: &str, total: u64) {
        assert_eq!(total, 3);
    }

    fn advance(&self, units: u64) {
        self.0.fetch_add(units, Relaxed);
    }

    fn note(&self, _: &str) {}

    fn end(&self) {}
}

#[test]
fn a_sub_network_is_evaluated_with_the_statistics_of_its_own_batches() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let family = family("resnet-tiny-image", None, None).unwrap();
    let supernet = filled(&family, &device);
    let smallest = family.smallest();
    let calibration = [batch("c0", "y0", [8, 3, 32, 32], 10)];
    let judge = Judge::new(&calibration, &Images, &device);
    let found = judge.judge_blocking(&supernet, &smallest).unwrap();

    let net = supernet.subnet(&smallest).unwrap().calibrate(&calibration).unwrap();
    let expected = block_on(sapwood_train::evaluate(&net, &Images, &device)).unwrap();
    assert_eq!((found.top1, found.loss), (expected.top1, expected.loss));
    let anatomy = family.graph(&smallest).unwrap().anatomy([3, 32, 32]).unwrap();
    assert_eq!((found.params, found.macs), (anatomy.params(), anatomy.macs()));
    assert_eq!(family.space().from_json(&found.architecture).unwrap(), smallest);

    let counting = Counting::default();
    assert_eq!(judge.of_blocking(&net, &family, &smallest, &counting).unwrap(), found);
    assert_eq!(counting.0.load(Relaxed), 3, "a unit for each batch");

    let others = [batch("c1", "y1", [8, 3, 32, 32], 10)];
    let other = Judge::new(&others, &Images, &device).judge_blocking(&supernet, &smallest).unwrap();
    assert_ne!(other.loss, found.loss, "statistics of other images");
}

#[test]
fn what_is_cut_out_opens_as_an_ordinary_network() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let family = family("resnet-tiny-image", None, None).unwrap();
    let (supernet, smallest) = (filled(&family, &device), family.smallest());
    let calibration = [batch("c0", "y0", [8, 3, 32, 32], 10)];
    let judge = Judge::new(&calibration, &Images, &device);
    let net = judge.cut(&supernet, &smallest).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.safetensors");
    std::fs::write(&path, pack_cut_blocking(&family, &smallest, &net, None).unwrap()).unwrap();
    let opened = sapwood_models::open(&path, None, &device).unwrap();
    assert_eq!(opened.spec.architecture, Some(family.space().to_json(&smallest)));
    let of = |net| judge.of_blocking(net, &family, &smallest, &Silent).unwrap();
    assert_eq!(of(&opened.net), of(&net));
}
