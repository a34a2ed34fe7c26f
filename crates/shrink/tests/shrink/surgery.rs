//! What is beside the values leaves with them.

use sapwood_graph::{Array, Bits, Conv, Graph, Groups, Masks, State};
use sapwood_shrink::{Removal, Share, Surgery};

fn graph() -> Graph {
    let mut g = Graph::builder([1, 4, 4]);
    let x = g.conv("conv", g.input(), Conv::new(3, 3));
    let x = g.batch_norm("bn", x);
    let x = g.flatten(x);
    g.linear("fc", x, 2);
    g.finish().unwrap()
}

fn second() -> (Surgery, Groups, Removal) {
    let groups = Groups::of(&graph()).unwrap();
    let mut removal = Removal::none(&groups);
    removal.take(0, 1);
    (Surgery::new(&graph(), &groups, &removal).unwrap(), groups, removal)
}

#[test]
fn what_an_optimiser_remembers_of_each_parameter_leaves_as_the_parameter_does() {
    let (surgery, ..) = second();
    let memory = State(
        [
            ("conv.weight".into(), Array::from_fn([3, 1, 3, 3], |at| at as f32)),
            ("bn.weight".into(), Array::from_fn([3], |at| at as f32)),
            ("fc.weight".into(), Array::from_fn([2, 12], |at| at as f32)),
            ("fc.bias".into(), Array::from_fn([2], |at| at as f32)),
            ("step".into(), Array::from_fn([1], |_| 7i64)),
        ]
        .into(),
    );
    let left = surgery.state(&memory).unwrap();
    let values = |name: &str| left.0[name].iter::<f64>().collect::<Vec<_>>();
    assert_eq!(values("bn.weight"), [0.0, 2.0]);
    assert_eq!(values("conv.weight")[8..10], [8.0, 18.0]);
    assert_eq!(values("fc.weight")[3..5], [3.0, 8.0]);
    assert_eq!((values("fc.bias"), values("step")), (vec![0.0, 1.0], vec![7.0]));
    let short = State([("bn.weight".into(), Array::from_fn([2], |at| at as f32))].into());
    let said = surgery.state(&short).unwrap_err().to_string();
    assert_eq!(said, "`bn.weight` should have 3 places in dimension 0, found shape [2]");
}

#[test]
fn masks_of_a_removal_are_that_removal_again() {
    let (_, groups, removal) = second();
    let shapes = |path: &sapwood_graph::ParamPath| match path.as_str() {
        "conv.weight" => Some(vec![3, 1, 3, 3]),
        "fc.weight" => Some(vec![2, 12]),
        "conv.bias" | "bn.weight" | "bn.bias" => Some(vec![3]),
        _ => None,
    };
    let mut masks = removal.masks_of_shapes(&groups, true, shapes);
    assert_eq!(Removal::of_masks(&groups, &masks, shapes), removal);
    // A single weight that is kept, and the channel stays.
    let mut bits: Bits = masks["conv.weight"].clone();
    bits.set(10, true);
    masks.insert("conv.weight".into(), bits);
    assert_eq!(Removal::of_masks(&groups, &masks, shapes).units(), 0);
    assert_eq!(Removal::of_masks(&groups, &Masks::new(), shapes).units(), 0);
    let redrawn = removal.redrawn(&groups, |_| vec![2, 0, 1]);
    assert_eq!((redrawn.units(), redrawn.kept(&groups.axes()[0].slots)), (1, vec![0, 1]));
    assert!(Share::new(1.0).is_err() && Share::new(0.3).unwrap().get() == 0.3);
}
