//! `eval`

use std::io::Write;

use clap::Args;
use sapwood_lab::{DataConfig, evaluate, fits};
use sapwood_train::Evaluation;

use super::{
    bar::Bar,
    data_root::DataRoot,
    image::Images,
    on_device::OnDevice,
    outputs::{MoreOutputs, hinted, tell},
    weight_file::WeightFile,
};
use crate::Error;

/// Tell how good a trained network is on a test split
#[derive(Args)]
pub(super) struct Eval {
    #[command(flatten)]
    network: WeightFile,
    /// The data set: see `data list`
    #[arg(long)]
    data: String,
    #[command(flatten)]
    images: Images,
    #[command(flatten)]
    outputs: MoreOutputs,
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
        let device = self.device.resolve()?;
        let opened = self.network.open(&device)?;
        opened.net.check_single()?;
        let mut data = DataConfig::of_opened(&self.data, &opened);
        self.images.apply(&mut data)?;
        let datasets = self.root.datasets();
        let test = data.test_source(&datasets)?;
        let classes = fits(&opened.spec, self.outputs.known(&opened), test.dataset());
        let classes = classes.map_err(|error| hinted(error, false))?;
        datasets.tell(&Bar::default());
        tell(&classes);
        let test = classes.of_batches(test)?;
        let evaluation = evaluate(&opened.net, &test, &device, &Bar::default())?;
        if self.json {
            writeln!(out, "{}", serde_json::to_string(&evaluation).unwrap_or_default())?;
        } else {
            writeln!(out, "{}", line(&evaluation))?;
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
            format!("cells right {}, boards right {}", percent(evaluation.top1), percent(exact))
        }
        (None, None) => format!("top-1 {}", percent(evaluation.top1)),
    };
    format!("{} test examples: {rest}, loss {:.4}", evaluation.examples, evaluation.loss)
}
