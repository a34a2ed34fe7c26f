//! Groups, once indices have gone through a network.

use std::collections::{BTreeMap, BTreeSet};

use super::{Group, Groups, ParamAxis, Slot, trace::Trace};
use crate::{Error, Graph};

/// The most reshapings for which it is tried which dimension carries the indices.
const MOST_TRIED: usize = 16;

pub(super) fn groups(graph: &Graph) -> Result<Groups, Error> {
    let mut best = Trace::of(graph, BTreeMap::new())?;
    let open = best.open.clone();
    for (reshaping, choices) in open.into_iter().take(MOST_TRIED) {
        for choice in choices {
            let mut carriers = best.carriers.clone();
            carriers.insert(reshaping.clone(), choice);
            let tried = Trace::of(graph, carriers)?;
            if free(&best) < free(&tried) {
                best = tried;
            }
        }
    }
    Ok(grouped(&best))
}

/// How many indices may leave.
fn free(trace: &Trace<'_>) -> usize {
    (0..trace.classes.len() as u32).filter(|index| trace.classes.reason(*index).is_none()).count()
}

fn grouped(trace: &Trace<'_>) -> Groups {
    let slots = slots(trace);
    let count = slots.iter().map(|slot| slot.group as usize + 1).max().unwrap_or(0);
    let of = |indices: &[u32]| -> Vec<Slot> { indices.iter().map(|index| slots[*index as usize]).collect() };
    let nodes = trace.graph.nodes();
    let mut groups: Vec<Group> = (0..count).map(|_| Group::empty()).collect();
    for origin in &trace.origins {
        let indices: Vec<u32> = (origin.first..origin.first + origin.count as u32).collect();
        let Some(first) = indices.first() else { continue };
        let group = &mut groups[slots[*first as usize].group as usize];
        let node = &nodes[origin.node];
        let layer = node.op.has_parameters();
        // What is called after an addition of zeros becomes a layer's once there is one.
        if group.name.is_empty() || (layer && group.makers.is_empty()) {
            group.name = node.name.clone();
        }
        if layer {
            group.makers.push(node.name.clone());
        }
        for index in indices {
            let unit = slots[index as usize].unit as usize;
            let missing = (unit + 1).saturating_sub(group.stays.len());
            group.stays.extend(std::iter::repeat_n(None, missing));
            if group.stays[unit].is_none() {
                group.stays[unit] = trace.classes.reason(index).map(String::from);
            }
        }
    }
    widen(&mut groups, trace, &slots);
    let axes: Vec<ParamAxis> = trace
        .touched
        .iter()
        .map(|touched| ParamAxis {
            path: touched.path.clone(),
            node: touched.node,
            axis: touched.axis,
            side: touched.side,
            slots: of(&touched.indices),
        })
        .collect();
    for (at, axis) in axes.iter().enumerate() {
        for group in axis.slots.iter().map(|slot| slot.group as usize).collect::<BTreeSet<_>>() {
            groups[group].axes.push(at);
        }
    }
    let values: Vec<Vec<Option<Vec<Slot>>>> =
        trace.values.iter().map(|value| value.iter().map(|axis| axis.as_deref().map(of)).collect()).collect();
    let mut floors: Vec<BTreeSet<Vec<u32>>> = vec![BTreeSet::new(); count];
    for axis in values.iter().flatten().flatten() {
        let of: BTreeSet<Slot> = axis.iter().copied().collect();
        // Of what several groups make a unit of the first stays.
        if let Some(first) = of.first() {
            let of_first = of.iter().filter(|slot| slot.group == first.group);
            floors[first.group as usize].insert(of_first.map(|slot| slot.unit).collect());
        }
    }
    for (group, floors) in groups.iter_mut().zip(floors) {
        group.floors = floors.into_iter().collect();
    }
    Groups { groups, axes, values }
}

/// Counts the channels of units. What operations make counts where no layer makes any of the group.
fn widen(groups: &mut [Group], trace: &Trace<'_>, slots: &[Slot]) {
    for origin in &trace.origins {
        let made = &slots[origin.first as usize..][..origin.count];
        let Some(group) = made.first().map(|slot| &mut groups[slot.group as usize]) else { continue };
        if !group.makers.is_empty() && !trace.graph.nodes()[origin.node].op.has_parameters() {
            continue;
        }
        let mut own = vec![0; group.units()];
        made.iter().for_each(|slot| own[slot.unit as usize] += 1);
        group.widths.resize(own.len(), 0);
        let new = group.widths.iter_mut().zip(own).filter(|(width, _)| **width == 0);
        new.for_each(|(width, own)| *width = own);
        group.channels = group.widths.iter().sum();
    }
}

/// For each index its group and its unit there. Groups are joined by units that several makers have.
fn slots(trace: &Trace<'_>) -> Vec<Slot> {
    let classes = &trace.classes;
    let mut parents: Vec<usize> = (0..trace.origins.len()).collect();
    fn root(parents: &[usize], mut at: usize) -> usize {
        while parents[at] != at {
            at = parents[at];
        }
        at
    }
    let mut first_of: BTreeMap<u32, usize> = BTreeMap::new();
    for (at, origin) in trace.origins.iter().enumerate() {
        // All that one maker makes is one group, whatever joins it to others.
        for index in origin.first..origin.first + origin.count as u32 {
            let class = classes.root(index);
            let known = *first_of.entry(class).or_insert(at);
            let (a, b) = (root(&parents, known), root(&parents, at));
            parents[a.max(b)] = a.min(b);
        }
    }
    let mut numbers: BTreeMap<usize, u32> = BTreeMap::new();
    let mut order: Vec<(usize, usize)> =
        trace.origins.iter().enumerate().map(|(at, origin)| (origin.node, at)).collect();
    order.sort_unstable();
    for (_, at) in order {
        let next = numbers.len() as u32;
        numbers.entry(root(&parents, at)).or_insert(next);
    }
    let mut units: BTreeMap<u32, u32> = BTreeMap::new();
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    let mut found = vec![Slot { group: 0, unit: 0 }; classes.len()];
    for (at, origin) in trace.origins.iter().enumerate() {
        let group = numbers[&root(&parents, at)];
        for index in origin.first..origin.first + origin.count as u32 {
            let unit = *units.entry(classes.root(index)).or_insert_with(|| {
                let count = counts.entry(group).or_insert(0);
                *count += 1;
                *count - 1
            });
            found[index as usize] = Slot { group, unit };
        }
    }
    found
}

impl Group {
    fn empty() -> Self {
        Self {
            name: String::new(),
            channels: 0,
            makers: Vec::new(),
            stays: Vec::new(),
            axes: Vec::new(),
            floors: Vec::new(),
            widths: Vec::new(),
        }
    }
}
