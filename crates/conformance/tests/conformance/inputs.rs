//! Networks whose inputs are no images: they are trained, evaluated, scored and pruned alike.

use burn::{
    module::Module,
    nn::{Embedding, EmbeddingConfig, Linear, LinearConfig},
    prelude::Int,
    tensor::{Tensor, activation::relu},
};
use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_conformance::{batch, fill};
use sapwood_core::{
    Batch, BatchInput, ExampleShape, Layout, ModuleState as _, Network, Pass, Source, SourceError, State,
    Tap, Target, Values, infos, tensors,
};
use sapwood_models::{Init, Spec};
use sapwood_prune::{Cut, NetworkProbe, Snip, SynFlow};
use sapwood_train::{Evaluation, Recipe, Sgd, Trainer, evaluate};

const VOCABULARY: u32 = 11;
const LENGTH: usize = 6;

/// Logits of the next token, after each.
#[derive(Module, Debug)]
struct NextToken {
    embedding: Embedding,
    hidden: Linear,
    output: Linear,
}

impl Network for NextToken {
    type Input = Tensor<2, Int>;
    type Output = Tensor<3>;

    fn forward(&self, tokens: Tensor<2, Int>, _: &mut Pass<'_>) -> Tensor<3> {
        self.output.forward(relu(self.hidden.forward(self.embedding.forward(tokens))))
    }
}

/// A class from a board and two numbers.
#[derive(Module, Debug)]
struct Pair {
    board: Linear,
    numbers: Linear,
}

impl Network for Pair {
    type Input = (Tensor<4>, Tensor<2>);
    type Output = Tensor<2>;

    fn forward(&self, (board, numbers): Self::Input, _: &mut Pass<'_>) -> Tensor<2> {
        self.board.forward(board.flatten(1, 3)) + self.numbers.forward(numbers)
    }
}

/// One batch, epoch after epoch.
struct Again(Batch);

impl Source for Again {
    fn examples(&self) -> usize {
        self.0.len()
    }

    fn batches(&self) -> usize {
        1
    }

    fn shape(&self) -> ExampleShape {
        self.0.shape()
    }

    fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new(std::iter::once(Ok(self.0.clone())).skip(from))
    }
}

/// Sequences in which `3 t + 1` follows the token `t`. What follows the last is not known.
fn sequences(examples: usize) -> Batch {
    let next = |token: u32| (3 * token + 1) % VOCABULARY;
    let (mut tokens, mut targets) = (Vec::new(), Vec::new());
    for first in 0..examples as u32 {
        let mut token = first % VOCABULARY;
        for position in 0..LENGTH {
            tokens.push(token);
            token = next(token);
            targets.push((position + 1 < LENGTH).then_some(token));
        }
    }
    Batch::of_tokens([examples, LENGTH], tokens, Target::Token(targets)).unwrap()
}

fn boards() -> Batch {
    let classes: Vec<u32> = (0..8).map(|at| at % 2).collect();
    let board = (0..8 * 4).map(|at| (at * 7 % 5) as f32 / 5.0).collect();
    let numbers = classes.iter().flat_map(|class| [*class as f32, 1.0 - *class as f32]).collect();
    let inputs = vec![
        BatchInput { shape: vec![8, 1, 2, 2], values: Values::Float(board) },
        BatchInput { shape: vec![8, 2], values: Values::Float(numbers) },
    ];
    Batch::of_inputs(inputs, Target::Class(classes)).unwrap()
}

fn next_token(device: &burn::prelude::Device) -> NextToken {
    let network = NextToken {
        embedding: EmbeddingConfig::new(VOCABULARY as usize, 8).init(device),
        hidden: LinearConfig::new(8, 16).init(device),
        output: LinearConfig::new(16, VOCABULARY as usize).init(device),
    };
    fill(&infos(&network)).write(network).unwrap()
}

fn evaluated<N: Network>(network: &N, batch: &Batch) -> Evaluation {
    let device = DeviceSpec::CPU.resolve().unwrap();
    block_on(evaluate(network, &Again(batch.clone()), &device)).unwrap()
}

#[test]
fn a_network_of_tokens_learns_what_follows_and_learns_again_when_pruned() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let data = sequences(22);
    let recipe = Recipe::new(150, Sgd { momentum: 0.9, nesterov: true }, 0.2);
    let dense = Trainer::new(recipe.clone(), &device)
        .run_blocking(next_token(&device), &Again(data.clone()))
        .unwrap()
        .network;
    let found = evaluated(&dense, &data);
    assert_eq!((found.examples, found.top1), (22 * (LENGTH - 1), 1.0), "{found:?}");

    let examples = [data.clone()];
    let probe = NetworkProbe::new(&dense).with_examples(&examples);
    let masks = Cut::to("50%".parse().unwrap()).masks_blocking(&Snip::default(), &probe, None).unwrap();
    let kept = masks.kept();
    assert!(masks.as_masks().keys().any(|path| path.as_str() == "hidden.weight"));
    let pruned = Trainer::new(recipe, &device)
        .masks(masks.into_masks())
        .run_blocking(dense, &Again(data.clone()))
        .unwrap()
        .network;
    assert_eq!(evaluated(&pruned, &data).top1, 1.0);
    let weights = tensors(&pruned, Layout::Torch)
        .into_iter()
        .filter(|(info, _)| info.path.as_str() != "embedding.weight");
    let nonzero: usize = weights
        .filter(|(info, _)| info.path.as_str().ends_with("weight"))
        .map(|(_, value)| value.into_data().iter::<f32>().filter(|weight| *weight != 0.0).count())
        .sum();
    assert!(nonzero <= kept, "{nonzero} of {kept}");
}

