//! What is written down for each layer.

use std::{collections::BTreeMap, fmt, str::FromStr};

use sapwood_core::{ParamInfo, ParamPath};

use super::share_out;
use crate::{Error, Sparsity};

/// A share for some layers, by the parameter's path. Layers that are not in the
/// table have what is left, the same fraction of each; where all are in the table
/// its shares must add up to the sparsity that is asked for.
///
/// Written `conv1.weight=0.5,fc.weight=0.9` (the fraction that goes), or with
/// counts, `conv1.weight=kept:123`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AllocationTable(pub BTreeMap<ParamPath, Share>);

/// How much of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Share {
    /// This fraction goes.
    Sparsity(Sparsity),
    /// This number of weights is kept.
    Kept(usize),
}

impl Share {
    fn kept(self, of: usize) -> usize {
        match self {
            Self::Sparsity(sparsity) => sparsity.kept(of),
            Self::Kept(kept) => kept,
        }
    }
}

impl AllocationTable {
    /// How many weights each layer keeps.
    pub(super) fn quotas(
        &self,
        layers: &[ParamInfo],
        total: usize,
        room: &[usize],
    ) -> Result<Vec<usize>, Error> {
        let wrong = |problem: String| Err(Error::Table { problem });
        if let Some(path) = self.0.keys().find(|path| layers.iter().all(|layer| layer.path != **path)) {
            return wrong(format!("it names `{path}`, which is not in scope"));
        }
        let mut quotas = vec![0; layers.len()];
        let mut free = Vec::new();
        for (index, layer) in layers.iter().enumerate() {
            match self.0.get(&layer.path) {
                None => free.push(index),
                Some(share) => {
                    quotas[index] = share.kept(layer.len());
                    if quotas[index] > room[index] {
                        let (path, asked, left) = (&layer.path, quotas[index], room[index]);
                        return wrong(format!("it keeps {asked} weights of `{path}`, which has {left}"));
                    }
                }
            }
        }
        let used: usize = quotas.iter().sum();
        let spare: usize = free.iter().map(|&index| room[index]).sum();
        if used > total || total - used > spare {
            return wrong(format!(
                "its layers keep {used} weights and the others can keep {spare}, but the sparsity keeps {total}"
            ));
        }
        let sizes: Vec<usize> = free.iter().map(|&index| layers[index].len()).collect();
        let rest_room: Vec<usize> = free.iter().map(|&index| room[index]).collect();
        for (index, quota) in free.into_iter().zip(share_out(&sizes, &rest_room, total - used)) {
            quotas[index] = quota;
        }
        Ok(quotas)
    }
}

impl fmt::Display for AllocationTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (path, share)) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match share {
                Share::Sparsity(sparsity) => write!(f, "{comma}{path}={sparsity}")?,
                Share::Kept(kept) => write!(f, "{comma}{path}=kept:{kept}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for AllocationTable {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut table = BTreeMap::new();
        for entry in text.split(',') {
            let wrong = |what: &str| Error::Table { problem: format!("`{entry}` {what}") };
            let (path, share) =
                entry.split_once('=').ok_or_else(|| wrong("should be a parameter, `=` and a share"))?;
            let share = match share.strip_prefix("kept:") {
                Some(kept) => Share::Kept(kept.parse().map_err(|_| wrong("should keep a whole number"))?),
                None => Share::Sparsity(share.parse()?),
            };
            if table.insert(path.trim().into(), share).is_some() {
                return Err(wrong("comes twice"));
            }
        }
        Ok(Self(table))
    }
}
