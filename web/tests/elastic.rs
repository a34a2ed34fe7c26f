//! A once-for-all network in the page's engine, natively.

use burn::prelude::Device;
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_web::Elastic;

fn cpu() -> Device {
    DeviceSpec::CPU.resolve().unwrap()
}

fn trained(family: &str, epochs: usize) -> Elastic {
    let mut elastic = Elastic::new(family, epochs, 0, &cpu()).unwrap();
    while !block_on(elastic.train(23)).unwrap().done {}
    elastic
}

fn accuracy(elastic: &Elastic, notch: usize) -> f64 {
    block_on(elastic.evaluate(notch)).unwrap().top1
}

#[test]
fn every_size_of_a_family_is_a_network_that_reads_digits() {
    let elastic = trained("mlp", 20);
    let sizes: Vec<_> = elastic.sizes().cloned().collect();
    assert!(sizes.windows(2).all(|pair| pair[0].params < pair[1].params));
    assert_eq!(sizes[0].params, 64 * 32 + 32 + 32 * 10 + 10);
    let last = sizes.len() - 1;
    for notch in [0, last / 2, last] {
        let found = accuracy(&elastic, notch);
        assert!(0.87 < found, "{}: {found}", sizes[notch].text);
    }
    assert!(block_on(elastic.evaluate(last + 1)).unwrap_err().to_string().contains("size"));
}

#[test]
fn a_file_and_what_was_kept_give_the_same_networks() {
    let elastic = trained("resnet-tiny-image", 1);
    let last = elastic.sizes().len() - 1;
    let opened = Elastic::open(&block_on(elastic.file()).unwrap(), "it", &cpu()).unwrap();
    let restored = Elastic::restore(&block_on(elastic.keep()).unwrap(), &cpu()).unwrap();
    assert!(opened.progress().done && restored.progress() == elastic.progress());
    for notch in [0, last / 2, last] {
        assert_eq!(accuracy(&opened, notch), accuracy(&elastic, notch));
        assert_eq!(accuracy(&restored, notch), accuracy(&elastic, notch));
    }
    let error = Elastic::open(&block_on(elastic.keep()).unwrap(), "it", &cpu()).unwrap_err().to_string();
    assert!(error.contains("not of a supernet"), "{error}");
}
