//! Tensors: which calls of a pickle stand for one, and what their values are.

mod array;
mod budget;
mod dense;
mod element;
mod sparse;
mod storage;

pub(super) use budget::Budget;
pub(super) use element::Element;

use self::{dense::View, element::unusable};
use super::{
    Stored,
    container::Storages,
    pickle::{Instance, Pickle, Value},
};

/// How many wrappers may lie around a tensor: a parameter, a subclass, a device's.
const WRAPPERS: usize = 8;

/// The tensors of a checkpoint.
pub(super) struct Tensors<'p, 'a> {
    pub(super) pickle: &'p Pickle<'a>,
    pub(super) storages: Storages<'p>,
    pub(super) budget: Budget,
}

impl<'a> Tensors<'_, 'a> {
    /// What a value stands for, if it stands for a tensor.
    pub(super) fn of(&mut self, value: Value<'a>) -> Option<Stored> {
        let found = self.wrapped(value, WRAPPERS)?;
        Some(found.unwrap_or_else(Stored::Unreadable))
    }

    fn wrapped(&mut self, value: Value<'a>, depth: usize) -> Option<Result<Stored, String>> {
        let pickle = self.pickle;
        let instance = pickle.instance(value)?;
        let (module, name) = pickle.global(instance.callable)?;
        let arguments = pickle.elements(instance.arguments).unwrap_or_default();
        let argument = |index: usize| arguments.get(index).copied().unwrap_or(Value::None);
        let Some(depth) = depth.checked_sub(1) else {
            return Some(Err("wrapped too often".into()));
        };
        Some(match (module, name) {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => self.strided(arguments, None),
            ("torch._utils", "_rebuild_tensor_v3") => self.strided(arguments, Some(argument(6))),
            ("torch._utils", "_rebuild_qtensor") => Err(self.quantised(argument(0))),
            ("torch._utils", "_rebuild_sparse_tensor") => self.sparse(argument(0), argument(1), depth),
            ("torch._utils", "_rebuild_sparse_csr_tensor") => self.sparse(argument(0), argument(1), depth),
            ("torch._utils", "_rebuild_meta_tensor_no_storage") => {
                Err("a tensor of the device `meta`, which has no values".into())
            }
            (
                "torch._utils",
                "_rebuild_parameter"
                | "_rebuild_parameter_with_state"
                | "_rebuild_device_tensor_from_numpy"
                | "_rebuild_device_tensor_from_cpu_tensor"
                | "_rebuild_xla_tensor",
            ) => self.wrapped(argument(0), depth)?,
            ("torch._tensor", "_rebuild_from_type" | "_rebuild_from_type_v2") => {
                self.subclass(argument(0), argument(2), depth)?
            }
            ("torch._utils", other) if other.starts_with("_rebuild_") => {
                Err(format!("made by `{other}`, which is not read: save it as an ordinary tensor"))
            }
            ("torch.nn.parameter" | "torch.autograd.variable", _) => self.old_variable(instance, depth)?,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                array::values(pickle, instance, &mut self.budget)?.map(Stored::Value)
            }
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => {
                array::of_buffer(pickle, arguments, &mut self.budget)?.map(Stored::Value)
            }
            _ => return None,
        })
    }

    /// `_rebuild_tensor(storage, offset, size, stride, ...)`
    fn strided(&mut self, arguments: &[Value<'a>], dtype: Option<Value<'a>>) -> Result<Stored, String> {
        let [storage, offset, sizes, strides, ..] = arguments else {
            return Err("made of too little".into());
        };
        let pickle = self.pickle;
        // Lazily negated and conjugated views; of real tensors hardly anybody has one.
        let metadata = arguments.get(if dtype.is_some() { 7 } else { 6 });
        if metadata.is_some_and(|metadata| has_entries(pickle, *metadata)) {
            return Err("a view that is negated when it is read: save it after `.resolve_neg()`".into());
        }
        let view = View {
            offset: pickle_size(*offset).ok_or("at an offset that is none")?,
            sizes: pickle.sizes(*sizes).ok_or("of a shape that is none")?,
            strides: pickle.sizes(*strides).ok_or("with strides that are none")?,
        };
        let big_endian = self.storages.big_endian();
        let mut storage = storage::of(pickle, &mut self.storages, &mut self.budget, *storage)?;
        if let Some(dtype) = dtype {
            let name = pickle.global(dtype).map(|(_, name)| name).unwrap_or_default();
            storage.element = Element::named(name).ok_or_else(|| unusable(name))?;
        }
        let values = dense::values(&storage.bytes, storage.element, big_endian, &view, &mut self.budget)?;
        Ok(Stored::Value(values))
    }

    /// `_rebuild_sparse_tensor(layout, (...))`
    fn sparse(&mut self, layout: Value<'a>, parts: Value<'a>, depth: usize) -> Result<Stored, String> {
        let pickle = self.pickle;
        let layout = layout_name(pickle, layout).ok_or("sparse, in a layout that is none")?;
        let remedy =
            || format!("sparse ({layout}), and not as PyTorch writes it: save it after `.to_dense()`");
        let parts = pickle.elements(parts).ok_or_else(remedy)?;
        let mut dense = |part: Value<'a>| match self.wrapped(part, depth) {
            Some(Ok(Stored::Value(data))) => Ok(data),
            Some(Err(problem)) => Err(format!("sparse, with a part that is {problem}")),
            _ => Err(remedy()),
        };
        let (parts, sizes) = match (layout, parts) {
            ("sparse_coo", [indices, values, sizes, ..]) => (vec![dense(*indices)?, dense(*values)?], sizes),
            (
                "sparse_csr" | "sparse_csc" | "sparse_bsr" | "sparse_bsc",
                [starts, indices, values, sizes, ..],
            ) => (vec![dense(*starts)?, dense(*indices)?, dense(*values)?], sizes),
            _ => return Err(remedy()),
        };
        let sizes = pickle.sizes(*sizes).ok_or_else(remedy)?;
        let budget = &mut self.budget;
        sparse::values(layout, &parts, &sizes, budget)
            .map_err(|problem| format!("sparse ({layout}), {problem}"))
    }

    /// `_rebuild_from_type_v2(function, type, arguments, state)`: what the function
    /// makes, as another type.
    fn subclass(
        &mut self,
        function: Value<'a>,
        arguments: Value<'a>,
        depth: usize,
    ) -> Option<Result<Stored, String>> {
        let pickle = self.pickle;
        let (module, name) = pickle.global(function)?;
        let arguments = pickle.elements(arguments)?;
        match (module, name, arguments) {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2", _) => {
                Some(self.strided(arguments, None))
            }
            ("torch._utils", "_rebuild_tensor_v3", [_, _, _, _, _, _, dtype, ..]) => {
                Some(self.strided(arguments, Some(*dtype)))
            }
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state", [data, ..]) => {
                self.wrapped(*data, depth)
            }
            _ => Some(Err(format!(
                "made by `{module}.{name}`, which is not read: save it as an ordinary tensor"
            ))),
        }
    }

    /// A parameter of before PyTorch 0.4: its tensor is the first of its arguments
    /// or of its state.
    fn old_variable(&mut self, instance: &Instance<'a>, depth: usize) -> Option<Result<Stored, String>> {
        let pickle = self.pickle;
        // The last state is the one in force.
        let mut places = instance.state.last().into_iter().chain([&instance.arguments]);
        places.find_map(|place| self.wrapped(*pickle.elements(*place)?.first()?, depth))
    }

    fn quantised(&mut self, storage: Value<'a>) -> String {
        match storage::of(self.pickle, &mut self.storages, &mut self.budget, storage) {
            Ok(storage) => unusable(storage.element.name),
            Err(_) => unusable("qint8"),
        }
    }
}

/// Whether a dictionary has anything that is true.
fn has_entries<'a>(pickle: &Pickle<'a>, value: Value<'a>) -> bool {
    match pickle.object(value) {
        Some(super::pickle::Object::Dictionary(items)) => {
            items.iter().any(|(_, value)| matches!(value, Value::Bool(true)))
        }
        _ => false,
    }
}

/// The name of a layout: of the attribute of `torch` that it is, or of the argument of the call that
/// looks it up.
fn layout_name<'p, 'a>(pickle: &'p Pickle<'a>, value: Value<'a>) -> Option<&'p str> {
    match pickle.instance(value) {
        Some(call) => pickle.text(*pickle.elements(call.arguments)?.first()?)?.strip_prefix("torch."),
        None => pickle.global(value).map(|(_, name)| name),
    }
}

fn pickle_size(value: Value<'_>) -> Option<usize> {
    match value {
        Value::Int(size) => usize::try_from(size).ok(),
        _ => None,
    }
}
