//! How small tensors become.

use sapwood_codec::{Code, Coded, Coder, Positions, entropy};

use crate::sources::{Random, codes, weights};

/// LeNet-300-100, trained on MNIST with PyTorch 2.15, 8, 9 and 26 % of the weights kept by magnitude,
/// these clustered to 31 values for each layer; coded by this crate, with the lengths of their rows.
const LENET: [(&[u8], usize, [usize; 2]); 3] = [
    (include_bytes!("lenet-300-100/fc1.swc"), 784, [235_200, 18_816]),
    (include_bytes!("lenet-300-100/fc2.swc"), 300, [30_000, 2_700]),
    (include_bytes!("lenet-300-100/fc3.swc"), 100, [1_000, 260]),
];

#[test]
fn the_adaptive_code_is_eight_percent_below_huffman_on_a_pruned_and_clustered_network() {
    let (mut huffman, mut adaptive) = (0, 0);
    for (bytes, width, [count, kept]) in LENET {
        let values = Coded::open(bytes, count).unwrap().decode::<f32>().unwrap();
        assert_eq!(values.len(), count);
        assert_eq!(values.iter().filter(|value| **value != 0.0).count(), kept);
        let coded = |code| Coder::rows(width).code(code).encode(&values).unwrap().into_bytes();
        huffman += coded(Code::Huffman).len();
        adaptive += coded(Code::Adaptive).len();
    }
    assert!(100 * adaptive < 92 * huffman, "{adaptive} bytes, Huffman {huffman}");
}

/// The paper's layers keep as many weights, with 64 values instead of 31: table 2 has what each of them takes
/// of its 32 bits a weight, by Huffman codes of values and of gaps.
#[test]
fn huffman_codes_of_values_and_gaps_take_no_more_than_the_paper_says() {
    for ((bytes, width, [count, kept]), (percent, gap)) in
        LENET.into_iter().zip([(2.32, 3.7), (3.04, 4.3), (12.70, 3.2)])
    {
        let values = Coded::open(bytes, count).unwrap().decode::<f32>().unwrap();
        let coder = Coder::rows(width).code(Code::Huffman).positions(Positions::Gaps);
        let coded = coder.encode(&values).unwrap();
        let rate = 100.0 * coded.bytes().len() as f64 / (4 * count) as f64;
        assert!(rate <= percent, "{rate:.2} % of {count} weights, {percent} % in the paper");
        // Fillers are few, so these are nearly bits for each kept weight.
        let positions = 8.0 * coded.parts().unwrap().positions as f64 / kept as f64;
        assert!(positions <= gap + 0.5, "{positions:.2} bits for a position, {gap} in the paper");
    }
}

#[test]
fn a_file_that_was_written_once_is_read_and_written_the_same() {
    for (bytes, width, [count, _]) in LENET {
        let values = Coded::open(bytes, count).unwrap().decode::<f32>().unwrap();
        assert!(Coder::rows(width).encode(&values).unwrap().bytes() == bytes, "{count} values");
    }
}

#[test]
fn huffman_and_rans_come_near_the_entropy() {
    let values = codes(200_000, 1, &mut Random(1));
    let mut counts = [0; 32];
    values.iter().for_each(|value| counts[*value as usize] += 1);
    let bound = entropy(&counts) / 8.0;
    let size = |code| Coder::rows(100).code(code).encode(&values).unwrap().bytes().len() as f64;
    assert!(bound < size(Code::Huffman) && size(Code::Huffman) < 1.01 * bound);
    assert!(bound < size(Code::Rans) && size(Code::Rans) < 1.002 * bound);
    assert!(size(Code::Adaptive) < 1.02 * bound);
}

#[test]
fn a_mask_costs_what_it_must() {
    for len in [100_000, 400_000] {
        let values = weights(len, 20, &mut Random(2));
        let dense = 4 * len;
        for code in [Code::Huffman, Code::Rans, Code::Adaptive] {
            let size = Coder::rows(500).code(code).encode(&values).unwrap().bytes().len();
            assert!(100 * size <= 8 * dense, "{code}: {size} of {dense} bytes");
        }
    }
}

#[test]
fn what_cannot_be_foreseen_costs_no_more_than_one_percent() {
    let mut random = Random(3);
    let values: Vec<f32> = (0..10_000).map(|_| f32::from_bits(random.next() as u32)).collect();
    for code in Code::ALL {
        let size = Coder::rows(100).code(code).encode(&values).unwrap().bytes().len();
        assert!(size <= 40_400, "{code}: {size} bytes");
    }
    // Of normal weights, the exponents can be foreseen.
    let values = weights(10_000, 1, &mut random);
    let size = Coder::rows(100).encode(&values).unwrap().bytes().len();
    assert!(size < 36_000, "{size}");
}

#[test]
fn each_way_to_say_positions_is_the_shortest_somewhere() {
    let mut random = Random(4);
    // Few weights without any order, half of them, all of them; and rows of the same zeros.
    let few = codes(100_000, 50, &mut random);
    let half = codes(3_000, 2, &mut random);
    let all = codes(100_000, 1, &mut random);
    let columns: Vec<i32> = (0..100_000).map(|at| if at % 100 < 7 { all[at] } else { 0 }).collect();
    let shortest =
        |values: &[i32], code: Code| Coder::rows(100).code(code).encode(values).unwrap().positions();
    assert_eq!(shortest(&few, Code::Huffman), Positions::Gaps);
    assert_eq!(shortest(&half, Code::Raw), Positions::Bitmap);
    assert_eq!(shortest(&all, Code::Rans), Positions::Inline);
    assert_eq!(shortest(&columns, Code::Adaptive), Positions::Coder);
}
