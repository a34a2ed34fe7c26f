//! Which units leave, by their scores.

use std::collections::BTreeMap;

use sapwood_graph::{Graph, Groups, Slot};

use crate::{Cost, Error, Kept, Removal, Target, floors};

/// Which units are compared with one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// The units of each group alone.
    #[default]
    PerGroup,
    /// The units of all groups together.
    Global,
    /// Those of groups whose members are of the same kinds of layers (Fang et al. 2024, *Isomorphic pruning*).
    Isomorphic,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The units that leave.
    pub removal: Removal,
    /// Groups that lost less than was asked of them, since a layer would be empty.
    pub floors: Vec<String>,
    /// Channels that were asked for beyond those that may leave, and must stay.
    pub kept: Vec<Kept>,
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
        let ranking = Ranking::new(graph, groups, scores, (self, round_to));
        let share = target.share().get();
        let chosen = match target {
            Target::Channels(_) => ranking.at(share),
            _ => ranking.least(graph, target)?,
        };
        if chosen.removal.units() == 0 {
            let reason = match ranking.scopes.is_empty() {
                true => "every group has to stay whole".into(),
                false => format!("{} {}, rounded, is none", target.share(), self.whose()),
            };
            return Err(Error::Nothing { reason });
        }
        Ok(chosen)
    }

    /// The channels that a share is taken of.
    fn whose(self) -> &'static str {
        match self {
            Self::PerGroup => "of each group",
            Self::Global => "of all channels",
            Self::Isomorphic => "of the channels of one kind",
        }
    }

    /// The same for what only a measurement tells: about the least, of 64 steps, of which `enough` says so. None where
    /// all that may leave is not enough.
    ///
    /// # Errors
    /// Those of `enough`.
    pub fn choose_until<E>(
        self,
        graph: &Graph,
        groups: &Groups,
        scores: &[Vec<f64>],
        round_to: usize,
        enough: &mut dyn FnMut(&Removal) -> Result<bool, E>,
    ) -> Result<Option<Chosen>, E> {
        Ranking::new(graph, groups, scores, (self, round_to)).until(64, enough)
    }
}

/// Units that are compared, by group and unit, each list with the lowest score first.
#[derive(Default)]
struct Scope {
    leaving: Vec<(usize, usize)>,
    staying: Vec<(usize, usize)>,
}

/// Scopes, each with its units in the order in which they leave.
struct Ranking<'a> {
    groups: &'a Groups,
    round_to: usize,
    scopes: Vec<Scope>,
    /// For each group the units that may leave, in that order.
    of_group: Vec<Vec<usize>>,
}

impl<'a> Ranking<'a> {
    fn new(
        graph: &Graph,
        groups: &'a Groups,
        scores: &[Vec<f64>],
        (selection, round_to): (Selection, usize),
    ) -> Self {
        let order = |group: usize| {
            let mut units: Vec<usize> = (0..groups[group].units()).collect();
            units.sort_by(|a, b| scores[group][*a].total_cmp(&scores[group][*b]).then(b.cmp(a)));
            units
        };
        let of_group: Vec<Vec<usize>> =
            (0..groups.len()).map(|at| floors::leaving(groups, at, order(at))).collect();
        let mut scopes: BTreeMap<String, Scope> = BTreeMap::new();
        for (at, group) in groups.iter().enumerate().filter(|(_, group)| group.whole().is_none()) {
            let name = match selection {
                Selection::PerGroup => format!("{at:08}"),
                Selection::Global => String::new(),
                Selection::Isomorphic => kinds(graph, groups, at),
            };
            let mut leaves = vec![false; group.units()];
            of_group[at].iter().for_each(|unit| leaves[*unit] = true);
            let Scope { leaving, staying } = scopes.entry(name).or_default();
            for (unit, leaves) in leaves.into_iter().enumerate() {
                if leaves { leaving.push((at, unit)) } else { staying.push((at, unit)) }
            }
        }
        let mut scopes: Vec<Scope> = scopes.into_values().collect();
        for units in scopes.iter_mut().flat_map(|scope| [&mut scope.leaving, &mut scope.staying]) {
            let score = |(group, unit): &(usize, usize)| scores[*group][*unit];
            units.sort_by(|a, b| score(a).total_cmp(&score(b)).then(b.cmp(a)));
        }
        Self { groups, round_to: round_to.max(1), scopes, of_group }
    }

