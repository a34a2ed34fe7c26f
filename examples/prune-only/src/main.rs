//! Pruning alone: a Burn module in, the same with fewer weights out.

use burn::{module::Module, nn, prelude::Device, tensor::Tensor, tensor::activation::relu};
use sapwood_prune::{Allocation, Cut, Error, Magnitude, Network, NetworkProbe, Pass};

#[derive(Module, Debug)]
struct Perceptron {
    hidden: nn::Linear,
    output: nn::Linear,
}

impl Network for Perceptron {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(input.flatten(1, 3))))
    }
}

fn main() -> Result<(), Error> {
    let device = Device::default();
    let (hidden, output) = (nn::LinearConfig::new(784, 300), nn::LinearConfig::new(300, 10));
    let network = Perceptron { hidden: hidden.init(&device), output: output.init(&device) };

    let cut = Cut::to("95%".parse()?).allocation(Allocation::ErdosRenyi);
    let masks = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&network), None)?;
    let _network = masks.apply(network)?;
    for layer in masks.layers() {
        println!("{}: {} of {} kept", layer.path, layer.kept, layer.total);
    }
    Ok(())
}

#[test]
fn the_example_runs() {
    main().unwrap();
}
