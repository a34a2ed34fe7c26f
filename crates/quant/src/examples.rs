//! The examples that a network is calibrated with.

use sapwood_core::{Batch, ExampleShape, Source, Values};

use crate::Error;

/// The first N examples of a source's first epoch, batch by batch. They should be training examples, in an order
/// drawn at random and without augmentation.
#[derive(Clone, Copy)]
pub struct Examples<'a> {
    source: &'a dyn Source,
    number: usize,
}

impl<'a> Examples<'a> {
    /// Of a source; all of it, where it has fewer.
    ///
    /// # Errors
    /// [`Error::NoExamples`]: the source has none, or none are asked for.
    pub fn new(source: &'a dyn Source, number: usize) -> Result<Self, Error> {
        match number.min(source.examples()) {
            0 => Err(Error::NoExamples),
            number => Ok(Self { source, number }),
        }
    }

    /// The shape of one.
    pub fn shape(&self) -> ExampleShape {
        self.source.shape()
    }

    /// How many there are.
    pub fn number(&self) -> usize {
        self.number
    }

    /// At most this number of them.
    #[must_use]
    pub fn at_most(self, number: usize) -> Self {
        Self { number: self.number.min(number.max(1)), ..self }
    }

    /// The batches, the last one shortened.
    pub fn batches(&self) -> impl Iterator<Item = Result<Batch, Error>> + 'a {
        let mut left = self.number;
        let batches = self.source.epoch(0, 0).map(move |batch| {
            let batch = batch.map_err(Error::Source)?;
            let taken = left.min(batch.len());
            left -= taken;
            let first: Vec<usize> = (0..taken).collect();
            Ok(if taken == batch.len() { batch } else { batch.select(&first) })
        });
        batches.take_while(|batch| !matches!(batch, Ok(batch) if batch.is_empty()))
    }

    /// BLAKE3 of their inputs, in hexadecimal.
    ///
    /// # Errors
    /// The source's.
    pub fn digest(&self) -> Result<String, Error> {
        let mut hasher = blake3::Hasher::new();
        for batch in self.batches() {
            for input in batch?.inputs() {
                let bytes: Vec<u8> = match &input.values {
                    Values::Float(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
                    Values::Index(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
                };
                hasher.update(&bytes);
            }
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}
