//! The published spaces: counts, sizes and costs to the last digit.

use sapwood_search::Genome;
use sapwood_supernet::{Family, Supernet, family};

pub(crate) fn costs(family: &Family, genome: &Genome) -> [u64; 2] {
    let anatomy = family.graph(genome).unwrap().anatomy(family.whole().input()).unwrap();
    [anatomy.params(), anatomy.macs()]
}

/// Cai et al. 2020 and their code: parameters and multiply-accumulates of the largest and
/// smallest networks at 224 pixels.
#[test]
fn sizes_are_the_published_ones() {
    let rows = [
        ("ofa-mbv3-w1.0", [7_664_760, 566_170_656], [3_410_792, 121_278_672]),
        ("ofa-mbv3-w1.2", [10_701_632, 843_101_040], [4_602_456, 193_078_200]),
        ("ofa-proxyless-w1.3", [7_942_056, 1_004_908_032], [3_718_832, 265_526_256]),
        ("ofa-resnet50d", [48_105_992, 7_491_643_904], [6_539_280, 962_192_128]),
    ];
    for (name, largest, smallest) in rows {
        let family = family(name, None, None).unwrap();
        assert_eq!(costs(&family, &family.largest()), largest, "{name}, largest");
        let space = family.space();
        let mut positions = family.smallest().positions().to_vec();
        positions[0] = space.choices()[0].options().len() as u8 - 1;
        assert_eq!(costs(&family, &space.genome(&positions).unwrap()), smallest, "{name}, smallest");
    }
}

/// Fact 1 of the reference's golden facts: the tutorial's network at 192 pixels.
#[test]
fn a_network_of_mixed_choices_has_its_derived_size() {
    let family = family("ofa-mbv3-w1.2", None, None).unwrap();
    let text = r#"{"r": 192, "d": [2, 2, 3, 4, 3],
        "e":  [3, 3, 3, 3,  4, 4, 3, 3,  6, 3, 4, 3,  4, 4, 4, 3,  6, 6, 6, 3],
        "ks": [5, 3, 3, 3,  5, 3, 3, 3,  7, 7, 3, 3,  5, 5, 7, 3,  3, 3, 5, 3]}"#;
    let genome = family.space().from_json(&serde_json::from_str(text).unwrap()).unwrap();
    assert_eq!(costs(&family, &genome), [7_711_880, 264_008_640]);
}

#[test]
fn the_kernel_matrices_are_706_parameters_a_layer() {
    let device = sapwood_backend::DeviceSpec::CPU.resolve().unwrap();
    for (name, expected) in [("ofa-mbv3-w1.0", 7_678_880), ("ofa-proxyless-w1.3", 7_956_882)] {
        let supernet = Supernet::new(&family(name, None, None).unwrap(), &device);
        let infos = sapwood_core::infos(&supernet);
        let trained = infos.iter().filter(|info| info.role != sapwood_core::Role::Buffer);
        assert_eq!(trained.map(|info| info.len()).sum::<usize>(), expected, "{name}");
    }
}

#[test]
fn counts_are_the_published_ones() {
    let count = |name| family(name, None, None).unwrap().space().count().unwrap();
    assert_eq!(count("ofa-mbv3-w1.0"), 25 * 21_758_655_492_572_485_851);
    assert_eq!(count("ofa-mbv3-w1.2"), 25 * 21_758_655_492_572_485_851);
    assert_eq!(count("ofa-proxyless-w1.3"), 25 * 195_827_899_433_152_372_659);
    assert_eq!(count("ofa-resnet50d"), 25 * 2_458_914_796_962);
}
