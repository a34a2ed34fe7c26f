//! The readers, and the whole files that they begin with.

use std::{fs, path::Path, sync::Arc};

use sapwood_backend::{DeviceSpec, Seed, block_on};
use sapwood_core::{ModuleState, State, StateFile, Step, infos, seal};
use sapwood_data::{Loader, LoaderOptions, OpenOptions, Split, open, read_image, read_image_as};
use sapwood_deploy::Pairs;
use sapwood_lab::{
    Chosen, DataConfig, Datasets, RunFolder, Takes,
    deployment::SearchExperiment,
    read_input, read_unlabelled,
    study::{Plan, Results, StudyFolder, account},
    supernet::SupernetExperiment,
};
use sapwood_models::{Checkpoint, Init, Reading, Spec, open_bytes, read_config, read_masks};
use sapwood_prune::{Criteria, Cut, NetworkProbe, Stored};
use sapwood_search::{Constraint, LatencyTable, Method, Objective, Search, Table};
use sapwood_supernet::{Supernet, SupernetSpec, family};
use sapwood_train::{Checkpoints, Optimizer, Recipe, Trainer};

pub(crate) type Failure = Box<dyn std::error::Error>;

/// Something that reads a file.
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    /// Whole files.
    pub(crate) seeds: fn() -> Result<Vec<Vec<u8>>, Failure>,
    /// Makes checksums right again, so that what lies behind them is looked at.
    pub(crate) seal: fn(Vec<u8>) -> Vec<u8>,
    /// Reads a file, which is also there as bytes. Whether it is what it should be.
    pub(crate) read: fn(&Path, &[u8]) -> bool,
    /// Whether a whole file may be none for this reader: not all that is small enough to be a seed is large enough.
    pub(crate) may_refuse: bool,
}

macro_rules! reader {
    ($name:literal, $read:expr) => {
        reader!($name, || folder(concat!("seeds/", $name)), |bytes| bytes, $read, false)
    };
    ($name:literal, $seeds:expr, $seal:expr, $read:expr, $may_refuse:expr) => {
        Reader { name: $name, seeds: $seeds, seal: $seal, read: $read, may_refuse: $may_refuse }
    };
}

/// All of them.
pub(crate) const READERS: &[Reader] = &[
    reader!("weights", |path, bytes| open_weights(path, bytes)),
    reader!("pytorch", pytorch, |bytes| bytes, |path, bytes| pickled(path, bytes), true),
    reader!(
        "supernet",
        || Ok(vec![supernet()?]),
        |bytes| bytes,
        |_, bytes| cpu(|device| Supernet::open_bytes(bytes, "file", device)),
        false
    ),
    reader!("masks", |path, _| is_ok(masks(path))),
    reader!("arrays", || folder("seeds/arrays"), |bytes| bytes, |path, _| arrays(path), true),
    reader!("own-arrays", || folder("seeds/own-arrays"), zip_sealed, |path, _| own_arrays(path), false),
    reader!("scores", || Ok(vec![scores()?]), |bytes| bytes, |_, bytes| is_ok(ranked(bytes)), false),
    reader!("idx", || folder("seeds/idx"), |bytes| bytes, |path, _| of_data("mnist", path), true),
    reader!("cifar", || folder("seeds/cifar"), |bytes| bytes, |path, _| of_data("cifar10", path), true),
    reader!("image", || folder("seeds/image"), png_sealed, |path, _| image(path), false),
    reader!(
        "checkpoint",
        || Ok(vec![checkpoint()?]),
        |bytes| bytes,
        |path, bytes| is_ok(resumed(path, bytes)),
        false
    ),
    reader!("study", |path, _| is_ok(Plan::read(&Criteria::default(), path, &[], &datasets()))),
    reader!("nested", |path, _| is_ok(SupernetExperiment::read(path))),
    reader!("searching", |path, _| is_ok(SearchExperiment::read(path))),
    reader!("table-toml", |_, bytes| text(bytes).is_some_and(|text| is_ok(LatencyTable::from_toml(text)))),
    reader!("table-yaml", |_, bytes| text(bytes)
        .is_some_and(|text| is_ok(LatencyTable::from_yaml(text, "", "", 1)))),
    reader!("benchmark", |_, bytes| text(bytes).is_some_and(|text| is_ok(Table::parse("table", text)))),
    reader!("pairs", |path, _| family("mlp", None, None)
        .is_ok_and(|family| is_ok(Pairs::read(&family, path)))),
    reader!("history", |_, bytes| is_ok(history(bytes))),
    reader!("record", |path, bytes| is_ok(record(path, bytes))),
    reader!("ledger", |path, bytes| is_ok(ledger(path, bytes))),
    reader!("list", |path, _| list(path)),
    reader!("config", |path, _| is_ok(read_config(path))),
    reader!(
        "words",
        || folder("seeds/words"),
        |bytes| bytes,
        |_, bytes| text(bytes).is_some_and(words),
        true
    ),
];

