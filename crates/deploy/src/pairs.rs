//! Networks and their accuracies, from which a predictor learns.

mod form;

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions, TryLockError},
    io::Write as _,
    path::Path,
};

use sapwood_backend::{Seed, Stream};
use sapwood_core::Reporter;
use sapwood_search::{Bagged, Chosen, Encoding, Genome, Mlp, PredictorKind, Ridge, choose};
use sapwood_supernet::{Family, Judge, Supernet};

use crate::{Error, in_order::in_order};
use form::Form;

/// Sub-networks of a supernet with the share of examples that each gets right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// In the order in which they were judged.
    pub pairs: Vec<(Genome, f64)>,
}

/// Which networks are judged.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The number of them, or all that the space has.
    pub count: usize,
    /// These instead, in their order.
    pub listed: Option<Vec<Genome>>,
    /// Which ones: they are a function of it.
    pub seed: Seed,
    /// By what: the weights, data and calibration. A file of another origin is not gone on with.
    pub origin: String,
}

/// Networks that are drawn without a new one before a space is taken to have no others.
const TRIES: u64 = 1000;
/// Numbers of draws that no training has.
const PAIRS: u64 = 1 << 52;

impl Pairs {
    /// Folds of the cross-validation by which a predictor is chosen: it takes no fewer networks.
    pub const FOLDS: usize = 5;

    /// Reads a file: what `supernet pairs` writes, CSV with a column for each choice, or a JSON object in each line.
    /// A line at the end that was cut short is passed over.
    ///
    /// # Errors
    /// A file that cannot be read; [`Error::Line`] for a line that is no pair of this family's.
    pub fn read(family: &Family, path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(Error::file("read", path))?;
        let pairs = form::read(family.space(), &text).map_err(Error::line(path))?;
        Ok(Self { pairs })
    }

    /// Reads the networks of a file, in the forms of [`Pairs::read`], whether or not it says what they are worth.
    ///
    /// # Errors
    /// A file that cannot be read; [`Error::Line`] for a line that is no network of this family's.
    pub fn read_networks(family: &Family, path: &Path) -> Result<Vec<Genome>, Error> {
        let text = fs::read_to_string(path).map_err(Error::file("read", path))?;
        form::networks(family.space(), &text).map_err(Error::line(path))
    }

    /// Judges random or listed sub-networks until a file has the number that is wanted, each line being written when it and
    /// those before it are known: the same call goes on with one that was killed.
    ///
    /// # Errors
    /// Those of [`Pairs::collect_with`].
    pub fn collect(
        supernet: &Supernet,
        judge: &Judge<'_>,
        sample: &Sample,
        path: &Path,
        reporter: &dyn Reporter,
    ) -> Result<Self, Error> {
        Self::collect_with(1, supernet, judge, sample, path, reporter)
    }

    /// The same by several workers at once, each a thread that computes alone. The file is the
    /// same for any number of them.
    ///
    /// # Errors
    /// A file that cannot be read or written, that another process writes, or whose networks were evaluated on other data or
    /// examples; data that the network does not take.
    pub fn collect_with(
        workers: usize,
        supernet: &Supernet,
        judge: &Judge<'_>,
        sample: &Sample,
        path: &Path,
        reporter: &dyn Reporter,
    ) -> Result<Self, Error> {
        let family = supernet.family();
        let refused = |action| Error::file(action, path);
        let mut file =
            OpenOptions::new().create(true).read(true).append(true).open(path).map_err(refused("write"))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            let problem = "another process is writing this file: wait for it".into();
            return Err(Error::Content { problem, path: path.into() });
        }
        let text = fs::read_to_string(path).map_err(refused("read"))?;
        let form = Form::of(path, &text);
        let (origin, head) = (form.origin(&sample.origin), form.head(&sample.origin));
        match text.split_once('\n') {
            // Not even its head, which may be two lines, was whole before a kill.
            _ if text.len() < head.len() && head.starts_with(&text) => {
                file.set_len(0).map_err(refused("write"))?;
                file.write_all(head.as_bytes()).map_err(refused("write"))?;
            }
            Some((found, _)) if found != origin => {
                let problem = format!(
                    "its networks were judged otherwise ({found}, not {origin}): choose another file"
                );
                return Err(Error::Content { problem, path: path.into() });
            }
            None => {
                let problem =
                    "expected judged networks, found a line of something else: choose another file".into();
                return Err(Error::Content { problem, path: path.into() });
            }
            // Without what was cut short.
            Some(_) => {
                let whole = text.rfind('\n').map_or(0, |end| end + 1) as u64;
                file.set_len(whole).map_err(refused("write"))?;
            }
        }
        let mut found = Self::read(family, path)?;
        let count = sample.listed.as_ref().map_or(sample.count, Vec::len);
        reporter.begin("networks", count as u64);
        reporter.advance(found.pairs.len() as u64);
        let further = further(family, sample, &found);
        let judged = |genome: &Genome| Ok::<_, Error>(judge.judge_blocking(supernet, genome)?.top1);
        in_order(workers, &further, judged, |genome, top1| {
            let line = form.line(family.space(), genome, top1);
            file.write_all(line.as_bytes()).map_err(refused("write"))?;
            found.pairs.push((genome.clone(), top1));
            reporter.advance(1);
            Ok(())
        })?;
        reporter.end();
        Ok(found)
    }

    /// The predictor that did best in cross-validation: ridge regression with pairs of
    /// choices, an ensemble of those, or one of the published: ridge regression without pairs, and the
    /// perceptron.
    ///
    /// # Errors
    /// Fewer pairs than [`Pairs::FOLDS`].
    pub fn predictor(&self, family: &Family, seed: u64) -> Result<(Encoding, Chosen), Error> {
        let encoding = Encoding::of(family.space());
        let rows = encoding.rows(family.space(), self.pairs.iter().map(|(genome, _)| genome));
        let targets: Vec<f64> = self.pairs.iter().map(|(_, top1)| *top1).collect();
        let kinds = [
            PredictorKind::Ridge(Ridge::default()),
            PredictorKind::Ridge(Ridge::new(1.0, 0.0)),
            PredictorKind::Bagged(Bagged::default()),
            PredictorKind::Mlp(Mlp::default()),
        ];
        Ok((encoding, choose(&kinds, &rows, &targets, Self::FOLDS, seed)?))
    }
}

/// The networks that are still to be judged, in the order in which they are drawn.
fn further(family: &Family, sample: &Sample, found: &Pairs) -> Vec<Genome> {
    let mut known: BTreeSet<Genome> = found.pairs.iter().map(|(genome, _)| genome.clone()).collect();
    if let Some(listed) = &sample.listed {
        return listed.iter().filter(|genome| known.insert((*genome).clone())).cloned().collect();
    }
    let (mut further, mut number, mut vain) = (Vec::new(), 0, 0);
    while found.pairs.len() + further.len() < sample.count && vain < TRIES {
        let genome = family.space().sample(&mut sample.seed.stream(Stream::Subnets, number | PAIRS));
        (number, vain) = (number + 1, vain + 1);
        if known.insert(genome.clone()) {
            further.push(genome);
            vain = 0;
        }
    }
    further
}
