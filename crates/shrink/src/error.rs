//! What can go wrong when channels leave.

use sapwood_graph::ParamPath;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A unit was taken that has to stay.
    #[error("channel {unit} of `{group}` cannot leave: {reason}")]
    Stays {
        /// The group.
        group: String,
        /// The unit of it.
        unit: usize,
        /// Why: a clause about the channels.
        reason: String,
    },
    /// Nothing would be left of a layer, of a slice or of a part.
    #[error("all channels of `{group}` would leave, and at least one stays in each of its layers")]
    Emptied {
        /// The group.
        group: String,
    },
    /// A removal that was made for another network.
    #[error("expected a removal from {expected} groups of channels, found one from {found}")]
    OtherGroups {
        /// Groups of the network.
        expected: usize,
        /// Groups of the removal.
        found: usize,
    },
    /// A removal of other units than a group of the network has.
    #[error(
        "expected a removal of {expected} units for group `{group}`, found one of {found}: make it for this network"
    )]
    OtherUnits {
        /// The group.
        group: String,
        /// Its units.
        expected: usize,
        /// Those of the removal.
        found: usize,
    },
    /// A value that does not have the shape that the network says.
    #[error("`{path}` should have {expected} places in dimension {axis}, found shape {found:?}")]
    Misshapen {
        /// The parameter.
        path: ParamPath,
        /// The dimension.
        axis: usize,
        /// What the network says.
        expected: usize,
        /// Its shape.
        found: Vec<usize>,
    },
    /// Values that channels cannot be taken out of.
    #[error("`{path}` holds integers of less than a byte, which channels cannot be taken out of")]
    Packed {
        /// The parameter.
        path: ParamPath,
    },
    /// A constant of the name that the bias of a layer would have.
    #[error(
        "`{layer}` needs a bias for what constant channels give it, and `{path}` is another value: rename that value"
    )]
    Taken {
        /// The layer.
        layer: String,
        /// The name of its bias.
        path: ParamPath,
    },
    /// No channel leaves.
    #[error("no channel can leave: {reason}")]
    Nothing {
        /// Why: a clause.
        reason: String,
    },
    /// Masks that keep some weights of channels whose others they remove.
    #[error("{}", partial(*more, *channels, *dead))]
    Partial {
        /// Weights of channels that are partly masked.
        more: u64,
        /// Those channels.
        channels: usize,
        /// Channels that can leave.
        dead: usize,
    },
    /// A target that cannot be reached.
    #[error("at most {reachable} of the {what} can go, found {asked}: {reason}")]
    Unreachable {
        /// What is counted.
        what: &'static str,
        /// What was asked for.
        asked: String,
        /// The nearest that can be reached.
        reachable: String,
        /// What stands in the way: a clause.
        reason: String,
    },
    /// A share that is none.
    #[error("expected a share above 0 and below 1 such as 30% or 0.3, found `{found}`")]
    Share {
        /// What was written.
        found: String,
    },
    /// Scores that no order can be made of.
    #[error("the score of a channel of `{group}` is not a number")]
    NotFinite {
        /// The group.
        group: String,
    },
    /// A score below 0 where a share of a sum is taken.
    #[error(
        "a channel of `{group}` has the score {score:.3e}, and the normaliser `lamp` takes scores of at least 0: take \
         `mean`, or a criterion whose scores have no sign"
    )]
    Negative {
        /// The group.
        group: String,
        /// The score.
        score: f64,
    },
    /// The network itself.
    #[error(transparent)]
    Graph(#[from] sapwood_graph::Error),
}

fn partial(more: u64, channels: usize, dead: usize) -> String {
    match more {
        0 => format!(
            "the masks cover {channels} channels that give something without weights too (a bias, or the shift of a \
             normalisation), which other layers see: they cannot leave; {dead} channels can: mask whole channels \
             (granularity `channel`)"
        ),
        _ => format!(
            "the masks are not of whole channels: {more} more weights of {channels} channels must go before all that is \
             masked can leave; {dead} channels are dead already: mask whole channels (granularity \
             `channel`)"
        ),
    }
}
