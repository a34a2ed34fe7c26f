//! One layer after the other gets fewer bits.

use super::{Assignment, Budget, Sensitivity};
use crate::{Error, compared::price};

impl Sensitivity {
    /// Assignments from the most bits of all layers to the fewest: in each step the layer loses bits of which the sum of
    /// divergences rises least for what it saves. Bits that save nothing are passed over.
    pub fn path(&self, budget: Budget) -> Vec<Assignment> {
        let mut path = vec![vec![0; self.layers.len()]];
        loop {
            let now = path[path.len() - 1].clone();
            let mut best: Option<(f64, usize, usize)> = None;
            for (place, layer) in self.layers.iter().enumerate() {
                let at = now[place];
                for next in at + 1..layer.costs.len() {
                    let [from, to] = [at, next].map(|at| budget.cost(layer, at));
                    if to < from {
                        // From infinite to infinite nothing more is lost.
                        let rise = price(layer.costs[next].divergence) - price(layer.costs[at].divergence);
                        let each = rise.max(0.0) / (from - to);
                        if best.is_none_or(|(least, _, _)| each < least) {
                            best = Some((each, place, next));
                        }
                    }
                }
            }
            let Some((_, place, next)) = best else { return path };
            let mut lower = now;
            lower[place] = next;
            path.push(lower);
        }
    }

    /// The assignment of the [path](Sensitivity::path) with the most bits that a budget allows, and what is left of the
    /// budget spent where it helps most.
    ///
    /// # Errors
    /// [`Error::Budget`] where the fewest bits are too many.
    pub fn greedy(&self, budget: Budget) -> Result<Assignment, Error> {
        let path = self.path(budget);
        let least = path.last().map_or(0.0, |last| self.cost(budget, last));
        let found = path.into_iter().find(|bits| self.cost(budget, bits) <= budget.limit());
        let mut bits = found.ok_or_else(|| Error::Budget { asked: budget.to_string(), least })?;
        loop {
            let spent = self.cost(budget, &bits);
            let mut best: Option<(f64, usize, usize)> = None;
            for (place, layer) in self.layers.iter().enumerate() {
                for higher in 0..bits[place] {
                    let [from, to] = [bits[place], higher];
                    let more = budget.cost(layer, to) - budget.cost(layer, from);
                    let gain = price(layer.costs[from].divergence) - price(layer.costs[to].divergence);
                    if spent + more <= budget.limit()
                        && gain > 0.0
                        && best.is_none_or(|(most, _, _)| most < gain)
                    {
                        best = Some((gain, place, higher));
                    }
                }
            }
            let Some((_, place, higher)) = best else { return Ok(bits) };
            bits[place] = higher;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BitCost, LayerSensitivity, Settled};
    use super::*;

    /// Two layers of 100 and 10 weights; the large one is less sensitive for each byte.
    fn sensitivity() -> Sensitivity {
        let layer = |name: &str, weights: usize, divergences: [f64; 3]| LayerSensitivity {
            layer: name.into(),
            weights,
            macs: weights as u64,
            costs: [8, 4, 2]
                .into_iter()
                .zip(divergences)
                .map(|(bits, divergence)| {
                    let bytes = (weights * bits).div_ceil(8);
                    BitCost { bits, bytes, signal_to_noise: 0.0, loss: 0.0, divergence }
                })
                .collect(),
        };
        let layers = vec![layer("a", 100, [0.0, 0.5, 5.0]), layer("b", 10, [0.0, 0.4, 0.6])];
        Sensitivity { layers, settled: Settled::default() }
    }

    #[test]
    fn the_path_takes_what_is_cheapest_for_what_it_saves() {
        let found = sensitivity().path(Budget::BYTES);
        // 0.5 for 50 bytes, 0.4 for 5, 0.2 for 2 and 4.5 for 25.
        assert_eq!(found, [[0, 0], [1, 0], [1, 1], [1, 2], [2, 2]]);
        assert_eq!(sensitivity().predicted(&found[3]), 1.1);
    }

    #[test]
    fn a_budget_is_met_and_spent() {
        let all = sensitivity();
        assert_eq!(all.greedy(Budget::Bytes(110.0)).unwrap(), [0, 0]);
        assert_eq!(all.greedy(Budget::Bytes(60.0)).unwrap(), [1, 0]);
        // 5 bytes are not enough for the first layer to have more.
        assert_eq!(all.greedy(Budget::Bytes(55.0)).unwrap(), [1, 1]);
        let error = all.greedy(Budget::Bytes(27.0)).unwrap_err().to_string();
        assert_eq!(error, "the budget is 27B, and the fewest bits take 28: allow more, or fewer bits");
    }

    #[test]
    fn what_is_settled_is_a_part_of_the_budget() {
        let settled = Settled { bytes: 50, operations: 3200.0 };
        let all = Sensitivity { settled, ..sensitivity() };
        assert_eq!(all.greedy(Budget::Bytes(110.0)).unwrap(), [1, 0]);
        assert_eq!(all.greedy(Budget::Bytes(160.0)).unwrap(), [0, 0]);
        let bits = vec![1, 2];
        assert_eq!((all.cost(Budget::BYTES, &bits), all.cost(Budget::OPERATIONS, &bits)), (103.0, 3620.0));
    }

    #[test]
    fn bits_after_which_the_answers_are_no_numbers_cost_most() {
        let mut all = sensitivity();
        all.layers[0].costs[1].divergence = f64::NAN;
        all.layers[0].costs[2].divergence = f64::NAN;
        // The second layer has lost all that it can before; then it makes no difference.
        assert_eq!(all.path(Budget::BYTES), [[0, 0], [0, 1], [0, 2], [1, 2], [2, 2]]);
        let budget = Budget::Bytes(103.0);
        assert_eq!(all.greedy(budget).unwrap(), [0, 2]);
        assert_eq!(all.searched(budget, "regularised-evolution", 200, 1).unwrap(), [0, 2]);
    }

    #[test]
    fn a_search_is_no_worse_than_the_greedy_choice() {
        let all = sensitivity();
        for limit in [110.0, 60.0, 55.0, 40.0] {
            let budget = Budget::Bytes(limit);
            let found = all.searched(budget, "regularised-evolution", 200, 1).unwrap();
            assert!(all.cost(budget, &found) <= limit);
            assert!(all.predicted(&found) <= all.predicted(&all.greedy(budget).unwrap()), "{limit}");
        }
    }
}
