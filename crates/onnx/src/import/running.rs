//! The nodes of a file, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Few,
    call::{Call, plain},
    carriers,
    integers::knows_integers,
    known::checked,
    making::Making,
    operations::handler,
    parts,
    refusal::Refusal,
    shapes::tensor_value,
    value::{Numbers, Value},
};
use crate::{
    Error, Unsupported,
    proto::{Graph, Node},
};

/// What is known of the values of a file, and what was refused.
pub(super) struct Running<'a, 'm> {
    pub(super) making: &'m mut Making<'a>,
    pub(super) values: BTreeMap<&'a str, Value<'a>>,
    pub(super) unsupported: Unsupported,
    /// The operations that the file brings itself, by domain and name.
    pub(super) functions: BTreeSet<(&'a str, &'a str)>,
    pub(super) few: Few,
    nodes: usize,
}

/// More branches within branches than anybody writes.
pub(super) const DEEPEST: usize = 16;

impl<'a, 'm> Running<'a, 'm> {
    pub(super) fn new(making: &'m mut Making<'a>, few: Few) -> Self {
        let values = BTreeMap::from([("", Value::Absent)]);
        Self {
            making,
            values,
            unsupported: Unsupported::default(),
            functions: BTreeSet::new(),
            few,
            nodes: 0,
        }
    }

    /// The tensors of a graph.
    pub(super) fn tensors(&mut self, graph: Graph<'a>) -> Result<(), Error> {
        if graph.has_sparse_initializers() {
            return Err(Error::Format("its weights are sparse initialisers: write them densely".into()));
        }
        for (count, tensor) in graph.initializers().enumerate() {
            self.few.check(count)?;
            let tensor = tensor?;
            let name = tensor.name;
            let value = tensor_value(self.making, tensor).and_then(checked);
            let value = value.or_else(|refusal| match refusal {
                Refusal::Damaged(problem) => Err(Error::Format(problem)),
                _ => Ok(Value::Unknown),
            })?;
            self.values.insert(name, value);
        }
        Ok(())
    }

    /// Counts how many nodes read each value.
    pub(super) fn count(&mut self, graph: Graph<'a>, depth: usize) -> Result<(), Error> {
        for (count, node) in graph.nodes().enumerate() {
            self.few.check(count)?;
            let node = node?;
            for branch in branches(&node)?.into_iter().filter(|_| depth < DEEPEST) {
                self.count(branch, depth + 1)?;
                for output in branch.outputs().take(super::MOST_ENDS) {
                    *self.making.uses.entry(output?.name).or_default() += 1;
                }
            }
            for name in node.inputs {
                *self.making.uses.entry(name).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Runs the nodes of a graph.
    pub(super) fn nodes(&mut self, graph: Graph<'a>, depth: usize) -> Result<(), Error> {
        for node in graph.nodes() {
            self.nodes += 1;
            self.few.check(self.nodes)?;
            self.node(&node?, depth)?;
        }
        Ok(())
    }

    /// Runs a node on what is known of its inputs.
    fn node(&mut self, node: &Node<'a>, depth: usize) -> Result<(), Error> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            let value = self.values.get(name).ok_or_else(|| {
                Error::Format(format!(
                    "node {} reads `{name}`, which nothing before it computes",
                    node.called()
                ))
            })?;
            inputs.push(value.clone());
        }
        let mut call = Call::new(node, inputs, self.making.opset);
        let lifted = carriers::lifted(&mut call);
        let plain = match knows_integers(node) {
            true => Ok(()),
            false => call.plain(),
        };
        let found = match plain {
            Ok(()) => self.called(&call, depth)?,
            // What nobody reads is more than what it would have been read with.
            Err(refusal) => {
                Err(handler(node).err().filter(|_| !matches!(node.op, "If" | "Split")).unwrap_or(refusal))
            }
        };
        let found = match lifted {
            Some(grid) => found.and_then(|values| carriers::lowered(self.making, values, grid)),
            None => found,
        };
        let found = found.and_then(|values| {
            call.all_read()?;
            values.into_iter().map(checked).collect::<Result<Vec<_>, _>>()
        });
        let mut found = match found {
            Ok(values) => values.into_iter(),
            Err(refusal) => {
                refusal.note(&mut self.unsupported, node, self.making.fixed_batch)?;
                vec![Value::Unknown; node.outputs.len()].into_iter()
            }
        };
        // Further outputs of most are a mask of dropped values, statistics of a batch or indices of maxima.
        for (at, name) in node.outputs.iter().enumerate() {
            let value = found.next().unwrap_or_else(|| {
                if self.making.uses(name) > 0 && !name.is_empty() {
                    // Never damage, so that nothing is lost.
                    let _ = Refusal::Cannot(format!("with its output {}", at + 1)).note(
                        &mut self.unsupported,
                        node,
                        None,
                    );
                }
                Value::Unknown
            });
            if let Value::Data(data) = &value {
                self.making.is_called(data.node, name);
            }
            if !name.is_empty() {
                self.values.insert(name, value.named(name));
            }
        }
        Ok(())
    }

    fn called(
        &mut self,
        call: &Call<'a, '_>,
        depth: usize,
    ) -> Result<Result<Vec<Value<'a>>, Refusal>, Error> {
        let node = call.node;
        if self.functions.contains(&(node.domain, node.op)) {
            return Ok(Err(Refusal::Cannot("as a function of the file's own".into())));
        }
        Ok(match (node.op, matches!(node.domain, "" | "ai.onnx")) {
            ("If", true) => return self.branch(call, depth),
            ("Split", true) => parts::split(self.making, call),
            _ => handler(node).and_then(|handler| handler(self.making, call)).map(|value| vec![value]),
        })
    }

    /// The branch that a condition takes, which has to be known.
    fn branch(
        &mut self,
        call: &Call<'a, '_>,
        depth: usize,
    ) -> Result<Result<Vec<Value<'a>>, Refusal>, Error> {
        let found = (|| {
            let (then, otherwise) = (call.graph("then_branch")?, call.graph("else_branch")?);
            let condition = match call.input(0) {
                Value::Numbers(Numbers { all, .. }) => plain(all)?.first().copied(),
                Value::Unknown => return Err(Refusal::Follows),
                _ => return Err(Refusal::Cannot("with a condition that depends on the input".into())),
            };
            let condition = condition.ok_or_else(|| Refusal::Damaged("its condition is empty".into()))?;
            let taken = if condition != 0 { then } else { otherwise };
            taken.filter(|_| depth < DEEPEST).ok_or_else(|| Refusal::Damaged("it lacks a branch".into()))
        })();
        let branch = match found {
            Ok(branch) => branch,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // Other branches may have used its names.
        self.making.forget_constants();
        self.tensors(branch)?;
        self.nodes(branch, depth + 1)?;
        self.making.forget_constants();
        let mut found = Vec::new();
        for output in branch.outputs().take(super::MOST_ENDS) {
            let name = output?.name;
            let value = self.values.get(name).cloned();
            found.push(value.ok_or_else(|| Error::Format(format!("nothing computes `{name}` of a branch")))?);
        }
        Ok(Ok(found))
    }
}

/// The graphs within a node.
pub(super) fn branches<'a>(node: &Node<'a>) -> Result<Vec<Graph<'a>>, Error> {
    let names = ["then_branch", "else_branch"];
    let found = node.attributes.iter().filter(|attribute| node.op == "If" && names.contains(&attribute.name));
    let mut branches = Vec::new();
    for attribute in found {
        branches.extend(attribute.graph()?);
    }
    Ok(branches)
}
