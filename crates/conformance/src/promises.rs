//! What every criterion promises, whoever wrote it.

use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_core::{State, infos};
use sapwood_models::Spec;
use sapwood_prune::{ALLOCATIONS, CriterionEntry, Cut, Error, NetworkProbe, Options, Scope, Sparsity};

use crate::{batch, devices, fill};

/// Holds a criterion to what callers rely on, on every device that is tested and on a
/// network with convolutions, normalisation, shortcuts and a linear layer:
///
/// - it is what its row says, and asks for what it says that it needs;
/// - it scores each weight with a finite number, and not all alike;
/// - the same network, examples and seed give the same scores;
/// - it changes nothing, running statistics included;
/// - with every allocation exactly as many weights are kept as were asked for, and the
///   masks of a higher sparsity lie within those of a lower one where weights cannot
///   return.
///
/// # Panics
/// With the promise that is broken.
pub fn criterion_keeps_its_promises(row: &CriterionEntry) {
    for device in devices() {
        on_device(row, device);
    }
}

fn on_device(row: &CriterionEntry, device: DeviceSpec) {
    let what = format!("criterion `{}` on {device}", row.name);
    let device = device.resolve().unwrap_or_else(|error| panic!("{error}"));
    let spec = Spec { width: 0.25, ..Spec::named("resnet-20").unwrap_or_else(|error| panic!("{error}")) };
    let spec = spec.fit([3, 8, 8], 10);
    let net = spec.net(&device).and_then(|net| Ok(fill(&infos(&net)).write(net)?));
    let net = net.unwrap_or_else(|error| panic!("{what}: {error}"));
    let read = || block_on(State::read(&net)).unwrap_or_else(|error| panic!("{what}: {error}"));
    let before = read();

    let criterion =
        (row.build)(&Options::default(), Seed(1)).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(
        (criterion.name(), criterion.needs()),
        (row.name, row.needs),
        "{what} is not what its row says"
    );
    let examples = [batch("a", "b", [6, 3, 8, 8], 10), batch("c", "d", [2, 3, 8, 8], 10)];
    let bare = NetworkProbe::observed(&net);
    let refused = Cut::to(Sparsity::DENSE).masks_blocking(criterion.as_ref(), &bare, None);
    match (row.needs.examples(), refused) {
        (false, answer) => drop(answer.unwrap_or_else(|error| panic!("{what} without examples: {error}"))),
        (true, Err(Error::Unmet { need: _ })) => {}
        (true, answer) => panic!("{what} should refuse to go without examples: {answer:?}"),
    }

    let probe = NetworkProbe::observed(&net).with_examples(&examples);
    let scope = Scope::default().on(&net).and_then(|all| criterion.scope(&probe, all));
    let prunable = scope.unwrap_or_else(|error| panic!("{what}: {error}"));
    let score = || {
        let scores = criterion.score(&probe, &prunable).and_then(|scores| block_on(scores.read()));
        scores.unwrap_or_else(|error| panic!("{what}: {error}"))
    };
    let scores = score();
    assert_eq!(scores, score(), "{what} gives other scores the second time");
    let one = scores.iter().next().map_or(0.0, |(_, scores)| scores[0]);
    assert!(scores.iter().any(|(_, scores)| scores.iter().any(|x| *x != one)), "{what} scores all alike");

    for allocation in ALLOCATIONS {
        let masks = |sparsity: &str| {
            let sparsity: Sparsity = sparsity.parse().unwrap_or(Sparsity::DENSE);
            let cut = Cut::to(sparsity).allocation(allocation.allocation.clone());
            let cut = cut.iterations(sapwood_prune::Iterations::ONE_SHOT);
            let masks = cut.masks_blocking(criterion.as_ref(), &probe, None);
            let masks = masks.unwrap_or_else(|error| panic!("{what}, {}: {error}", allocation.name));
            assert_eq!(masks.kept(), sparsity.kept(prunable.weights()), "{what}, {}", allocation.name);
            masks
        };
        let (dense, sparse) = (masks("0.5"), masks("0.9"));
        if allocation.name == "global" {
            assert!(sparse.is_subset(&dense).unwrap_or(false), "{what}: masks are not nested");
        }
    }
    assert_eq!(read(), before, "{what} changed the network");
}
