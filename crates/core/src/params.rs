//! The parameters of a Burn module, seen as PyTorch names and lays them out.
//!
//! Burn calls a normalisation's scale and shift `gamma` and `beta`, puts the
//! names of enum variants into paths, and stores a linear layer's weight
//! transposed. All of that is translated here and nowhere else.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::Tensor,
};

use crate::ParamPath;

/// What a parameter or buffer is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The weight of a convolution.
    ConvWeight,
    /// The weight of a transposed convolution, `[in, out/groups, kh, kw]`.
    TransposedConvWeight,
    /// The weight of a linear layer.
    LinearWeight,
    /// The bias of a convolution or linear layer.
    Bias,
    /// The scale of a normalisation layer.
    NormScale,
    /// The shift of a normalisation layer.
    NormShift,
    /// Running statistics of a normalisation layer: a buffer, never trained.
    Buffer,
    /// Anything else that is trained.
    Other,
}

impl Role {
    /// Whether pruning considers it by default: the weights of convolutions, also transposed ones, and
    /// linear layers.
    pub fn is_weight(self) -> bool {
        matches!(self, Self::ConvWeight | Self::TransposedConvWeight | Self::LinearWeight)
    }
}

/// One parameter or buffer of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamInfo {
    /// Its name.
    pub path: ParamPath,
    /// What it is to its layer.
    pub role: Role,
    /// Its shape in PyTorch's layout: conv `[out, in/groups, kh, kw]`, linear
    /// `[out, in]`.
    pub shape: Vec<usize>,
    /// Whether Burn stores it transposed.
    pub transposed: bool,
}

/// The order of a flat view of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// PyTorch's, the order of masks, scores and files.
    Torch,
    /// The order in which Burn stores it: no copy, for elementwise work.
    Stored,
}

impl ParamInfo {
    /// The number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A flat tensor in one layout, brought into the other or left as it is.
    pub fn reorder(&self, flat: Tensor<1>, from: Layout, to: Layout) -> Tensor<1> {
        if !self.transposed || from == to {
            return flat;
        }
        let [out, input] = [self.shape[0], self.shape[1]];
        let rows = if from == Layout::Torch { [out, input] } else { [input, out] };
        flat.reshape(rows).transpose().reshape([self.len()])
    }

    pub(crate) fn flatten<const D: usize>(&self, stored: Tensor<D>, layout: Layout) -> Tensor<1> {
        self.reorder(stored.reshape([self.len()]), Layout::Stored, layout)
    }
}

/// The parameters and buffers of a network, in the order of its definition.
pub fn infos<M: Module>(network: &M) -> Vec<ParamInfo> {
    let mut found = Vec::new();
    network.visit(&mut Visit { walk: Walk::default(), see: See::Infos(&mut found) });
    found
}

/// The values of a network's parameters and buffers, flat and without autodiff,
/// in the order of its definition.
pub fn tensors<M: Module>(network: &M, layout: Layout) -> Vec<(ParamInfo, Tensor<1>)> {
    let mut found = Vec::new();
    network.visit(&mut Visit { walk: Walk::default(), see: See::Values(layout, &mut found) });
    found
}

/// The network with each parameter and buffer replaced by what `f` makes of its
/// flat value. What was trained stays trainable.
pub fn map<M: Module>(network: M, layout: Layout, f: impl FnMut(&ParamInfo, Tensor<1>) -> Tensor<1>) -> M {
    network.map(&mut Map { walk: Walk::default(), layout, f })
}

/// Keeps the path while a module is visited or mapped.
#[derive(Default)]
pub(crate) struct Walk {
    names: Vec<(String, String)>,
}

impl Walk {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.names.push((name.into(), container.into()));
    }

    pub(crate) fn exit(&mut self) {
        self.names.pop();
    }

    pub(crate) fn info<const D: usize>(&self, param: &Param<Tensor<D>>) -> ParamInfo {
        let (name, container) = self.names.last().map_or(("", ""), |(n, c)| (n, c));
        let kind = container.strip_prefix("Struct:").unwrap_or(container);
        let norm = kind.ends_with("Norm");
        let (name, role) = match name {
            // What has no fields is the parameter itself, whatever it is called.
            name if kind.ends_with("Constant") => (name, Role::Other),
            name if kind.ends_with("Buffer") => (name, Role::Buffer),
            "weight" if kind.contains("ConvTranspose") => (name, Role::TransposedConvWeight),
            "weight" if kind.contains("Conv") => (name, Role::ConvWeight),
            "weight" if kind == "Linear" => (name, Role::LinearWeight),
            "gamma" if norm => ("weight", Role::NormScale),
            "beta" if norm => ("bias", Role::NormShift),
            "running_mean" | "running_var" if norm => (name, Role::Buffer),
            "bias" => (name, Role::Bias),
            _ => (name, Role::Other),
        };
        let mut parts: Vec<&str> = self
            .names
            .iter()
            .filter(|(_, container)| !container.starts_with("Enum:"))
            .map(|(name, _)| name.as_str())
            .collect();
        if let Some(last) = parts.last_mut() {
            *last = name;
        }
        let mut shape: Vec<usize> = param.lazy_shape().to_vec();
        let transposed = role == Role::LinearWeight;
        if transposed {
            shape.reverse();
        }
        // Burn has no tensor without dimensions.
        if kind.starts_with("Scalar") {
            shape.clear();
        }
        ParamInfo { path: parts.join(".").into(), role, shape, transposed }
    }
}

struct Visit<'a> {
    walk: Walk,
    see: See<'a>,
}

/// Whether a visit reads values or only their shapes, which needs no
/// initialisation.
enum See<'a> {
    Infos(&'a mut Vec<ParamInfo>),
    Values(Layout, &'a mut Vec<(ParamInfo, Tensor<1>)>),
}

impl ModuleVisitor for Visit<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.walk.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.walk.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let info = self.walk.info(param);
        match &mut self.see {
            See::Infos(found) => found.push(info),
            See::Values(layout, found) => {
                let flat = info.flatten(param.val().inner(), *layout);
                found.push((info, flat));
            }
        }
    }
}

struct Map<F> {
    walk: Walk,
    layout: Layout,
    f: F,
}

impl<F: FnMut(&ParamInfo, Tensor<1>) -> Tensor<1>> ModuleMapper for Map<F> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.walk.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.walk.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let info = self.walk.info(&param);
        param.map(|value| {
            let (shape, on_tape, trained) = (value.shape(), value.is_autodiff(), value.is_require_grad());
            let flat = info.flatten(value.inner(), self.layout);
            let flat = info.reorder((self.f)(&info, flat), self.layout, Layout::Stored);
            let value = flat.reshape(shape);
            let value = if on_tape { value.autodiff() } else { value };
            value.set_require_grad(trained)
        })
    }
}
