//! What is known of a compression before its first step.

use std::path::Path;

use sapwood_core::{Observed as _, graph::Groups};
use sapwood_models::Opened;
use sapwood_prune::Criteria;
use sapwood_shrink::{Cost, Removal, Share, Surgery};
use serde::{Serialize, Serializer};
use serde_json::json;

use super::{
    Begun, Compression, GIVEN, Measured,
    form::{self, Form},
    pace,
};
use crate::{Conditions, Error};

/// What a compression would begin with, and how far it could go at the most.
#[derive(Clone, Debug, Serialize)]
pub struct Planned {
    /// What the data set is called.
    pub data: String,
    /// The number of examples that would decide what is taken.
    pub deciding_examples: usize,
    /// The number of examples that all would be tested with.
    pub test_examples: usize,
    /// The most points that may be lost.
    pub most_lost: f64,
    /// The threads of all times.
    pub threads: usize,
    /// The network as it is given.
    pub given: Measured,
    /// What would be left of it without all that may leave. Its bytes, which are those of values, are not written down: the
    /// given network's are those of a file.
    #[serde(serialize_with = "without_bytes")]
    pub least: Cost,
    /// The milliseconds that this takes for one example, where the runtime computes all its layers.
    pub least_milliseconds: Option<f64>,
    /// About how many steps there would be, where a share of the multiply-accumulates is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// At most about how long the first of them would learn, as the network that is given does; later ones learn faster.
    pub seconds_of_a_step: f64,
    /// The channels that leave together, or why they stay.
    #[serde(skip)]
    pub groups: Groups,
    /// All of them that may leave.
    #[serde(skip)]
    pub removal: Removal,
}

impl Compression {
    /// Says what [`carry_out`](Self::carry_out) would begin with, and writes nothing.
    ///
    /// # Errors
    /// Those of [`carry_out`](Self::carry_out) before it writes anything; those of the folder only where one is named.
    pub fn plan(
        &self,
        given: Opened,
        folder: Option<&Path>,
        criteria: &Criteria,
        conditions: &Conditions<'_>,
    ) -> Result<Planned, Error> {
        let (begun, prepared) = self.begin(given, criteria, conditions)?;
        if let Some(folder) = folder {
            begun.check_folder(folder)?;
        }
        let Begun { given, config, judge, .. } = &begun;
        begun.tell(self);
        let mut forms: Vec<Form> = vec![judge.form(GIVEN, &given.file()?)?];
        self.is_fast(&forms[0])?;
        form::time(&mut forms)?;
        let graph = given.net.graph();
        let ranked = given.ranked(self, (criteria, config, judge))?;
        let removal = ranked.most(graph)?;
        let surgery = Surgery::new(graph, &ranked.groups, &removal)?;
        let [deciding_examples, test_examples] = judge.examples();
        Ok(Planned {
            data: judge.data().into(),
            deciding_examples,
            test_examples,
            most_lost: self.most_lost,
            threads: self.threads,
            given: Measured::of(&forms[0]),
            least: Cost::of(&surgery.graph)?,
            least_milliseconds: judge.milliseconds(&surgery.graph, &surgery.state(&given.state()?)?)?,
            steps: self.macs.map(|macs| steps(macs, self.step)),
            seconds_of_a_step: pace::seconds(prepared, conditions.device)?,
            groups: ranked.groups,
            removal,
        })
    }
}

fn without_bytes<S: Serializer>(cost: &Cost, serializer: S) -> Result<S::Ok, S::Error> {
    json!({ "macs": cost.macs, "params": cost.params }).serialize(serializer)
}

/// The steps after which a share is gone, if each takes out this share of what is left.
fn steps(gone: Share, step: Share) -> u32 {
    let exact = (1.0 - gone.get()).ln() / (1.0 - step.get()).ln();
    (exact - 1e-9).ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_after_which_the_share_is_gone() {
        let share = |text: &str| text.parse::<Share>().unwrap();
        for (gone, step, expected) in
            [("30%", "30%", 1), ("51%", "30%", 2), ("52%", "30%", 3), ("20%", "30%", 1), ("75%", "50%", 2)]
        {
            assert_eq!(steps(share(gone), share(step)), expected, "{gone} by {step}");
        }
    }
}
