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
    /// None has it in these dimensions, of which a file for any number of examples may say more: what follows its name.
    Dims(String),
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
        Self::Dims(format!("where {problem}"))
    }

    /// Scales and zero points that do not fit integers: the same, whatever the number of examples.
    pub(super) fn unscaled(error: sapwood_graph::Error) -> Self {
        Self::Cannot(format!("where {error}"))
    }

    /// Puts it on the list, for a file of this number of examples if it is of one; what is damaged is an error at once.
    pub(super) fn note(
        self,
        unsupported: &mut Unsupported,
        node: &Node<'_>,
        examples: Option<i64>,
    ) -> Result<(), Error> {
        let own = if matches!(node.domain, "" | "ai.onnx") { "" } else { node.domain };
        let name = if own.is_empty() { node.op.to_string() } else { format!("{own}.{}", node.op) };
        let operation = match self {
            Self::Unheard => name,
            Self::Cannot(with) => format!("{name} {with}"),
            Self::Dims(with) => {
                unsupported.examples = examples;
                format!("{name} {with}")
            }
            Self::Follows => return Ok(()),
            Self::Damaged(problem) => {
                return Err(Error::Format(format!("node {} ({name}): {problem}", node.called())));
            }
        };
        unsupported.operations.entry(operation).or_default().insert(node.called());
        Ok(())
    }
}
