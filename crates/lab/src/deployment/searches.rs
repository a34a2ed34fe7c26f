//! The searches of a study, by what was predicted of accuracy and latency.

use std::path::Path;

use sapwood_search::{Constraint, Genome, Goal, LatencyTable, Method, Objective, Predictor as _};
use serde::{Deserialize, Serialize};

use super::{Found, outcome::Predicting, study::Study};
use crate::{
    Error,
    latency::predicted,
    supernet::{Pairs, Searching},
};

/// Looks of the search for the whole front, which is only drawn.
const FRONT_LOOKS: usize = 5000;

/// What came of the searches.
#[derive(Serialize, Deserialize)]
pub(super) struct Searches {
    pub(super) predictors: Vec<Predicting>,
    pub(super) largest_ms: f64,
    pub(super) front: Vec<Found>,
    /// One for each limit, with its milliseconds.
    pub(super) found: Vec<(f64, Found)>,
}

impl Study<'_> {
    /// Searches the best network for each limit, and the front.
    pub(super) fn search(&self, pairs: &Path, table: &Path) -> Result<Searches, Error> {
        let pairs = Pairs::read(&self.family, pairs)?;
        let text = std::fs::read_to_string(table).map_err(Error::file("read", table))?;
        let table = LatencyTable::from_toml(&text)?;
        let predictor = pairs.predictor(&self.family, self.experiment.seed)?;
        let searching = Searching { family: &self.family, predictor: &predictor, table: Some(&table) };
        let found = |member: &sapwood_search::Member| Found {
            architecture: self.family.space().to_json(&member.genome),
            accuracy: member.values[0],
            latency_ms: member.values[1],
        };
        let best = || Objective::maximise("accuracy");
        let of = |genome: &Genome| predicted(&table, &self.family, genome);
        let (smallest_ms, largest_ms) = (of(&self.family.smallest())?, of(&self.family.largest())?);
        let mut each = Vec::new();
        for limit in &self.experiment.search.limits {
            let ms = limit.ms(smallest_ms, largest_ms);
            let goal = Goal::new([best()], [Constraint::at_most("latency_ms", ms)])?;
            let method = Method::named(&self.experiment.search.method)?;
            let front =
                searching.run(&goal, method, self.experiment.search.evaluations, self.experiment.seed)?;
            each.extend(front.best().map(|member| (ms, found(member))));
        }
        let goal = Goal::new([best(), Objective::minimise("latency_ms")], [])?;
        let front = searching.run(&goal, Method::named("nsga2")?, FRONT_LOOKS, self.experiment.seed)?;
        let chosen = predictor.1.predictor.name();
        let mut predictors: Vec<Predicting> = predictor
            .1
            .all
            .iter()
            .map(|each| Predicting {
                name: each.kind.name().into(),
                rmse: each.quality.rmse,
                tau: Some(each.quality.tau).filter(|tau| tau.is_finite()),
            })
            .collect();
        predictors.sort_by_key(|each| each.name != chosen);
        Ok(Searches {
            predictors,
            largest_ms,
            front: front.members().iter().map(found).collect(),
            found: each,
        })
    }
}
