//! Where each value lies in one piece of memory: greedily by size (Pisarchyk & Lee 2020, section 4).

/// When a value is needed: from the step that writes it to the last one that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) size: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Life {
    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Where each begins so that none that are needed at the same time overlap, and the size of all: the largest
/// first, each at the lowest place that is free for as long as it is needed.
pub(crate) fn plan(lives: &[Life]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&id| (std::cmp::Reverse(lives[id].size), id));
    let mut places = vec![0; lives.len()];
    let mut placed: Vec<usize> = Vec::new();
    for id in order {
        let mut taken: Vec<[usize; 2]> = placed
            .iter()
            .filter(|&&other| lives[other].meets(&lives[id]))
            .map(|&other| [places[other], places[other] + lives[other].size])
            .collect();
        taken.sort_unstable();
        let mut at = 0;
        for [begin, end] in taken {
            if at + lives[id].size <= begin {
                break;
            }
            at = at.max(end);
        }
        places[id] = at;
        placed.push(id);
    }
    let end = (0..lives.len()).map(|id| places[id] + lives[id].size).max();
    (places, end.unwrap_or(0))
}

/// What no plan can do with less of: the most that is needed at the same time.
pub(crate) fn least(lives: &[Life]) -> usize {
    let last = lives.iter().map(|life| life.last).max().unwrap_or(0);
    let at = |step: usize| {
        lives.iter().filter(|life| (life.first..=life.last).contains(&step)).map(|l| l.size).sum()
    };
    (0..=last).map(at).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_needed_together_do_not_overlap() {
        let mut state = 1u64;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        };
        for _ in 0..200 {
            let lives: Vec<Life> = (0..1 + draw(20))
                .map(|_| {
                    let first = draw(10);
                    Life { size: 1 + draw(50), first, last: first + draw(6) }
                })
                .collect();
            let (places, size) = plan(&lives);
            assert!(least(&lives) <= size && size <= lives.iter().map(|life| life.size).sum());
            for a in 0..lives.len() {
                for b in 0..a {
                    let overlap =
                        places[a] < places[b] + lives[b].size && places[b] < places[a] + lives[a].size;
                    assert!(!(overlap && lives[a].meets(&lives[b])), "{lives:?} {places:?}");
                }
            }
        }
    }

    #[test]
    fn a_chain_needs_its_two_largest_neighbours() {
        let sizes = [3, 5, 2, 5, 1];
        let lives: Vec<Life> =
            sizes.iter().enumerate().map(|(at, &size)| Life { size, first: at, last: at + 1 }).collect();
        let (_, size) = plan(&lives);
        assert_eq!((size, least(&lives)), (8, 8));
    }
}
