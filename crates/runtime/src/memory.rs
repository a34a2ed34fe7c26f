//! Where each value lies in one piece of memory: greedily by size (Pisarchyk & Lee 2020, section 4).

/// Numbers of a line of the cache.
pub(crate) const LINE: usize = 16;
/// Numbers that the values of images computed together may take: 16 MiB.
pub(crate) const MOST: usize = 1 << 22;

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

/// From when to when values are needed, and how many images, `batch` at most, are computed together. An image of each
/// value has these numbers. Each step reads some values and writes one, in this order; `output` goes out behind the last
/// step, and what no step writes comes in. The sizes are those of all images, in whole lines of the cache.
pub(crate) fn lives<'a>(
    numbers: impl IntoIterator<Item = usize>,
    steps: impl IntoIterator<Item = (&'a [usize], usize)>,
    output: usize,
    batch: usize,
) -> (Vec<Life>, usize) {
    let size = |numbers: usize| numbers.next_multiple_of(LINE);
    let mut lives: Vec<Life> =
        numbers.into_iter().map(|numbers| Life { size: size(numbers), first: 0, last: 0 }).collect();
    let mut end = 1;
    for (reads, writes) in steps {
        (lives[writes].first, lives[writes].last) = (end, end);
        reads.iter().for_each(|&read| lives[read].last = end);
        end += 1;
    }
    lives[output].last = end;
    let images = (MOST / least(&lives).max(1)).clamp(1, batch);
    lives.iter_mut().for_each(|life| life.size *= images);
    (lives, images)
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
    fn values_live_from_the_step_that_writes_them_to_the_last_that_reads_them() {
        let steps: [(&[usize], usize); 3] = [(&[0], 1), (&[1], 2), (&[0, 2], 3)];
        let (lives, images) = lives([17, 1, 16, 2], steps, 3, 5);
        let lives: Vec<[usize; 3]> = lives.iter().map(|life| [life.size, life.first, life.last]).collect();
        assert_eq!((lives, images), (vec![[160, 0, 3], [80, 1, 2], [80, 2, 3], [80, 3, 4]], 5));
        // Two values of a quarter of the numbers that may be taken leave room for two images.
        let steps: [(&[usize], usize); 1] = [(&[0], 1)];
        assert_eq!([1, 7].map(|batch| super::lives([MOST / 4, MOST / 4], steps, 1, batch).1), [1, 2]);
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
