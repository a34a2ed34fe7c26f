//! `eval`

use std::{io::Write, path::Path};

use burn::prelude::Device;
use clap::Args;
use sapwood_core::Source;
use sapwood_lab::{DataConfig, ReadBatches, Takes, evaluate, fits, rounded};
use sapwood_models::Opened;
use sapwood_train::Evaluation;

use super::{
    bar::Bar,
    data_root::DataRoot,
    engine::EngineChoice,
    image::Images,
    on_device::OnDevice,
    outputs::{MoreOutputs, hinted, tell},
    own_input::{is_file, tell_doubt},
    weight_file::WeightFile,
};
use crate::Error;

/// Tell how good a trained network is on a test split
#[derive(Args)]
pub(super) struct Eval {
    #[command(flatten)]
    network: WeightFile,
    /// The data set: see `data list`; or a file with `images` and `labels`, or `x` and `y` (safetensors, or .npz)
    #[arg(long, value_name = "FILE|NAME")]
    data: String,
    #[command(flatten)]
    images: Images,
    #[command(flatten)]
    outputs: MoreOutputs,
    #[command(flatten)]
    engine: EngineChoice,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
}

impl Eval {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = self.engine.device(&self.device)?;
        let opened = self.network.open(&device)?;
        opened.net.check_rows()?;
        if is_file(&self.data) {
            return self.of_file(&opened, &device, out);
        }
        let mut data = DataConfig::of_opened(&self.data, &opened);
        self.images.apply(&mut data)?;
        let datasets = self.root.datasets();
        let test = data.test_source(&datasets)?;
        let classes = fits(&opened.spec, self.outputs.known(&opened), test.dataset());
        let classes = classes.map_err(|error| hinted(error, false))?;
        datasets.tell(&Bar::default());
        tell(&classes);
        let test = classes.of_batches(test)?;
        self.tell(&self.evaluation(&opened, &test, &device)?, out)
    }

    fn of_file(&self, opened: &Opened, device: &Device, out: &mut dyn Write) -> Result<(), Error> {
        self.images.none()?;
        self.outputs.none()?;
        let takes = Takes::of(opened);
        let test = ReadBatches::to_test(Path::new(&self.data), &takes, opened.spec.classes)?;
        if let Some(shape) = test.shape().image() {
            opened.spec.output(shape)?;
        }
        // What is refused is not told of before.
        tell_doubt(&takes, test.all());
        self.tell(&self.evaluation(opened, &test, device)?, out)
    }

    fn evaluation(&self, opened: &Opened, test: &dyn Source, device: &Device) -> Result<Evaluation, Error> {
        let shape = test.shape().image().unwrap_or(opened.spec.input);
        match self.engine.engine(opened, shape)? {
            Some(mut engine) => engine.evaluate(opened, test),
            None => Ok(evaluate(&rounded(opened), test, device, &Bar::default())?),
        }
    }

    fn tell(&self, evaluation: &Evaluation, out: &mut dyn Write) -> Result<(), Error> {
        if self.json {
            writeln!(out, "{}", super::json::line(evaluation)?)?;
        } else {
            writeln!(out, "{}", line(evaluation))?;
        }
        Ok(())
    }
}

/// An evaluation in one line.
pub(super) fn line(evaluation: &Evaluation) -> String {
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let rest = match (evaluation.top5, evaluation.exact) {
        (Some(top5), _) => format!("top-1 {}, top-5 {}", percent(evaluation.top1), percent(top5)),
        (None, Some(exact)) => {
            format!(
                "labels right {}, examples with all labels right {}",
                percent(evaluation.top1),
                percent(exact)
            )
        }
        (None, None) => format!("top-1 {}", percent(evaluation.top1)),
    };
    format!("{} test examples: {rest}, loss {:.4}", evaluation.examples, evaluation.loss)
}
