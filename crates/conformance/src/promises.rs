//! What every criterion promises, whoever wrote it.

use sapwood_backend::Seed;
use sapwood_core::{ModuleState, State, infos};
use sapwood_models::Spec;
use sapwood_prune::{
    ALLOCATIONS, CRITERIA, CriterionEntry, Cut, Error, Iterations, NetworkProbe, Options, Scope, Sparsity,
};

use crate::{Findings, On, Outcome, batch, fill};

/// Holds a criterion to what callers rely on, on every device that is tested.
///
/// # Panics
/// With the promise that is broken, of those of [`keeps_its_promises`].
#[cfg(not(target_family = "wasm"))]
pub fn criterion_keeps_its_promises(row: &CriterionEntry) {
    for device in crate::devices() {
        let mut found = Findings::default();
        let outcome = sapwood_backend::block_on(async {
            let on = On::new(device, crate::workload(device)).await?;
            keeps_its_promises(row, &on, &mut found).await
        });
        outcome.unwrap_or_else(|error| panic!("criterion `{}` on {device}: {error}", row.name));
        assert!(found.wrong.is_empty(), "on {device}: {}", found.wrong.join("\n"));
    }
}

/// Those of this project.
pub(crate) async fn every_criterion_keeps_its_promises(on: &On, found: &mut Findings) -> Outcome {
    for row in CRITERIA {
        keeps_its_promises(row, on, found).await?;
    }
    Ok(())
}

/// Holds a criterion to what callers rely on, on a network with convolutions, normalisation, shortcuts
/// and a linear layer:
///
/// - it is what its row says, and asks for what it says that it needs;
/// - it scores each weight with a finite number, and not all alike;
/// - the same network, examples and seed give the same scores;
/// - it changes nothing, running statistics included;
/// - with every allocation exactly as many weights are kept as were asked for, and the
///   masks of a higher sparsity lie within those of a lower one where weights cannot
///   return.
///
/// # Errors
/// If it cannot be carried out; broken promises are among the findings.
pub async fn keeps_its_promises(row: &CriterionEntry, on: &On, found: &mut Findings) -> Outcome {
    let what = format!("criterion `{}`", row.name);
    let spec = Spec { width: 0.25, ..Spec::named("resnet-20")? }.fit([3, 8, 8], 10);
    let net = spec.net(&on.device)?;
    let net = fill(&infos(&net)).write(net)?;
    let before = State::read(&net).await?;

    let criterion = (row.build)(&Options::default(), Seed(1))?;
    let is_itself = (criterion.name(), criterion.needs()) == (row.name, row.needs);
    found.holds(format!("{what} is not what its row says"), is_itself);
    let examples = [batch("a", "b", [6, 3, 8, 8], 10), batch("c", "d", [2, 3, 8, 8], 10)];
    let bare = NetworkProbe::observed(&net);
    match (row.needs.examples(), Cut::to(Sparsity::DENSE).prune(criterion.as_ref(), &bare, None).await) {
        (false, answer) => drop(answer?),
        (true, Err(Error::Unmet { need: _ })) => {}
        (true, answer) => {
            found.holds(format!("{what} should refuse to go without examples: {answer:?}"), false)
        }
    }

    let probe = NetworkProbe::observed(&net).with_examples(&examples);
    let prunable = criterion.scope(&probe, Scope::default().on(&net)?)?;
    let scores = criterion.score(&probe, &prunable)?.read().await?;
    let again = criterion.score(&probe, &prunable)?.read().await?;
    found.holds(format!("{what} gives other scores the second time"), scores == again);
    let one = scores.iter().next().map_or(0.0, |(_, scores)| scores[0]);
    let differ = scores.iter().any(|(_, scores)| scores.iter().any(|x| *x != one));
    found.holds(format!("{what} scores all alike"), differ);

    for allocation in ALLOCATIONS {
        let mut nested = Vec::new();
        for sparsity in ["0.5", "0.9"] {
            let sparsity: Sparsity = sparsity.parse()?;
            let cut = Cut::to(sparsity).allocation(allocation.allocation.clone());
            let cut = cut.iterations(Iterations::ONE_SHOT);
            let masks = cut.prune(criterion.as_ref(), &probe, None).await?.masks;
            let (kept, expected) = (masks.kept(), sparsity.kept(prunable.weights()));
            found
                .holds(format!("{what}, {}: {kept} kept, not {expected}", allocation.name), kept == expected);
            nested.push(masks);
        }
        // What changes weights on the way chooses among others at another sparsity.
        if allocation.name == "global" && criterion.reconstruction().is_none() {
            found.holds(format!("{what}: masks are not nested"), nested[1].is_subset(&nested[0])?);
        }
    }
    found.holds(format!("{what} changed the network"), State::read(&net).await? == before);
    Ok(())
}
