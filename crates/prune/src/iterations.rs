//! In how many rounds a network is pruned.

use std::num::NonZero;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{Error, Sparsity};

/// How the sparsity rises from round to round. Each round scores what the last one
/// left. Every target is a closed form of the number of all weights and never a
/// fraction of what happens to be left, so that no rounding adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Iterations {
    /// How many: [`Iterations::MOST`] at most.
    #[serde(deserialize_with = "read_rounds")]
    pub rounds: NonZero<usize>,
    /// The course between the first and the last.
    #[serde(default)]
    pub course: Course,
    /// Which examples a round is scored with.
    #[serde(default)]
    pub examples: RoundExamples,
}

/// The course of the sparsity over rounds t = 1, .., T.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Course {
    /// The fraction kept is `(1 - s)^(t/T)`: each round removes the same fraction of
    /// what the last one left.
    #[default]
    Exponential,
    /// The fraction removed is `s t/T`: each round removes the same number.
    Linear,
}

/// Which examples a round is scored with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundExamples {
    /// All of them, in every round.
    #[default]
    All,
    /// One batch, the next in every round, and over again where they run out.
    Next,
}

impl Iterations {
    /// The most rounds, each of which scores the whole network.
    pub const MOST: usize = 1000;

    /// All at once.
    pub const ONE_SHOT: Self =
        Self { rounds: NonZero::<usize>::MIN, course: Course::Exponential, examples: RoundExamples::All };

    /// A number of rounds (at least one) of which each removes the same fraction of what
    /// is left.
    pub fn exponential(rounds: usize) -> Self {
        Self { rounds: NonZero::new(rounds).unwrap_or(NonZero::<usize>::MIN), ..Self::ONE_SHOT }
    }

    /// A number of rounds (at least one) of which each removes the same number.
    pub fn linear(rounds: usize) -> Self {
        Self { course: Course::Linear, ..Self::exponential(rounds) }
    }

    /// The sparsity after each round. The last one is the one that was asked for, to
    /// the digit.
    ///
    /// # Errors
    /// [`Error::Schedule`] for more rounds than [`Iterations::MOST`].
    pub fn targets(self, sparsity: Sparsity) -> Result<Vec<Sparsity>, Error> {
        let (rounds, s) = (bounded(self.rounds)?.get(), sparsity.to_f64());
        let target = |round: usize| {
            let part = round as f64 / rounds as f64;
            let removed = match self.course {
                Course::Exponential => 1.0 - (1.0 - s).powf(part),
                Course::Linear => s * part,
            };
            Sparsity::try_from(removed.clamp(0.0, 1.0)).unwrap_or(sparsity)
        };
        Ok((1..rounds).map(target).chain([sparsity]).collect())
    }
}

fn bounded(rounds: NonZero<usize>) -> Result<NonZero<usize>, Error> {
    match rounds.get() <= Iterations::MOST {
        true => Ok(rounds),
        false => Err(Error::Schedule {
            field: "rounds",
            expected: format!("from 1 to {}", Iterations::MOST),
            found: rounds.to_string(),
        }),
    }
}

fn read_rounds<'de, D: Deserializer<'de>>(from: D) -> Result<NonZero<usize>, D::Error> {
    bounded(NonZero::<usize>::deserialize(from)?).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_follow_the_closed_form_and_end_at_what_was_asked() {
        let sparsity: Sparsity = "0.99".parse().unwrap();
        let kept = |iterations: Iterations| -> Vec<usize> {
            iterations.targets(sparsity).unwrap().iter().map(|target| target.kept(1_000_000)).collect()
        };
        assert_eq!(kept(Iterations::exponential(4)), [316_228, 100_000, 31_623, 10_000]);
        assert_eq!(kept(Iterations::linear(3)), [670_000, 340_000, 10_000]);
        assert_eq!(kept(Iterations::exponential(0)), [10_000]);
        assert_eq!(Iterations::exponential(3).targets("1".parse().unwrap()).unwrap()[0].kept(7), 0);
    }

    #[test]
    fn more_rounds_than_anybody_waits_for_are_refused_also_in_a_file() {
        let most = Iterations::exponential(Iterations::MOST).targets(Sparsity::DENSE).unwrap();
        assert_eq!(most.len(), Iterations::MOST);
        for rounds in [1001, 100_000_000_000, usize::MAX] {
            let error = Iterations::linear(rounds).targets(Sparsity::DENSE).unwrap_err().to_string();
            assert_eq!(error, format!("`rounds` must be from 1 to 1000, but it is {rounds}"));
            let read = serde_json::from_str::<Iterations>(&format!(r#"{{"rounds":{rounds}}}"#));
            assert!(read.unwrap_err().to_string().contains(&error), "{rounds}");
        }
        assert_eq!(
            serde_json::from_str::<Iterations>(r#"{"rounds":7}"#).unwrap(),
            Iterations::exponential(7)
        );
        assert!(serde_json::from_str::<Iterations>(r#"{"rounds":0}"#).is_err());
    }
}
