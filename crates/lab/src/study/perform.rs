//! Carrying out one run.

use std::{collections::BTreeSet, fs, sync::Arc};

use burn::prelude::Device;
use sapwood_backend::{Ops, Seed, Stream, block_on};
use sapwood_core::{Masks, ModuleState, Observed as _, ParamPath, State, Step, graph::Groups, write_atomic};
use sapwood_data::Split;
use sapwood_models::{Net, Opened, Spec, pack};
use sapwood_prune::{Criteria, Cut, Granularity, MaskSet, NetworkProbe, Pruned, Scope};
use sapwood_shrink::{Removal, Surgery};
use sapwood_train::{Connectivity, connectivity};

use super::{Control, CutSettings, Plan, Pretrained, Pruning, Run, StudyFolder, share};
use crate::{
    Beginning, Conditions, Error, Outputs, RunFolder, SmallData, Start, TrainConfig, Transfer,
    run_folder::digest, shared_paths, train,
};

/// A run that is to be carried out, and where.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) criteria: &'a Criteria,
    pub(super) plan: &'a Plan,
    pub(super) folder: &'a StudyFolder,
    pub(super) run: &'a Run,
    pub(super) conditions: &'a Conditions<'a>,
}

impl Task<'_> {
    /// Carries it out, from where it was left.
    pub(super) fn perform(self) -> Result<(), Error> {
        let (run, folder) = (self.run, self.folder.run(self.run));
        let text = serde_json::to_string_pretty(&run.spec.canonical()?).map_err(Error::unwritable)?;
        write_atomic(&folder.path().join("run.json"), text.as_bytes())?;
        let kept = run.keep.iter().map(|step| folder.weights_at(*step));
        let mut files = [folder.record(), folder.weights()].into_iter().chain(kept);
        if !files.all(|file| file.exists()) {
            self.train(&folder)?;
        }
        if run.is_life() {
            super::life::judge(run, &folder, self.conditions)?;
        }
        if run.spec.share.is_some() {
            share::write_packed(&folder)?;
        }
        if let Some(twin) = run.parents.twin {
            self.connect(&folder, &self.folder.run(&self.plan.runs[twin]))?;
        }
        Ok(())
    }

    /// How the error runs between this network and its twin.
    fn connect(self, folder: &RunFolder, twin: &RunFolder) -> Result<(), Error> {
        let Conditions { device, datasets, .. } = *self.conditions;
        let open =
            |place: &RunFolder| Ok::<_, Error>(sapwood_models::open(&place.weights(), None, device)?.net);
        let test = self.run.spec.data.test_source(datasets)?;
        let (from, to) = (open(twin)?, open(folder)?);
        let walk = block_on(connectivity(&from, &to, Connectivity::POINTS, &test, device))?;
        let text = serde_json::to_string(&walk).map_err(Error::unwritable)?;
        Ok(write_atomic(&folder.connectivity(), text.as_bytes())?)
    }

    fn train(self, folder: &RunFolder) -> Result<(), Error> {
        let spec = &self.run.spec;
        let dense = TrainConfig {
            model: spec.model.clone(),
            beginning: self.beginning()?,
            data: spec.data.clone(),
            outputs: Outputs::default(),
            batch_size: spec.batch_size,
            seed: self.run.seed().0,
            recipe: spec.recipe.clone(),
            sparse: None,
            quantize: None,
            regulariser: spec.regulariser,
            shared: BTreeSet::new(),
            transfer: Transfer::default(),
            small: SmallData::default(),
            evaluate: spec.evaluate,
            order: spec.pruning.as_ref().map_or(0, |pruning| pruning.order),
            ops: Ops::default(),
        };
        // A position that another study asks for was not kept then, or a file was removed:
        // the run is done once more, to the same bytes.
        if folder.is_done() {
            fs::remove_file(folder.record()).map_err(Error::file("remove", folder.record()))?;
            if folder.checkpoints().exists() {
                fs::remove_dir_all(folder.checkpoints())
                    .map_err(Error::file("remove", folder.checkpoints()))?;
            }
        }
        // Without what says whose they are, nothing can be made of the other files.
        if !folder.config().exists() {
            folder.clear(&self.run.keep)?;
        }
        let conditions = Conditions { keep: &self.run.keep, ..*self.conditions };
        let config = match (&spec.pruning, &spec.share) {
            (None, _) => dense,
            (_, Some(share)) if let Some(unshared) = self.run.parents.unshared => {
                let unshared = self.folder.run(&self.plan.runs[unshared]);
                let (model, start, layers) =
                    share.begin(folder, &unshared, &spec.data, &conditions, self.run.seed().0)?;
                TrainConfig {
                    model,
                    beginning: Beginning::From(Box::new(start)),
                    recipe: share.recipe(),
                    regulariser: None,
                    shared: shared_paths(&layers),
                    ..dense
                }
            }
            (Some(pruning), _) => {
                let batches = dense.train_source(conditions.datasets, 0)?;
                let batches = sapwood_core::Source::batches(&batches);
                let (model, beginning) = match &pruning.cut {
                    Some(cut) => {
                        let (model, start) = self.pruned(folder, pruning, cut)?;
                        (model, Beginning::From(Box::new(start)))
                    }
                    None => (dense.model.clone(), self.as_it_is(pruning)?),
                };
                TrainConfig {
                    model,
                    beginning,
                    recipe: pruning.recipe(&spec.recipe, batches)?,
                    sparse: pruning.sparse_training(),
                    regulariser: None,
                    quantize: pruning.quantize.clone(),
                    ..dense
                }
            }
        };
        train(&config, folder, &conditions)?;
        Ok(())
    }

    /// What the dense network begins with.
    fn beginning(self) -> Result<Beginning, Error> {
        let (spec, Seed(seed)) = (&self.run.spec, self.run.seed());
        let Some(pretrained) = &spec.transfer else { return Ok(Beginning::Drawn(spec.init)) };
        let (net, masks) = self.pretrained(pretrained)?;
        let digest =
            digest(format!("{:?}\nnew head {} {seed}", pretrained.digest, spec.model.classes).as_bytes());
        Ok(Beginning::From(Box::new(Start { digest, net, masks, trained_on: None })))
    }

    /// The weights and masks of another task, with a last layer for this one.
    fn pretrained(self, pretrained: &Pretrained) -> Result<(Net, Masks), Error> {
        let (spec, seed) = (&self.run.spec, self.run.seed());
        let found = pretrained.identified()?;
        let (_, net, masks) = found.open(spec.model.classes, spec.init, seed, self.conditions.device)?;
        Ok((net, masks))
    }

    /// The network that training begins with where nothing is pruned before.
    fn as_it_is(self, pruning: &Pruning) -> Result<Beginning, Error> {
        let step = pruning.retrain.weights();
        let (Some(dense), true) = (self.run.parents.dense, step != Step::START) else {
            return self.beginning();
        };
        let path = self.folder.run(&self.plan.runs[dense]).weights_at(step);
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        let Opened { net, masks, trained_on, .. } =
            sapwood_models::open(&path, None, self.conditions.device)?;
        Ok(Beginning::From(Box::new(Start { digest: digest(&bytes), net, masks, trained_on })))
    }

    /// The pruned network that training begins with: once it is there it stays.
    fn pruned(
        self,
        folder: &RunFolder,
        pruning: &Pruning,
        cut: &CutSettings,
    ) -> Result<(Spec, Start), Error> {
        let device = self.conditions.device;
        let path = folder.path().join("pruned.safetensors");
        if !path.exists() {
            let (scored, alive) = self.scored(pruning)?;
            let pruned = self.cut(pruning, cut, &scored, alive)?;
            for warning in &pruned.warnings {
                let (method, sparsity) = (&self.run.label.method, pruning.sparsity);
                let line = format_args!("{method} at {sparsity}: {warning}");
                crate::lines::warn(self.conditions.reporter, line);
            }
            let begins = self.begins(pruning)?;
            // What a criterion makes of the weights it has seen is of no use to others.
            let same = pruning.control != Control::Reinit
                && pruning.at == pruning.retrain.weights()
                && (pruning.after.is_empty() || pruning.goes_on());
            let pruned = if same { pruned } else { Pruned { weights: None, ..pruned } };
            let spec = &self.run.spec;
            let (model, state, masks) = match cut.granularity {
                Granularity::Channel(_) => self.without_channels(pruning, &begins, pruned)?,
                _ => {
                    let net = pruned.apply(begins)?;
                    (spec.model.clone(), block_on(State::read(&net))?, pruned.masks.into_masks())
                }
            };
            let trained_on = self.conditions.datasets.open(&spec.data, Split::Test)?.trained_on();
            let file = pack(&model, Some(&trained_on), state, masks)?;
            write_atomic(&path, &file.to_bytes()?)?;
        }
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        let Opened { spec, net, masks, trained_on, .. } = sapwood_models::open(&path, None, device)?;
        Ok((spec, Start { digest: digest(&bytes), net, masks, trained_on }))
    }

    /// The network that is left once masked channels are taken out, with the weights that it begins with. New ones are
    /// drawn for the small network, whose layers have fewer inputs than those of the large one.
    fn without_channels(
        self,
        pruning: &Pruning,
        begins: &Net,
        pruned: Pruned,
    ) -> Result<(Spec, State, Masks), Error> {
        let graph = begins.graph();
        let groups = Groups::of(graph).map_err(sapwood_shrink::Error::Graph)?;
        let state = block_on(State::read(begins))?;
        let shape = |path: &ParamPath| state.0.get(path).map(|value| value.shape().to_vec());
        let removal = Removal::of_masks(&groups, pruned.masks.as_masks(), shape);
        let surgery = Surgery::new(graph, &groups, &removal)?;
        let spec = &self.run.spec;
        let small = Spec::of_layers(spec.model.model.clone(), surgery.graph.clone())?;
        if pruning.control == Control::Reinit {
            let net = small.net(self.conditions.device)?;
            let net = spec.init.apply_from(net, self.run.seed(), Stream::Reinitialisation);
            return Ok((small, block_on(State::read(&net))?, Masks::new()));
        }
        // What was masked before, by the weights that were transferred, stays so; of channels nothing is left to mask.
        let mut masks = surgery.masks(pruned.masks.as_masks(), &state)?;
        masks.retain(|_, mask| mask.count_ones() < mask.len());
        Ok((small, surgery.state(&state)?, masks))
    }

    fn cut(self, pruning: &Pruning, cut: &CutSettings, net: &Net, alive: Masks) -> Result<Pruned, Error> {
        let seed = self.run.seed();
        let criterion = (self.criteria.find(&cut.criterion)?.build)(&cut.options, seed)?;
        let examples = match cut.examples {
            Some(examples) => {
                let data = self.conditions.datasets.open(&self.run.spec.data, Split::Train)?;
                examples.choose(Arc::clone(&data), seed)?
            }
            None => Vec::new(),
        };
        let how = Cut {
            sparsity: pruning.sparsity,
            allocation: cut.allocation.clone(),
            scope: Scope { exclude: cut.exclude.clone() },
            granularity: cut.granularity,
            iterations: cut.iterations,
            ablation: pruning.control.ablation(),
            seed,
        };
        let alive = (!alive.is_empty()).then(|| MaskSet::from(alive));
        let probe = NetworkProbe::observed(net).with_examples(&examples).in_f64();
        Ok(how.prune_blocking(criterion.as_ref(), &probe, alive.as_ref())?)
    }

    /// The network that is scored, and what of it is already gone.
    fn scored(self, pruning: &Pruning) -> Result<(Net, Masks), Error> {
        if let Some(before) = self.level_before()? {
            return Ok(before);
        }
        let masks = match &self.run.spec.transfer {
            Some(pretrained) => self.pretrained(pretrained)?.1,
            None => Masks::new(),
        };
        Ok((self.dense_at(pruning.at)?, masks))
    }

    /// The weights that training begins with, before they are masked.
    fn begins(self, pruning: &Pruning) -> Result<Net, Error> {
        if pruning.control == Control::Reinit {
            let spec = &self.run.spec;
            let net = spec.model.net(self.conditions.device)?;
            return Ok(spec.init.apply_from(net, self.run.seed(), Stream::Reinitialisation));
        }
        if pruning.goes_on()
            && let Some((net, _)) = self.level_before()?
        {
            return Ok(net);
        }
        self.dense_at(pruning.retrain.weights())
    }

    /// The trained network of the level before, of an iterative pruning, and what of it is already gone.
    fn level_before(self) -> Result<Option<(Net, Masks)>, Error> {
        let Some(level) = self.run.parents.level else { return Ok(None) };
        let before = self.folder.run(&self.plan.runs[level]);
        let Opened { net, masks, .. } =
            sapwood_models::open(&before.weights(), None, self.conditions.device)?;
        Ok(Some((net, masks)))
    }

    /// The dense network at a position of its training.
    fn dense_at(self, step: Step) -> Result<Net, Error> {
        let device: &Device = self.conditions.device;
        match self.run.parents.dense {
            Some(dense) if step != Step::START => {
                let path = self.folder.run(&self.plan.runs[dense]).weights_at(step);
                Ok(sapwood_models::open(&path, None, device)?.net)
            }
            _ => {
                let (spec, Seed(seed)) = (&self.run.spec, self.run.seed());
                if let Some(pretrained) = &spec.transfer {
                    return Ok(self.pretrained(pretrained)?.0);
                }
                Ok(spec.init.apply(spec.model.net(device)?, Seed(seed)))
            }
        }
    }
}
