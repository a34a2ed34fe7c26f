//! Where in a checkpoint a network may lie.

use std::collections::BTreeMap;

use super::averaged::{COUNTER, is_averaged};
use crate::pytorch::{Node, Stored};

/// Keys within keys that are looked below. A bound, since a file's names can be of any length.
const DEEPEST: usize = 16;

/// The tensors of a checkpoint under their whole names, and every key below which some lie. Whether a
/// dot was written in a name or stands for a dictionary within another makes no difference: wrappers
/// of networks (`module.`, `_orig_mod.`) and of checkpoints (`state_dict`) are one thing.
pub(crate) struct Places<'a> {
    tensors: Vec<(String, &'a Stored)>,
    /// The empty key is the whole file.
    by_key: BTreeMap<String, Vec<usize>>,
}

impl<'a> Places<'a> {
    pub(crate) fn of(root: &'a Node) -> Self {
        let tensors = flat(root);
        let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        by_key.insert(String::new(), (0..tensors.len()).collect());
        for (index, (name, _)) in tensors.iter().enumerate() {
            for (end, _) in name.match_indices('.').take(DEEPEST) {
                let at = &name[..end];
                match by_key.get_mut(at) {
                    Some(indices) => indices.push(index),
                    None => drop(by_key.insert(at.into(), vec![index])),
                }
            }
        }
        Self { tensors, by_key }
    }

    /// All keys, the whole file first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_key.keys().map(String::as_str)
    }

    /// The tensors below a key, under the rest of their names.
    pub(crate) fn below(&self, key: &str) -> impl Iterator<Item = (&str, &'a Stored)> {
        let start = if key.is_empty() { 0 } else { key.len() + 1 };
        let indices = self.by_key.get(key).map_or(&[] as &[usize], Vec::as_slice);
        indices.iter().map(move |index| {
            let (name, stored) = &self.tensors[*index];
            (&name[start..], *stored)
        })
    }

    /// The shortest key below which the same tensors lie: `state_dict` for `state_dict.module`, and
    /// nothing for what all names begin with.
    pub(crate) fn shortest<'k>(&self, key: &'k str) -> &'k str {
        let size = |key: &str| self.by_key.get(key).map_or(0, Vec::len);
        let shorter =
            [0].into_iter().chain(key.match_indices('.').map(|(end, _)| end)).map(|end| &key[..end]);
        shorter.into_iter().find(|shorter| size(shorter) == size(key)).unwrap_or(key)
    }

    /// What all names begin with; empty where they share nothing.
    pub(crate) fn shared(&self) -> &str {
        let all = self.tensors.len();
        let sharing = self.by_key.iter().filter(|(_, indices)| indices.len() == all);
        sharing.map(|(key, _)| key.as_str()).max_by_key(|key| key.len()).unwrap_or_default()
    }

    /// The key down to the part that says that averaged weights lie there, if one does. Where they were
    /// counted, what lies beside the number are such too.
    pub(crate) fn averaged<'k>(&self, key: &'k str) -> Option<&'k str> {
        let ends = key.match_indices('.').map(|(end, _)| end).chain([key.len()]);
        let said = ends.map(|end| &key[..end]).find(|shorter| is_averaged(shorter));
        let counted = |above: &&str| self.below(above).any(|(name, _)| name == COUNTER);
        said.or_else(|| {
            let above = key.match_indices('.').map(|(end, _)| end).chain([0, key.len()]);
            above.map(|end| &key[..end]).find(counted)
        })
    }

    /// The keys at the top that hold tensors, in the order of their names.
    pub(crate) fn tops(&self) -> Vec<&str> {
        let mut tops: Vec<&str> =
            self.tensors.iter().map(|(name, _)| name.split('.').next().unwrap_or_default()).collect();
        tops.sort_unstable();
        tops.dedup();
        tops
    }
}

/// Every tensor under its whole name, in the order of the file.
fn flat(root: &Node) -> Vec<(String, &Stored)> {
    let mut found = Vec::new();
    // Not by recursion: how deep dictionaries lie in each other is the file's choice.
    let mut rest = vec![(String::new(), root)];
    while let Some((name, node)) = rest.pop() {
        match node {
            Node::Tensor(stored) => found.push((name, stored)),
            Node::Dictionary(entries) => {
                let inner =
                    |key: &String| if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                rest.extend(entries.iter().rev().map(|(key, node)| (inner(key), node)));
            }
        }
    }
    found
}
