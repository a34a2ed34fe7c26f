//! `search --space FAMILY`

use std::{fs, io::Write, path::Path};

use sapwood_backend::Seed;
use sapwood_core::write_atomic;
use sapwood_search::{Front, Goal, LatencyTable, Member, Method};
use sapwood_supernet::{Family, Supernet};

use super::{super::architectures, Search};
use crate::{
    DataConfig, Datasets, Error,
    report::{Body, Cell, LinePlot, Plot, Point, Report, Section, Series, Table},
    supernet::{CALIBRATION, Judge, Pairs, Searching, pack_cut},
};

/// Looks of a search whose predictor has learnt, as the published one has them.
const LOOKS: usize = 50_100;

/// Searches the networks of a family, for one device or for each of several.
pub(super) fn run(options: &Search, space: &str, goal: &Goal, out: &mut dyn Write) -> Result<(), Error> {
    let family = architectures::named(space, options.input)?;
    let Some(pairs) = &options.pairs else {
        let problem =
            "expected `--pairs FILE`, from which accuracies are predicted: `supernet pairs` writes it";
        return Err(Error::Usage(problem.into()));
    };
    let pairs = Pairs::read(&family, pairs)?;
    let predictor = pairs.predictor(&family, options.seed)?;
    let search = |table: Option<&LatencyTable>| {
        let searching = Searching { family: &family, predictor: &predictor, table };
        let looks = options.evaluations.unwrap_or(LOOKS);
        searching.run(goal, Method::named(&options.method)?, looks, options.seed)
    };
    if options.many.is_empty() {
        let table = options.table.as_deref().map(read_table).transpose()?;
        let found = search(table.as_ref())?;
        options.show(family.space(), goal, &found, out)?;
        if let Some(path) = &options.page {
            write_atomic(path, page(options, &family, goal, &found)?.as_bytes())?;
        }
        return Ok(());
    }
    let cutter =
        options.weights.as_deref().map(|weights| Cutter::new(options, &family, weights)).transpose()?;
    let head = ["device", "architecture"].into_iter().map(String::from).chain(goal.metrics().iter().cloned());
    let mut table = Table::new(head);
    let mut unserved = Vec::new();
    // What cannot be read is told before anything is searched and written.
    let devices = options.many.iter().map(|path| {
        let latencies = read_table(path)?;
        latencies.for_space(family.name())?;
        Ok((path, latencies))
    });
    for (path, latencies) in devices.collect::<Result<Vec<_>, Error>>()? {
        // The others are served all the same.
        let found = match search(Some(&latencies)) {
            Err(error @ Error::Search(sapwood_search::Error::Infeasible { .. })) => {
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
        let text = family.space().text(&best.genome);
        table.row([Cell::from(latencies.device.as_str()), Cell::from(text)].into_iter().chain(values));
        if let Some(cutter) = &cutter {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let path = path.with_file_name(format!("{stem}.safetensors"));
            if Some(path.as_path()) == options.weights.as_deref() {
                let problem = "a network would be written over the supernet: give the table another name";
                return Err(Error::Usage(format!("{problem}: {}", path.display())));
            }
            let net = cutter.judge.cut(&cutter.supernet, &best.genome)?;
            write_atomic(&path, &pack_cut(cutter.supernet.family(), &best.genome, &net)?)?;
        }
    }
    write!(out, "{}", table.to_text())?;
    match unserved.is_empty() {
        true => Ok(()),
        false => Err(Error::Usage(unserved.join("; "))),
    }
}

/// Writes what was found for each device.
struct Cutter {
    supernet: Supernet,
    judge: Judge,
}

impl Cutter {
    fn new(options: &Search, family: &Family, weights: &Path) -> Result<Self, Error> {
        let Some(data) = &options.data else {
            let problem = "expected `--data` beside `--weights`: statistics are taken of its images";
            return Err(Error::Usage(problem.into()));
        };
        let device = sapwood_backend::DeviceSpec::CPU.resolve()?;
        let (_, supernet) = Supernet::open(weights, Some(family.name()), &device)?;
        // Accuracies and latencies were of networks for these images.
        let ([_, h, w], [_, height, width]) = (family.whole().input(), supernet.family().whole().input());
        if [h, w] != [height, width] {
            let problem = format!("the supernet takes images of {height}x{width}, not of {h}x{w}");
            return Err(Error::Usage(format!("{problem}: give its `--input`")));
        }
        let datasets = Datasets::below(&options.root.data_root);
        let data = DataConfig::named(data);
        let judge =
            Judge::new(supernet.family(), &data, CALIBRATION, Seed(options.seed), &datasets, &device)?;
        Ok(Self { supernet, judge })
    }
}

fn read_table(path: &Path) -> Result<LatencyTable, Error> {
    let text = fs::read_to_string(path).map_err(Error::file("read", path))?;
    LatencyTable::from_toml(&text)
        .map_err(|error| Error::Content { problem: error.to_string(), path: path.into() })
}

/// The first objective over the second, and the numbers.
fn page(options: &Search, family: &Family, goal: &Goal, found: &Front) -> Result<String, Error> {
    let (first, second) = (&goal.objectives()[0], &goal.objectives()[1]);
    let point = |member: &Member| Point::exact(member.values[1], member.values[0]);
    let mut points: Vec<Point> = found.members().iter().map(point).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    let plot = LinePlot {
        x_label: second.metric().into(),
        y_label: first.metric().into(),
        series: vec![Series { name: family.name().into(), points }],
        ..LinePlot::default()
    };
    let text = "Each point is a network that no other one beats in all objectives.";
    let report = Report {
        title: format!("The best networks of {}", family.name()),
        sections: vec![
            Section::new("The front", text, Body::Plot(Plot::Line(plot))),
            Section::new("Numbers", "", Body::Table(options.table_of(family.space(), goal, found.members()))),
        ],
        ..Report::default()
    };
    report.to_html().map_err(|error| Error::Report(error.to_string()))
}
