//! What a network takes and answers, for images of one's own.

use std::path::Path;

use sapwood_core::{ImageFit, Shape, TrainedOn};
use sapwood_data::{Entry, Layout, Normalisation};
use sapwood_lab::{DataConfig, Error as Lab, few};
use sapwood_models::Opened;

use super::{
    bar,
    image::ImageShape,
    outputs::{MoreOutputs, hinted},
    probabilities::Probabilities,
};
use crate::Error;

/// Images of one's own, whatever they are.
const OWN: &str = "image-folder";

/// How images are made into inputs, and what outputs are called.
pub(super) struct Named {
    /// The shape of an input, `[C, H, W]`.
    pub(super) shape: Shape,
    pub(super) normalisation: Normalisation,
    /// How images get that shape.
    pub(super) fit: ImageFit,
    /// How outputs become probabilities.
    pub(super) probabilities: Probabilities,
    /// Whether outputs are shown by number where none has a name.
    numbered: bool,
    classes: Vec<String>,
}

impl Named {
    /// What the weight file says, and where it says nothing, what its data set does. Names of `data`
    /// that the network was not trained on are refused.
    pub(super) fn of(
        opened: &Opened,
        data: Option<(&str, &Path)>,
        image: &ImageShape,
        more: &MoreOutputs,
    ) -> Result<Self, Error> {
        let names_none = |trained_on: &TrainedOn| trained_on.classes.is_empty();
        let from_data = data.is_some() && opened.trained_on.as_ref().is_none_or(names_none);
        if more.allowed && !from_data {
            let problem =
                "`--allow-more-outputs` is for classes of `--data` where the weights name none: leave it out";
            return Err(Error::Usage(problem.into()));
        }
        if let Some((name, _)) = data
            && sapwood_data::entry(name)?.layout == Layout::Arrays
        {
            return Err(Error::Usage(format!(
                "`--data {name}` has numbers for classes, and no names: leave it out; what the weights do not say is said \
                 with `--preprocess` and `--class-names`"
            )));
        }
        let own = match (&opened.trained_on, data) {
            (Some(trained_on), data) => Self::of_file(opened, trained_on, data, image)?,
            (None, Some((data, root))) => Self::of_data(opened, data, root, image)?,
            (None, None) => {
                let problem = "the weights do not say what they were trained on: name the data set with `--data`, or how images \
                               become inputs with `--preprocess`, and the classes with `--class-names`";
                return Err(Error::Usage(problem.into()));
            }
        };
        let [outputs, height, width] = opened.spec.output(own.shape)?;
        let model = &opened.spec.model;
        let probabilities = Probabilities::of(opened, own.shape)?
            .filter(|_| height * width == 1 && (own.numbered || !own.classes.is_empty()));
        let Some(probabilities) = probabilities else {
            let problem = format!("`{model}` gives no classes: see what it gives with `forward`");
            return Err(Error::Usage(problem));
        };
        let (names, model) = (own.classes.len(), model.clone());
        if outputs < names {
            let (found, data) = (format!("{outputs} outputs"), data.map_or("", |(data, _)| data).into());
            return Err(Lab::Unfit { model, found, data, expected: format!("{names} classes") }.into());
        }
        if names < outputs {
            if from_data && !more.allowed {
                let (data, classes) = (data.map_or("", |(data, _)| data).into(), few(&own.classes));
                let refused = Lab::MoreOutputs { model, found: outputs, data, expected: names, classes };
                return Err(hinted(refused, false));
            }
            let unnamed = outputs - names;
            bar::note(&format!(
                "{unnamed} of {outputs} outputs have no name: they are shown by number, from 0"
            ));
        }
        Ok(Self { probabilities, ..own })
    }

    fn of_file(
        opened: &Opened,
        trained_on: &TrainedOn,
        data: Option<(&str, &Path)>,
        image: &ImageShape,
    ) -> Result<Self, Error> {
        let mut classes = trained_on.classes.clone();
        if let Some((name, root)) = data {
            let mut unknown = names(sapwood_data::entry(name)?, root)?;
            if classes.is_empty() {
                classes.clone_from(&unknown);
            }
            unknown.retain(|class| !classes.contains(class));
            if !unknown.is_empty() {
                let (known, unknown) = (few(&trained_on.classes), few(&unknown));
                return Err(Error::Usage(format!(
                    "`{}` was trained on {known}, not on {unknown} of data set `{name}`: leave `--data` out, the weights \
                     name their classes",
                    opened.spec.model
                )));
            }
        }
        // What somebody said of images holds for any.
        let data = if trained_on.image.is_some() { OWN } else { &trained_on.data };
        let mut config = DataConfig::named(data);
        image.apply(&mut config)?;
        let unknown: Vec<String> = trained_on.other.keys().cloned().collect();
        if !unknown.is_empty() {
            let keys = few(&unknown);
            bar::note(&format!(
                "note: the weights say {keys} of their images, which this version does not know"
            ));
        }
        Ok(Self {
            shape: config.options.image.unwrap_or(trained_on.input),
            normalisation: trained_on.into(),
            fit: trained_on.image.unwrap_or_default(),
            probabilities: Probabilities::OfClasses,
            numbered: trained_on.image.is_some(),
            classes,
        })
    }

    fn of_data(opened: &Opened, data: &str, root: &Path, image: &ImageShape) -> Result<Self, Error> {
        let entry = sapwood_data::entry(data)?;
        let mut config = DataConfig::of(data, &opened.spec);
        image.apply(&mut config)?;
        let shape = config.options.image.or(entry.shape).unwrap_or(opened.spec.input);
        let normalisation = match shape {
            [1, ..] if entry.normalisation.channels.len() == 3 => Normalisation::GREY,
            _ => entry.normalisation.clone(),
        };
        let (fit, classes) = (ImageFit::default(), names(entry, root)?);
        let probabilities = Probabilities::OfClasses;
        Ok(Self { shape, normalisation, fit, probabilities, numbered: false, classes })
    }

    /// What an output is called: its number where it has no name.
    pub(super) fn name(&self, output: usize) -> String {
        self.classes.get(output).cloned().unwrap_or_else(|| format!("output {output}"))
    }
}

/// What the classes of a data set are called.
fn names(entry: &Entry, root: &Path) -> Result<Vec<String>, Error> {
    let names = entry.class_names(root)?;
    match entry.task {
        Some(task) if names.is_empty() => Ok((0..task.outputs()).map(|class| class.to_string()).collect()),
        _ => Ok(names),
    }
}
