//! Spaces: canonical form, counting, sampling, forms of genomes.

use std::collections::{BTreeMap, BTreeSet};

use chacha20::ChaCha8Rng;
use proptest::prelude::*;
use rand::SeedableRng as _;
use sapwood_search::{Choice, Encoding, Genome, Space};

use crate::stages;

/// Any small space: each choice may depend on an earlier one.
pub(crate) fn any_space() -> impl Strategy<Value = Space> {
    let choice = (1usize..4, any::<prop::sample::Index>(), 0u8..8, any::<bool>(), 0usize..3);
    prop::collection::vec(choice, 1..7).prop_map(|drawn| {
        let mut choices: Vec<Choice> = Vec::new();
        for (at, (options, parent, opens, hangs, gene)) in drawn.into_iter().enumerate() {
            let mut choice = Choice::new(format!("c.{at}"), (0..options).map(|option| format!("o{option}")));
            if hangs && !choices.is_empty() {
                let parent = parent.get(&choices);
                let opening =
                    parent.options().iter().enumerate().filter(|(option, _)| opens >> option & 1 == 1);
                choice = choice.when(parent.name(), opening.map(|(_, option)| option.clone()));
            }
            choices.push(if gene == 0 { choice } else { choice.gene(format!("g{gene}")) });
        }
        Space::new("any", choices).unwrap()
    })
}

/// All that can be written down, canonical or not.
fn all_positions(space: &Space) -> Vec<Vec<u8>> {
    space.choices().iter().fold(vec![Vec::new()], |all, choice| {
        let options = choice.options().len() as u8;
        let longer =
            |positions: Vec<u8>| (0..options).map(move |option| [&positions[..], &[option]].concat());
        all.into_iter().flat_map(longer).collect()
    })
}

fn any_members(space: &Space, bits: u64) -> Vec<Genome> {
    let all: Vec<Genome> = space.genomes().collect();
    let kept: Vec<Genome> = all
        .iter()
        .enumerate()
        .filter(|(at, _)| bits >> (at % 64) & 1 == 1)
        .map(|(_, genome)| genome.clone())
        .collect();
    if kept.is_empty() { all } else { kept }
}

proptest! {
    #[test]
    fn the_count_is_what_writing_all_down_gives(space in any_space(), bits in any::<u64>()) {
        let written: BTreeSet<Genome> = all_positions(&space).iter().map(|p| space.genome(p).unwrap()).collect();
        prop_assert_eq!(space.count(), Some(written.len() as u128));
        prop_assert!((space.log10_count() - (written.len() as f64).log10()).abs() < 1e-9);
        prop_assert_eq!(space.genomes().collect::<Vec<_>>(), written.into_iter().collect::<Vec<_>>());
        let members = any_members(&space, bits);
        let space = space.only(members.clone()).unwrap();
        prop_assert_eq!(space.count(), Some(members.len() as u128));
        prop_assert_eq!(space.genomes().collect::<Vec<_>>(), members);
    }

    #[test]
    fn whatever_is_made_is_canonical_and_in_the_space(
        space in any_space(), seed in any::<u64>(), rate in 0.0f64..1.0, bits in any::<u64>(), some in any::<bool>(),
    ) {
        let members = any_members(&space, bits);
        let space = if some { space.only(members).unwrap() } else { space };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (one, other) = (space.sample(&mut rng), space.sample(&mut rng));
        let rates = space.rates(rate, &BTreeMap::new()).unwrap();
        let made = [
            space.mutate(&one, &rates, &mut rng), space.crossover(&one, &other, &mut rng), space.step(&one, &mut rng),
        ];
        let neighbours = space.neighbours(&one);
        for genome in made.iter().chain([&one, &other]).chain(&neighbours) {
            prop_assert!(space.check(genome).is_ok());
            prop_assert_eq!(&space.parse(&space.text(genome)).unwrap(), genome);
            prop_assert_eq!(&space.from_json(&space.to_json(genome)).unwrap(), genome);
        }
        prop_assert!(!neighbours.contains(&one));
        let different: BTreeSet<&Genome> = neighbours.iter().collect();
        prop_assert_eq!(different.len(), neighbours.len());
        let nothing = space.rates(0.0, &BTreeMap::new()).unwrap();
        prop_assert_eq!(&space.mutate(&one, &nothing, &mut rng), &one);
    }

    #[test]
    fn a_child_has_each_of_its_options_from_a_parent(space in any_space(), seed in any::<u64>()) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (one, other) = (space.sample(&mut rng), space.sample(&mut rng));
        let child = space.crossover(&one, &other, &mut rng);
        for at in (0..space.choices().len()).filter(|at| space.active(&child, *at)) {
            let has = |parent: &Genome| space.active(parent, at) && parent.positions()[at] == child.positions()[at];
            prop_assert!(has(&one) || has(&other), "{} {} {}", space.text(&one), space.text(&other), space.text(&child));
        }
        prop_assert_eq!(&space.crossover(&one, &one, &mut rng), &one);
    }

    #[test]
    fn an_encoding_has_a_one_for_each_choice_with_a_meaning_and_tells_genomes_apart(space in any_space()) {
        let (encoding, genomes) = (Encoding::of(&space), space.genomes().collect::<Vec<_>>());
        let rows = encoding.rows(&space, &genomes);
        for (genome, row) in genomes.iter().zip(rows.iter()) {
            let active = (0..space.choices().len()).filter(|at| space.active(genome, *at)).count();
            prop_assert_eq!(row.iter().sum::<f32>(), active as f32);
        }
        let different: BTreeSet<Vec<u32>> = rows.iter().map(|row| row.iter().map(|x| x.to_bits()).collect()).collect();
        prop_assert_eq!(different.len(), genomes.len());
    }

    #[test]
    fn a_space_is_read_as_it_was_written(space in any_space(), bits in any::<u64>()) {
        let members = any_members(&space, bits);
        for space in [space.clone(), space.only(members).unwrap()] {
            let written = serde_json::to_string(&space).unwrap();
            prop_assert_eq!(serde_json::from_str::<Space>(&written).unwrap(), space);
        }
    }
}

