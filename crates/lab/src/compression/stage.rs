//! A network as it is after some steps.

use std::{num::NonZero, sync::Arc};

use sapwood_backend::{Seed, block_on};
use sapwood_core::{Graph, Masks, ModuleState as _, Observed as _, State, TrainedOn, graph::Groups};
use sapwood_models::{Net, Opened, Spec, pack, to_onnx};
use sapwood_prune::{Criteria, Criterion, NetworkProbe, Options, Probe as _, Prunable, keep_out_of_scope};
use sapwood_shrink::{Error as Shrinking, Removal, Selection, Share, Surgery, Target};
use sapwood_train::Distillation;

use super::{Compression, form::Judge};
use crate::{Beginning, Conditions, Error, Examples, Start, Teacher, TrainConfig, digest, new_statistics};

/// What is learnt of the network that was given: the temperature and the weight of `train --teacher`.
const TAUGHT: Distillation = Distillation::Kd { temperature: 4.0, weight: 0.9 };

/// The training examples by which channels are scored, where a criterion asks for some: 1,024, as by default in `shrink`.
const SCORED: Examples =
    Examples::Batches { number: NonZero::new(8).unwrap(), size: NonZero::new(128).unwrap() };

/// The version of ONNX's operations that is written.
pub(super) const OPSET: i64 = 18;

/// A network in its parts.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) spec: Spec,
    pub(super) net: Net,
    pub(super) masks: Masks,
    pub(super) trained_on: Option<TrainedOn>,
}

impl Stage {
    pub(super) fn of(opened: Opened) -> Self {
        let Opened { spec, net, masks, trained_on, .. } = opened;
        Self { spec, net, masks, trained_on }
    }

    /// All its values.
    pub(super) fn state(&self) -> Result<State, Error> {
        Ok(block_on(State::read(&self.net))?)
    }

    /// The bytes of its file.
    pub(super) fn file(&self) -> Result<Vec<u8>, Error> {
        let file = pack(&self.spec, self.trained_on.as_ref(), self.state()?, self.masks.clone())?;
        Ok(file.to_bytes()?)
    }

    /// The same as ONNX.
    pub(super) fn onnx(&self) -> Result<Vec<u8>, Error> {
        Ok(to_onnx(&self.spec, self.trained_on.as_ref(), &self.state()?, OPSET)?)
    }

    /// A training that begins with it.
    pub(super) fn beginning(&self) -> Result<Beginning, Error> {
        Ok(Beginning::From(Box::new(Start {
            digest: digest(&self.file()?),
            net: self.net.clone(),
            masks: self.masks.clone(),
            trained_on: self.trained_on.clone(),
        })))
    }

    /// The training of a smaller network.
    pub(super) fn trained(&self, config: &TrainConfig) -> Result<TrainConfig, Error> {
        Ok(TrainConfig { model: self.spec.clone(), beginning: self.beginning()?, ..config.clone() })
    }

    /// The same with the running statistics of the images that it learnt from. Those of its training lag behind: they are
    /// averages over all its steps, and, where these are few, still of the network before channels left.
    pub(super) fn with_new_statistics(
        self,
        config: &TrainConfig,
        conditions: &Conditions<'_>,
    ) -> Result<Self, Error> {
        if !new_statistics::has_statistics(self.net.graph()) {
            return Ok(self);
        }
        let Conditions { datasets, device, .. } = *conditions;
        let images = Arc::clone(config.plain_source(datasets)?.dataset());
        let net = new_statistics::of_images(self.net, images, config.seed, device)?;
        Ok(Self { net, ..self })
    }

    /// One that teaches smaller ones.
    pub(super) fn teacher(&self) -> Result<Teacher, Error> {
        Ok(Teacher {
            digest: digest(&self.file()?),
            how: TAUGHT,
            spec: self.spec.clone(),
            net: self.net.clone(),
            trained_on: self.trained_on.clone(),
        })
    }

