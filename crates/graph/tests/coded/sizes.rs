//! What a coded file costs.

use sapwood_graph::{Array, StateFile};

use crate::files::Random;

#[test]
fn of_a_network_that_is_95_percent_sparse_the_coded_file_takes_at_most_8_percent_of_the_dense_one() {
    let mut random = Random(3);
    let mut dense = StateFile::default();
    for (name, shape) in [("fc1", [300, 300]), ("fc2", [100, 300]), ("fc3", [10, 100])] {
        dense.state.0.insert(format!("{name}.weight").into(), Array::from_fn(shape, |_| random.normal()));
        dense.state.0.insert(format!("{name}.bias").into(), Array::from_fn([shape[0]], |_| random.normal()));
    }
    let mut sparse = dense.clone();
    for (path, value) in dense.state.0.iter().filter(|(path, _)| path.as_str().ends_with("weight")) {
        sparse.masks.insert(path.clone(), (0..value.len()).map(|_| random.below(20) == 0).collect());
    }
    let sparse = sparse.with_masks_applied(Vec::new()).unwrap();
    let (dense, coded) = (dense.to_bytes().unwrap(), sparse.to_coded().unwrap().bytes);
    assert!(100 * coded.len() <= 8 * dense.len(), "{} of {} bytes", coded.len(), dense.len());
    assert_eq!(StateFile::from_bytes(&coded).unwrap(), sparse);
}
