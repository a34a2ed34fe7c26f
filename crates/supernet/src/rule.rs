//! Which networks learn from a batch.

use sapwood_backend::{Seed, Stream};
use sapwood_search::{Genome, Space};
use serde::{Deserialize, Serialize};

use crate::{Error, Opened};

/// Which sub-networks learn from one batch, their gradients being summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "name", deny_unknown_fields)]
pub enum Rule {
    /// Networks drawn at random, as in progressive shrinking (Cai et al. 2020, appendix B) and,
    /// where everything is open from the start, in uniform sampling.
    Random {
        /// How many.
        subnets: usize,
    },
    /// The largest, some at random and the smallest; all but the largest learn from the
    /// largest's outputs alone (Yu et al. 2020, section 3.1; Wang et al. 2021).
    Sandwich {
        /// How many at random.
        subnets: usize,
    },
}

impl Default for Rule {
    fn default() -> Self {
        Self::Random { subnets: 1 }
    }
}

/// The most that may be drawn for a batch: the streams have room for no more.
const MOST: usize = 64;

impl Rule {
    pub(crate) fn check(self) -> Result<(), String> {
        match self {
            Self::Random { subnets: 0 } => {
                Err("expected at least one sub-network for a batch, found 0".into())
            }
            Self::Random { subnets } | Self::Sandwich { subnets } if MOST <= subnets => {
                Err(format!("expected fewer than {MOST} sub-networks for a batch, found {subnets}"))
            }
            _ => Ok(()),
        }
    }

    /// The networks of an iteration, in the order in which they learn. A function of the seed
    /// and the iteration.
    ///
    /// # Errors
    /// No network or more than 63, or what is [opened](Opened) in another space.
    pub fn genomes(
        self,
        opened: &Opened,
        space: &Space,
        seed: Seed,
        iteration: usize,
    ) -> Result<Vec<Genome>, Error> {
        self.check().map_err(Error::Learning)?;
        let random = |number: usize| {
            let index = (iteration * MOST + number + 1) as u64 | 1 << 48;
            opened.sample(space, &mut seed.stream(Stream::Subnets, index))
        };
        let found = match self {
            Self::Random { subnets } => (0..subnets).map(random).collect::<Result<Vec<_>, _>>()?,
            Self::Sandwich { subnets } => {
                let mut found = vec![opened.corner(space, true)?];
                found.extend((0..subnets).map(random).collect::<Result<Vec<_>, _>>()?);
                found.push(opened.corner(space, false)?);
                found
            }
        };
        found.into_iter().map(|genome| opened.at_resolution(space, genome, seed, iteration)).collect()
    }
}