    /// By which criterion channels are scored, and what of the network it is asked about.
    ///
    /// # Errors
    /// An unknown criterion, or one that is not for this network; layers that are not there.
    pub(super) fn scored(
        &self,
        compression: &Compression,
        criteria: &Criteria,
    ) -> Result<(Box<dyn Criterion>, Prunable), Error> {
        let build = criteria.find(&compression.criterion)?.build;
        let criterion = build(&Options::default(), Seed(compression.seed))?;
        let scope = compression.scope.clone().on(&self.net)?;
        let prunable = criterion.scope(&NetworkProbe::observed(&self.net), scope)?;
        Ok((criterion, prunable))
    }

    /// The channels that leave together, each with its score.
    pub(super) fn ranked(
        &self,
        compression: &Compression,
        (criteria, config, judge): (&Criteria, &TrainConfig, &Judge<'_>),
    ) -> Result<Ranked, Error> {
        let (criterion, prunable) = self.scored(compression, criteria)?;
        let Conditions { datasets, .. } = *judge.conditions;
        let examples = match criterion.needs().examples() {
            true => {
                let source = judge.labelled(config.plain_source(datasets)?)?;
                SCORED.choose(Arc::clone(source.dataset()), Seed(compression.seed))?
            }
            false => Vec::new(),
        };
        let mut groups = Groups::of(self.net.graph()).map_err(Shrinking::Graph)?;
        let probe = NetworkProbe::observed(&self.net).with_examples(&examples).in_f64();
        keep_out_of_scope(&mut groups, probe.infos(), &prunable);
        let channels = criterion.channels();
        let scores = criterion.score(&probe, &channels.prunable(probe.infos(), &prunable))?;
        let weights = channels.weights(&block_on(scores.read())?)?;
        let units = channels.of_groups(Default::default(), Default::default());
        let units = units.of_left(&groups, &weights, &Removal::none(&groups))?;
        Ok(Ranked { groups, units, round_to: compression.round_to })
    }

    /// The network without the channels of the lowest scores, of all layers, that have this share of its
    /// multiply-accumulates; or why as many cannot leave.
    pub(super) fn without(
        &self,
        share: Share,
        compression: &Compression,
        (criteria, config, judge): (&Criteria, &TrainConfig, &Judge<'_>),
    ) -> Result<Result<Self, Shrinking>, Error> {
        let ranked = self.ranked(compression, (criteria, config, judge))?;
        let graph = self.net.graph();
        let removal = match ranked.least(graph, share) {
            Err(why @ (Shrinking::Nothing { .. } | Shrinking::Unreachable { .. })) => return Ok(Err(why)),
            removal => removal?,
        };
        let surgery = Surgery::new(graph, &ranked.groups, &removal)?;
        let state = self.state()?;
        let spec = self.spec.with_layers(surgery.graph.clone())?;
        let net = surgery.state(&state)?.write(spec.net(judge.conditions.device)?)?;
        let masks = surgery.masks(&self.masks, &state)?;
        Ok(Ok(Self { spec, net, masks, trained_on: self.trained_on.clone() }))
    }
}

/// The channels of a network that leave together, each with its score. Those of all layers are compared.
pub(super) struct Ranked {
    pub(super) groups: Groups,
    units: Vec<Vec<f64>>,
    round_to: usize,
}

impl Ranked {
    /// The fewest that have this share of the multiply-accumulates.
    fn least(&self, graph: &Graph, share: Share) -> Result<Removal, Shrinking> {
        let target = Target::Macs(share);
        let chosen = Selection::Global.choose(graph, &self.groups, &self.units, target, self.round_to)?;
        Ok(chosen.removal)
    }

    /// All that may leave.
    pub(super) fn most(&self, graph: &Graph) -> Result<Removal, Shrinking> {
        let mut most = Removal::none(&self.groups);
        // What is never enough is asked once, of all.
        let enough = &mut |removal: &Removal| {
            most = removal.clone();
            Ok::<bool, Shrinking>(false)
        };
        let (groups, units) = (&self.groups, &self.units);
        let found = Selection::Global.choose_until(graph, groups, units, self.round_to, enough)?;
        Ok(found.map_or(most, |chosen| chosen.removal))
    }
}
