//! Gradients by parameter path.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Gradients as Tape, Tensor},
};

use crate::{Layout, ParamPath, params::Walk};

/// The gradient of each parameter, flat.
pub type Gradients = BTreeMap<ParamPath, Tensor<1>>;

/// Runs the backward pass of a loss and collects the gradients of a network's
/// parameters. A parameter that the loss does not depend on is not in the map.
pub fn gradients<M: Module>(network: &M, loss: Tensor<1>, layout: Layout) -> Gradients {
    let mut collect =
        Collect { walk: Walk::default(), layout, tape: loss.backward(), found: BTreeMap::new() };
    network.visit(&mut collect);
    collect.found
}

struct Collect {
    walk: Walk,
    layout: Layout,
    tape: Tape,
    found: Gradients,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.walk.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.walk.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad_remove(&mut self.tape) {
            let info = self.walk.info(param);
            self.found.insert(info.path.clone(), info.flatten(gradient, self.layout));
        }
    }
}
