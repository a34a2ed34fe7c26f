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
    ///
    /// # Errors
    /// [`Error::Source`] in the place of a batch that the source fails to give.
    pub fn batches(&self) -> impl Iterator<Item = Result<Batch, Error>> + 'a {
        let (mut left, mut batches) = (self.number, self.source.epoch(0, 0));
        std::iter::from_fn(move || {
            // No batch is taken that is not needed: it might fail.
            let batch = if left == 0 { None } else { batches.next() }?;
            Some(batch.map_err(Error::Source).map(|batch| {
                let taken = left.min(batch.len());
                left -= taken;
                if taken == batch.len() { batch } else { batch.select(&(0..taken).collect::<Vec<_>>()) }
            }))
        })
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

#[cfg(test)]
mod tests {
    use sapwood_core::{SourceError, Target};

    use super::*;

    /// Batches of 10 and 5 examples, and then an error.
    struct Failing;

    impl Source for Failing {
        fn examples(&self) -> usize {
            25
        }

        fn batches(&self) -> usize {
            3
        }

        fn shape(&self) -> ExampleShape {
            ExampleShape(vec![vec![2]])
        }

        fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
            let batch = |n: usize| Ok(Batch::new([n, 2], vec![0.0; 2 * n], Target::Class(vec![0; n]))?);
            Box::new([batch(10), batch(5), Err("the disk is gone".into())].into_iter().skip(from))
        }
    }

    #[test]
    fn no_batch_is_taken_that_is_not_needed() {
        let sizes = |number: usize| -> Vec<Option<usize>> {
            let batches = Examples::new(&Failing, number).unwrap().batches();
            batches.map(|batch| batch.ok().map(|batch| batch.len())).take(5).collect()
        };
        assert_eq!(sizes(10), [Some(10)]);
        assert_eq!(sizes(12), [Some(10), Some(2)]);
        assert_eq!(sizes(15), [Some(10), Some(5)]);
        assert_eq!(sizes(16)[..3], [Some(10), Some(5), None]);
    }
}
