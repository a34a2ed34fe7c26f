//! Weight files with tensors of every type.

use sapwood_graph::{Array, BF16, DType, F16, Packed, Per, Quantized, Range, StateFile};

/// Numbers that are the same on every machine (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end.max(1)
    }

    /// Nearly normal, with all bits of its mantissa.
    pub(crate) fn normal(&mut self) -> f32 {
        let sum = (0..12).map(|_| self.below(1 << 24) as f64 / f64::from(1 << 24)).sum::<f64>() - 6.0;
        (sum * (1.0 + self.below(1 << 24) as f64 / 1e9)) as f32
    }
}

/// A file with a tensor of each type, shared weights, a mask that says more than its zeros, integers with
/// scales and metadata.
pub(crate) fn every_kind() -> StateFile {
    let mut random = Random(5);
    let mut file = StateFile::default();
    let mut put = |name: &str, array: Array| file.state.0.insert(name.into(), array);
    let shared = [-0.5f32, 0.25, 0.75];
    let kept: Vec<bool> = (0..30 * 40).map(|_| random.below(4) == 0).collect();
    let weights =
        kept.iter().map(|kept| if *kept { shared[random.below(3)] } else { 0.0 }).collect::<Vec<_>>();
    put("shared.weight", Array::new([30, 40], weights).unwrap());
    put("shared.bias", Array::from_fn([30], |_| random.normal()));
    put("plain.weight", Array::from_fn([8, 3, 3, 3], |_| random.normal()));
    put("plain.bias", Array::from_fn([8], |_| random.normal()));
    put("wild", Array::from_fn([64], |_| f32::from_bits(random.next() as u32)));
    put(
        "half",
        Array::new([50], (0..50).map(|_| F16::from_bits(random.next() as u16)).collect::<Vec<_>>()).unwrap(),
    );
    put(
        "brain",
        Array::new([50], (0..50).map(|_| BF16::from_bits(random.next() as u16)).collect::<Vec<_>>()).unwrap(),
    );
    put("double", Array::from_fn([20], |_| f64::from(random.normal())));
    put("long", Array::from_fn([20], |_| random.next() as i64));
    put("int", Array::from_fn([20], |_| random.next() as i32));
    put("small", Array::from_fn([300], |_| random.below(7) as i8 - 3));
    put("byte", Array::from_fn([300], |_| random.below(256) as u8));
    put("count", Array::new([], vec![12i64]).unwrap());
    put("none", Array::new([0, 4], Vec::<f32>::new()).unwrap());
    let bits = Packed::new(DType::U1, (0..77).map(|_| random.below(2) as i64)).unwrap();
    put("signs", Array::new([77], bits).unwrap());
    file.masks.insert("shared.weight".into(), kept.into_iter().collect());
    // Kept weights may be zero.
    file.state.0.insert("plain.weight".into(), {
        let mut weights: Vec<f32> = file.state.0["plain.weight"].iter().collect();
        weights[..20].fill(0.0);
        Array::new([8, 3, 3, 3], weights).unwrap()
    });
    file.masks.insert("plain.weight".into(), (0..216).map(|at| at != 3 && at != 50).collect());

    let scale = |shape: &[usize], scales: Vec<f32>| Array::new(shape, scales).unwrap();
    let bytes = Array::from_fn([4, 9], |_| random.below(200) as u8);
    let point = Some(Array::new([4], vec![130i32, 0, 7, 255]).unwrap());
    let nibbles = Packed::new(DType::I4, (0..27).map(|_| random.below(16) as i64 - 8)).unwrap();
    let nibbles = Array::new([3, 9], nibbles).unwrap();
    let groups = Per::Group { axis: 1, size: 2 };
    file.quantized = [
        ("u8.weight".into(), Quantized::new(bytes, Per::Axis(0), scale(&[4], vec![0.02; 4]), point).unwrap()),
        ("i4.weight".into(), Quantized::new(nibbles, groups, scale(&[3, 5], vec![1.5; 15]), None).unwrap()),
    ]
    .into();
    file.masks.insert("u8.weight".into(), (0..36).map(|at| at % 3 == 0).collect());
    file.ranges = [("relu".to_string(), Range::of(0.0, 6.1).unwrap())].into();
    file.metadata = serde_json::json!({"model": "own", "classes": 10, "names": ["ß", "🌲"]});
    // As it is read: masked weights are zero.
    file.with_masks_applied(Vec::new()).unwrap()
}
