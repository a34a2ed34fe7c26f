//! Networks and their accuracies, from which a predictor learns.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
};

use sapwood_backend::{Seed, Stream};
use sapwood_search::{Bagged, Chosen, Encoding, Genome, Mlp, PredictorKind, Ridge, choose};
use sapwood_supernet::{Family, Supernet};

use super::Judge;
use crate::{Error, Reporter};

/// Sub-networks of a supernet with the share of examples that each gets right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// In the order in which they were judged.
    pub pairs: Vec<(Genome, f64)>,
}

const HEAD: &str = "architecture,top1";
/// Folds of the cross-validation by which a predictor is chosen.
const FOLDS: usize = 5;

impl Pairs {
    /// Reads a file. A last line that was cut short is passed over.
    pub fn read(family: &Family, path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(Error::file("read", path))?;
        let wrong =
            |line: usize, problem: String| Error::Study { problem, line: Some(line), path: path.into() };
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let mut lines = whole.lines().enumerate();
        if lines.next().is_none_or(|(_, head)| head != HEAD) {
            return Err(wrong(1, format!("expected `{HEAD}`, as `supernet pairs` writes it")));
        }
        let mut pairs = Vec::new();
        for (at, line) in lines {
            let found =
                line.rsplit_once(',').and_then(|(text, top1)| Some((text, top1.parse::<f64>().ok()?)));
            let (text, top1) =
                found.ok_or_else(|| wrong(at + 1, "expected an architecture and a number".into()))?;
            let genome = family.space().parse(text).map_err(|error| wrong(at + 1, error.to_string()))?;
            pairs.push((genome, top1));
        }
        Ok(Self { pairs })
    }

    /// Judges random sub-networks until a file has so many, each line being written when it is
    /// known: the same call goes on with one that was killed. Which networks they are is a
    /// function of the seed.
    pub fn collect(
        supernet: &Supernet,
        judge: &Judge,
        (count, seed): (usize, Seed),
        path: &Path,
        reporter: &dyn Reporter,
    ) -> Result<Self, Error> {
        let family = supernet.family();
        let mut found = match path.exists() {
            true => Self::read(family, path)?,
            false => Self::default(),
        };
        // Written anew, so that no half of a line stays.
        let line = |(genome, top1): &(Genome, f64)| format!("{},{top1}\n", family.space().text(genome));
        let text: String = [format!("{HEAD}\n")].into_iter().chain(found.pairs.iter().map(line)).collect();
        sapwood_core::write_atomic(path, text.as_bytes())?;
        let mut file = OpenOptions::new().append(true).open(path).map_err(Error::file("write", path))?;
        reporter.begin("networks", count as u64);
        reporter.advance(found.pairs.len() as u64);
        let mut known: std::collections::BTreeSet<Genome> =
            found.pairs.iter().map(|(genome, _)| genome.clone()).collect();
        for number in 0.. {
            // A small space may not have so many.
            if count <= found.pairs.len() || 100 * count < number {
                break;
            }
            let genome = family.space().sample(&mut seed.stream(Stream::Data, number as u64));
            if !known.insert(genome.clone()) {
                continue;
            }
            let pair = (genome.clone(), judge.judge(supernet, &genome)?.top1);
            file.write_all(line(&pair).as_bytes()).map_err(Error::file("write", path))?;
            found.pairs.push(pair);
            reporter.advance(1);
        }
        reporter.end();
        Ok(found)
    }

    /// The predictor that did best in cross-validation: ridge regression with and without pairs
    /// of choices, an ensemble, or the published perceptron.
    pub fn predictor(&self, family: &Family, seed: u64) -> Result<(Encoding, Chosen), Error> {
        let encoding = Encoding::of(family.space());
        let rows = encoding.rows(family.space(), self.pairs.iter().map(|(genome, _)| genome));
        let targets: Vec<f64> = self.pairs.iter().map(|(_, top1)| *top1).collect();
        let kinds = [
            PredictorKind::Ridge(Ridge::default()),
            PredictorKind::Bagged(Bagged::default()),
            PredictorKind::Mlp(Mlp::default()),
        ];
        Ok((encoding, choose(&kinds, &rows, &targets, FOLDS, seed)?))
    }

    /// By network.
    pub fn known(&self) -> BTreeMap<Genome, f64> {
        self.pairs.iter().cloned().collect()
    }
}
