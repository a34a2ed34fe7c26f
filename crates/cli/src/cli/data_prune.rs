//! `data prune`

use std::{io::Write, path::PathBuf};

use clap::{Args, ValueEnum};
use sapwood_backend::Seed;
use sapwood_core::write_atomic;
use sapwood_data::Split;
use sapwood_lab::{Choice, Choosing, DataConfig, Known, Portion, fits, other_inputs};

use super::{
    bar::Bar, data_root::DataRoot, image::Images, integers, on_device::OnDevice, weight_file::hinted_among,
};
use crate::Error;

/// Choose the training examples that are worth learning from, and write their list
#[derive(Args)]
pub(super) struct DataPrune {
    /// The data set: see `data list`
    name: String,
    /// What examples are chosen by
    #[arg(long, value_enum)]
    method: Method,
    /// This number or part of the training examples, as in 50%
    #[arg(long, value_name = "N|PERCENT")]
    keep: Portion,
    /// Networks to look through: el2n and grand take the mean over them, forgetting follows those of one training in
    /// their order (see `train --keep`), k-centre takes the features of one
    #[arg(long, value_name = "FILE")]
    weights: Vec<PathBuf>,
    /// Keep the same share of each class
    #[arg(long)]
    balanced: bool,
    /// Keep those at the other end: with little data they are worth more (Sorscher et al. 2022)
    #[arg(long)]
    easiest: bool,
    /// The seed of what is left to chance
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    images: Images,
    /// Where the list goes, as JSON: `train --only` takes it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
}

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    /// By chance
    Random,
    /// The largest errors
    El2n,
    /// The longest gradients
    Grand,
    /// Those that were most often unlearnt
    Forgetting,
    /// Those that cover the others
    KCentre,
}

impl DataPrune {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let by = match self.method {
            Method::Random => Choosing::Random,
            Method::El2n => Choosing::El2n,
            Method::Grand => Choosing::Grand,
            Method::Forgetting => Choosing::Forgetting,
            Method::KCentre => Choosing::KCentre,
        };
        let device = self.device.resolve()?;
        let datasets = self.root.datasets();
        let (mut nets, mut data) = (Vec::new(), DataConfig::named(&self.name));
        let mut known = Vec::new();
        for path in &self.weights {
            let opened = sapwood_models::Reading::of(None).open(path, &device);
            let opened = opened.map_err(|error| hinted_among(error, &[]))?;
            integers::refuse(&opened, "scores of examples")?;
            opened.net.check_single()?;
            if nets.is_empty() {
                data = DataConfig::of_opened(&self.name, &opened);
            }
            known.push((opened.spec, opened.trained_on));
            nets.push(opened.net);
        }
        self.images.apply(&mut data)?;
        let mut dataset = datasets.open(&data, Split::Train)?;
        for (at, (spec, trained_on)) in known.iter().enumerate() {
            let known = Known { trained_on: trained_on.as_ref(), ..Known::default() };
            let classes = fits(spec, known, &dataset)?;
            let (this, first) = (self.weights[at].display(), self.weights[0].display());
            if at > 0 && classes.note().is_some() {
                return Err(Error::Usage(format!(
                    "`{this}` has its classes in another order than `{first}`: give networks of the same classes"
                )));
            }
            if let Some([learnt, now]) = other_inputs(trained_on.as_ref(), &dataset).filter(|_| at > 0) {
                return Err(Error::Usage(format!(
                    "`{this}` learnt from inputs made with {learnt}, and for `{first}` they are made with {now}: give \
                     networks that learnt from the same inputs"
                )));
            }
            dataset = classes.of(dataset)?;
        }
        let Self { balanced, easiest, .. } = self;
        let keep = self.keep.of(dataset.len());
        let choice = Choice { by, keep, balanced, easiest, seed: Seed(self.seed) };
        let list = choice.of(&dataset, &nets, &device, &Bar::default())?;
        datasets.tell(&Bar::default());
        let text = super::json::line(&list)?;
        write_atomic(&self.out, text.as_bytes())?;
        writeln!(
            out,
            "{} of {} training examples are kept, by {}: {}",
            list.kept.len(),
            list.examples,
            list.method,
            self.out.display()
        )?;
        Ok(())
    }
}
