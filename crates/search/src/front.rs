//! The best that was found.

use crate::{Genome, Goal, History, hypervolume, ranking};

/// What is not dominated among what is allowed: the Pareto set. With one objective it
/// is the one best.
#[derive(Clone, Debug, PartialEq)]
pub struct Front {
    members: Vec<Member>,
}

/// Evaluations that are compared at once.
const PART: usize = 1 << 16;

/// A member of a [`Front`].
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// What it is.
    pub genome: Genome,
    /// Its metrics, in the order of [`Goal::metrics`].
    pub values: Vec<f64>,
}

impl Front {
    /// The front of all evaluations, best in the first objective first. Of several with
    /// equal values the one that was evaluated first is there. Empty if nothing is
    /// allowed.
    pub fn of(goal: &Goal, history: &History) -> Self {
        let mut first: Vec<usize> = Vec::new();
        // In parts, so that a history of millions is not copied as a whole.
        for start in (0..history.len()).step_by(PART) {
            let part = start..history.len().min(start + PART);
            let rated = first.into_iter().chain(part).map(|at| ranking::rate(goal, history, at));
            first = non_dominated(rated.filter(|one| one.violation == 0.0).collect());
        }
        let member = |at: usize| Member { genome: history.genome(at), values: history.values(at).to_vec() };
        Self { members: first.into_iter().map(member).collect() }
    }

    /// The members, best in the first objective first.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member that is best in the first objective.
    pub fn best(&self) -> Option<&Member> {
        self.members.first()
    }

    /// The volume of the objective space that the front dominates, up to a reference
    /// point given as metric values in the order of the objectives. The unit is the
    /// product of the objectives' units.
    ///
    /// # Panics
    /// If the reference does not have one value for each objective.
    pub fn hypervolume(&self, goal: &Goal, reference: &[f64]) -> f64 {
        assert_eq!(reference.len(), goal.objectives().len(), "one value for each objective");
        let points: Vec<Vec<f64>> = self.members.iter().map(|member| goal.costs(&member.values)).collect();
        hypervolume(&points, &goal.costs(reference))
    }
}

/// Those that no other dominates, of equal ones the first; in ascending order of the
/// first cost. Takes `n log n` with up to two costs, and `n` times the length of the
/// front with more.
fn non_dominated(mut rated: Vec<ranking::Rated>) -> Vec<usize> {
    rated.sort_by(|one, other| {
        let costs = one.costs.iter().zip(&other.costs).map(|(a, b)| a.total_cmp(b));
        costs.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then(one.at.cmp(&other.at))
    });
    let mut front: Vec<ranking::Rated> = Vec::new();
    for one in rated {
        let as_good = |other: &ranking::Rated| other.costs.iter().zip(&one.costs).all(|(a, b)| a <= b);
        let beaten = match one.costs.len() {
            1 | 2 => front.last().is_some_and(as_good),
            _ => front.iter().any(as_good),
        };
        if !beaten {
            front.push(one);
        }
    }
    front.into_iter().map(|one| one.at).collect()
}
