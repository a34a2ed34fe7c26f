//! What a network that begins with weights keeps of them, and who teaches it.

use std::collections::{BTreeMap, BTreeSet};

use burn::prelude::Device;
use sapwood_core::{Observed as _, Role, Step, TrainedOn, graph::Graph, infos};
use sapwood_data::Dataset;
use sapwood_models::{Net, Spec};
use sapwood_sparse::Regulariser;
use sapwood_train::{Distillation, Distilled, Hook, L2Sp, Plan, Unfreezing};
use serde::{Serialize, Serializer};

use crate::{Classes, Error, Known, Outputs, TrainConfig, fits::fits, other_inputs};

/// Transfer learning, as a part of a training's configuration. By default there is none.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Transfer {
    /// The layers whose parameters do not move.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub frozen: BTreeSet<String>,
    /// The batch normalisations that use their running statistics in training too, and keep them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub still: BTreeSet<String>,
    /// Whether the last layer alone is trained, on features that are computed once (a linear probe). Nothing else
    /// moves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// The strength of a pull towards the weights that it begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l2_sp: Option<Pull>,
    /// The number of epochs after which all layers learn, where the last ones begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfreeze: Option<usize>,
    /// What is to be said of it, once the run begins.
    #[serde(skip)]
    pub notes: Vec<String>,
    /// Whose answers are learnt beside the labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<Teacher>,
}

/// A pull towards the weights that training begins with: [`sapwood_train::L2Sp`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Pull {
    /// Its strength, for layers that are not new.
    pub alpha: f64,
    /// The strength of a pull towards zero, for those that are.
    pub beta: f64,
    /// The new layers.
    pub new: BTreeSet<String>,
}

/// A trained network that another learns from.
#[derive(Clone, Debug, Serialize)]
pub struct Teacher {
    /// BLAKE3 of its file, in hexadecimal: a configuration tells it by that.
    pub digest: String,
    /// What is learnt of it.
    #[serde(flatten)]
    pub how: Distillation,
    /// The network.
    #[serde(serialize_with = "name")]
    pub spec: Spec,
    /// It, with its weights.
    #[serde(skip)]
    pub net: Net,
    /// What it was trained on, where its file says it.
    #[serde(skip)]
    pub trained_on: Option<TrainedOn>,
}

fn name<S: Serializer>(spec: &Spec, serializer: S) -> Result<S::Ok, S::Error> {
    spec.model.serialize(serializer)
}

impl Transfer {
    /// Refuses a probe beside what it cannot do, since nothing but the last layer is trained; and other parts of a
    /// training that contradict one another.
    pub(crate) fn check(&self, config: &TrainConfig, keep: &[Step]) -> Result<(), Error> {
        let refuse = |what: &str| {
            let problem = format!("a probe learns from features that are computed once: leave {what} out");
            Err(Error::setting("transfer.probe", problem))
        };
        if self.teacher.is_some() && config.quantize.is_some() {
            let problem = "a network that learns with rounding has no teacher: leave one of the two out";
            return Err(Error::setting("transfer.teacher", problem));
        }
        let blocks = self.teacher.as_ref().is_some_and(|teacher| teacher.how == Distillation::Blocks);
        if blocks && config.recipe.label_smoothing != 0.0 {
            let problem = "blocks are learnt without labels: leave their smoothing out";
            return Err(Error::setting("training.label_smoothing", problem));
        }
        if config.regulariser.is_some() && config.quantize.is_some() {
            let problem =
                "a regulariser does not know a network that learns with rounding: leave one of the two out";
            return Err(Error::setting("training.regulariser", problem));
        }
        if config.quantize.is_some() && (self.l2_sp.is_some() || self.unfreeze.is_some()) {
            let problem = "a network that learns with rounding knows neither a pull to where it began nor layers that begin \
                           later: leave one of the two out";
            return Err(Error::setting("transfer", problem));
        }
        let stays = match self.frozen.is_empty() {
            false => Some("frozen layers"),
            true => self.unfreeze.map(|_| "layers that begin later"),
        };
        let changes = match (&config.sparse, config.regulariser) {
            (Some(_), _) => Some("masks that change in training"),
            (None, Some(Regulariser::SoftFilters { .. })) => Some("soft filters"),
            _ => None,
        };
        if let (Some(stays), Some(changes)) = (stays, changes) {
            let problem = format!(
                "{stays} do not move, and {changes} would set some of their weights to zero: leave one of the two out"
            );
            return Err(Error::setting("transfer", problem));
        }
        let epochs = config.recipe.epochs;
        if let Some(found) = self.unfreeze.filter(|unfreeze| *unfreeze == 0 || epochs < *unfreeze) {
            let problem = format!(
                "expected that all layers learn after 1 to {epochs} epochs, those of the run, found {found}"
            );
            return Err(Error::setting("transfer.unfreeze", problem));
        }
        match self.probe {
            true if self.l2_sp.is_some() => refuse("the pull to where it began"),
            true if self.unfreeze.is_some() => refuse("layers that begin later"),
            true if config.quantize.is_some() => refuse("rounding"),
            true if config.data.augment.is_any() => refuse("augmentation"),
            true if config.regulariser.is_some() => refuse("the regulariser"),
            true if config.sparse.is_some() => refuse("sparse training"),
            true if !config.shared.is_empty() => refuse("shared weights"),
            true if self.teacher.is_some() => refuse("the teacher"),
            true if !self.frozen.is_empty() => refuse("frozen layers (all but the last one are)"),
            true if !keep.is_empty() => refuse("weights of positions on the way"),
            _ => Ok(()),
        }
    }

