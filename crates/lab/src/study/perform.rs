//! Carrying out one run.

use std::{collections::BTreeSet, fs, sync::Arc};

use burn::prelude::Device;
use sapwood_backend::{Ops, Seed, block_on};
use sapwood_core::{
    Batch, Masks, ModuleState, Observed as _, ParamPath, State, Step, TrainedOn, graph::Groups, write_atomic,
};
use sapwood_data::{Dataset, Split};
use sapwood_models::{Net, Opened, Spec, pack};
use sapwood_prune::{Criteria, Cut, Granularity, MaskSet, NetworkProbe, Pruned, Scope};
use sapwood_shrink::{Removal, Surgery};
use sapwood_train::{Connectivity, connectivity};

use super::{
    Control, CutSettings, Plan, Pretrained, Pruning, Run, StudyFolder, outputs, reinit::drawn_anew, share,
};
use crate::{
    Beginning, Classes, Conditions, Error, Examples, Outputs, RunFolder, Start, Teacher, TrainConfig,
    Transfer, run_folder::digest, shared_paths, train,
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
        let files: Vec<_> = [folder.record(), folder.weights()].into_iter().chain(kept).collect();
        let is_whole = || files.iter().all(|file| file.exists());
        if !is_whole() {
            self.train(&folder)?;
            // It had passed a position that is asked for only since then: it is done once more.
            if !is_whole() {
                self.train(&folder)?;
            }
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

    /// Which output of its network stands for which class of a split of its data.
    fn classes(self, data: &Dataset) -> Result<Classes, Error> {
        outputs::classes(&self.plan.transferred, &self.run.spec, data)
    }

    /// What its weight files say of the data.
    fn trained_on(self) -> Result<TrainedOn, Error> {
        let test = self.conditions.datasets.open(&self.run.spec.data, Split::Test)?;
        Ok(self.classes(&test)?.of(test)?.trained_on())
    }

    /// Training examples for a criterion, of those that are learnt from.
    fn examples(self, which: Examples) -> Result<Vec<Batch>, Error> {
        let spec = &self.run.spec;
        let data = self.conditions.datasets.open(&spec.data, Split::Train)?;
        let data = match spec.small.hold_out {
            Some(n) => Arc::new(data.hold_out_of_each(n)?.0),
            None => data,
        };
        let batches = which.choose(Arc::clone(&data), self.run.seed())?;
        outputs::labelled(batches, &self.classes(&data)?, &data)
    }

    /// What the dense run teaches, if it does.
    fn lessons(self, pruning: &Pruning) -> Result<Transfer, Error> {
        let (Some(how), Some(dense)) = (pruning.distill, self.run.parents.dense) else {
            return Ok(Transfer::default());
        };
        let path = self.folder.run(&self.plan.runs[dense]).weights();
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        let Opened { spec, net, trained_on, .. } = sapwood_models::open(&path, None, self.conditions.device)?;
        let teacher = Teacher { digest: digest(&bytes), how, spec, net, trained_on };
        Ok(Transfer { teacher: Some(teacher), ..Transfer::default() })
    }

    /// How the error runs between this network and its twin.
    fn connect(self, folder: &RunFolder, twin: &RunFolder) -> Result<(), Error> {
        let Conditions { device, datasets, .. } = *self.conditions;
        let open =
            |place: &RunFolder| Ok::<_, Error>(sapwood_models::open(&place.weights(), None, device)?.net);
        let test = self.run.spec.data.test_source(datasets)?;
        let test = self.classes(test.dataset())?.of_batches(test)?;
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
            small: spec.small,
            evaluate: spec.evaluate,
            order: spec.pruning.as_ref().map_or(0, |pruning| pruning.order),
            ops: Ops::default(),
        };
        // A position that another study asks for was not kept then, or a file was removed:
        // the run is done once more, to the same bytes.
        if folder.is_done() {
            // First: without the record, a run goes on from them.
            if folder.checkpoints().exists() {
                fs::remove_dir_all(folder.checkpoints())
                    .map_err(Error::file("remove", folder.checkpoints()))?;
            }
            fs::remove_file(folder.record()).map_err(Error::file("remove", folder.record()))?;
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
                    share.begin(folder, &unshared, self.trained_on()?, &conditions, self.run.seed().0)?;
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
                    transfer: self.lessons(pruning)?,
                    ..dense
                }
            }
        };
        match train(&config, folder, &conditions) {
            Err(other @ Error::OtherRun { .. }) => {
                self.forget(folder, other)?;
                train(&config, folder, &conditions)?;
            }
            trained => {
                trained?;
            }
        }
        Ok(())
    }

    /// Removes what this run left when it began with, or learnt of, other bytes than now: what came before it was done again
    /// since then. Where somebody has finished a run there meanwhile, that stays, and the error is returned.
    fn forget(self, folder: &RunFolder, other: Error) -> Result<(), Error> {
        let lock = folder.lock()?;
        if folder.is_done() {
            return Err(other);
        }
        folder.clear(&self.run.keep)?;
        fs::remove_file(folder.config()).map_err(Error::file("remove", folder.config()))?;
        drop(lock);
        Ok(())
    }

    /// What the dense network begins with.
    fn beginning(self) -> Result<Beginning, Error> {
        let (spec, Seed(seed)) = (&self.run.spec, self.run.seed());
        let Some(pretrained) = &spec.transfer else { return Ok(Beginning::Drawn(spec.init)) };
        let (net, masks) = self.pretrained(pretrained)?;
        let (digest, trained_on) = match outputs::kept(&self.plan.transferred, spec) {
            Some(known) => (pretrained.digest.clone().unwrap_or_default(), known.trained_on.clone()),
            None => {
                let text = format!("{:?}\nnew head {} {seed}", pretrained.digest, spec.model.classes);
                (digest(text.as_bytes()), None)
            }
        };
        Ok(Beginning::From(Box::new(Start { digest, net, masks, trained_on })))
    }

    /// The trained weights and masks that it begins with, and a last layer for its classes or their own.
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
            let file = pack(&model, Some(&self.trained_on()?), state, masks)?;
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
        let small = spec.model.with_layers(surgery.graph.clone())?;
        if pruning.control == Control::Reinit {
            let (how, device) = ((spec.init, self.run.seed()), self.conditions.device);
            let net = drawn_anew(&small, how, || Ok(surgery.state(&state)?), device)?;
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
            Some(examples) => self.examples(examples)?,
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
            let (how, device) = ((spec.init, self.run.seed()), self.conditions.device);
            return drawn_anew(
                &spec.model,
                how,
                || Ok(block_on(State::read(&self.dense_at(Step::START)?))?),
                device,
            );
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
