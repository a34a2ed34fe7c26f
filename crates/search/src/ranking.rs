//! Which of several evaluations is better.

use std::{cmp::Ordering, collections::BTreeSet};

use crate::{Goal, History, View};

/// An evaluation as it is compared: what is forbidden about it, then its costs.
#[derive(Clone, Debug)]
pub(crate) struct Rated {
    /// Where it stands in the history.
    pub(crate) at: usize,
    /// The sum of what it exceeds; 0 if allowed.
    pub(crate) violation: f64,
    pub(crate) costs: Vec<f64>,
}

pub(crate) fn rate(goal: &Goal, history: &History, at: usize) -> Rated {
    let values = history.values(at);
    Rated { at, violation: goal.violation(values), costs: goal.costs(values) }
}

/// Those that compete after a round, each once: what lived before it and what was asked for in it, by their
/// places in the history.
pub(crate) fn rated(view: &View<'_>, old: &[usize], asked: &[usize]) -> Vec<Rated> {
    let all: BTreeSet<usize> = old.iter().chain(asked).copied().collect();
    all.into_iter().map(|at| rate(view.goal(), view.history(), at)).collect()
}

impl Rated {
    /// Constrained dominance (Deb et al. 2002, definition 1): less forbidden, or as
    /// allowed and nowhere worse and somewhere better.
    pub(crate) fn dominates(&self, other: &Self) -> bool {
        if self.violation != other.violation {
            return self.violation < other.violation;
        }
        let pairs = || self.costs.iter().zip(&other.costs);
        pairs().all(|(a, b)| a <= b) && pairs().any(|(a, b)| a < b)
    }

    /// An order in which whoever dominates stands first.
    fn before(&self, other: &Self) -> Ordering {
        let costs = || self.costs.iter().zip(&other.costs).map(|(a, b)| a.total_cmp(b));
        let by_costs = || costs().find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        let by_violation = self.violation.total_cmp(&other.violation);
        by_violation.then_with(by_costs).then_with(|| self.at.cmp(&other.at))
    }
}

/// The fronts, best first: nobody in a front dominates another in it, and everybody
/// is dominated by somebody in the front before. Members are in ascending order of
/// their first cost.
///
/// Each point looks for its front by bisection (ENS-BS, Zhang et al. 2015, IEEE TEVC
/// 19(2)). With up to two costs only the last member of a front can dominate.
pub(crate) fn fronts(mut rated: Vec<Rated>) -> Vec<Vec<Rated>> {
    rated.sort_by(Rated::before);
    let mut fronts: Vec<Vec<Rated>> = Vec::new();
    for one in rated {
        let beaten = |front: &Vec<Rated>| match one.costs.len() {
            1 | 2 => front.last().is_some_and(|last| last.dominates(&one)),
            _ => front.iter().rev().any(|other| other.dominates(&one)),
        };
        let at = fronts.partition_point(beaten);
        match fronts.get_mut(at) {
            Some(front) => front.push(one),
            None => fronts.push(vec![one]),
        }
    }
    fronts
}

/// The crowding distance of each member of a front (Deb et al. 2002, section III.B):
/// how far its neighbours are apart, summed over the costs; infinite at the ends.
pub(crate) fn crowding(front: &[Rated]) -> Vec<f64> {
    let mut distance = vec![0.0; front.len()];
    for cost in 0..front.first().map_or(0, |one| one.costs.len()) {
        let value = |at: usize| front[at].costs[cost];
        let mut order: Vec<usize> = (0..front.len()).collect();
        order.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
        let (first, last) = (order[0], order[order.len() - 1]);
        let range = value(last) - value(first);
        distance[first] = f64::INFINITY;
        distance[last] = f64::INFINITY;
        if 0.0 < range {
            for three in order.windows(3) {
                distance[three[1]] += (value(three[2]) - value(three[0])) / range;
            }
        }
    }
    distance
}

/// The best `count` of them, best first: by front, then the least crowded, then the
/// one that was seen first.
pub(crate) fn best(rated: Vec<Rated>, count: usize) -> Vec<usize> {
    let mut chosen = Vec::new();
    for front in fronts(rated) {
        if count <= chosen.len() {
            break;
        }
        let mut crowded: Vec<(f64, usize)> =
            crowding(&front).into_iter().zip(front.iter().map(|one| one.at)).collect();
        crowded.sort_by(|(a, first), (b, second)| b.total_cmp(a).then(first.cmp(second)));
        chosen.extend(crowded.into_iter().map(|(_, at)| at));
    }
    chosen.truncate(count);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(points: &[(u8, Vec<u8>)]) -> Vec<Rated> {
        let one = |(at, (violation, costs)): (usize, &(u8, Vec<u8>))| Rated {
            at,
            violation: f64::from(*violation),
            costs: costs.iter().map(|cost| f64::from(*cost)).collect(),
        };
        points.iter().enumerate().map(one).collect()
    }

    proptest! {
        #[test]
        fn fronts_are_those_that_peeling_gives(
            points in (1usize..4).prop_flat_map(|costs| {
                prop::collection::vec((0u8..2, prop::collection::vec(0u8..6, costs)), 0..40)
            }),
        ) {
            let mut left = with(&points);
            let sorted = |mut front: Vec<usize>| { front.sort_unstable(); front };
            for front in fronts(left.clone()) {
                let free = |one: &&Rated| !left.iter().any(|other| other.dominates(one));
                let peeled: Vec<usize> = left.iter().filter(free).map(|one| one.at).collect();
                prop_assert_eq!(sorted(front.iter().map(|one| one.at).collect()), sorted(peeled.clone()));
                left.retain(|one| !peeled.contains(&one.at));
            }
            prop_assert!(left.is_empty());
        }
    }

    #[test]
    fn the_ends_of_a_front_come_first_and_then_the_least_crowded() {
        let points = [(0, vec![0, 10]), (0, vec![1, 9]), (0, vec![2, 8]), (0, vec![7, 3]), (0, vec![10, 0])];
        assert_eq!(best(with(&points), 4), [0, 4, 3, 2]);
        // What is forbidden stands behind, however good.
        assert_eq!(best(with(&[(1, vec![0, 0]), (0, vec![9, 9])]), 2), [1, 0]);
    }
}
