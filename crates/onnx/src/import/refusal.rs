//! Why a node is not made.

use crate::{
    Error, Unsupported,
    proto::{Damage, Node},
};

/// Why a node is not made.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No network here has such an operation.
    Unheard,
    /// None has it with this: what follows its name.
    Cannot(String),
    /// It depends on something for which a reason was given already.
    Follows,
    /// The file contradicts itself.
    Damaged(String),
}

impl From<Damage> for Refusal {
    fn from(Damage(problem): Damage) -> Self {
        Self::Damaged(problem)
    }
}

impl Refusal {
    /// Layers that do not fit one another: a clause about the operation.
    pub(super) fn misfit(problem: String) -> Self {
        Self::Cannot(format!("where {problem}"))
    }

    /// Puts it on the list; what is damaged is an error at once.
    pub(super) fn note(self, unsupported: &mut Unsupported, node: &Node<'_>) -> Result<(), Error> {
        let own = if matches!(node.domain, "" | "ai.onnx") { "" } else { node.domain };
        let name = if own.is_empty() { node.op.to_string() } else { format!("{own}.{}", node.op) };
        let operation = match self {
            Self::Unheard => name,
            Self::Cannot(with) => format!("{name} {with}"),
            Self::Follows => return Ok(()),
            Self::Damaged(problem) => {
                return Err(Error::Format(format!("node {} ({name}): {problem}", node.called())));
            }
        };
        unsupported.operations.entry(operation).or_default().insert(node.called());
        Ok(())
    }
}