fn is_ok<T, E>(result: Result<T, E>) -> bool {
    result.is_ok()
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The files of a folder beside this one, in the order of their names.
fn folder(path: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fuzz_readers").join(path);
    let mut paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    paths.sort();
    Ok(paths.iter().map(fs::read).collect::<Result<_, _>>()?)
}

fn datasets() -> Datasets {
    Datasets::below("nowhere").keeping(None)
}

fn cpu<T, E>(open: impl FnOnce(&burn::prelude::Device) -> Result<T, E>) -> bool {
    DeviceSpec::CPU.resolve().is_ok_and(|device| open(&device).is_ok())
}

fn state_dict(path: &Path, bytes: &[u8]) -> bool {
    Checkpoint::of_bytes(bytes, path).is_ok_and(|file| file.state_dict(&Reading::default()).is_ok())
}

/// What PyTorch wrote; one of them a network of the zoo.
fn pytorch() -> Result<Vec<Vec<u8>>, Failure> {
    let net = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fuzz_readers/seeds/weights/net.pt");
    let mut files = folder("../../../models/tests/checkpoints")?;
    files.push(fs::read(net)?);
    Ok(files)
}

fn pickled(path: &Path, bytes: &[u8]) -> bool {
    open_weights(path, bytes) | Checkpoint::of_bytes(bytes, path).is_ok()
}

fn open_weights(path: &Path, bytes: &[u8]) -> bool {
    let known = state_dict(path, bytes);
    cpu(|device| open_bytes(bytes, "file", None, device)) || known
}

/// The smallest family's weights.
fn supernet() -> Result<Vec<u8>, Failure> {
    let device = DeviceSpec::CPU.resolve()?;
    let spec = SupernetSpec { supernet: "mlp".into(), input: [1, 8, 8], classes: 10, trained_on: None };
    let net = spec.build(&device)?;
    Ok(spec.pack(block_on(State::read(&net))?)?.to_bytes()?)
}

/// The network of the file in `seeds/masks`.
fn small(device: &burn::prelude::Device) -> Result<sapwood_models::Net, Failure> {
    let spec = Spec { width: 0.02, ..Spec::named("lenet-300-100")?.fit([1, 8, 8], 10) };
    Ok(Init::named("pytorch")?.apply(spec.net(device)?, Seed(1)))
}

fn masks(path: &Path) -> Result<(), Failure> {
    let net = small(&DeviceSpec::CPU.resolve()?)?;
    read_masks(path, &infos(&net), &Reading::default())?;
    Ok(())
}

fn arrays(path: &Path) -> bool {
    let takes =
        Takes { input: [1, 3, 4], trained_on: None, tokens: None, channels_last: false, is_stated: false };
    let input = cpu(|device| read_input(path, &takes, device));
    is_ok(read_unlabelled(path, 1, &takes)) || input
}

/// Both splits of `--data arrays`, as they are and in the size of an image.
fn own_arrays(path: &Path) -> bool {
    let sizes = [None, Some([3, 6, 6])];
    let all = [Split::Train, Split::Test].map(|split| {
        sizes.map(|image| {
            open("arrays", split, path, &OpenOptions { image, ..OpenOptions::default() }).is_ok()
        })
    });
    all.iter().all(|[as_it_is, _]| *as_it_is)
}

/// The contents of a zip archive with right checksums, where they are stored and not packed.
fn zip_sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    for at in 0..bytes.len() {
        if bytes[at..].starts_with(b"PK\x01\x02")
            && let Some(content) = zip_stored(&bytes, at)
        {
            let sum = crc32(content);
            bytes[at + 16..at + 20].copy_from_slice(&sum.to_le_bytes());
        }
    }
    bytes
}

