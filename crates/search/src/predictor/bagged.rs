//! An ensemble that knows how uncertain it is.

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::{PredictorKind, observed};
use crate::{
    Error, Predictor, Rows,
    streams::{Stream, stream},
};

/// Several predictors of one kind, each fitted to examples drawn with replacement (Breiman
/// 1996): the prediction is their mean, the uncertainty their standard deviation.
/// It is that of the sample of examples: of an option that no example had, it knows nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bagged {
    /// How many.
    pub members: usize,
    /// Of what kind.
    pub of: Box<PredictorKind>,
    fitted: Vec<PredictorKind>,
}

impl Default for Bagged {
    fn default() -> Self {
        Self { members: 8, of: Box::default(), fitted: Vec::new() }
    }
}

impl Bagged {
    /// This many of this kind.
    pub fn new(of: PredictorKind, members: usize) -> Self {
        Self { members, of: Box::new(of), fitted: Vec::new() }
    }

    fn all(&self, rows: &Rows) -> Result<Vec<Vec<f64>>, Error> {
        if self.fitted.is_empty() {
            return Err(Error::Predictor {
                predictor: "bagged".into(),
                problem: "fit it before it is asked".into(),
            });
        }
        self.fitted.iter().map(|member| member.predict(rows)).collect()
    }
}

impl Predictor for Bagged {
    fn name(&self) -> &'static str {
        "bagged"
    }

    fn fit(&mut self, rows: &Rows, targets: &[f64], seed: u64) -> Result<(), Error> {
        observed(self.name(), rows, targets)?;
        if self.members < 2 {
            return Err(Error::option("members of an ensemble", "at least 2", self.members));
        }
        let member = |index: u64| {
            let mut rng = stream(seed, Stream::Bootstrap, index);
            let drawn: Vec<usize> = (0..rows.len()).map(|_| rng.random_range(0..rows.len())).collect();
            let targets: Vec<f64> = drawn.iter().map(|at| targets[*at]).collect();
            let mut member = (*self.of).clone();
            member.fit(&rows.select(&drawn), &targets, seed.wrapping_add(index))?;
            Ok(member)
        };
        self.fitted = (0..self.members as u64).map(member).collect::<Result<_, Error>>()?;
        Ok(())
    }

    fn predict(&self, rows: &Rows) -> Result<Vec<f64>, Error> {
        let all = self.all(rows)?;
        Ok((0..rows.len()).map(|at| all.iter().map(|one| one[at]).sum::<f64>() / all.len() as f64).collect())
    }

    fn spread(&self, rows: &Rows) -> Result<Option<Vec<f64>>, Error> {
        let all = self.all(rows)?;
        let deviation = |at: usize| {
            let mean = all.iter().map(|one| one[at]).sum::<f64>() / all.len() as f64;
            let squares: f64 = all.iter().map(|one| (one[at] - mean).powi(2)).sum();
            (squares / (all.len() - 1) as f64).sqrt()
        };
        Ok(Some((0..rows.len()).map(deviation).collect()))
    }
}
