//! Training a supernet, phase after phase.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering::Relaxed,
};

use sapwood_backend::{Seed, block_on};
use sapwood_core::{ModuleState, Source, State, StateFile, write_atomic};
use sapwood_models::Init;
use sapwood_search::Genome;
use sapwood_supernet::{Family, Nested, Opened, Phase, Rule, Supernet, SupernetSpec};
use sapwood_train::{Checkpoints, Trainer};

use super::portion::Tenths;
use crate::{Conditions, Error, run::Progress};

/// A method with everything that decides its outcome.
pub(crate) struct Method<'a> {
    pub(crate) spec: &'a SupernetSpec,
    pub(crate) phases: &'a [Phase],
    pub(crate) seed: Seed,
    /// Names the run in its checkpoints.
    pub(crate) label: String,
}

impl Method<'_> {
    /// Trains phase after phase in a folder, from where it was left, and returns the supernet.
    pub(crate) fn train(
        &self,
        source: &dyn Source,
        folder: &Path,
        conditions: &Conditions<'_>,
    ) -> Result<Supernet, Error> {
        let device = conditions.device;
        let untrained = self.spec.build(device)?;
        let family = untrained.family().clone();
        let opened = Phase::opened(self.phases, family.space())?;
        let mut supernet = Init::named("kaiming-normal")?.apply(untrained.clone(), self.seed);
        let mut teacher = None;
        for (number, phase) in self.phases.iter().enumerate() {
            let path = self.path(folder, number);
            if path.exists() {
                supernet = read(&path, untrained.clone())?;
            } else {
                if 0 < number {
                    supernet = prepare(supernet, &opened[number - 1], &opened[number])?;
                }
                let nested = Nested {
                    opened: opened[number].clone(),
                    rule: phase.rule,
                    distillation: phase.distillation.unwrap_or_default(),
                    teacher: teacher.clone().filter(|_| taught(phase)),
                    seed: self.draws(number),
                };
                conditions.reporter.note(&format!(
                    "phase {} of {}: {}",
                    number + 1,
                    self.phases.len(),
                    phase.name
                ));
                let place = (self.checkpoints(folder, number), conditions);
                supernet = self.phase(supernet, nested, phase, source, place)?;
                let bytes = self.spec.pack(block_on(State::read(&supernet))?)?.to_bytes()?;
                write_atomic(&path, &bytes)?;
            }
            // One that was killed between the two may have left them.
            let _ = fs::remove_dir_all(self.checkpoints(folder, number));
            // What was trained alone teaches all that follow.
            if number == 0 {
                teacher = Some(supernet.clone());
            }
        }
        Ok(supernet)
    }

    fn phase(
        &self,
        supernet: Supernet,
        nested: Nested,
        phase: &Phase,
        source: &dyn Source,
        (folder, conditions): (PathBuf, &Conditions<'_>),
    ) -> Result<Supernet, Error> {
        let source = Tenths(source);
        let checkpoints = Checkpoints::in_folder(folder).labelled(format!("{} {}", self.label, phase.name));
        let checkpoints = conditions.every.apply(checkpoints);
        let steps = (phase.recipe.epochs * source.batches()) as u64;
        let trainer = Trainer::new(phase.recipe.clone(), conditions.device).objective(nested);
        let trained = trainer
            .checkpoints(checkpoints)
            .hook(Progress { reporter: conditions.reporter, steps })
            .stop_when(|| conditions.stop.load(Relaxed))
            .run_blocking(supernet, &source)?;
        conditions.reporter.end();
        Ok(trained.network)
    }

    /// The seed of a phase's draws: far from those of the next seeds.
    fn draws(&self, phase: usize) -> Seed {
        Seed(self.seed.0.wrapping_add((phase as u64) << 32))
    }

    fn path(&self, folder: &Path, number: usize) -> PathBuf {
        folder.join(format!("{}-{}.safetensors", number + 1, self.phases[number].name))
    }

    fn checkpoints(&self, folder: &Path, number: usize) -> PathBuf {
        folder.join("checkpoints").join(format!("{}-{}", number + 1, self.phases[number].name))
    }

    /// Multiply-accumulates of training: three times those of each forward pass, since a backward
    /// pass costs two, and once those of the teacher.
    pub(crate) fn macs(&self, family: &Family, batch_size: usize, per_tenth: usize) -> Result<f64, Error> {
        let opened = Phase::opened(self.phases, family.space())?;
        let input = family.whole().input();
        let mut known = BTreeMap::new();
        let mut macs = |genome: &Genome| -> Result<f64, Error> {
            if let Some(macs) = known.get(genome) {
                return Ok(*macs);
            }
            let macs = family.graph(genome)?.anatomy(input)?.macs() as f64;
            known.insert(genome.clone(), macs);
            Ok(macs)
        };
        let mut sum = 0.0;
        for (number, phase) in self.phases.iter().enumerate() {
            let seed = self.draws(number);
            for iteration in 0..phase.recipe.epochs * per_tenth {
                let genomes = phase.rule.genomes(&opened[number], family.space(), seed, iteration)?;
                if taught(phase) {
                    // Its resolution is that of the networks that it teaches.
                    sum += macs(&opened[number].like(family.space(), &genomes[0])?)?;
                }
                for genome in genomes {
                    sum += 3.0 * macs(&genome)?;
                }
            }
        }
        Ok(sum * batch_size as f64)
    }
}

/// Whether networks learn from the one that was trained alone in the first phase: under the
/// sandwich rule they learn from the largest as it is.
fn taught(phase: &Phase) -> bool {
    phase.distillation.is_some() && matches!(phase.rule, Rule::Random { .. })
}

/// Sorts the channels before the first phase in which their number can be chosen.
fn prepare(supernet: Supernet, before: &Opened, now: &Opened) -> Result<Supernet, Error> {
    match before.same_widths(now, supernet.family())? {
        true => Ok(supernet),
        false => Ok(supernet.sort_blocking(before)?),
    }
}

fn read(path: &Path, supernet: Supernet) -> Result<Supernet, Error> {
    let bytes = fs::read(path).map_err(Error::file("read", path))?;
    Ok(StateFile::from_bytes(&bytes)?.state.write(supernet)?)
}
