//! The entries of a dictionary.

use std::collections::BTreeMap;

use crate::pytorch::{Node, Stored};

/// Entries in order, each key once: where the first stood, with the last value, as in Python.
#[derive(Default)]
pub(super) struct Entries {
    nodes: Vec<Option<(String, Node)>>,
    places: BTreeMap<String, usize>,
    /// Whether a key was text.
    kinds: BTreeMap<String, bool>,
}

impl Entries {
    /// [`insert`](Self::insert) of a key that was text, or was not: of two that read alike neither is taken
    /// for the other.
    pub(super) fn insert_of(&mut self, key: String, is_text: bool, node: Node) {
        if self.kinds.insert(key.clone(), is_text) == Some(!is_text) {
            let why = "one of two whose keys read alike, and only one of them is text".into();
            return self.insert(key, Node::Tensor(Stored::Unreadable(why)));
        }
        self.insert(key, node);
    }

    pub(super) fn insert(&mut self, key: String, node: Node) {
        match self.places.get(&key) {
            Some(place) => self.nodes[*place] = Some((key, node)),
            None => {
                self.places.insert(key.clone(), self.nodes.len());
                self.nodes.push(Some((key, node)));
            }
        }
    }

    /// Takes out what an equal key had.
    pub(super) fn remove(&mut self, key: &str, is_text: bool) {
        if self.kinds.get(key) == Some(&is_text)
            && let Some(place) = self.places.remove(key)
        {
            self.nodes[place] = None;
        }
    }

    pub(super) fn extend(&mut self, entries: impl IntoIterator<Item = (String, Node)>) {
        entries.into_iter().for_each(|(key, node)| self.insert(key, node));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn into_nodes(self) -> Vec<(String, Node)> {
        self.nodes.into_iter().flatten().collect()
    }
}
