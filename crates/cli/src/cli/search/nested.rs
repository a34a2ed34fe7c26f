//! `search --space FAMILY`

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use sapwood_backend::Seed;
use sapwood_core::{TrainedOn, write_atomic};
use sapwood_deploy::{Pairs, Searching, check};
use sapwood_lab::{
    DataConfig, Error as Lab, Known,
    supernet::{JudgingImages, pack_cut},
};
use sapwood_report::{Cell, Table};
use sapwood_search::{Goal, LatencyTable, Method, Search as Looking, Space};
use sapwood_supernet::{CALIBRATION, Family, Supernet};

use super::{
    super::{architectures, latency_table::read_table, outputs::tell, overwriting::is_same},
    Search,
    measured::measured,
    page::Fronts,
    saved::Saved,
};
use crate::Error;

/// Looks of a search whose predictor has learnt, as the published one has them.
const LOOKS: usize = 50_100;

/// Of which images accuracies are.
const PREDICTED: &str = " The accuracy is predicted, for the images that the pairs were measured on: the test split, or \
                         held-out training images.";

/// Searches the networks of a family, for one device or for each of several.
pub(super) fn run(options: &Search, name: &str, goal: &Goal, out: &mut dyn Write) -> Result<(), Error> {
    let family = architectures::named(name, options.input)?;
    let Some(pairs_file) = &options.pairs else {
        let problem =
            "expected `--pairs FILE`, from which accuracies are predicted: `supernet pairs` writes it";
        return Err(Error::Usage(problem.into()));
    };
    let pairs = Pairs::read(&family, pairs_file)?;
    // What cannot be read, known or predicted is told before anything is learnt, searched and written.
    let table = options.table.as_deref().map(read_table).transpose()?;
    if options.many.is_empty() {
        check(&family, table.as_ref(), goal)?;
    }
    let space = table.as_ref().map(|table| measured(options, &family, table, goal)).transpose()?;
    let devices = options.many.iter().map(|path| {
        let latencies = read_table(path)?;
        check(&family, Some(&latencies), goal)?;
        let space = measured(options, &family, &latencies, goal)?;
        Ok((path, latencies, space))
    });
    let devices = devices.collect::<Result<Vec<_>, Error>>()?;
    let predictor = pairs.predictor(&family, options.seed)?;
    let looks = options.evaluations.unwrap_or(LOOKS);
    let looking = |space: &Space| -> Result<_, Error> {
        let method = Method::named(&options.method)?;
        Ok(Looking::new(space.clone(), goal.clone(), method, options.seed))
    };
    if options.many.is_empty() {
        let space = space.unwrap_or_else(|| family.space().clone());
        let searching = Searching { family: &family, predictor: &predictor, table: table.as_ref() };
        let inputs = [Some(pairs_file.as_path()), options.table.as_deref()];
        let mut saved = Saved::of(options, inputs)?;
        let mut search = saved.resume(looking(&space)?)?;
        let found = searching.go_on(&mut search, looks, |search| saved.after_round(search));
        saved.end(&search)?;
        let found = found?;
        options.show(&space, goal, &found, out)?;
        if let Some(path) = &options.page {
            let name = family.name().to_string();
            let fronts =
                Fronts { name, fronts: vec![("found".into(), &found)], all: Vec::new(), about: PREDICTED };
            let numbers = options.table_of(&space, goal, found.members());
            write_atomic(path, fronts.page(goal, numbers)?.as_bytes())?;
        }
        return Ok(());
    }
    let search = |table: &LatencyTable, space: &Space| {
        let searching = Searching { family: &family, predictor: &predictor, table: Some(table) };
        searching.go_on(&mut looking(space)?, looks, |_| Ok::<_, Error>(()))
    };
    let cutter =
        options.weights.as_deref().map(|weights| Cutter::new(options, &family, weights)).transpose()?;
    // Better now than behind some of the searches.
    for path in options.many.iter().map(|table| network_beside(table)).filter(|_| cutter.is_some()) {
        let read = options.weights.iter().chain(&options.pairs).chain(&options.many);
        if read.into_iter().any(|read| is_same(read, &path)) {
            let problem =
                "a network would be written over a file that the search reads: give the table another name";
            return Err(Error::Content { problem: problem.into(), path });
        }
    }
    let head = ["device", "architecture"].into_iter().map(String::from).chain(goal.metrics().iter().cloned());
    let mut table = Table::new(head);
    let mut unserved = Vec::new();
    for (path, latencies, space) in devices {
        // The others are served all the same.
        let found = match search(&latencies, &space) {
            Err(error @ Error::Lab(Lab::Search(sapwood_search::Error::Infeasible { .. }))) => {
                let nothing = goal.metrics().iter().map(|_| Cell::none());
                table.row(
                    [Cell::from(latencies.device.as_str()), Cell::from("none")].into_iter().chain(nothing),
                );
                unserved.push(format!("{}: {error}", latencies.device));
                continue;
            }
            found => found?,
        };
        let Some(best) = found.best() else { continue };
        let values = best.values.iter().map(|value| Cell::number(*value));
        let text = space.text(&best.genome);
        table.row([Cell::from(latencies.device.as_str()), Cell::from(text)].into_iter().chain(values));
        if let Some(cutter) = &cutter {
            let path = network_beside(path);
            let genome = family.space().adopt(&space, &best.genome)?;
            let net = cutter.images.judge().cut(&cutter.supernet, &genome)?;
            let (family, trained_on) = (cutter.supernet.family(), cutter.trained_on.as_ref());
            write_atomic(&path, &pack_cut(family, &genome, &net, trained_on)?)?;
        }
    }
    write!(out, "{}", table.to_text())?;
    match unserved.is_empty() {
        true => Ok(()),
        false => Err(Error::Usage(unserved.join("; "))),
    }
}

/// The file of the network for the device of a table.
fn network_beside(table: &Path) -> PathBuf {
    let stem = table.file_stem().unwrap_or_default().to_string_lossy();
    table.with_file_name(format!("{stem}.safetensors"))
}

/// Writes what was found for each device.
struct Cutter {
    supernet: Supernet,
    images: JudgingImages,
    /// What a network that is cut out says of itself.
    trained_on: Option<TrainedOn>,
}

impl Cutter {
    fn new(options: &Search, family: &Family, weights: &Path) -> Result<Self, Error> {
        let Some(data) = &options.data else {
            let problem = "expected `--data` beside `--weights`: statistics are taken of its images";
            return Err(Error::Usage(problem.into()));
        };
        let device = sapwood_backend::DeviceSpec::CPU.resolve()?;
        let (spec, supernet) = Supernet::open(weights, Some(family.name()), &device)?;
        // Accuracies and latencies were of networks for these images.
        let ([_, h, w], [_, height, width]) = (family.whole().input(), supernet.family().whole().input());
        if [h, w] != [height, width] {
            let problem = format!("the supernet takes images of {height}x{width}, not of {h}x{w}");
            return Err(Error::Usage(format!("{problem}: give its `--input`")));
        }
        let datasets = options.root.datasets();
        let mut data = DataConfig::named(data);
        if data.is_own() {
            data.options.image = Some(spec.input);
        }
        let known = Known { trained_on: spec.trained_on.as_ref(), ..Known::default() };
        let family = (supernet.family(), known);
        let images = JudgingImages::new(family, &data, CALIBRATION, Seed(options.seed), &datasets, &device)?;
        datasets.tell(&super::super::bar::Bar::default());
        tell(images.classes());
        let trained_on = spec.trained_on.map(|_| images.trained_on());
        Ok(Self { supernet, images, trained_on })
    }
}
