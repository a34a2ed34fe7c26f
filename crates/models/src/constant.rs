//! Values that no input changes.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    prelude::Device,
    tensor::Tensor,
};
use sapwood_core::Dims;

use crate::{layers::zeros, value::Value};

/// A value that no input changes: a parameter where it is learnt, and else a buffer.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    container: &'static str,
    value: Ranks,
}

/// The value, by its rank.
#[derive(Clone, Debug)]
enum Ranks {
    One(Param<Tensor<1>>),
    Two(Param<Tensor<2>>),
    Three(Param<Tensor<3>>),
    Four(Param<Tensor<4>>),
    Five(Param<Tensor<5>>),
    Six(Param<Tensor<6>>),
}

/// The same expression on the parameter of whichever rank.
macro_rules! each {
    ($ranks:expr, $param:ident => $made:expr) => {
        match $ranks {
            Ranks::One($param) => $made,
            Ranks::Two($param) => $made,
            Ranks::Three($param) => $made,
            Ranks::Four($param) => $made,
            Ranks::Five($param) => $made,
            Ranks::Six($param) => $made,
        }
    };
}

/// The same, and the parameter again in its rank.
macro_rules! again {
    ($ranks:expr, $param:ident => $made:expr) => {
        match $ranks {
            Ranks::One($param) => Ranks::One($made),
            Ranks::Two($param) => Ranks::Two($made),
            Ranks::Three($param) => Ranks::Three($made),
            Ranks::Four($param) => Ranks::Four($made),
            Ranks::Five($param) => Ranks::Five($made),
            Ranks::Six($param) => Ranks::Six($made),
        }
    };
}

impl Constant {
    /// Zeros.
    pub(crate) fn new(dims: &Dims, learnt: bool, device: &Device) -> Self {
        let value = match *dims.sizes() {
            [] => Ranks::One(zeros([1], device)),
            [a] => Ranks::One(zeros([a], device)),
            [a, b] => Ranks::Two(zeros([a, b], device)),
            [a, b, c] => Ranks::Three(zeros([a, b, c], device)),
            [a, b, c, d] => Ranks::Four(zeros([a, b, c, d], device)),
            [a, b, c, d, e] => Ranks::Five(zeros([a, b, c, d, e], device)),
            [a, b, c, d, e, ref rest @ ..] => {
                Ranks::Six(zeros([a, b, c, d, e, rest.iter().product()], device))
            }
        };
        // By these names `sapwood_core` knows what it is and that one value alone has no dimension.
        let container = match (learnt, dims.rank()) {
            (true, 0) => "Struct:ScalarConstant",
            (true, _) => "Struct:Constant",
            (false, 0) => "Struct:ScalarBuffer",
            (false, _) => "Struct:Buffer",
        };
        let value = again!(value, param => param.set_require_grad(learnt));
        Self { container, value }
    }

    /// The container that is reported for it.
    pub(crate) fn container(&self) -> &'static str {
        self.container
    }

    pub(crate) fn val(&self) -> Value {
        each!(&self.value, param => param.val().into())
    }

    pub(crate) fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        each!(&self.value, param => param.visit(visitor));
    }

    pub(crate) fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        Self { value: again!(self.value, param => Module::map(param, mapper)), ..self }
    }

    pub(crate) fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        each!(&self.value, param => param.collect_devices(devices))
    }

    pub(crate) fn fork(self, device: &Device) -> Self {
        Self { value: again!(self.value, param => param.fork(device)), ..self }
    }

    #[expect(clippy::wrong_self_convention, reason = "so modules of Burn's are called")]
    pub(crate) fn to_device(self, device: &Device) -> Self {
        Self { value: again!(self.value, param => param.to_device(device)), ..self }
    }

    pub(crate) fn train(self) -> Self {
        Self { value: again!(self.value, param => Module::train(param)), ..self }
    }

    pub(crate) fn valid(&self) -> Self {
        Self { value: again!(&self.value, param => param.valid()), ..*self }
    }

    pub(crate) fn materialize(self) -> Self {
        Self { value: again!(self.value, param => param.materialize()), ..self }
    }
}
