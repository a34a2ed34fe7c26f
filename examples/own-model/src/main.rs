//! A network of one's own: Burn's stock layers, trained and pruned by Sapwood.
//!
//! `cargo run -p example-own-model`

use std::{error::Error, path::Path, sync::Arc};

use burn::{
    module::Module,
    nn::{
        BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
    },
    prelude::Device,
    tensor::{
        Tensor,
        activation::relu,
        module::{adaptive_avg_pool2d, max_pool2d},
        ops::MaxPoolOptions,
    },
};
use sapwood::{data, prelude::*};

/// Two convolutions and a linear layer, for images of one channel.
#[derive(Module, Debug)]
struct Small {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    fc: Linear,
}

impl Small {
    fn new(device: &Device) -> Self {
        let conv = |from, to| Conv2dConfig::new([from, to], [3, 3]).with_padding(PaddingConfig2d::Same);
        Self {
            conv1: conv(1, 16).init(device),
            bn1: BatchNormConfig::new(16).init(device),
            conv2: conv(16, 32).init(device),
            bn2: BatchNormConfig::new(32).init(device),
            fc: LinearConfig::new(32, 10).init(device),
        }
    }
}

/// All that Sapwood asks for.
impl Network for Small {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
        let x = relu(self.bn1.forward(self.conv1.forward(input)));
        let x = max_pool2d(x, MaxPoolOptions::new([2, 2]).with_stride([2, 2]));
        let x = relu(self.bn2.forward(self.conv2.forward(x)));
        self.fc.forward(adaptive_avg_pool2d(x, [1, 1]).flatten(1, 3))
    }
}

/// Trains, removes 60 % of the weights of each layer, trains again: the test
/// accuracies of the dense and the sparse network.
fn run() -> Result<[f64; 2], Box<dyn Error>> {
    let (device, seed) = (DeviceSpec::CPU.resolve()?, Seed(1));
    let digits = |split| data::open("digits", split, Path::new("data"), &OpenOptions::default());
    let shuffled = LoaderOptions { batch_size: 64, order: Order::Shuffled(seed), ..Default::default() };
    let train = Loader::new(Arc::new(digits(Split::Train)?), shuffled)?;
    let test = Loader::new(Arc::new(digits(Split::Test)?), LoaderOptions::default())?;

    let recipe = Recipe { schedule: Schedule::Cosine { end: 0.0 }, ..Recipe::new(8, AdamW::default(), 0.01) };
    // Burn's own initialisation draws from a generator that is no run's own.
    let net = Init::named("kaiming-normal")?.apply(Small::new(&device), seed);
    let dense = Trainer::new(recipe.clone(), &device).run_blocking(net, &train)?.network;

    let cut = Cut::to("0.6".parse()?).allocation(Allocation::Uniform);
    let masks = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&dense), None)?;
    println!("{} of {} weights kept", masks.kept(), masks.total());
    let trainer = Trainer::new(recipe, &device).masks(masks.into_masks());
    let sparse = trainer.run_blocking(dense.clone(), &train)?.network;

    let accuracy = |network| block_on(evaluate(network, &test, &device)).map(|answers| answers.top1);
    Ok([accuracy(&dense)?, accuracy(&sparse)?])
}

fn main() -> Result<(), Box<dyn Error>> {
    let [dense, sparse] = run()?;
    println!("test accuracy: {:.1} % dense, {:.1} % sparse", 100.0 * dense, 100.0 * sparse);
    Ok(())
}

#[test]
fn the_example_runs() {
    let [dense, sparse] = run().unwrap();
    assert!(dense > 0.8 && sparse > 0.7, "{dense} {sparse}");
}
