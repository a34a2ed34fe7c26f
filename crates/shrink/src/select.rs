//! Which units leave, by their scores.

use std::collections::BTreeMap;

use sapwood_graph::{Graph, Groups};

use crate::{Cost, Error, Removal, Target};

/// Which units are compared with one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// Those of one group.
    #[default]
    PerGroup,
    /// All.
    Global,
    /// Those of groups that have the same kinds of members (Fang et al. 2024, *Isomorphic pruning*).
    Isomorphic,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The units that leave.
    pub removal: Removal,
    /// Groups that lost less than was asked of them, since a layer would be empty.
    pub floors: Vec<String>,
}

impl Selection {
    /// The units with the lowest scores, of equal ones the last: as many as reach the target. The number of channels
    /// that stay is made the nearest multiple of `round_to`, the larger of two, and never below that.
    ///
    /// # Errors
    /// [`Error::Unreachable`], with the most that can be reached; [`Error::Nothing`] where no unit leaves.
    pub fn choose(
        self,
        graph: &Graph,
        groups: &Groups,
        scores: &[Vec<f64>],
        target: Target,
        round_to: usize,
    ) -> Result<Chosen, Error> {
        let ranking = Ranking::new(groups, scores, self, round_to.max(1));
        let share = target.share().get();
        let chosen = match target {
            Target::Channels(_) => ranking.at(share),
            _ => ranking.least(graph, target)?,
        };
        if chosen.removal.units() == 0 {
            let reason = match ranking.scopes.is_empty() {
                true => "every group has to stay whole".into(),
                false => format!("{} of each group, rounded, is none", target.share()),
            };
            return Err(Error::Nothing { reason });
        }
        Ok(chosen)
    }
}

/// Scopes, each with its units in the order in which they leave.
struct Ranking<'a> {
    groups: &'a Groups,
    round_to: usize,
    /// For each scope how many units it has, and those that may leave, the first to leave first.
    scopes: Vec<(usize, Vec<(usize, usize)>)>,
    /// For each group the units that may leave, in that order.
    of_group: Vec<Vec<usize>>,
}

impl<'a> Ranking<'a> {
    fn new(groups: &'a Groups, scores: &[Vec<f64>], selection: Selection, round_to: usize) -> Self {
        let order = |group: usize| {
            let mut units: Vec<usize> = (0..groups[group].units()).collect();
            units.sort_by(|a, b| scores[group][*a].total_cmp(&scores[group][*b]).then(b.cmp(a)));
            units
        };
        let of_group: Vec<Vec<usize>> =
            (0..groups.len()).map(|at| without_floors(groups, at, order(at))).collect();
        let mut scopes: BTreeMap<String, (usize, Vec<(usize, usize)>)> = BTreeMap::new();
        for (at, group) in groups.iter().enumerate().filter(|(_, group)| group.whole().is_none()) {
            let name = match selection {
                Selection::PerGroup => format!("{at:08}"),
                Selection::Global => String::new(),
                Selection::Isomorphic => kinds(groups, at),
            };
            let scope = scopes.entry(name).or_default();
            scope.0 += group.units();
            scope.1.extend(of_group[at].iter().map(|unit| (at, *unit)));
        }
        let mut scopes: Vec<_> = scopes.into_values().collect();
        for (_, units) in &mut scopes {
            let score = |(group, unit): &(usize, usize)| scores[*group][*unit];
            units.sort_by(|a, b| score(a).total_cmp(&score(b)).then(b.cmp(a)));
        }
        Self { groups, round_to, scopes, of_group }
    }

    /// What leaves where that share of each scope does.
    fn at(&self, share: f64) -> Chosen {
        let mut asked = vec![0usize; self.groups.len()];
        let mut short = vec![false; self.groups.len()];
        for (units, order) in &self.scopes {
            // A share that was written in decimals is meant exactly.
            let count = (share * *units as f64 + 0.5 + 1e-9) as usize;
            order.iter().take(count).for_each(|(group, _)| asked[*group] += 1);
            if order.len() < count {
                order.iter().for_each(|(group, _)| short[*group] = true);
            }
        }
        let mut chosen = Chosen { removal: Removal::none(self.groups), floors: Vec::new() };
        for (at, group) in self.groups.iter().enumerate() {
            let count = self.rounded(at, asked[at]);
            self.of_group[at].iter().take(count).for_each(|unit| chosen.removal.take(at, *unit));
            if short[at] && group.whole().is_none() {
                chosen.floors.push(group.name.clone());
            }
        }
        chosen
    }

    /// How many units leave so that the channels that stay are a multiple.
    fn rounded(&self, group: usize, asked: usize) -> usize {
        let (units, channels) = (self.groups[group].units(), self.groups[group].channels.max(1));
        let step = self.round_to / gcd(self.round_to, (channels / units.max(1)).max(1));
        let kept = units - asked.min(self.of_group[group].len());
        let nearest = ((2 * kept + step) / (2 * step) * step).max(step).min(units);
        // What has to stay may be more than that.
        let least = units - self.of_group[group].len();
        let kept = if nearest < least { least.div_ceil(step) * step } else { nearest };
        units.saturating_sub(kept)
    }

    /// The least that reaches the target.
    fn least(&self, graph: &Graph, target: Target) -> Result<Chosen, Error> {
        let before = Cost::of(graph)?;
        let gone = |chosen: &Chosen| {
            let after = Cost::without(graph, self.groups, &chosen.removal)?;
            Ok::<f64, Error>(target.gone(&before, &after).unwrap_or(0.0))
        };
        let asked = target.share().get() - 1e-12;
        const STEPS: u32 = 1 << 20;
        let at = |step: u32| self.at(f64::from(step) / f64::from(STEPS));
        let most = at(STEPS);
        let reachable = gone(&most)?;
        if reachable < asked {
            return Err(Error::Unreachable {
                what: target.what(),
                asked: target.share().to_string(),
                reachable: format!("{:.2}%", (1e4 * reachable).floor() / 100.0),
                reason: "at least one channel of each layer stays, and what has to stay whole".into(),
            });
        }
        let (mut short, mut enough) = (0, STEPS);
        while 1 < enough - short {
            let middle = short + (enough - short) / 2;
            if gone(&at(middle))? < asked { short = middle } else { enough = middle }
        }
        Ok(at(enough))
    }
}

/// The units of a group that may leave, in their order: of each set of which one stays, the last in the order does.
fn without_floors(groups: &Groups, at: usize, order: Vec<usize>) -> Vec<usize> {
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

/// What kinds of members a group has.
fn kinds(groups: &Groups, at: usize) -> String {
    let mut kinds: Vec<String> = groups
        .axes_of(at)
        .map(|axis| {
            let param = axis.path.as_str().rsplit('.').next().unwrap_or_default();
            format!("{:?} {param} {}", axis.side, axis.axis)
        })
        .collect();
    kinds.sort_unstable();
    kinds.join(", ")
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