#[test]
fn every_genome_is_drawn_as_often_as_any_other() {
    let space = Space::new(
        "uneven",
        vec![
            Choice::new("d", ["1", "2", "3"]),
            Choice::new("a", ["x", "y", "z"]).when("d", ["2", "3"]),
            Choice::new("b", ["x", "y"]).when("d", ["3"]),
            Choice::new("c", ["x", "y"]),
        ],
    )
    .unwrap();
    let genomes: Vec<Genome> = space.genomes().collect();
    assert_eq!(genomes.len(), (1 + 3 + 6) * 2);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut counts: BTreeMap<Genome, f64> = BTreeMap::new();
    let draws = 40_000;
    for _ in 0..draws {
        *counts.entry(space.sample(&mut rng)).or_default() += 1.0;
    }
    let expected = f64::from(draws) / genomes.len() as f64;
    let chi_square: f64 = genomes.iter().map(|genome| (counts[genome] - expected).powi(2) / expected).sum();
    // 19 degrees of freedom: above 43.8 in one of a thousand draws. Drawing each choice by
    // itself would give some 20,000.
    assert!(chi_square < 43.8, "{chi_square}");
}

#[test]
fn aliases_lead_to_what_they_stand_for() {
    let space = Space::product("pair", [("a", ["0", "1", "2"]), ("b", ["0", "1", "2"])]).unwrap();
    // Order does not matter: 6 of 9 remain.
    let of = |a: u8, b: u8| space.genome(&[a, b]).unwrap();
    let pairs = || (0..3).flat_map(|a| (a..3).map(move |b| (a, b)));
    let aliases = pairs().filter(|(a, b)| a != b).map(|(a, b)| (of(b, a), of(a, b)));
    let unordered = space.clone().with_aliases(pairs().map(|(a, b)| of(a, b)), aliases).unwrap();
    assert_eq!(unordered.count(), Some(6));
    assert_eq!(unordered.genome(&[2, 0]).unwrap(), of(0, 2));
    assert!(unordered.check(&of(2, 0)).unwrap_err().to_string().contains("stands for another"));
    assert_eq!(unordered.neighbours(&of(0, 0)), [of(0, 1), of(0, 2)]);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for _ in 0..100 {
        let genome = unordered.sample(&mut rng);
        assert!(unordered.check(&unordered.step(&genome, &mut rng)).is_ok());
    }
    assert!(space.clone().with_aliases([of(0, 1)], [(of(1, 0), of(0, 0))]).is_err());
}

/// As a table may have them: of another program, which writes `op.1` for a second column `op`.
#[test]
fn options_and_choices_that_look_alike_are_told_apart() {
    let choices = vec![
        Choice::new("op", ["0.1", "0.10", "1e-1"]),
        Choice::new("op.1", ["9007199254740993", "9007199254740992"]),
        Choice::new("x.0", ["a"]),
    ];
    let space = Space::new("table", choices).unwrap();
    let forms: BTreeSet<String> = space.genomes().map(|genome| space.to_json(&genome).to_string()).collect();
    assert_eq!(forms.len(), 6);
    for genome in space.genomes() {
        assert_eq!(space.from_json(&space.to_json(&genome)).unwrap(), genome);
        assert_eq!(space.parse(&space.text(&genome)).unwrap(), genome);
    }
    // What is written as none of them is the first of the same number.
    assert_eq!(space.parse("op=0.100 op.1=9007199254740993 x.0=a").unwrap().positions(), [0, 0, 0]);
}

#[test]
fn genes_change_as_one() {
    let space = stages();
    assert_eq!(space.genes().len(), 3 + 6);
    assert_eq!(space.count(), Some(42u128.pow(3)));
    let mut rates = vec![0.0; space.genes().len()];
    rates[3] = 1.0;
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let genome = space.sample(&mut rng);
    let mutants: BTreeSet<Genome> = (0..200).map(|_| space.mutate(&genome, &rates, &mut rng)).collect();
    // Kernel and width of block 0 in all combinations, and nothing else.
    assert_eq!(mutants.len(), 6);
    let named = space.rates(0.1, &BTreeMap::from([("d.1".into(), 0.5)])).unwrap();
    assert_eq!(named.iter().filter(|rate| **rate == 0.5).count(), 1);
}