    /// What leaves where that share of each scope does.
    fn at(&self, share: f64) -> Chosen {
        let mut chosen = Chosen { removal: Removal::none(self.groups), floors: Vec::new(), kept: Vec::new() };
        let mut asked = vec![0usize; self.groups.len()];
        let mut short = vec![false; self.groups.len()];
        for Scope { leaving, staying } in &self.scopes {
            let count = self.asked(share, leaving.iter().chain(staying));
            leaving.iter().take(count).for_each(|(group, _)| asked[*group] += 1);
            let more = count.saturating_sub(leaving.len());
            for (at, unit) in staying.iter().take(more) {
                let group = &self.groups[*at];
                match &group.stays[*unit] {
                    Some(reason) => chosen.kept.push(Kept {
                        slot: Slot { group: *at as u32, unit: *unit as u32 },
                        group: group.name.clone(),
                        reason: reason.clone(),
                    }),
                    None => short[*at] = true,
                }
            }
        }
        for (at, group) in self.groups.iter().enumerate() {
            let count = self.rounded(at, asked[at]);
            self.of_group[at].iter().take(count).for_each(|unit| chosen.removal.take(at, *unit));
            if short[at] {
                chosen.floors.push(group.name.clone());
            }
        }
        chosen
    }

    /// How many of these units a share of their channels is, to the nearest.
    fn asked<'u>(&self, share: f64, units: impl Iterator<Item = &'u (usize, usize)> + Clone) -> usize {
        let width = |(at, _): &(usize, usize)| {
            let group = &self.groups[*at];
            (group.channels as f64 / group.units() as f64).max(1.0)
        };
        // A share that was written in decimals is meant exactly.
        let asked = share * units.clone().map(width).sum::<f64>() + 1e-9;
        let mut before = 0.0;
        let within = |unit: &&(usize, usize)| {
            let middle = before + width(unit) / 2.0;
            before += width(unit);
            middle <= asked
        };
        units.take_while(within).count()
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
        let asked = target.share().get() - 1e-12;
        let mut reachable = 0.0f64;
        let found = self.until(1 << 20, &mut |removal| {
            let after = Cost::without(graph, self.groups, removal)?;
            let gone = target.gone(&before, &after).unwrap_or(0.0);
            reachable = reachable.max(gone);
            Ok::<bool, Error>(asked <= gone)
        });
        let reason = match self.round_to {
            1 => "each layer keeps one channel, and some layers must stay whole".to_string(),
            n => format!(
                "each layer keeps {n} channels, or all where it has fewer, and some layers must stay \
                 whole"
            ),
        };
        found?.ok_or_else(|| Error::Unreachable {
            what: target.what(),
            asked: target.share().to_string(),
            reachable: format!("{:.2}%", (1e4 * reachable).floor() / 100.0),
            reason,
        })
    }

    /// The least of the steps that is enough; none where all that may leave is not.
    fn until<E>(
        &self,
        steps: u32,
        enough: &mut dyn FnMut(&Removal) -> Result<bool, E>,
    ) -> Result<Option<Chosen>, E> {
        let at = |step: u32| self.at(f64::from(step) / f64::from(steps));
        if !enough(&at(steps).removal)? {
            return Ok(None);
        }
        let (mut short, mut reached) = (0, steps);
        while 1 < reached - short {
            let middle = short + (reached - short) / 2;
            if enough(&at(middle).removal)? { reached = middle } else { short = middle }
        }
        Ok(Some(at(reached)))
    }
}

/// What kinds of members a group has.
fn kinds(graph: &Graph, groups: &Groups, at: usize) -> String {
    let mut kinds: Vec<String> = groups
        .axes_of(at)
        .map(|axis| {
            let param = axis.path.as_str().rsplit('.').next().unwrap_or_default();
            format!("{:?} {} {param} {}", axis.side, graph.nodes()[axis.node].op.kind(), axis.axis)
        })
        .collect();
    kinds.sort_unstable();
    kinds.join(", ")
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
