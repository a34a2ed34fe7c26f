//! Sums of blocks, where one block may have several times.

use std::collections::BTreeMap;

use super::{BlockTime, LatencyTable};
use crate::Error;

/// Times of blocks by key.
pub type Blocks = BTreeMap<String, BlockTime>;

impl LatencyTable {
    /// A table of several of one device, which were measured apart, as the published ones for each resolution.
    /// A network is predicted by the one part that has all of its blocks: so a block that networks of every
    /// part have, as the last layers, may have another time in each.
    ///
    /// # Errors
    /// [`Error::Latency`]: no parts, names that occur twice, parts that differ in anything but their blocks, or
    /// that have parts themselves.
    pub fn of_parts(parts: impl IntoIterator<Item = (String, Self)>) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Latency { problem };
        let mut whole: Option<Self> = None;
        for (name, mut part) in parts {
            let blocks = std::mem::take(&mut part.blocks);
            let whole = whole.get_or_insert_with(|| Self { version: 2, ..part.clone() });
            if *whole != (Self { version: 2, parts: whole.parts.clone(), ..part.clone() })
                || !part.parts.is_empty()
            {
                return Err(wrong(format!("part `{name}` differs from the others in more than its blocks")));
            }
            if whole.parts.insert(name.clone(), blocks).is_some() {
                return Err(wrong(format!("two parts are called `{name}`")));
            }
        }
        let whole = whole.ok_or_else(|| wrong("it has no parts: give at least one".into()))?;
        whole.check()?;
        Ok(whole)
    }

    /// All times, of whatever part.
    pub fn times(&self) -> impl Iterator<Item = (&String, &BlockTime)> {
        self.blocks.iter().chain(self.parts.values().flatten())
    }

    /// What these blocks cost together.
    pub(super) fn sum<K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
        what: &'static str,
        of: impl Fn(&BlockTime) -> Option<f64>,
    ) -> Result<f64, Error> {
        let lacking = |mut blocks: Vec<String>| {
            blocks.sort_unstable();
            blocks.dedup();
            Error::MissingBlocks { what, device: self.device.clone(), blocks }
        };
        if self.parts.is_empty() {
            return sum(&self.blocks, keys, &of).map_err(lacking);
        }
        let keys: Vec<K> = keys.into_iter().collect();
        let (mut found, mut fewest): (Option<(&String, f64)>, Option<Vec<String>>) = (None, None);
        for (name, blocks) in &self.parts {
            match (sum(blocks, &keys, &of), found) {
                (Ok(sum), Some((other, known))) if sum != known => {
                    let problem = format!(
                        "parts `{other}` and `{name}` both have all blocks of a network, with other {what}: leave one out"
                    );
                    return Err(Error::Latency { problem });
                }
                (Ok(sum), _) => found = Some((name, sum)),
                (Err(missing), _) if fewest.as_ref().is_none_or(|fewest| missing.len() < fewest.len()) => {
                    fewest = Some(missing);
                }
                (Err(_), _) => {}
            }
        }
        match (found, fewest) {
            (Some((_, sum)), _) => Ok(sum),
            (None, fewest) => Err(lacking(fewest.unwrap_or_default())),
        }
    }
}

/// The sum, or the keys that are not there.
fn sum<K: AsRef<str>>(
    blocks: &Blocks,
    keys: impl IntoIterator<Item = K>,
    of: impl Fn(&BlockTime) -> Option<f64>,
) -> Result<f64, Vec<String>> {
    let (mut sum, mut missing) = (0.0, Vec::new());
    for key in keys {
        match blocks.get(key.as_ref()).and_then(&of) {
            Some(cost) => sum += cost,
            None => missing.push(key.as_ref().to_string()),
        }
    }
    if missing.is_empty() { Ok(sum) } else { Err(missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(blocks: &str) -> LatencyTable {
        let head = "space = \"s\"\ndevice = \"phone\"\nbatch = 1\nthreads = 0\n[blocks]\n";
        LatencyTable::from_toml(&format!("{head}{blocks}")).unwrap()
    }

    #[test]
    fn a_network_is_predicted_by_the_part_that_has_its_blocks() {
        let small = table("stem192 = { ms = 1.0 }\nlast = { ms = 0.7542 }\n");
        let large = table("stem224 = { ms = 2.0 }\nlast = { ms = 0.7474 }\nmore = { ms = 0.25 }\n");
        let both = LatencyTable::of_parts([("192".into(), small), ("224".into(), large)]).unwrap();
        assert_eq!(both.predict(["stem192", "last"]).unwrap(), 1.7542);
        assert_eq!(both.predict(["stem224", "last", "last"]).unwrap(), 2.0 + 0.7474 + 0.7474);
        // Nothing is taken from another part.
        let error = both.predict(["stem192", "more", "last"]).unwrap_err().to_string();
        assert!(error.contains("lacks the times of 1 of the blocks") && error.ends_with(": more"), "{error}");
        let error = both.predict(["last"]).unwrap_err().to_string();
        assert!(error.contains("parts `192` and `224`"), "{error}");
        let text = both.to_toml().unwrap();
        assert!(text.starts_with("version = 2\n") && !text.contains("[blocks]"), "{text}");
        assert_eq!(LatencyTable::from_toml(&text).unwrap(), both);
        assert_eq!(both.times().count(), 5);
        let (mut fitted, measured) = (both, [(vec!["stem192", "last"], 2.0)]);
        for error in [fitted.fit_latency(&measured), fitted.fit_energy(&measured)].map(Result::unwrap_err) {
            assert!(error.to_string().contains("a table without parts"), "{error}");
        }
    }

    #[test]
    fn parts_that_do_not_go_together_and_forms_that_are_not_known_are_refused() {
        let one = || table("a = { ms = 1.0 }\n");
        let other = LatencyTable { batch: 8, ..one() };
        let error = LatencyTable::of_parts([("1".into(), one()), ("2".into(), other)]).unwrap_err();
        assert!(error.to_string().contains("part `2` differs"), "{error}");
        let error = LatencyTable::of_parts([("1".into(), one()), ("1".into(), one())]).unwrap_err();
        assert!(error.to_string().contains("two parts are called `1`"), "{error}");
        let text = LatencyTable::of_parts([("1".into(), one())]).unwrap().to_toml().unwrap();
        for (from, to, said) in [
            ("version = 2", "version = 3", "version 3"),
            ("version = 2", "version = 3\nnews = 1", "version 3"),
            ("version = 2\n", "", "expected `blocks`"),
            ("[parts.1.a]\nms = 1.0", "[parts.1.a]\nms = -1.0", "block `a` takes -1 ms"),
            ("[parts.1.a]", "[parts.2]\n[parts.1.a]", "part `2` has no blocks"),
        ] {
            assert!(text.contains(from), "{from} in {text}");
            let error = LatencyTable::from_toml(&text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains('\n'), "{error}");
        }
    }
}
