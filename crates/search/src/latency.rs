//! Latency and energy as sums of measured blocks.

mod corrections;
mod fit;
mod parts;
mod yaml;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Error;
use corrections::corrections;
pub use parts::Blocks;

/// The measured times of a space's blocks on one device, and their energies where those were
/// measured too. A network's latency is the sum of its blocks' times (Cai et al. 2020, appendix),
/// here with a factor and a fixed cost that are fitted to whole networks. Which blocks a
/// network has is known to its space; the table sees opaque keys.
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
    /// The form: 1, or 2 where times lie in `parts`, which a program that knows the first form alone
    /// refuses.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u32,
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
    /// The milliseconds that each network takes beside its blocks.
    #[serde(default)]
    pub fixed_ms: f64,
    /// The factor from a sum of block times to the time of a whole network; 1 if it was not fitted.
    #[serde(default = "one")]
    pub scale_ms: f64,
    /// The same as `fixed_ms` for energies, in millijoules.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fixed_mj: f64,
    /// The same as `scale_ms` for energies.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub scale_mj: f64,
    /// What the keys are.
    #[serde(default, skip_serializing_if = "Naming::is_layers")]
    pub naming: Naming,
    /// The blocks by key; none where they lie in `parts`.
    #[serde(default, skip_serializing_if = "Blocks::is_empty")]
    pub blocks: Blocks,
    /// The blocks by part and key, of tables that were measured apart: see [`LatencyTable::of_parts`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Blocks>,
}

/// How the blocks of a table are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Naming {
    /// By their layers.
    #[default]
    Layers,
    /// As in the published tables: `Conv-input:192x192x3-output:96x96x24`.
    Published,
}

impl Naming {
    fn is_layers(&self) -> bool {
        *self == Self::Layers
    }
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
    /// The energy of a batch in millijoules, if it was measured; like `ms` without what a run costs
    /// whatever it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mj: Option<f64>,
}

fn first() -> u32 {
    1
}

// Serde passes references.
fn is_first(version: &u32) -> bool {
    *version == 1
}

fn one() -> f64 {
    1.0
}