/// The loss is the mean over the tokens that count, by its definition.
#[test]
fn tokens_that_do_not_count_change_no_loss() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let (network, data) = (next_token(&device), sequences(5));
    let Target::Token(targets) = data.target() else { unreachable!("sequences have token targets") };
    let logits = network.forward(data.input(&device).unwrap(), &mut Pass::evaluate());
    let logits: Vec<f64> = logits.into_data().iter().collect();
    let losses = logits.chunks(VOCABULARY as usize).zip(targets).filter_map(|(row, target)| {
        let sum: f64 = row.iter().map(|z| z.exp()).sum();
        Some(sum.ln() - row[(*target)? as usize])
    });
    let losses: Vec<f64> = losses.collect();
    let expected = losses.iter().sum::<f64>() / losses.len() as f64;
    assert!((evaluated(&network, &data).loss - expected).abs() < 1e-6);
    let logits = network.forward(data.input(&device).unwrap(), &mut Pass::evaluate());
    let loss = sapwood_core::loss(logits.flatten(0, 1), data.target(), 0.0).unwrap();
    assert!((loss.into_scalar::<f64>() - expected).abs() < 1e-5);
}

#[test]
fn a_network_of_two_inputs_is_trained_scored_and_evaluated() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let network =
        Pair { board: LinearConfig::new(4, 2).init(&device), numbers: LinearConfig::new(2, 2).init(&device) };
    let network = fill(&infos(&network)).write(network).unwrap();
    let data = boards();
    let recipe = Recipe::new(60, Sgd { momentum: 0.9, nesterov: false }, 0.2);
    let network = Trainer::new(recipe, &device).run_blocking(network, &Again(data.clone())).unwrap().network;
    assert_eq!(evaluated(&network, &data).top1, 1.0);
    // Synaptic flow makes its own inputs, one of each shape.
    let probe = NetworkProbe::new(&network).with_input_shape(data.shape());
    let cut = Cut::to("50%".parse().unwrap());
    assert_eq!(cut.masks_blocking(&SynFlow::default(), &probe, None).unwrap().kept(), 6);
}

#[test]
fn inputs_that_a_network_does_not_take_are_refused() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let recipe = Recipe::new(1, Sgd { momentum: 0.0, nesterov: false }, 0.1);
    let said = Trainer::new(recipe, &device).run_blocking(next_token(&device), &Again(boards())).unwrap_err();
    let expected = "the network takes tokens of rank 2, but the batch has numbers [8, 1, 2, 2]";
    assert_eq!(said.to_string(), expected);
    let network = next_token(&device);
    let probe = NetworkProbe::new(&network).with_input_shape([LENGTH]);
    let cut = Cut::to("50%".parse().unwrap());
    let said = cut.masks_blocking(&SynFlow::default(), &probe, None).unwrap_err();
    assert_eq!(said.to_string(), "the network takes tokens of rank 2, but the batch has numbers [1, 6]");
}

/// Lets the last layer see zeros.
struct Silence;

impl Tap for Silence {
    fn input(&mut self, layer: &str, input: Tensor<4>) -> Tensor<4> {
        if layer == "fc3" { input.zeros_like() } else { input }
    }
}

/// Looks at nothing.
struct Idle;

impl Tap for Idle {}

#[test]
fn a_tap_replaces_what_a_layer_sees() {
    let device = DeviceSpec::CPU.resolve().unwrap();
    let net = Init::default().apply(Spec::named("lenet-300-100").unwrap().net(&device).unwrap(), Seed(1));
    let net = fill(&infos(&net)).write(net).unwrap();
    let images: Tensor<4> = batch("image", "label", [2, 1, 28, 28], 10).input(&device).unwrap();
    let free = net.forward(images.clone(), &mut Pass::evaluate());
    let idle = net.forward(images.clone(), &mut Pass::evaluate().with_tap(&mut Idle));
    let silenced = net.forward(images, &mut Pass::evaluate().with_tap(&mut Silence));
    let state = block_on(State::read(&net)).unwrap();
    let bias: Vec<f32> = state.0["fc3.bias"].iter().collect();
    assert_eq!(silenced.into_data().iter::<f32>().collect::<Vec<_>>(), [bias.clone(), bias].concat());
    let free: Vec<f32> = free.into_data().iter().collect();
    assert!(free.iter().any(|logit| *logit != 0.0));
    assert_eq!(idle.into_data().iter::<f32>().collect::<Vec<_>>(), free);
}
