//! Everything that was evaluated.

use serde::{Deserialize, Serialize};

use crate::Genome;

/// The evaluations of a search in the order in which they were made, each genome
/// once. It is the cache too: what is in it is never evaluated again.
///
/// Genomes and values lie flat, so that ten million evaluations are a matter of memory
/// bandwidth and not of ten million allocations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct History {
    choices: usize,
    metrics: usize,
    positions: Vec<u8>,
    values: Vec<f64>,
    /// An open hash table of positions in the history plus one; 0 is free. It is only
    /// looked up, so no result depends on the order in it.
    slots: Vec<u32>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    choices: usize,
    metrics: usize,
    evaluations: Vec<(Genome, Vec<f64>)>,
}

impl History {
    pub(crate) fn new(choices: usize, metrics: usize) -> Self {
        Self { choices, metrics, positions: Vec::new(), values: Vec::new(), slots: vec![0; 16] }
    }

    /// The number of evaluations.
    pub fn len(&self) -> usize {
        self.values.len() / self.metrics
    }

    /// Whether nothing was evaluated.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The genome of one evaluation.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn genome(&self, at: usize) -> Genome {
        Genome::new(self.positions_of(at).to_vec())
    }

    /// The values of one evaluation, in the order of [`Goal::metrics`](crate::Goal::metrics).
    ///
    /// # Panics
    /// If there are not as many.
    pub fn values(&self, at: usize) -> &[f64] {
        &self.values[at * self.metrics..(at + 1) * self.metrics]
    }

    /// Where a genome stands, if it was evaluated.
    pub fn find(&self, genome: &Genome) -> Option<usize> {
        match self.slots[self.slot(genome.positions())] {
            0 => None,
            entry => Some(entry as usize - 1),
        }
    }

    pub(crate) fn choices(&self) -> usize {
        self.choices
    }

    pub(crate) fn metrics(&self) -> usize {
        self.metrics
    }

    /// Adds an evaluation. One that is there already stays as it is.
    pub(crate) fn add(&mut self, genome: &Genome, values: &[f64]) -> usize {
        if let Some(at) = self.find(genome) {
            return at;
        }
        let at = self.len();
        self.positions.extend_from_slice(genome.positions());
        self.values.extend_from_slice(values);
        if self.slots.len() < 2 * (at + 1) {
            self.slots = vec![0; 4 * self.slots.len()];
            for old in 0..at {
                let slot = self.slot(self.positions_of(old));
                self.slots[slot] = old as u32 + 1;
            }
        }
        let slot = self.slot(genome.positions());
        self.slots[slot] = at as u32 + 1;
        at
    }

    fn positions_of(&self, at: usize) -> &[u8] {
        &self.positions[at * self.choices..(at + 1) * self.choices]
    }

    /// The slot in which these positions are, or could be.
    fn slot(&self, positions: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash(positions) as usize & mask;
        while self.slots[slot] != 0 && self.positions_of(self.slots[slot] as usize - 1) != positions {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

/// Mixes eight positions at a time by multiplication and rotation.
fn hash(positions: &[u8]) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let word = |chunk: &[u8]| chunk.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    let mixed =
        positions.chunks(8).fold(0u64, |sum, chunk| (sum ^ word(chunk)).wrapping_mul(ODD).rotate_left(29));
    (mixed ^ mixed >> 32).wrapping_mul(ODD) >> 16
}

impl TryFrom<Written> for History {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let mut history = Self::new(written.choices, written.metrics);
        if written.metrics == 0 {
            return Err("a history has at least one metric".into());
        }
        for (at, (genome, values)) in written.evaluations.iter().enumerate() {
            let fits = genome.positions().len() == written.choices && values.len() == written.metrics;
            if !fits || values.iter().any(|value| !value.is_finite()) || history.add(genome, values) != at {
                return Err(format!("evaluation {at} is incomplete, not finite, or there twice"));
            }
        }
        Ok(history)
    }
}

impl From<History> for Written {
    fn from(history: History) -> Self {
        let evaluations = (0..history.len()).map(|at| (history.genome(at), history.values(at).to_vec()));
        Self { choices: history.choices, metrics: history.metrics, evaluations: evaluations.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_genome_is_there_once_and_is_found() {
        let genome = |number: u32| Genome::new(number.to_le_bytes().to_vec());
        let mut history = History::new(4, 2);
        for number in 0..5000 {
            assert_eq!(history.find(&genome(number * 7)), None);
            assert_eq!(history.add(&genome(number * 7), &[f64::from(number), 0.5]), number as usize);
        }
        assert_eq!(history.add(&genome(70), &[-1.0, -1.0]), 10);
        assert_eq!((history.len(), history.values(10)), (5000, &[10.0, 0.5][..]));
        assert!((0..5000).all(|number| history.find(&genome(number * 7)) == Some(number as usize)));
        let written = serde_json::to_string(&history).unwrap();
        assert_eq!(serde_json::from_str::<History>(&written).unwrap().find(&genome(70)), Some(10));
        let twice = written.replace("[[[0,0,0,0]", "[[[7,0,0,0]");
        assert!(serde_json::from_str::<History>(&twice).is_err());
    }
}