fn is_one(number: &f64) -> bool {
    *number == 1.0
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

impl LatencyTable {
    /// Reads the TOML form.
    ///
    /// # Errors
    /// [`Error::Latency`]: no TOML, unknown fields, times that are negative or not finite.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let one_line = |error: toml::de::Error| {
            let later = text.parse::<toml::Table>().ok();
            let later = later.and_then(|table| table.get("version")?.as_integer()).filter(|found| 2 < *found);
            let problem = match later {
                Some(found) => unknown_version(found),
                None => {
                    let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
                    format!("line {line}: {}", error.message().replace('\n', " "))
                }
            };
            Error::Latency { problem }
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

    /// A table of blocks, with neither a fixed cost nor a factor, and nothing known of who computed.
    pub fn of(space: &str, device: &str, batch: usize, blocks: Blocks) -> Self {
        Self {
            version: 1,
            space: space.into(),
            device: device.into(),
            backend: String::new(),
            date: String::new(),
            batch,
            threads: 0,
            fixed_ms: 0.0,
            scale_ms: 1.0,
            fixed_mj: 0.0,
            scale_mj: 1.0,
            naming: Naming::Layers,
            blocks,
            parts: BTreeMap::new(),
        }
    }

    /// Reads the published YAML (or JSON) form: a key for each block, and below it `mean` in
    /// milliseconds and, if they are there, `count`, and `std` or `var`. The form says neither space
    /// nor device, so these are given, and neither fixed cost nor number of threads.
    ///
    /// # Errors
    /// [`Error::Latency`] with the line.
    pub fn from_yaml(text: &str, space: &str, device: &str, batch: usize) -> Result<Self, Error> {
        let blocks = yaml::blocks(text).map_err(|problem| Error::Latency { problem })?;
        let table = Self { naming: Naming::Published, ..Self::of(space, device, batch, blocks) };
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
        Ok(self.fixed_ms + self.scale_ms * self.sum(keys, "times", |block| Some(block.ms))?)
    }

    /// The energy of a network of these blocks, in millijoules for a batch.
    ///
    /// # Errors
    /// [`Error::MissingBlocks`], which lists every block whose energy was not measured, once.
    pub fn predict_energy<K: AsRef<str>>(&self, keys: impl IntoIterator<Item = K>) -> Result<f64, Error> {
        Ok(self.fixed_mj + self.scale_mj * self.sum(keys, "energies", |block| block.mj)?)
    }

    /// Fits the table to networks that were timed whole, in milliseconds: first the fixed
    /// cost and the factor in `fixed_ms + scale_ms x`, for blocks that take `x` together. By medians (Theil and Sen), so
    /// that one disturbed measurement does not move them. The fixed cost may be negative, where
    /// blocks run faster in a row than alone. The factor stays 1 for fewer than five networks
    /// of different sums, and where more blocks seem to take less time, which nothing but noise
    /// says.
    ///
    /// From ten networks on, blocks are corrected as well: what networks deviate from the line by is
    /// shared out among their blocks by ridge regression on each block's part of each network, if
    /// networks that are left out are predicted better with that.
    ///
    /// # Errors
    /// No measurements, one that is not finite, a block that was not measured, or a table of parts.
    pub fn fit_latency<K: AsRef<str>>(&mut self, measured: &[(Vec<K>, f64)]) -> Result<(), Error> {
        self.without_parts()?;
        let points =
            measured.iter().map(|(keys, ms)| Ok((self.sum(keys, "times", |block| Some(block.ms))?, *ms)));
        let points = points.collect::<Result<Vec<_>, Error>>()?;
        (self.fixed_ms, self.scale_ms) = fit::line(&points)?;

        let keys: Vec<&String> = self.blocks.keys().collect();
        let share = |network: &[K]| -> Vec<f64> {
            let mut row = vec![0.0; keys.len()];
            for key in network {
                // Every key is there, or their sum would have been an error.
                if let Ok(at) = keys.binary_search_by(|known| known.as_str().cmp(key.as_ref())) {
                    row[at] += self.scale_ms * self.blocks[keys[at]].ms;
                }
            }
            row
        };
        let shares: Vec<Vec<f64>> = measured.iter().map(|(network, _)| share(network)).collect();
        let deviations: Vec<f64> =
            points.iter().map(|(x, y)| y - self.fixed_ms - self.scale_ms * x).collect();
        for (block, part) in self.blocks.values_mut().zip(corrections(&shares, &deviations)) {
            block.ms *= (1.0 + part).max(0.0);
        }
        Ok(())
    }

    /// The same for the energies of networks that were measured whole, in millijoules.
    ///
    /// # Errors
    /// As [`LatencyTable::fit_latency`].
    pub fn fit_energy<K: AsRef<str>>(&mut self, measured: &[(Vec<K>, f64)]) -> Result<(), Error> {
        self.without_parts()?;
        let points =
            measured.iter().map(|(keys, mj)| Ok((self.sum(keys, "energies", |block| block.mj)?, *mj)));
        (self.fixed_mj, self.scale_mj) = fit::line(&points.collect::<Result<Vec<_>, Error>>()?)?;
        Ok(())
    }

    /// Refuses parts, each of which has networks of its own.
    fn without_parts(&self) -> Result<(), Error> {
        match self.parts.is_empty() {
            true => Ok(()),
            false => {
                let problem =
                    "networks are fitted to a table without parts: fit each before they are joined".into();
                Err(Error::Latency { problem })
            }
        }
    }

    fn check(&self) -> Result<(), Error> {
        let sound = |number: f64| number.is_finite() && 0.0 <= number;
        let broken = self.times().find(|(_, block)| !sound(block.ms) || !sound(block.spread_ms));
        let wasteful = self.times().find_map(|(key, block)| Some((key, block.mj.filter(|mj| !sound(*mj))?)));
        let empty = self.parts.iter().find(|(_, blocks)| blocks.is_empty()).map(|(name, _)| name);
        let fitted = [self.fixed_ms, self.scale_ms, self.fixed_mj, self.scale_mj];
        let problem = match (broken, wasteful) {
            (Some((key, BlockTime { ms, spread_ms, .. })), _) => {
                format!("block `{key}` takes {ms} ms with spread {spread_ms}: expected 0 or more")
            }
            (None, Some((key, mj))) => format!("block `{key}` takes {mj} mJ: expected 0 or more"),
            _ if !(1..=2).contains(&self.version) => unknown_version(self.version.into()),
            _ if self.version == 1 && !self.parts.is_empty() => {
                "expected `blocks` and no `parts`, as in each table of version 1".into()
            }
            _ if self.version == 2 && !self.blocks.is_empty() => {
                "expected `parts` and no `blocks`, as in each table of version 2".into()
            }
            _ if self.blocks.is_empty() && self.parts.is_empty() => "it has no blocks: measure some".into(),
            _ if let Some(name) = empty => format!("part `{name}` has no blocks: leave it out"),
            _ if fitted.iter().any(|number| !number.is_finite()) => {
                "a fixed cost or a factor is not finite".into()
            }
            _ if !(0.0 < self.scale_ms && 0.0 < self.scale_mj) => "a factor is not above 0".into(),
            _ if self.batch == 0 => "the batch is 0: expected at least 1 image".into(),
            _ => return Ok(()),
        };
        Err(Error::Latency { problem })
    }
}

fn unknown_version(found: i64) -> String {
    format!("it is of version {found}: expected 1 or 2, as this program writes them")
}