    /// What accompanies the training of a network that begins as it is now.
    ///
    /// # Errors
    /// Strengths out of range.
    pub(crate) fn hooks(
        &self,
        net: &Net,
        plan: &Plan,
        device: &Device,
    ) -> Result<Vec<Box<dyn Hook<Net>>>, Error> {
        let mut hooks: Vec<Box<dyn Hook<Net>>> = Vec::new();
        if let Some(Pull { alpha, beta, new }) = &self.l2_sp {
            hooks.push(Box::new(L2Sp::of(net, (*alpha, *beta), |path| path.is_of(new), device)?));
        }
        if let Some(epochs) = self.unfreeze {
            let nodes = net.graph().nodes().iter().filter(|node| node.op.has_parameters());
            let layers = nodes.map(|node| node.name.clone()).filter(|name| !self.frozen.contains(name));
            hooks.push(Box::new(Unfreezing::new(layers, epochs, plan)));
        }
        Ok(hooks)
    }

    /// The network with what stays of it.
    ///
    /// # Errors
    /// [`Error::Setting`] where nothing would be left to learn.
    pub(crate) fn apply(&self, net: Net) -> Result<Net, Error> {
        let trained = |info: &&sapwood_core::ParamInfo| info.role != Role::Buffer;
        if infos(&net).iter().filter(trained).all(|info| info.path.is_of(&self.frozen)) {
            let problem = "every layer is frozen, so that nothing is left to learn: freeze fewer";
            return Err(Error::setting("transfer.frozen", problem));
        }
        Ok(net.with_frozen(&self.frozen).with_still_statistics(&self.still))
    }
}

impl Teacher {
    /// The lessons that it gives of a data set, whose labels are still its own, as they were where the student's classes
    /// were found. It may have more outputs than there are classes where the student may.
    ///
    /// # Errors
    /// A teacher that does not answer what the data set asks, whose outputs stand for other classes than the student's,
    /// or that learnt from inputs that were made otherwise.
    pub(crate) fn lessons(
        &self,
        (student, outputs): (&Classes, Outputs),
        student_net: &Net,
        data: &Dataset,
        device: &Device,
    ) -> Result<Distilled<Net>, Error> {
        let outputs = Outputs { more: outputs.more, ..Outputs::default() };
        let known = Known { trained_on: self.trained_on.as_ref(), outputs };
        let classes =
            fits(&self.spec, known, data).map_err(|error| Error::Teacher { error: Box::new(error) })?;
        if classes != *student {
            return Err(Error::Teaching { data: data.name().into() });
        }
        if let Some([learnt, now]) = other_inputs(self.trained_on.as_ref(), data) {
            let problem = format!(
                "the teacher learnt from inputs made with {learnt}, and the student's are made with {now}: make the \
                 student's with the teacher's formula, or give a teacher that learnt from such as these"
            );
            return Err(Error::setting("transfer.teacher", problem));
        }
        let lessons = Distilled::new(self.how, self.net.clone(), device)?;
        Ok(match self.how {
            Distillation::Blocks => lessons.ending(alike(student_net.graph(), self.net.graph())),
            _ => lessons,
        })
    }
}

/// Where blocks of both end that are named alike; their shapes are compared when they have values.
fn alike(student: &Graph, teacher: &Graph) -> Vec<(usize, usize)> {
    let ends = |graph: &Graph| -> BTreeMap<String, usize> {
        graph.block_ends().into_iter().map(|end| (graph.nodes()[end].name.clone(), end)).collect()
    };
    let theirs = ends(teacher);
    ends(student).into_iter().filter_map(|(name, own)| Some((own, *theirs.get(&name)?))).collect()
}
