//! What the values of a network are called.

use std::collections::{BTreeMap, BTreeSet};

use crate::Graph;

impl Graph {
    /// A name for what leaves each node, by which ranges of values are kept: that of a layer with parameters is
    /// its own; of operations of one name the first is called so and the others by their number, `relu_1`.
    pub fn value_names(&self) -> Vec<String> {
        let layers = self.nodes().iter().filter(|node| node.op.has_parameters());
        let mut taken: BTreeSet<String> = layers.map(|node| node.name.clone()).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut names = Vec::with_capacity(self.nodes().len());
        for node in self.nodes() {
            let mut name = node.name.clone();
            if !node.op.has_parameters() {
                let count = counts.entry(&node.name).or_default();
                while *count > 0 || taken.contains(&name) {
                    name = format!("{}_{count}", node.name);
                    *count += 1;
                    if !taken.contains(&name) {
                        break;
                    }
                }
                *count = (*count).max(1);
                taken.insert(name.clone());
            }
            names.push(name);
        }
        names
    }
}