/// The content of the file whose entry in the archive's list begins here.
fn zip_stored(bytes: &[u8], entry: usize) -> Option<&[u8]> {
    let number = |at: usize, length: usize| {
        let part = bytes.get(at..at.checked_add(length)?)?;
        Some(part.iter().rev().fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte)))
    };
    let (method, size, file) = (number(entry + 10, 2)?, number(entry + 20, 4)?, number(entry + 42, 4)?);
    let content = file + 30 + number(file + 26, 2)? + number(file + 28, 2)?;
    bytes.get(content..content + size).filter(|_| method == 0)
}

/// What `score` writes of the network of the file in `seeds/masks`.
fn scores() -> Result<Vec<u8>, Failure> {
    let state = block_on(State::read(&small(&DeviceSpec::CPU.resolve()?)?))?;
    let weights = state.0.into_iter().filter(|(path, _)| path.as_str().ends_with("weight"));
    Ok(StateFile { state: State(weights.collect()), ..StateFile::default() }.to_bytes()?)
}

/// That network, cut by scores.
fn ranked(bytes: &[u8]) -> Result<(), Failure> {
    let scores = Stored::new(StateFile::from_bytes(bytes)?.state);
    let net = small(&DeviceSpec::CPU.resolve()?)?;
    for granularity in ["weight", "filter"] {
        let cut = Cut::to("0.5".parse()?).granularity(granularity.parse()?);
        cut.masks_blocking(&scores, &NetworkProbe::new(&net), None)?;
    }
    Ok(())
}

/// A data set all of whose files are this one.
fn of_data(name: &str, path: &Path) -> bool {
    let Some(root) = path.parent() else { return false };
    let names: &[&str] = match name {
        "mnist" => &["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
        _ => &[
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
        ],
    };
    let put = |file: &&str| {
        fs::create_dir_all(root.join(name)).and_then(|()| fs::copy(path, root.join(name).join(file)))
    };
    names.iter().all(|file| put(file).is_ok())
        && is_ok(open(name, Split::Train, root, &OpenOptions::default()))
}

fn image(path: &Path) -> bool {
    let fit = "imagenet, bicubic".parse::<sapwood_core::Preprocess>().map(|found| found.image);
    let as_said = fit.is_ok_and(|fit| read_image_as(path, [1, 4, 6], &fit).is_ok());
    read_image(path, [3, 5, 5]).is_ok() && as_said
}

/// Chunks of a PNG with right checksums.
fn png_sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while bytes.starts_with(b"\x89PNG") && at + 12 <= bytes.len() {
        let length = bytes[at..at + 4].iter().fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte));
        let Some(end) = (at + 8).checked_add(length).filter(|end| end + 4 <= bytes.len()) else { break };
        let sum = crc32(&bytes[at + 4..end]);
        bytes[end..end + 4].copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
    bytes
}

/// The checksum of PNG and zip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    })
}

