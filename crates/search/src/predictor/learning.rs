//! What a predictor is worth by the number of examples that it learnt from.

use rand::seq::SliceRandom as _;

use super::{PredictorKind, Quality, observed};
use crate::{
    Error, Predictor as _, Rows,
    streams::{Stream, stream},
};

/// What is compared, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learning {
    /// Numbers of examples to learn from.
    pub sizes: Vec<usize>,
    /// Other examples, on which predictions are judged.
    pub held_out: usize,
    /// Each time with other examples.
    pub repeats: usize,
    /// Which ones.
    pub seed: u64,
}

/// One kind of predictor after a number of examples.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningPoint {
    /// Which of the kinds.
    pub kind: usize,
    /// The number of examples.
    pub size: usize,
    /// What its predictions of held-out examples were worth, each time.
    pub qualities: Vec<Quality>,
    /// These predictions and what they should have been, the last time.
    pub last: Vec<(f64, f64)>,
}

impl Learning {
    /// Fits each kind to the first examples of a shuffled order and judges it on the last ones,
    /// which are the same for all kinds and sizes of a repeat. Size by size, then kind by kind.
    ///
    /// # Errors
    /// More examples asked for than there are, no repeats, or what fitting says.
    pub fn run(
        &self,
        kinds: &[PredictorKind],
        rows: &Rows,
        targets: &[f64],
    ) -> Result<Vec<LearningPoint>, Error> {
        observed("learning curve", rows, targets)?;
        let largest = self.sizes.iter().copied().max().unwrap_or(0);
        for (option, least, found) in [
            ("number of examples to learn from", 1, self.sizes.iter().copied().min().unwrap_or(0)),
            ("number of held-out examples", 2, self.held_out),
            ("number of repeats", 1, self.repeats),
        ] {
            if found < least {
                return Err(Error::option(option, format!("from {least} up"), found));
            }
        }
        let asked = largest.saturating_add(self.held_out);
        if rows.len() < asked {
            let expected = format!("at most the {} that there are", rows.len());
            return Err(Error::option("number of examples and held-out ones", expected, asked));
        }
        let pairs = || self.sizes.iter().flat_map(|size| (0..kinds.len()).map(|kind| (*size, kind)));
        let point = |(size, kind)| LearningPoint { kind, size, qualities: Vec::new(), last: Vec::new() };
        let mut points: Vec<LearningPoint> = pairs().map(point).collect();
        for repeat in 0..self.repeats as u64 {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.shuffle(&mut stream(self.seed, Stream::Folds, repeat));
            let held_out = &order[rows.len() - self.held_out..];
            let (asked, truth) = (rows.select(held_out), of(targets, held_out));
            for point in &mut points {
                let known = &order[..point.size];
                let mut predictor = kinds[point.kind].clone();
                predictor.fit(&rows.select(known), &of(targets, known), self.seed)?;
                let predictions = predictor.predict(&asked)?;
                point.qualities.push(Quality::of(&predictions, &truth));
                point.last = predictions.into_iter().zip(truth.iter().copied()).collect();
            }
        }
        Ok(points)
    }
}

fn of(targets: &[f64], places: &[usize]) -> Vec<f64> {
    places.iter().map(|at| targets[*at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoding, Genome, Ridge, ofa_mbv3};

    #[test]
    fn a_linear_truth_is_learnt_the_better_the_more_examples_there_are() {
        let space = ofa_mbv3(&[224]).unwrap();
        let encoding = Encoding::of(&space);
        let genomes: Vec<Genome> =
            (0..300).map(|number| space.sample(&mut stream(7, Stream::Folds, 100 + number))).collect();
        let rows = encoding.rows(&space, &genomes);
        let sum = |genome: &Genome| genome.positions().iter().map(|position| f64::from(*position)).sum();
        let targets: Vec<f64> = genomes.iter().map(sum).collect();
        let learning = Learning { sizes: vec![20, 200], held_out: 100, repeats: 2, seed: 1 };
        let kinds = [PredictorKind::Ridge(Ridge::new(1.0, 0.0)), PredictorKind::Ridge(Ridge::default())];
        let points = learning.run(&kinds, &rows, &targets).unwrap();
        assert_eq!(
            points.iter().map(|point| (point.size, point.kind)).collect::<Vec<_>>(),
            [(20, 0), (20, 1), (200, 0), (200, 1)]
        );
        for kind in 0..2 {
            let worse = points[kind].qualities.iter().zip(&points[2 + kind].qualities);
            assert!(worse.into_iter().all(|(few, many)| many.rmse < few.rmse && few.tau < many.tau));
        }
        let too_many = Learning { sizes: vec![250], ..learning.clone() };
        assert!(too_many.run(&kinds, &rows, &targets).unwrap_err().to_string().contains("300"));
        for (wrong, said) in [
            (
                Learning { held_out: 1, ..learning.clone() },
                "held-out examples must be from 2 up, but it is 1",
            ),
            (Learning { held_out: usize::MAX, ..learning.clone() }, "at most the 300"),
            (Learning { repeats: 0, ..learning.clone() }, "repeats must be from 1 up, but it is 0"),
            (
                Learning { sizes: vec![5, 0], ..learning.clone() },
                "to learn from must be from 1 up, but it is 0",
            ),
        ] {
            let error = wrong.run(&kinds, &rows, &targets).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
