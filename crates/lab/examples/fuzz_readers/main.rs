//! Spoils files of every kind that the lab and what lies below it read, and reads them: none may panic, take longer than 2 seconds, or
//! take more memory than 4 times its size and 64 MB.
//!
//! ```sh
//! cargo run -p sapwood-lab --example fuzz_readers -- FOLDER [SECONDS [SEED [READER ...]]]
//! ```
//!
//! Each reader gets its seconds (60), one after the other. Whole files lie in `seeds`, in a folder for each reader. Which bytes come of
//! them is a function of seed and number. What is found is written to the folder; a file that ends the process lies there as `READER.now`.
//! Entropy-coded tensors, coded weight files and ONNX have programs of their own, that make checksums right again:
//! `fuzz` of the codec, `fuzz_coded` of `graph`, `fuzz_onnx` of `onnx`.

mod readers;
mod spoil;

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use peak_alloc::PeakAlloc;
use rand::RngExt as _;
use sapwood_backend::{Seed, Stream};

use self::readers::{READERS, Reader};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What may be taken beyond 4 times the file.
const BEYOND: usize = 64 << 20;
const LONG: Duration = Duration::from_secs(2);
/// After this a file counts as one that is never done with.
const NEVER: Duration = Duration::from_secs(60);

/// What is read, and since when: for who looks whether that ends.
type Watched = Arc<Mutex<(String, Instant)>>;
/// Where the last panic was.
type Panicked = Arc<Mutex<String>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("expected a folder for what is found")?);
    let seconds: u64 = arguments.next().map_or(Ok(60), |text| text.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let names: Vec<String> = arguments.collect();
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;

    let watched: Watched = Arc::new(Mutex::new((String::new(), Instant::now())));
    let look = Arc::clone(&watched);
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            let (name, since) = look.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if NEVER < since.elapsed() {
                println!("{name}: the file {name}.now is never done with");
                process::exit(1);
            }
        }
    });
    let panicked = Panicked::default();
    let place = Arc::clone(&panicked);
    panic::set_hook(Box::new(move |info| {
        *place.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string().replace('\n', " ");
    }));

    let mut wrong = 0;
    for reader in
        READERS.iter().filter(|reader| names.is_empty() || names.iter().any(|name| name == reader.name))
    {
        wrong += fuzz(reader, &folder, Duration::from_secs(seconds), seed, (&watched, &panicked))?;
    }
    if wrong == 0 { Ok(()) } else { Err(format!("{wrong} findings, in {}", folder.display()).into()) }
}

/// Reads spoilt files until the time is over; tells how many different findings there were.
fn fuzz(
    reader: &Reader,
    folder: &Path,
    time: Duration,
    seed: u64,
    (watched, panicked): (&Watched, &Panicked),
) -> Result<usize, Box<dyn Error>> {
    let seeds = (reader.seeds)()?;
    let place = tempfile::tempdir()?;
    let path = place.path().join("file");
    let now = folder.join(format!("{}.now", reader.name));
    let (begun, mut number, mut read, mut slowest, mut most) =
        (Instant::now(), 0u64, 0u64, Duration::ZERO, 0);
    let mut found = BTreeSet::new();
    while begun.elapsed() < time {
        let mut random = Seed(seed).stream(Stream::Data, number);
        // The first ones are whole.
        let whole = seeds.get(number as usize).cloned();
        let is_whole = whole.is_some();
        let bytes = whole.unwrap_or_else(|| spoil::spoilt(&seeds, &mut random));
        let bytes = if is_whole || random.random_bool(0.3) { bytes } else { (reader.seal)(bytes) };
        fs::write(&now, &bytes)?;
        fs::write(&path, &bytes)?;
        *watched.lock().unwrap_or_else(PoisonError::into_inner) = (reader.name.into(), Instant::now());
        MEMORY.reset_peak_usage();
        let (before, start) = (MEMORY.current_usage(), Instant::now());
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| (reader.read)(&path, &bytes)));
        let (took, memory) = (start.elapsed(), MEMORY.peak_usage().saturating_sub(before));
        let problem = match outcome {
            Err(_) => Some(panicked.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            // The first read may load what others use too.
            Ok(_) if 4 * bytes.len() + BEYOND < memory => Some(format!("it took {} MB", memory >> 20)),
            Ok(_) if LONG < took => Some(format!("it took {} s", took.as_secs())),
            Ok(false) if is_whole && !reader.may_refuse => Some("a whole file is refused".into()),
            Ok(is_read) => {
                read += u64::from(is_read);
                None
            }
        };
        // One of each kind: whatever numbers say is left out.
        let kind =
            |text: &str| text.chars().filter(|letter| !letter.is_ascii_digit()).take(160).collect::<String>();
        if let Some(problem) = problem
            && found.insert(kind(&problem))
        {
            let name = format!("{}-{}.found", reader.name, found.len());
            println!("{}: file {number} of {} bytes, {name}: {problem}", reader.name, bytes.len());
            fs::write(folder.join(name), &bytes)?;
        }
        (slowest, most) = (slowest.max(took), most.max(memory));
        number += 1;
    }
    fs::remove_file(&now)?;
    println!(
        "{}: {number} files of seed {seed}, {read} of them read, at most {} ms and {} MB; {} findings",
        reader.name,
        slowest.as_millis(),
        most.div_ceil(1 << 20),
        found.len()
    );
    Ok(found.len())
}
