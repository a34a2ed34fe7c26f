//! A criterion of one's own, in a crate of one's own.
//!
//! The type says what a weight is worth, the row what it is called. `main` hands the
//! row to the lab, and the whole command line knows it:
//!
//! ```sh
//! cargo run -p example-custom-criterion -- list criteria 'power*'
//! cargo run -p example-custom-criterion -- prune --weights net.safetensors \
//!     --criterion power-sensitivity --option power=0.5 --data digits --sparsity 0.9 --out sparse.safetensors
//! ```

use sapwood_prune::{
    Criterion, CriterionEntry, Error, Needs, Probe, Prunable, Response, ScoreTensors, build,
    mean_over_examples,
};

/// `|w|^power * |dL/dw|`: SNIP (power 1) with another opinion about large weights.
#[derive(Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PowerSensitivity {
    /// How much the size of a weight counts.
    pub power: f64,
}

impl Default for PowerSensitivity {
    fn default() -> Self {
        Self { power: 2.0 }
    }
}

impl Criterion for PowerSensitivity {
    fn name(&self) -> &str {
        "power-sensitivity"
    }

    fn needs(&self) -> Needs {
        Needs::Gradient
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let size = probe.weights()?.of(prunable)?.map(|w| w.abs().powf_scalar(self.power));
        let scores = mean_over_examples(probe.examples()?, |batch| {
            size.clone()
                .times(&probe.gradient(Response::loss(batch), sapwood_prune::Norm::Batch, None)?.abs())
        })?;
        ScoreTensors::new(prunable, scores)
    }
}

/// The row under which it is found.
pub const POWER_SENSITIVITY: CriterionEntry = CriterionEntry {
    name: "power-sensitivity",
    about: "SNIP with a power of the weight",
    paper: "",
    options: "power=2",
    needs: Needs::Gradient,
    build: build::<PowerSensitivity>,
};
