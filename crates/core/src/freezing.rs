//! Parameters that are not trained.

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::Tensor,
};

use crate::{ParamInfo, params::Walk};

/// The network with parameters frozen: those of which `frozen` says so have no gradient from now on, and no step
/// moves them, whatever the optimiser remembers or decays. Others stay as they are.
///
/// Running statistics are no parameters: they move in training unless their layer keeps them still.
pub fn freeze<M: Module>(network: M, frozen: impl FnMut(&ParamInfo) -> bool) -> M {
    network.map(&mut Freeze { walk: Walk::default(), frozen })
}

struct Freeze<F> {
    walk: Walk,
    frozen: F,
}

impl<F: FnMut(&ParamInfo) -> bool> ModuleMapper for Freeze<F> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.walk.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.walk.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match (self.frozen)(&self.walk.info(&param)) {
            true => param.set_require_grad(false),
            false => param,
        }
    }
}
