//! Sets of units of each of which one stays.

use sapwood_graph::Groups;

/// The units of a group that may leave, in their order: of each set of which one stays, the last in the order does.
pub(crate) fn leaving(groups: &Groups, at: usize, order: Vec<usize>) -> Vec<usize> {
    let group = &groups[at];
    if group.whole().is_some() {
        return Vec::new();
    }
    let mut stays: Vec<bool> = (0..group.units()).map(|unit| !group.is_free(unit)).collect();
    let mut rank = vec![0; group.units()];
    order.iter().enumerate().for_each(|(at, unit)| rank[*unit] = at);
    for floor in group.floors() {
        if !floor.iter().any(|unit| stays[*unit as usize])
            && let Some(best) = floor.iter().max_by_key(|unit| rank[**unit as usize])
        {
            stays[*best as usize] = true;
        }
    }
    order.into_iter().filter(|unit| !stays[*unit]).collect()
}
