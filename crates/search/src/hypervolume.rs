//! How much of the objective space a set of points dominates.

/// The exact volume that the points dominate, up to the reference point. All are
/// costs, the smaller the better; points that are not better than the reference in
/// every cost add nothing.
///
/// Two costs are swept in order. More are computed as in While, Bradstreet and Barone
/// 2012 (WFG, IEEE TEVC 16(1)): the volume of a point is its box without what the
/// points behind it, moved into that box, dominate. This is exact; its time is
/// exponential in the number of costs, and fine for some hundreds of points in four.
///
/// # Panics
/// If a point has another number of costs than the reference, or there are none.
pub fn hypervolume(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    assert!(!reference.is_empty(), "at least one cost");
    assert!(points.iter().all(|point| point.len() == reference.len()), "as many costs as the reference has");
    let better = |point: &&Vec<f64>| point.iter().zip(reference).all(|(cost, limit)| cost < limit);
    // Equal costs are found by sorting, which tells -0 from 0: there is 0 alone.
    let positive = |point: &Vec<f64>| point.iter().map(|cost| 0.0 + cost).collect();
    let mut inside: Vec<Vec<f64>> = points.iter().filter(better).map(positive).collect();
    match reference.len() {
        2 => sweep(&mut inside, reference),
        _ => volume(&front(inside), reference),
    }
}

fn sweep(points: &mut [Vec<f64>], reference: &[f64]) -> f64 {
    points.sort_by(|one, other| one[0].total_cmp(&other[0]).then(one[1].total_cmp(&other[1])));
    let (mut sum, mut floor) = (0.0, reference[1]);
    for point in points {
        if point[1] < floor {
            sum += (reference[0] - point[0]) * (floor - point[1]);
            floor = point[1];
        }
    }
    sum
}

fn volume(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let exclusive = |at: usize| {
        let point = &points[at];
        let own: f64 = point.iter().zip(reference).map(|(cost, limit)| limit - cost).product();
        let moved = |other: &Vec<f64>| other.iter().zip(point).map(|(a, b)| a.max(*b)).collect();
        let behind: Vec<Vec<f64>> = points[at + 1..].iter().map(moved).collect();
        if behind.is_empty() { own } else { own - volume(&front(behind), reference) }
    };
    (0..points.len()).map(exclusive).sum()
}

/// The points that no other dominates, each once. Sorted by the last cost, largest
/// first, so that the boxes of the first points meet few others.
fn front(mut points: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    points.sort_by(|one, other| {
        let last = one.len() - 1;
        other[last].total_cmp(&one[last]).then_with(|| lexical(one, other))
    });
    points.dedup();
    let dominated = |at: usize| {
        points
            .iter()
            .enumerate()
            .any(|(other, point)| other != at && point.iter().zip(&points[at]).all(|(a, b)| a <= b))
    };
    let keep: Vec<bool> = (0..points.len()).map(|at| !dominated(at)).collect();
    let mut keep = keep.into_iter();
    points.retain(|_| keep.next().unwrap_or(true));
    points
}

fn lexical(one: &[f64], other: &[f64]) -> std::cmp::Ordering {
    let differs = one.iter().zip(other).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
    differs.unwrap_or(std::cmp::Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{Stream, stream};
    use rand::RngExt as _;

    #[test]
    fn two_boxes_overlap_once() {
        let points = vec![vec![1.0, 3.0], vec![2.0, 1.0], vec![2.0, 4.0], vec![5.0, 0.0]];
        // 3 x 1 above the second point's box of 2 x 3.
        assert_eq!(hypervolume(&points, &[4.0, 4.0]), 3.0 + 2.0 * 3.0 - 2.0);
        assert_eq!(hypervolume(&[vec![1.0, 2.0, 3.0]], &[2.0, 4.0, 6.0]), 6.0);
        assert_eq!(hypervolume(&[], &[1.0]), 0.0);
    }

    #[test]
    fn points_that_are_equal_but_for_the_sign_of_a_zero_count_once() {
        let points = [vec![-0.0, 5.0, 1.0], vec![-0.0, 6.0, 1.0], vec![0.0, 5.0, 1.0]];
        assert_eq!(hypervolume(&points, &[1.0, 7.0, 2.0]), 2.0);
    }

    /// Counts unit cells instead.
    fn cells(points: &[Vec<f64>], side: usize, costs: usize) -> f64 {
        let cell = |mut index: usize| -> Vec<f64> {
            (0..costs)
                .map(|_| {
                    let at = index % side;
                    index /= side;
                    at as f64
                })
                .collect()
        };
        let covered =
            |cell: &Vec<f64>| points.iter().any(|point| point.iter().zip(cell).all(|(p, c)| p <= c));
        (0..side.pow(costs as u32)).map(cell).filter(covered).count() as f64
    }

    #[test]
    fn any_number_of_costs_gives_what_counting_cells_gives() {
        for costs in 1..=4 {
            for seed in 0..40 {
                let mut rng = stream(seed, Stream::Probe, costs as u64);
                let mut point = || (0..costs).map(|_| f64::from(rng.random_range(0..6))).collect();
                let points: Vec<Vec<f64>> = (0..8).map(|_| point()).collect();
                let exact = hypervolume(&points, &vec![5.0; costs]);
                assert_eq!(exact, cells(&points, 5, costs), "{points:?}");
            }
        }
    }
}
