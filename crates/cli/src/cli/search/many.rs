//! `search --many`

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
};

use sapwood_backend::{DeviceSpec, Seed};
use sapwood_core::write_atomic;
use sapwood_data::Error as Data;
use sapwood_deploy::{Pairs, Searching, check, coverage};
use sapwood_lab::{DataConfig, Error as Lab, Outputs, supernet::pack_cut};
use sapwood_report::{Cell, Table};
use sapwood_search::Goal;
use sapwood_supernet::{CALIBRATION, Family, Supernet};

use super::{
    super::{hints::before_path, latency_table::read_table, overwriting::is_same, supernet::Judging},
    Search,
    measured::measured,
    nested::LOOKS,
};
use crate::Error;

/// Searches the networks of a family for each device, and cuts the best ones out where there are weights.
pub(super) fn run(
    options: &Search,
    family: &Family,
    pairs: &Pairs,
    goal: &Goal,
    out: &mut dyn Write,
) -> Result<(), Error> {
    // What cannot be read, known, predicted or written is told before anything is learnt, searched and written.
    let tables = options.many.iter().map(|path| Ok((path, read_table(path)?)));
    let tables = tables.collect::<Result<Vec<_>, Error>>()?;
    let whole = options.weights.as_deref().zip(options.data.as_deref());
    let whole = whole.map(|(weights, data)| open(options, family, weights, data)).transpose()?;
    let devices = tables.into_iter().map(|(path, latencies)| {
        check(family, Some(&latencies), goal)?;
        let covered = coverage(family, &latencies, goal)?;
        let space = measured(family, &latencies, &covered, options.only_measured)?;
        Ok((path, latencies, space))
    });
    let devices = devices.collect::<Result<Vec<_>, Error>>()?;
    let predictor = pairs.predictor(family, options.seed)?;
    let head = ["device", "architecture"].into_iter().map(String::from).chain(goal.metrics().iter().cloned());
    let mut table = Table::new(head.chain(whole.is_some().then(|| "file".into())));
    let mut unserved = Vec::new();
    for (path, latencies, space) in devices {
        let searching = Searching { family, predictor: &predictor, table: Some(&latencies) };
        let mut search = options.begin(&space, goal)?;
        // The others are served all the same.
        let found = match searching.go_on(&mut search, options.looks(LOOKS), |_| Ok::<_, Error>(())) {
            Err(Error::Lab(Lab::Search(error @ sapwood_search::Error::Infeasible { .. }))) => {
                let nothing = goal.metrics().iter().map(|_| Cell::none());
                let nothing = nothing.chain(whole.is_some().then(Cell::none));
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
        let path = network_beside(path);
        let file = whole.is_some().then(|| Cell::from(path.display().to_string()));
        let cells = [Cell::from(latencies.device.as_str()), Cell::from(text)].into_iter();
        table.row(cells.chain(values).chain(file));
        if let Some(Judging { supernet, images, trained_on, .. }) = &whole {
            let genome = family.space().adopt(&space, &best.genome)?;
            let net = images.judge().cut(supernet, &genome)?;
            write_atomic(&path, &pack_cut(supernet.family(), &genome, &net, trained_on.as_ref())?)?;
        }
    }
    write!(out, "{}", table.to_text())?;
    match unserved.is_empty() {
        true => Ok(()),
        false => Err(Error::Usage(unserved.join("; "))),
    }
}

/// The supernet out of which networks are cut, and the images that their statistics are taken of.
fn open(options: &Search, family: &Family, weights: &Path, data: &str) -> Result<Judging, Error> {
    check_files(options)?;
    let device = DeviceSpec::CPU.resolve()?;
    let (spec, supernet) = Supernet::open(weights, Some(family.name()), &device)?;
    // Accuracies, costs and latencies are of networks for these images and classes.
    let ([c, h, w], classes) = (family.whole().input(), family.whole().outputs()?);
    let ([channels, height, width], outputs) = (spec.input, spec.classes);
    if (spec.input, outputs) != ([c, h, w], classes) {
        return Err(Error::Usage(format!(
            "the supernet is for images of {channels}x{height}x{width} in {outputs} classes, and the search for \
             {c}x{h}x{w} in {classes}: give `--input {channels}x{height}x{width} --classes {outputs}`"
        )));
    }
    let datasets = options.root.datasets();
    let (data, statistics) = (DataConfig::named(data), (CALIBRATION, Seed(options.seed)));
    let opened = Judging::of((spec, supernet), data, statistics, Outputs::default(), (&datasets, &device));
    opened.map_err(hinted)
}

/// An error with what helps here, where no image can be left out.
fn hinted(error: Lab) -> Error {
    let said = match &error {
        Lab::Data(unreadable @ Data::Unreadable { path, .. }) => before_path(
            unreadable,
            path,
            "; leave `--weights` and `--data` out, and cut what is found out with `supernet extract --skip-bad`",
        ),
        _ => return error.into(),
    };
    Error::Hinted { said, error: error.into() }
}

/// Refuses files of networks that are there already, that the search reads among them, or that two networks would have.
fn check_files(options: &Search) -> Result<(), Error> {
    let mut taken = BTreeSet::new();
    for table in &options.many {
        let path = network_beside(table);
        // Folders may have several names.
        let folder = table.with_file_name(".").canonicalize().map_err(Error::file("read", table))?;
        let mut read = options.weights.iter().chain(&options.pairs).chain(&options.many);
        let problem = if read.any(|read| is_same(read, &path)) {
            "a network would be written over a file that the search reads: give the table another name"
        } else if !taken.insert(folder.join(path.file_name().unwrap_or_default())) {
            "the networks of two tables would be written into this file: give one of the tables another name"
        } else if path.exists() {
            // Whether anybody has trained it since cannot be told.
            "a network would be written over a file that is there already: move that, or give the table another name"
        } else {
            continue;
        };
        return Err(Error::Content { problem: problem.into(), path });
    }
    Ok(())
}

/// The file of the network for the device of a table.
fn network_beside(table: &Path) -> PathBuf {
    let stem = table.file_stem().unwrap_or_default().to_string_lossy();
    table.with_file_name(format!("{stem}.safetensors"))
}