/// A run of two steps, with its checkpoints.
fn trained(folder: &Path) -> Result<(), Failure> {
    let device = DeviceSpec::CPU.resolve()?;
    let digits =
        open("digits", Split::Train, Path::new("nowhere"), &OpenOptions::default())?.subset(&[0, 1, 2, 3])?;
    let source = Loader::new(Arc::new(digits), LoaderOptions { batch_size: 2, ..LoaderOptions::default() })?;
    let optimizer: Optimizer = serde_json::from_str(r#"{ "name": "sgd", "momentum": 0.9 }"#)?;
    let recipe = Recipe { until: "2it".parse()?, ..Recipe::new(2, optimizer, 0.1) };
    let trainer = Trainer::new(recipe, &device).checkpoints(Checkpoints::in_folder(folder));
    trainer.run_blocking(small(&device)?, &source)?;
    Ok(())
}

/// What lies in its last checkpoint.
fn checkpoint() -> Result<Vec<u8>, Failure> {
    let folder = tempfile::tempdir()?;
    trained(folder.path())?;
    let paths: Result<Vec<_>, _> =
        fs::read_dir(folder.path())?.map(|entry| entry.map(|entry| entry.path())).collect();
    let bytes = fs::read(paths?.iter().max().ok_or("no checkpoint")?)?;
    Ok(sapwood_core::unseal(&bytes)?.to_vec())
}

/// The run goes on from this checkpoint.
fn resumed(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.with_file_name("checkpoints");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("checkpoint-000000000002.sapwood"), seal(bytes))?;
    trained(&folder)
}

fn history(bytes: &[u8]) -> Result<(), Failure> {
    #[derive(serde::Deserialize)]
    struct Written {
        search: Search<Method>,
    }
    let Written { search } = serde_json::from_slice(bytes)?;
    search.check()?;
    search.front()?;
    Ok(())
}

/// A study with this record in the folder of its first run.
fn record(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let root = path.with_file_name("studies");
    let study = path.with_file_name("study.toml");
    fs::write(&study, include_bytes!("seeds/study/study.toml"))?;
    let plan = Plan::read(&Criteria::default(), &study, &[], &datasets())?;
    let folder = StudyFolder::new(&root, &plan.name);
    for run in &plan.runs[..2] {
        let place = folder.run(run);
        fs::create_dir_all(place.path())?;
        fs::write(place.weights(), b"")?;
        for step in &run.keep {
            fs::write(place.weights_at(*step), b"")?;
        }
        fs::write(place.record(), bytes)?;
    }
    let results = Results::read(&plan, &folder)?;
    results.to_csv()?;
    results.to_jsonl()?;
    let groups = results.groups(&plan);
    groups.iter().for_each(|group| drop(group.values(|row| row.outcome.test.top1)));
    match results.rows.len() {
        2 => Ok(()),
        found => Err(format!("{found} runs").into()),
    }
}

fn ledger(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path.with_file_name("ledger-0.json"), bytes)?;
    account(&RunFolder::new(path.parent().unwrap_or(path)))?;
    Ok(())
}

fn list(path: &Path) -> bool {
    let only = Some(Chosen { list: path.into(), digest: None });
    is_ok(datasets().open(&DataConfig { only, ..DataConfig::named("digits") }, Split::Train))
}

/// What is written in options and in the values of settings, a line each.
fn words(text: &str) -> bool {
    let line = |line: &str| {
        let of_prune = line.parse::<sapwood_prune::Sparsity>().is_ok()
            | line.parse::<sapwood_prune::Granularity>().is_ok()
            | line.parse::<sapwood_prune::Allocation>().is_ok()
            | line.parse::<sapwood_prune::Ablation>().is_ok()
            | sapwood_prune::Options::parse([line]).is_ok();
        let of_search = line.parse::<Objective>().is_ok() | line.parse::<Constraint>().is_ok();
        let of_graph = line.parse::<sapwood_core::Preprocess>().is_ok()
            | sapwood_core::graph::Exceptions::parse([line]).is_ok()
            | line.parse::<Step>().is_ok()
            | line.parse::<DeviceSpec>().is_ok();
        let of_lab = line.parse::<sapwood_lab::Augmenting>().is_ok()
            | line.parse::<sapwood_lab::ledger::Watts>().is_ok()
            | line.parse::<sapwood_models::Rename>().is_ok()
            | line.parse::<sapwood_shrink::Share>().is_ok()
            | line.parse::<sapwood_quant::Budget>().is_ok();
        let genome = family("mlp", None, None).is_ok_and(|family| family.space().parse(line).is_ok());
        of_prune | of_search | of_graph | of_lab | genome
    };
    text.lines().filter(|text| line(text)).count() > 0
}
