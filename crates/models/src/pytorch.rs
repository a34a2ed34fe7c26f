//! PyTorch's own checkpoint files, whatever they are called.
//!
//! [`read`] takes a file apart in three steps: [`container`] unpacks it, [`pickle`]
//! reads the program that lies in it and executes nothing, [`tree`] finds the
//! tensors of what was pickled and keeps the dictionaries that lead to them. What a
//! tensor is, [`tensor`] knows.

mod container;
mod node;
mod pickle;
mod problem;
mod tensor;
#[cfg(test)]
mod tests;
mod tree;

use self::tensor::{Budget, Tensors};
pub(crate) use self::{
    node::{Node, Stored},
    problem::Problem,
};

/// Reads what `torch.save` has written, in any of its containers, or a pickle.
///
/// Nothing in it is executed, and what is no tensor is passed over whatever it is.
pub(crate) fn read(bytes: &[u8]) -> Result<Node, Problem> {
    let container = container::open(bytes)?;
    let pickle = pickle::read(&container.program)?;
    let budget = Budget::of(bytes.len());
    tree::of(Tensors { pickle: &pickle, storages: container.storages, budget })
}
