//! The names of values in a forward pass: those that nobody reads again are given away.

use std::collections::BTreeMap;

use sapwood_core::{Graph, Op};

/// Names that are given in this order.
const NAMES: &str = "x y z a b c d e f g h k p q r s t u v w";
/// Names that mean something else in the text.
const TAKEN: [&str; 14] = [
    "self",
    "torch",
    "nn",
    "n",
    "Path",
    "json",
    "attention",
    "edges",
    "resized",
    "average_pool",
    "load",
    "grow",
    "Net",
    "Layers",
];

pub(super) struct Locals {
    arguments: Vec<String>,
    /// For each node whose value is there its name.
    named: BTreeMap<usize, String>,
    /// How many nodes will still read each node's value.
    readers: Vec<usize>,
    free: Vec<String>,
    /// The values that are integers.
    integers: Vec<bool>,
    given: usize,
}

impl Locals {
    pub(super) fn of(graph: &Graph) -> Self {
        let mut readers = vec![0; graph.nodes().len()];
        let mut integers = Vec::new();
        let mut entries = graph.entries().iter();
        for node in graph.nodes() {
            node.inputs.iter().for_each(|from| readers[*from] += 1);
            let moved = matches!(
                node.op,
                Op::Flatten
                    | Op::Reshape(_)
                    | Op::Transpose { .. }
                    | Op::Slice(_)
                    | Op::Concat { .. }
                    | Op::Expand(_)
            );
            integers.push(match node.op {
                Op::Input => entries.next().is_some_and(|entry| entry.integers),
                _ => moved && node.inputs.iter().all(|from| integers[*from]),
            });
        }
        graph.ends().iter().for_each(|end| readers[*end] += 1);
        let mut found = Self {
            arguments: Vec::new(),
            named: BTreeMap::new(),
            readers,
            free: Vec::new(),
            integers,
            given: 0,
        };
        let inputs = graph.nodes().iter().enumerate().filter(|(_, node)| node.op == Op::Input);
        for ((at, _), entry) in inputs.zip(graph.entries()) {
            let name = match graph.entries().len() {
                1 => found.next(),
                _ => found.argument(&entry.name),
            };
            found.arguments.push(name.clone());
            found.named.insert(at, name);
        }
        found
    }

    /// What the inputs are called.
    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// What a node's value is called, for one who reads it.
    pub(super) fn read(&mut self, node: usize) -> String {
        let name = self.named.get(&node).cloned().unwrap_or_default();
        self.readers[node] = self.readers[node].saturating_sub(1);
        if self.readers[node] == 0 {
            self.named.remove(&node);
            self.free.push(name.clone());
        }
        name
    }

    /// What a node's value is to be called.
    pub(super) fn write(&mut self, node: usize) -> String {
        let name = self.next();
        match self.readers[node] {
            // Nobody reads it, and the next value may have its name.
            0 => self.free.push(name.clone()),
            _ => drop(self.named.insert(node, name.clone())),
        }
        name
    }

    pub(super) fn is_integers(&self, node: usize) -> bool {
        self.integers[node]
    }

    /// How many examples there are, by the first input.
    pub(super) fn count(&self, graph: &Graph) -> String {
        let entry = graph.entries().iter().zip(&self.arguments);
        let mut counted = entry.filter_map(|(entry, name)| Some((entry.dims, name, entry.dims.batch()?)));
        match counted.next() {
            Some((dims, name, at)) if dims.sizes()[at] == 1 => format!("{name}.shape[{at}]"),
            Some((dims, name, at)) => format!("{name}.shape[{at}] // {}", dims.sizes()[at]),
            None => "1".into(),
        }
    }

    /// The earliest name that is free.
    fn next(&mut self) -> String {
        let order = |name: &String| {
            let known = NAMES.split(' ').position(|known| known == name);
            (known.is_none(), known, name.len(), name.clone())
        };
        if let Some(name) = self.free.iter().min_by_key(|name| order(name)).cloned() {
            self.free.retain(|free| *free != name);
            return name;
        }
        self.given += 1;
        let names = NAMES.split(' ').count();
        let name = NAMES.split(' ').nth(self.given - 1);
        let name = name.map_or_else(|| format!("v{}", self.given - names), String::from);
        if self.is_taken(&name) { self.next() } else { name }
    }

    /// An input's own name, as Python can have it.
    fn argument(&mut self, name: &str) -> String {
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let mut plain = match plain.chars().next() {
            Some(first) if first.is_ascii_alphabetic() => plain,
            _ => format!("input_{plain}"),
        };
        while self.is_taken(&plain) || super::tree::is_keyword(&plain) {
            plain.push('_');
        }
        plain
    }

    fn is_taken(&self, name: &str) -> bool {
        TAKEN.contains(&name) || name == "F" || self.arguments.iter().any(|taken| taken == name)
    }
}
