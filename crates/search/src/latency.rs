//! Latency as a sum of measured blocks.

mod yaml;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The measured times of a space's blocks on one device. A network's latency is the fixed
/// cost and the sum of its blocks' times (Cai et al. 2020, appendix). Which blocks a network
/// has, its space knows; here they are keys.
///
/// ```
/// use sapwood_search::LatencyTable;
///
/// let table = LatencyTable::from_toml(r#"
///     space = "two-blocks"
///     device = "some phone"
///     batch = 1
///     threads = 4
///     fixed_ms = 0.5
///     [blocks]
///     "conv k3" = { ms = 1.25, spread_ms = 0.01, runs = 30 }
///     "conv k5" = { ms = 2.0 }
/// "#)?;
/// assert_eq!(table.predict(["conv k3", "conv k5", "conv k3"])?, 5.0);
/// # Ok::<(), sapwood_search::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyTable {
    /// The space whose blocks these are. Another space's table gives wrong sums without
    /// any key missing, so whoever uses a table [checks](LatencyTable::for_space) this.
    pub space: String,
    /// What was measured, in words.
    pub device: String,
    /// What computed, if it is known, such as the name of a library.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub backend: String,
    /// When, as `2026-11-25`, if it is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub date: String,
    /// Images in a batch.
    pub batch: usize,
    /// Threads that computed; 0 if that is not known.
    pub threads: usize,
    /// What a network costs whatever its blocks, in milliseconds.
    #[serde(default)]
    pub fixed_ms: f64,
    /// The blocks by key.
    pub blocks: BTreeMap<String, BlockTime>,
}

/// The time of one block.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockTime {
    /// Median or mean, in milliseconds for a batch; without what a run costs whatever it runs, if
    /// that is known.
    pub ms: f64,
    /// Standard deviation of single runs, in milliseconds; 0 if it is not known.
    #[serde(default)]
    pub spread_ms: f64,
    /// How often it was measured; 0 if that is not known.
    #[serde(default)]
    pub runs: u64,
}

impl LatencyTable {
    /// Reads the TOML form.
    ///
    /// # Errors
    /// [`Error::Latency`]: no TOML, unknown fields, times that are negative or not finite.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let one_line = |error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            Error::Latency { problem: format!("line {line}: {}", error.message().replace('\n', " ")) }
        };
        let table: Self = toml::from_str(text).map_err(one_line)?;
        table.check()?;
        Ok(table)
    }

    /// Writes the TOML form.
    ///
    /// # Errors
    /// [`Error::Latency`] as in reading.
    pub fn to_toml(&self) -> Result<String, Error> {
        self.check()?;
        toml::to_string(self).map_err(|error| Error::Latency { problem: error.to_string() })
    }

    /// Reads the published YAML (or JSON) form: a key for each block, and below it `mean` in
    /// milliseconds and, if they are there, `count` and `std`. The form says neither space
    /// nor device, so these are given, and neither fixed cost nor number of threads.
    ///
    /// # Errors
    /// [`Error::Latency`] with the line.
    pub fn from_yaml(text: &str, space: &str, device: &str, batch: usize) -> Result<Self, Error> {
        let blocks = yaml::blocks(text).map_err(|problem| Error::Latency { problem })?;
        let table = Self {
            space: space.into(),
            device: device.into(),
            backend: String::new(),
            date: String::new(),
            batch,
            threads: 0,
            fixed_ms: 0.0,
            blocks,
        };
        table.check()?;
        Ok(table)
    }

    /// Refuses a table of another space.
    ///
    /// # Errors
    /// [`Error::Latency`] that names both.
    pub fn for_space(&self, space: &str) -> Result<&Self, Error> {
        match self.space == space {
            true => Ok(self),
            false => {
                let found = &self.space;
                let problem =
                    format!("expected one of space `{space}`, found one of `{found}`: measure that space");
                Err(Error::Latency { problem })
            }
        }
    }

    /// The latency of a network of these blocks, in milliseconds for a batch. A block that
    /// occurs twice counts twice.
    ///
    /// # Errors
    /// [`Error::MissingBlocks`], which lists every block that was not measured, once. Nothing
    /// is guessed.
    pub fn predict<K: AsRef<str>>(&self, keys: impl IntoIterator<Item = K>) -> Result<f64, Error> {
        let (mut sum, mut missing) = (self.fixed_ms, Vec::new());
        for key in keys {
            match self.blocks.get(key.as_ref()) {
                Some(block) => sum += block.ms,
                None => missing.push(key.as_ref().to_string()),
            }
        }
        if missing.is_empty() {
            return Ok(sum);
        }
        missing.sort_unstable();
        missing.dedup();
        Err(Error::MissingBlocks {
            device: self.device.clone(),
            count: missing.len(),
            blocks: missing.join(", "),
        })
    }

    /// Sets the fixed cost from networks that were measured whole: the median of what their
    /// blocks do not explain, so that one disturbed measurement does not move it. May be
    /// negative, where blocks run faster in a row than alone.
    ///
    /// # Errors
    /// No measurements, one that is not finite, or a block that was not measured.
    pub fn fit_fixed<K: AsRef<str>>(&mut self, measured: &[(Vec<K>, f64)]) -> Result<(), Error> {
        let mut rest = Vec::new();
        for (keys, ms) in measured {
            rest.push(ms - (self.predict(keys)? - self.fixed_ms));
        }
        if rest.is_empty() || rest.iter().any(|ms| !ms.is_finite()) {
            let problem =
                "a fixed cost is fitted to at least one measurement, and each must be finite".into();
            return Err(Error::Latency { problem });
        }
        rest.sort_by(f64::total_cmp);
        self.fixed_ms = f64::midpoint(rest[(rest.len() - 1) / 2], rest[rest.len() / 2]);
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        let sound = |number: f64| number.is_finite() && 0.0 <= number;
        let broken = self.blocks.iter().find(|(_, block)| !sound(block.ms) || !sound(block.spread_ms));
        let problem = match broken {
            Some((key, block)) => {
                format!(
                    "block `{key}` takes {} ms with spread {}: expected 0 or more",
                    block.ms, block.spread_ms
                )
            }
            None if self.blocks.is_empty() => "it has no blocks: measure some".into(),
            None if !self.fixed_ms.is_finite() => "the fixed cost is not finite".into(),
            None if self.batch == 0 => "the batch is 0: expected at least 1 image".into(),
            None => return Ok(()),
        };
        Err(Error::Latency { problem })
    }
}
