//! Which layers of a network run together.

use sapwood_core::{Activation, Graph, Op};

use crate::curve::curve;

/// Something that a forward pass does at once: a node, or a normalisation with the
/// addition and the activation behind it, which then cost no pass of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The node that runs.
    pub(crate) node: usize,
    /// The node whose value comes out.
    pub(crate) result: usize,
    /// What is added to the normalised.
    pub(crate) residual: Option<usize>,
    /// What the sum goes through.
    pub(crate) activation: Option<Activation>,
}

impl Step {
    /// The nodes whose values it needs, the residual's last.
    pub(crate) fn reads(&self, graph: &Graph) -> impl Iterator<Item = usize> {
        graph.nodes()[self.node].inputs.iter().copied().chain(self.residual)
    }
}

/// The steps of a graph, each after those whose values it needs. Inputs are none.
pub(crate) fn steps(graph: &Graph) -> Vec<Step> {
    let nodes = graph.nodes();
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (id, node) in nodes.iter().enumerate() {
        node.inputs.iter().for_each(|&input| readers[input].push(id));
    }
    // What a value becomes, if only one node reads it and none has been there before.
    let mut taken = vec![false; nodes.len()];
    let mut steps = Vec::with_capacity(nodes.len());
    for (id, node) in nodes.iter().enumerate().filter(|(_, node)| node.op != Op::Input) {
        if taken[id] {
            continue;
        }
        let mut step = Step { node: id, result: id, residual: None, activation: None };
        if let Op::BatchNorm { .. } = node.op {
            let next = |result: usize, taken: &[bool]| match readers[result][..] {
                // What goes out has to be there before anything is done with it.
                [next] if !taken[next] && !graph.ends().contains(&result) => Some(next),
                _ => None,
            };
            if let Some(add) = next(step.result, &taken)
                && nodes[add].op == Op::Add
            {
                step.residual = nodes[add].inputs.iter().copied().find(|&input| input != step.result);
                (step.result, taken[add]) = (add, true);
            }
            if let Some(last) = next(step.result, &taken)
                && let Op::Activation(activation) = nodes[last].op
                && curve(activation).is_some()
            {
                step.activation = Some(activation);
                (step.result, taken[last]) = (last, true);
            }
        }
        steps.push(step);
    }
    steps.sort_by_key(|step| step.result);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spec;

    fn of(model: &str) -> (Graph, Vec<Step>) {
        let graph = Spec::named(model).unwrap().graph().unwrap();
        let steps = steps(&graph);
        (graph, steps)
    }

    /// Nodes of a kind that have a step of their own.
    fn alone(graph: &Graph, steps: &[Step], is: impl Fn(Op) -> bool) -> usize {
        steps.iter().filter(|step| is(graph.nodes()[step.node].op)).count()
    }

    #[test]
    fn a_residual_network_adds_and_bends_while_it_normalises() {
        let (graph, steps) = of("resnet-18");
        assert_eq!(alone(&graph, &steps, |op| op == Op::Add), 0);
        assert_eq!(alone(&graph, &steps, |op| matches!(op, Op::Activation(_))), 0);
        let with_residual = steps.iter().filter(|step| step.residual.is_some());
        assert!(with_residual.clone().all(|step| step.activation.is_some()));
        assert_eq!(with_residual.count(), 8);
        // Those of the shortcuts end with themselves: the addition is the main path's.
        let plain = steps.iter().filter(|step| step.residual.is_none() && step.activation.is_none());
        assert_eq!(
            plain.filter(|step| matches!(graph.nodes()[step.node].op, Op::BatchNorm { .. })).count(),
            3
        );
    }

    #[test]
    fn what_others_read_too_is_written() {
        let mut g = Graph::builder([3, 4, 4]);
        let y = g.batch_norm("bn", g.input());
        let z = g.relu(y);
        g.add(y, z);
        let graph = g.finish().unwrap();
        let results: Vec<usize> = steps(&graph).iter().map(|step| step.result).collect();
        assert_eq!(results, [1, 2, 3]);
    }

    #[test]
    fn a_normalisation_may_be_the_last_node_and_a_sum_have_one_summand() {
        let mut g = Graph::builder([3, 4, 4]);
        let x = g.input();
        let y = g.batch_norm("bn", x);
        g.add(y, y);
        let results = |graph: Graph| steps(&graph).iter().map(|step| step.result).collect::<Vec<_>>();
        assert_eq!(results(g.finish().unwrap()), [1, 2]);
        let mut g = Graph::builder([3, 4, 4]);
        let y = g.batch_norm("bn", g.input());
        g.add(y, g.input());
        let graph = g.finish().unwrap();
        let expected = Step { node: 1, result: 2, residual: Some(0), activation: None };
        assert_eq!(steps(&graph), [expected]);
    }

    #[test]
    fn what_goes_out_too_is_written() {
        let mut g = Graph::builder([3, 4, 4]);
        let y = g.batch_norm("bn", g.input());
        let z = g.relu(y);
        let graph = g.finish_with(&[z, y]).unwrap();
        assert_eq!(steps(&graph).iter().map(|step| step.result).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn steps_come_after_what_they_read() {
        for model in crate::names() {
            let (graph, steps) = of(model);
            let mut is_there = vec![false; graph.nodes().len()];
            is_there[0] = true;
            for step in &steps {
                assert!(step.reads(&graph).all(|read| is_there[read]), "{model}: {step:?}");
                is_there[step.result] = true;
            }
            assert!(is_there[graph.nodes().len() - 1], "{model}");
        }
    }
}
