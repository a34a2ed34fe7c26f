//! A network of one's own, made elastic: its layers are written down once, with what can be
//! chosen, and one training gives networks of all sizes.
//!
//! `cargo run -p example-own-supernet`

use std::error::Error;

use sapwood_supernet::{
    Family, Nested, Opened, Rule, Supernet,
    backend::{DeviceSpec, Seed, Stream},
    core::{Batch, Conv, ExampleShape, Graph, Source, SourceError, Target},
    models::Init,
    search::{Choice, Space},
    train::{Recipe, Sgd, Trainer, evaluate},
};

/// One or two convolutions of 4 to 16 channels.
fn family() -> Result<Family, sapwood_supernet::Error> {
    let space = Space::new(
        "bars",
        vec![
            Choice::new("depth", ["1", "2"]),
            Choice::new("width.0", ["4", "8", "16"]),
            Choice::new("width.1", ["4", "8", "16"]).when("depth", ["2"]),
        ],
    )?;
    Family::new(space, |chosen| {
        let mut g = Graph::builder([1, 8, 8]);
        let mut x = g.input();
        for layer in 0..chosen.get("depth")? {
            let channels = chosen.get(&format!("width.{layer}"))?;
            x = g.conv(&format!("conv{layer}"), x, Conv::new(channels, 3).same().no_bias());
            x = g.batch_norm(&format!("bn{layer}"), x);
            x = g.relu(x);
        }
        let x = g.global_avg_pool(x);
        g.linear("classifier", x, 3);
        Ok(g.finish()?)
    })
}

/// Noisy images of a bar: lying, standing, or neither, which is a cross.
struct Bars {
    batches: usize,
    first: u64,
}

impl Bars {
    fn batch(&self, number: u64) -> Batch {
        use rand::RngExt as _;
        let mut rng = Seed(1).stream(Stream::Data, self.first + number);
        let (mut input, mut classes) = (Vec::new(), Vec::new());
        for _ in 0..32 {
            let (class, row, column) =
                (rng.random_range(0..3), rng.random_range(1..7), rng.random_range(1..7));
            for place in 0..64 {
                let (lies, stands) = (place / 8 == row && class != 1, place % 8 == column && class != 0);
                input.push(if lies || stands { 1.0 } else { 0.0 } + 0.5 * rng.random::<f32>());
            }
            classes.push(class);
        }
        Batch::new([32, 1, 8, 8], input, Target::Class(classes)).expect("as many values as the shape has")
    }
}

impl Source for Bars {
    fn examples(&self) -> usize {
        32 * self.batches
    }

    fn batches(&self) -> usize {
        self.batches
    }

    fn shape(&self) -> ExampleShape {
        [1, 8, 8].into()
    }

    fn epoch(&self, epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        let first = epoch * self.batches;
        Box::new((first + from..first + self.batches).map(|number| Ok(self.batch(number as u64))))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = "cpu".parse::<DeviceSpec>()?.resolve()?;
    let family = family()?;
    let train = Bars { batches: 100, first: 0 };
    let test = Bars { batches: 20, first: 1 << 40 };

    let nested = Nested {
        opened: Opened::all(family.space()),
        rule: Rule::Sandwich { subnets: 2 },
        distillation: Default::default(),
        teacher: None,
        seed: Seed(1),
    };
    let supernet = Init::default().apply(Supernet::new(&family, &device), Seed(1));
    let recipe = Recipe::new(5, Sgd { momentum: 0.9, nesterov: true }, 0.05);
    let supernet = Trainer::new(recipe, &device).objective(nested).run_blocking(supernet, &train)?.network;

    let calibration: Vec<Batch> = (0..10).map(|number| train.batch(number)).collect();
    for genome in family.space().genomes() {
        let network = supernet.subnet(&genome)?.calibrate(&calibration)?;
        let found = sapwood_supernet::backend::block_on(evaluate(&network, &test, &device))?;
        let params = family.graph(&genome)?.anatomy([1, 8, 8])?.params();
        println!("{:32} {params:5} parameters  {:5.1} %", family.space().text(&genome), 100.0 * found.top1);
        assert!(found.top1 > 0.8, "the networks did not learn");
    }
    Ok(())
}

#[test]
fn it_runs() {
    main().unwrap();
}
