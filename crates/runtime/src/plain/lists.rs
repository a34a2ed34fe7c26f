//! Where the numbers of a value lie, row by row.

/// How far it is from one place of each dimension to the next.
pub(super) fn steps(sizes: &[usize]) -> Vec<usize> {
    (0..sizes.len()).map(|dim| sizes[dim + 1..].iter().product()).collect()
}

/// Where the `size` places of a dimension lie that are `step` apart.
pub(super) fn along(size: usize, step: usize) -> Vec<usize> {
    (0..size).map(|at| at * step).collect()
}

/// Adds one number of each list to the others in all ways, of which those that differ in the last list lie beside each
/// other.
pub(super) fn sums(lists: &[Vec<usize>]) -> Vec<usize> {
    lists.iter().fold(vec![0], |sums, list| {
        sums.iter().flat_map(|sum| list.iter().map(move |place| sum + place)).collect()
    })
}

/// For each number of a larger shape which one it is of a value, by the rules of broadcasting.
pub(crate) fn broadcast(sizes: &[usize], to: &[usize]) -> Vec<usize> {
    let (steps, lacks) = (steps(sizes), to.len() - sizes.len());
    let list = |dim: usize| match dim.checked_sub(lacks) {
        Some(own) if sizes[own] == to[dim] => along(to[dim], steps[own]),
        _ => vec![0; to[dim]],
    };
    sums(&(0..to.len()).map(list).collect::<Vec<_>>())
}

/// Lines lie over some dimensions: they begin at these places, and have their numbers from there.
pub(super) struct Lines {
    pub(super) begins: Vec<usize>,
    pub(super) each: Vec<usize>,
}

impl Lines {
    /// Gives where each line begins, and its numbers.
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
