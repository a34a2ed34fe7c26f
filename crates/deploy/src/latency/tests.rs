//! What a table says, beside what it was taken of.

use sapwood_backend::DeviceSpec;

use super::*;

fn stopwatch() -> Stopwatch {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let (engine, date) = (Engine::Burn { device, place: "cpu".into() }, "2026-11-25".into());
    Stopwatch { engine, date, batch: 2, rounds: 3, runs: 2, seconds: 60.0 }
}

#[test]
fn every_block_is_timed_in_every_round_and_every_network_has_a_prediction() {
    let family = sapwood_supernet::family("resnet-tiny-image", None, None).unwrap();
    let table = stopwatch().table(&family, "here", &Silent).unwrap();
    assert!(table.blocks.values().all(|block| block.runs.is_multiple_of(3 * 2) && 0 < block.runs));
    assert!(table.blocks.values().all(|block| block.mj.is_none()));
    for number in 0..20 {
        let ms = predicted(&table, &family, &draw(&family, 1 << 40 | number)).unwrap();
        assert!(ms.is_finite(), "{ms}");
    }
    let error = predicted_energy(&table, &family, &family.smallest()).unwrap_err();
    assert!(matches!(error, Error::Lacking { measured: Measured::Energies, .. }), "{error}");
}

#[test]
fn a_table_of_the_runtime_says_so_and_predicts_what_it_takes() {
    let family = sapwood_supernet::family("resnet-tiny-image", None, None).unwrap();
    let stopwatch = Stopwatch { engine: Engine::Runtime { threads: 2 }, ..stopwatch() };
    let table = stopwatch.table(&family, "here", &Silent).unwrap();
    assert!(Engine::is_runtime(&table.backend) && table.threads == 2, "{}", table.backend);
    assert!(!Engine::is_runtime("sapwood 0.1.0 on cpu"));
    let ms = [family.smallest(), family.largest()].map(|genome| predicted(&table, &family, &genome).unwrap());
    assert!(ms.iter().all(|ms| ms.is_finite()), "{ms:?}");
}

/// Of blocks that take a millisecond for each multiply-accumulate: what a clock says of microseconds is in no order.
#[test]
fn a_prediction_is_the_sum_of_what_its_blocks_take() {
    let family = sapwood_supernet::family("resnet-tiny-image", None, None).unwrap();
    let macs = |graph: &Graph| graph.anatomy(graph.input()).unwrap().macs() as f64;
    let time = |block: &Graph| BlockTime { ms: macs(block), spread_ms: 0.0, runs: 1, mj: None };
    let blocks = Cover::of(&family).unwrap().blocks;
    let blocks = blocks.iter().map(|(key, block)| (key.clone(), time(block)));
    let table = LatencyTable::of(family.name(), "here", 1, blocks.collect());
    let some = (0..20).map(|number| draw(&family, number));
    let mut found = Vec::new();
    for genome in [family.smallest(), family.largest()].into_iter().chain(some) {
        let ms = predicted(&table, &family, &genome).unwrap();
        assert_eq!(ms, macs(&family.graph(&genome).unwrap()));
        found.push(ms);
    }
    assert!(0.0 < found[0] && found.iter().all(|ms| (found[0]..=found[1]).contains(ms)), "{found:?}");
    assert!(found[0] < found[1], "{found:?}");
}

#[test]
fn a_table_is_fitted_to_as_many_networks_as_memory_may_hold() {
    let count = |space| fitted(&sapwood_supernet::family(space, None, None).unwrap(), FITTED).unwrap().len();
    assert_eq!(count("resnet-tiny-image"), FITTED + 2);
    // Of some 30 million parameters each.
    assert_eq!(count("ofa-resnet50d"), FITTED_AT_LEAST + 2);
}

#[test]
fn no_round_is_begun_when_the_time_is_over() {
    let family = sapwood_supernet::family("mlp", None, None).unwrap();
    let hasty = Stopwatch { rounds: 1_000_000, seconds: 0.0, ..stopwatch() };
    let found = hasty.time_all(&[family.whole().clone(), nothing([3, 1, 1]).unwrap()], &Silent).unwrap();
    // Two rounds there are in any case.
    assert_eq!(found.iter().map(|times| times.all().runs).collect::<Vec<_>>(), [4, 4]);
    assert!(found.iter().all(|times| times.halves().iter().all(|ms| 0.0 < *ms)));
}

#[test]
fn blocks_do_not_carry_what_a_run_costs() {
    let time = |ms| block_time(&Timed { ms, spread_ms: 0.1, runs: 3, outliers: 0 }, 0.5).ms;
    assert_eq!((time(1.5), time(0.25)), (1.0, 0.0));
    assert!(nothing([3, 1, 1]).unwrap().anatomy([3, 1, 1]).unwrap().macs() == 0);
}
