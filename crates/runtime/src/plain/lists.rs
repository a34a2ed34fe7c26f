//! Where the numbers of a value lie, row by row.

/// From one place of each dimension to the next.
pub(super) fn steps(sizes: &[usize]) -> Vec<usize> {
    (0..sizes.len()).map(|dim| sizes[dim + 1..].iter().product()).collect()
}

/// The places of a dimension of so many that are so far apart.
pub(super) fn along(size: usize, step: usize) -> Vec<usize> {
    (0..size).map(|at| at * step).collect()
}

/// The sums of one number of each list, those of the last list beside each other.
pub(super) fn sums(lists: &[Vec<usize>]) -> Vec<usize> {
    lists.iter().fold(vec![0], |sums, list| {
        sums.iter().flat_map(|sum| list.iter().map(move |place| sum + place)).collect()
    })
}

/// For each number of a larger shape which one it is of a value, by the rules of broadcasting.
pub(super) fn broadcast(sizes: &[usize], to: &[usize]) -> Vec<usize> {
    let (steps, lacks) = (steps(sizes), to.len() - sizes.len());
    let list = |dim: usize| match dim.checked_sub(lacks) {
        Some(own) if sizes[own] == to[dim] => along(to[dim], steps[own]),
        _ => vec![0; to[dim]],
    };
    sums(&(0..to.len()).map(list).collect::<Vec<_>>())
}

/// Lines over some dimensions: where each begins, and from there each of its numbers.
pub(super) struct Lines {
    pub(super) begins: Vec<usize>,
    pub(super) each: Vec<usize>,
}

impl Lines {
    /// The numbers of each line.
    pub(super) fn of<'a>(
        &'a self,
        x: &'a [f32],
    ) -> impl Iterator<Item = (usize, impl Iterator<Item = f64> + Clone)> {
        self.begins
            .iter()
            .map(move |&begin| (begin, self.each.iter().map(move |at| f64::from(x[begin + at]))))
    }
}

pub(super) fn lines(sizes: &[usize], axes: &[usize]) -> Lines {
    let steps = steps(sizes);
    let of = |is_axis: bool| {
        let dims = (0..sizes.len()).filter(|dim| axes.contains(dim) == is_axis);
        sums(&dims.map(|dim| along(sizes[dim], steps[dim])).collect::<Vec<_>>())
    };
    Lines { begins: of(false), each: of(true) }
}
