//! The published spaces and the published search.

use std::collections::BTreeMap;

use chacha20::ChaCha8Rng;
use rand::SeedableRng as _;
use sapwood_search::{
    Encoding, End, Evolution, Genome, Goal, PUBLISHED, Screened, Search, ofa_mbv3, ofa_proxyless,
    ofa_resnet50d, published,
};
use serde_json::json;

use crate::{evaluate, gain_and_time, stages};

#[test]
fn the_published_spaces_have_the_published_counts() {
    for (name, count) in [
        ("ofa-mbv3", 21_758_655_492_572_485_851),
        ("ofa-proxyless", 195_827_899_433_152_372_659),
        ("ofa-resnet50d", 2_458_914_796_962),
    ] {
        assert_eq!(published(name).unwrap().count(), Some(25 * count), "{name}");
    }
    assert_eq!(ofa_mbv3(&[224]).unwrap().count(), Some(7371u128.pow(5)));
    assert!((ofa_mbv3(&[224]).unwrap().log10_count() - 19.3376).abs() < 1e-4);
    assert!(published("ofa-mbv4").unwrap_err().to_string().contains("ofa-proxyless"));
    assert_eq!(PUBLISHED.len(), 3);
    assert!(ofa_resnet50d(&[]).is_err() && ofa_resnet50d(&[224, 224]).is_err());
}

#[test]
fn the_published_encodings_leave_the_depth_out_and_lose_nothing() {
    let four = [128, 160, 192, 224];
    let eight = [128, 140, 144, 160, 176, 192, 208, 224];
    for (space, width) in [
        (ofa_mbv3(&four).unwrap(), 124),
        (ofa_proxyless(&four).unwrap(), 130),
        (ofa_resnet50d(&eight).unwrap(), 82),
    ] {
        // Of the ResNet's depths, only that of the stem is no matter of how many blocks there are.
        let stem = space.name() == "ofa-resnet50d";
        let encoded = |name: &str| !name.starts_with("d.") || (stem && name == "d.0");
        let encoding = Encoding::of_those(&space, |choice| encoded(choice.name()));
        assert_eq!(encoding.width(), width, "{}", space.name());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let genomes: Vec<Genome> = (0..300).map(|_| space.sample(&mut rng)).collect();
        let rows = encoding.rows(&space, &genomes);
        for one in 0..genomes.len() {
            assert!(
                (0..one).all(|other| (genomes[one] == genomes[other]) == (rows.row(one) == rows.row(other)))
            );
        }
    }
}

#[test]
fn an_architecture_is_read_from_the_lists_that_the_published_tools_write() {
    let space = ofa_mbv3(&[192, 224]).unwrap();
    let mut lists = json!({
        "space": "ofa-mbv3", "r": 192, "d": [2, 2, 3, 4, 3],
        "ks": [5, 3, 3, 3, 5, 3, 7, 7, 7, 7, 3, 5, 5, 5, 7, 3, 3, 3, 5, 7],
        "e": [3, 3, 6, 6, 4, 4, 3, 3, 6, 3, 4, 4, 4, 4, 4, 3, 6, 6, 6, 3],
    });
    let genome = space.from_json(&lists).unwrap();
    assert!(
        space
            .text(&genome)
            .starts_with("r=192 d.0=2 d.1=2 d.2=3 d.3=4 d.4=3 ks.0=5 ks.1=3 ks.4=5 ks.5=3 ks.8=7")
    );
    assert_eq!((space.option(&genome, "e.10"), space.option(&genome, "e.11")), (Some("4"), None));
    // What the blocks that are not there would be does not matter.
    for unused in [2, 3, 6, 7, 11, 19] {
        lists["ks"][unused] = json!(null);
        lists["e"][unused] = json!(4);
    }
    assert_eq!(space.from_json(&lists).unwrap(), genome);
    assert_eq!(space.to_json(&genome)["d"], json!([2, 2, 3, 4, 3]));
    for (list, value, said) in [
        ("ks", json!([3, 5]), "`ks` is a list of 20 numbers, each one of 3, 5, 7: found a list of 2"),
        ("d", json!(4), "`d` is a list of 5 numbers, each one of 2, 3, 4: found 4, which is none"),
        ("d", json!(null), "`d` is a list of 5 numbers, each one of 2, 3, 4: found null"),
        ("r", json!([224, 192]), "choice `r` is one of 192, 224: found a list"),
        ("d", json!([2, 2, [3], 2, 2]), "choice `d.2` is one of 2, 3, 4: found a list"),
        ("r", json!(200), "no option `200`"),
        ("d", json!([2, 2, 3, 4, 5]), "no option `5`"),
        ("space", json!("ofa-proxyless"), "`ofa-proxyless`"),
        ("w", json!([1.0]), "there is no choice `w`: expected one of r, d, ks, e"),
        ("w.0", json!(1.0), "there is no choice `w.0`: expected one of r, d, ks, e"),
        ("r", json!(null), "choice `r` is missing"),
    ] {
        let mut broken = lists.clone();
        broken[list] = value;
        let error = space.from_json(&broken).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let error = space.parse("r=224 d=4").unwrap_err().to_string();
    assert!(error.contains("`d` is a list of 5 numbers") && error.contains("as in `d.0=`"), "{error}");
    let resnet = ofa_resnet50d(&[224]).unwrap();
    let error = resnet.from_json(&json!({ "r": 224, "d": 4 })).unwrap_err().to_string();
    assert!(error.contains("a list of 5 numbers, d.0 one of 0 2, d.1 one of 0 1 2,"), "{error}");
    let genome = resnet.sample(&mut ChaCha8Rng::seed_from_u64(5));
    assert!(resnet.to_json(&genome)["w"].as_array().unwrap().iter().all(|width| width.is_f64()));
}

#[test]
fn the_published_search_has_the_published_size_and_finds_the_optimum_under_a_limit() {
    let space = stages();
    let goal = Goal::new(["max gain".parse().unwrap()], ["time <= 9".parse().unwrap()]).unwrap();
    let truth = space.genomes().map(|genome| gain_and_time(&genome)).filter(|values| values[1] <= 9.0);
    let truth = truth.map(|values| values[0]).fold(0.0, f64::max);
    let defaults = Evolution::default();
    assert_eq!((defaults.population, defaults.generations, defaults.parent_ratio), (100, 500, 0.25));
    assert_eq!((defaults.mutation_ratio, defaults.mutation_probability), (0.5, 0.1));
    for seed in 0..3 {
        let evolution = Evolution { generations: 60, probabilities: BTreeMap::new(), ..Evolution::default() };
        let mut search = Search::new(space.clone(), goal.clone(), evolution, seed);
        let mut asked = Vec::new();
        let screen = |genome: &Genome| Ok(vec![gain_and_time(genome)[1]]);
        let mut evaluator = Screened::new(screen, |genomes: &[Genome]| {
            asked.extend(genomes.to_vec());
            evaluate(genomes)
        });
        let end = loop {
            if let Some(end) = search.round(usize::MAX, &mut evaluator).unwrap() {
                break end;
            }
        };
        assert_eq!(end, End::Finished);
        assert!(asked.len() <= 100 + 60 * 100);
        assert!(
            asked.iter().all(|genome| gain_and_time(genome)[1] <= 9.0),
            "a forbidden genome was evaluated"
        );
        assert_eq!(search.front().unwrap().best().unwrap().values[0], truth, "seed {seed}");
    }
}
