//! What a run has done so far, counted while it goes on.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sapwood_core::{Anatomy, Batch, ExampleShape, Layer, Masks, ParamPath, Source, SourceError};

use crate::ledger::Macs;

/// Examples and arithmetic of a training, for whoever keeps accounts. Other threads
/// may read it at any time.
#[derive(Debug, Default)]
pub struct Work {
    trained: Passes,
    evaluated: Passes,
    /// Of one example, in the network as it is now.
    example: [AtomicU64; 2],
    /// Of one example that is learnt from, in the network that teaches.
    teaching: AtomicU64,
}

/// Forward passes: examples, and multiply-accumulates, dense and kept.
#[derive(Debug, Default)]
struct Passes {
    examples: AtomicU64,
    macs: [AtomicU64; 2],
}

impl Passes {
    fn macs(&self) -> Macs {
        Macs::forward(self.macs[0].load(Relaxed), self.macs[1].load(Relaxed))
    }
}

impl Work {
    /// Examples that were learnt from, each as often as it was seen.
    pub fn examples_seen(&self) -> u64 {
        self.trained.examples.load(Relaxed)
    }

    /// Multiply-accumulates of training.
    pub fn training_macs(&self) -> Macs {
        self.trained.macs().training(1)
    }

    /// Multiply-accumulates of evaluation.
    pub fn evaluation_macs(&self) -> Macs {
        self.evaluated.macs().evaluation(1)
    }

    /// From now on an example's forward pass costs this.
    pub(crate) fn example_costs(&self, macs: Macs) {
        self.example[0].store(macs.dense as u64, Relaxed);
        self.example[1].store(macs.kept as u64, Relaxed);
    }

    /// From now on a teacher answers to each example that is learnt from, which costs this number of multiply-accumulates.
    pub(crate) fn teacher_costs(&self, macs: u64) {
        self.teaching.store(macs, Relaxed);
    }

    /// This number of examples was looked at, by networks whose forward passes cost this together.
    pub(crate) fn looked_at(&self, examples: u64, macs: u64) {
        self.evaluated.examples.fetch_add(examples, Relaxed);
        for sum in &self.evaluated.macs {
            sum.fetch_add(macs, Relaxed);
        }
    }

    /// A teacher looked at these examples, as it would to be evaluated.
    fn taught(&self, examples: u64) {
        let macs = examples * self.teaching.load(Relaxed);
        self.evaluated.macs.iter().for_each(|sum| {
            sum.fetch_add(macs, Relaxed);
        });
    }

    fn add(&self, examples: u64, to: &Passes) {
        to.examples.fetch_add(examples, Relaxed);
        for (sum, each) in to.macs.iter().zip(&self.example) {
            sum.fetch_add(examples * each.load(Relaxed), Relaxed);
        }
    }
}

/// The multiply-accumulates of one example's forward pass under masks. A layer without a
/// mask is dense.
pub(crate) fn forward_macs(anatomy: &Anatomy, masks: &Masks) -> Macs {
    let kept = |layer: &Layer| match masks.get(&ParamPath::from(format!("{}.weight", layer.name))) {
        // Each weight is used equally often.
        Some(mask) if layer.weights > 0 => layer.macs / layer.weights * mask.count_ones() as u64,
        _ => layer.macs,
    };
    Macs::forward(anatomy.macs(), anatomy.layers.iter().map(kept).sum())
}

/// Batches whose examples count as work when they are asked for.
pub(crate) struct Counted<'a> {
    pub(crate) inner: &'a dyn Source,
    pub(crate) work: &'a Work,
    /// Whether they are learnt from, or only looked at.
    pub(crate) trained: bool,
}

impl Source for Counted<'_> {
    fn examples(&self) -> usize {
        self.inner.examples()
    }

    fn batches(&self) -> usize {
        self.inner.batches()
    }

    fn shape(&self) -> ExampleShape {
        self.inner.shape()
    }

    fn epoch(&self, epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new(self.inner.epoch(epoch, from).inspect(|batch| {
            if let Ok(batch) = batch {
                let passes = if self.trained { &self.work.trained } else { &self.work.evaluated };
                self.work.add(batch.len() as u64, passes);
                if self.trained {
                    self.work.taught(batch.len() as u64);
                }
            }
        }))
    }
}
