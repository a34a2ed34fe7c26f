//! Equal scores, of which some are kept and some are not.

use std::fmt;

/// Equal scores at the threshold of a ranking: the scores do not say which of them are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ties {
    /// The score that they have; in several rankings that of the one where most are equal.
    pub score: f64,
    /// How many have it.
    pub equal: usize,
    /// How many of them are kept.
    pub kept: usize,
    /// All weights or groups that were ranked.
    pub ranked: usize,
    /// In how many rankings: layers, rows or groups that are each ranked by themselves.
    pub rankings: usize,
    /// What decides which are kept.
    pub by: TieBreak,
}

/// What decides between equal scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TieBreak {
    /// The path, and then the flat index in PyTorch's layout: the first are kept.
    Order,
    /// An order that is drawn once for all, in each layer the same fraction of them: where they are many and
    /// in several layers, of which the order would empty the last ones.
    Drawn,
}

impl Ties {
    /// Whether they are more than what scores of a few million different values have now and then: one in
    /// a thousand of what is ranked.
    pub fn matter(&self) -> bool {
        self.ranked <= 1000 * self.equal
    }

    /// Those of several rankings together.
    pub(crate) fn join(all: impl Iterator<Item = Self>) -> Option<Self> {
        let (mut most, mut sum) = (0, None::<Self>);
        for ties in all {
            let found = sum.get_or_insert(Self { equal: 0, kept: 0, ranked: 0, rankings: 0, ..ties });
            if most < ties.equal {
                (most, found.score) = (ties.equal, ties.score);
            }
            found.equal += ties.equal;
            found.kept += ties.kept;
            found.ranked += ties.ranked;
            found.rankings += ties.rankings;
        }
        sum
    }
}

impl fmt::Display for Ties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { score, equal, kept, rankings, by, .. } = self;
        let score = match *score {
            0.0 => "0".to_string(),
            score if (1e-3..1e6).contains(&score.abs()) => format!("{}", (score * 1e6).round() / 1e6),
            score => format!("{score:.3e}"),
        };
        match rankings {
            1 => write!(f, "{equal} equal scores of {score} at the threshold, {kept} of them kept: ")?,
            n => write!(
                f,
                "{equal} equal scores at the thresholds of {n} rankings (most of {score}), {kept} of them kept: "
            )?,
        }
        f.write_str(match by {
            TieBreak::Order => "which of them go is decided by their order and not by the scores",
            TieBreak::Drawn => {
                "which of them go is drawn, in each layer the same fraction, and not decided by the scores"
            }
        })
    }
}
