//! Searches among nested networks, from their training to what is cut out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use sapwood_search::{BlockTime, Blocks, LatencyTable};

use crate::{
    child,
    own_images::{BLUE, GREEN, RED, images},
    workplace::Workplace,
};

const EXPERIMENT: &str = r#"
name = "small"
kind = "supernet"
family = "mlp"
batch_size = 32
data = { name = "digits", options = { preprocess = "(x/16-0.5)/0.5" } }

[recipe]
optimizer = { name = "sgd", momentum = 0.9, nesterov = true }

[[method]]
name = "uniform"

[[method.phase]]
name = "all"
open = "all"
epochs = 3
learning_rate = 0.05
"#;
const WEIGHTS: &str = "--weights runs/small/uniform-r0/weights.safetensors --data digits";

fn trained() -> Workplace {
    let place = Workplace::new();
    fs::write(place.path().join("small.toml"), EXPERIMENT).unwrap();
    place.succeed("supernet train small.toml");
    place
}

#[test]
fn the_best_network_is_found_for_each_device() {
    let place = trained();
    let said = place.succeed(&format!("supernet pairs {WEIGHTS} --count 20 --out pairs.csv"));
    assert!(said.contains("ridge") && said.contains("20 networks, cross-validated"), "{said}");
    // More of them begin with those that are there, and a half line is passed over.
    let before = String::from_utf8(place.read("pairs.csv")).unwrap();
    fs::write(place.path().join("pairs.csv"), &before[..before.len() - 3]).unwrap();
    place.succeed(&format!("supernet pairs {WEIGHTS} --count 25 --out pairs.csv"));
    let after = String::from_utf8(place.read("pairs.csv")).unwrap();
    assert!(
        after.starts_with(before.rsplit_once("\nd=").unwrap().0) && after.lines().count() == 27,
        "{after}"
    );

    // Several workers write the same file, also after a kill.
    fs::write(place.path().join("several.csv"), &before[..before.len() / 2]).unwrap();
    place.succeed(&format!("supernet pairs {WEIGHTS} --count 25 --workers 3 --out several.csv"));
    assert_eq!(String::from_utf8(place.read("several.csv")).unwrap(), after);

    // Listed networks are judged as random ones are, and JSON is taken and written like everywhere.
    let judged = place.succeed(&format!("supernet eval {WEIGHTS} --sample 15 --json"));
    place.put("judged.jsonl", &judged);
    let listed = format!("supernet pairs {WEIGHTS} --arch-list judged.jsonl --out");
    place.succeed(&format!("{listed} listed.jsonl"));
    let found = String::from_utf8(place.read("listed.jsonl")).unwrap();
    assert!(found.starts_with("{\"origin\":\"mlp, weights "), "{found}");
    let read = |text: &str| -> BTreeMap<String, f64> {
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let lines = lines.filter(|line| line.get("top1").is_some());
        lines.map(|line| (line["architecture"].to_string(), line["top1"].as_f64().unwrap())).collect()
    };
    assert_eq!(read(&found), read(&judged));
    // Inputs are those that were learnt from.
    let record = place.read("runs/small/uniform-r0/record.json");
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let corners = place.succeed(&format!("supernet eval {WEIGHTS} --corners --json"));
    let corners: Vec<serde_json::Value> =
        corners.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(record["judged"], serde_json::Value::from(corners));
    fs::write(place.path().join("listed.jsonl"), &found[..found.len() - 5]).unwrap();
    place.succeed(&format!("{listed} listed.jsonl"));
    assert_eq!(String::from_utf8(place.read("listed.jsonl")).unwrap(), found);
    place.succeed(&format!("{listed} listed.csv"));
    let best = |pairs: &str| place.succeed(&format!("search --space mlp --pairs {pairs} --max-macs 9k"));
    assert_eq!(best("listed.jsonl"), best("listed.csv"));
    let described = |list: &str| place.succeed(&format!("describe --space mlp --arch-list {list}"));
    assert_eq!(described("listed.csv"), described("listed.jsonl"));
    // Each network is judged once.
    let [listed, judged] = ["listed.csv", "judged.jsonl"].map(described);
    let different = |text: &str| text.lines().map(String::from).collect::<BTreeSet<String>>();
    assert_eq!(different(&listed), different(&judged));

    let built = place
        .succeed("latency build --space mlp --rounds 2 --runs 3 --seconds 0 --name phone --out phone.toml");
    assert!(built.contains("blocks, fixed cost"), "{built}");
    let checked =
        place.succeed("latency check --space mlp --rounds 2 --networks 5 --table phone.toml --out each.csv");
    assert!(checked.contains("table and measurement") && checked.contains("every second round"), "{checked}");
    let each = String::from_utf8(place.read("each.csv")).unwrap();
    assert!(
        each.starts_with("architecture,predicted_ms,measured_ms\nd=") && each.lines().count() == 6,
        "{each}"
    );
    let table = fs::read_to_string(place.path().join("phone.toml")).unwrap();
    let told = |table: String| {
        place.put("elsewhere.toml", table);
        place.run("latency check --space mlp --rounds 2 --networks 5 --table elsewhere.toml").err
    };
    let elsewhere = table.replace(" on cpu", " on cuda");
    let said = told(elsewhere.clone());
    assert!(said.contains("note: the table is of phone (sapwood ") && said.contains(" on cuda, "), "{said}");
    // Not everybody says by how many threads, and by what.
    let line = |key: &str| elsewhere.lines().find(|line| line.starts_with(key)).unwrap();
    let said = told(elsewhere.replace(line("threads = "), "threads = 0"));
    assert!(said.contains(" on cuda), and this times sapwood "), "{said}");
    let said = told(elsewhere.replace(line("backend = "), "backend = \"\""));
    assert!(said.contains("note: the table does not say what computed, and this times "), "{said}");
    // By the runtime, and the check by what the table says.
    let runtime =
        "latency build --space mlp --runtime --threads 2 --rounds 2 --runs 3 --seconds 0 --out runtime.toml";
    place.succeed(runtime);
    let table = String::from_utf8(place.read("runtime.toml")).unwrap();
    assert!(table.contains("backend = \"sapwood-runtime ") && table.contains("threads = 2"), "{table}");
    place.succeed("latency check --space mlp --rounds 2 --networks 5 --table runtime.toml");
    place.refuse(
        "latency check --space mlp --table runtime.toml --device ndarray",
        &["the runtime runs on the CPU", "--device ndarray"],
    );
    place.refuse("latency build --space mlp --threads 2 --out other.toml", &["--runtime"]);
    place.refuse(
        "latency build --space mlp --energy --energy-seconds 0 --out other.toml",
        &["`--energy-seconds` from 0.001 to 60"],
    );
    place.refuse(
        "latency check --space mlp --table phone.toml --networks 18446744073709551615",
        &["--networks <N>"],
    );
    fs::copy(place.path().join("phone.toml"), place.path().join("watch.toml")).unwrap();

    let search = "search --space mlp --pairs pairs.csv --evaluations 200";
    let best = place.succeed(&format!("{search} --max-macs 8k --max-params 0.1M"));
    let macs: f64 = column(&best, 2);
    assert!(macs <= 8e3, "{best}");
    let front = format!("{search} --table phone.toml --front --page front.html");
    let wanted = ["--objective", "max accuracy", "--objective", "min latency_ms"];
    let front = child::run(place.path(), &front.split(' ').chain(wanted).collect::<Vec<_>>());
    assert!(front.code == Some(0) && front.out.lines().count() > 2, "{front:#?}");
    assert!(String::from_utf8(place.read("front.html")).unwrap().contains("The best networks of mlp"));
    let many = place.succeed(&format!("{search} --max-latency 50ms --many phone.toml watch.toml {WEIGHTS}"));
    assert_eq!(many.lines().count(), 2 + 2, "{many}");
    assert!(many.contains("watch.safetensors"), "{many}");
    place.succeed("eval --weights watch.safetensors --data digits");
    let described = place.succeed("describe --weights watch.safetensors");
    assert!(described.contains("images at 1x8x8: "), "{described}");

    // A search that goes on ends as one that was never broken off.
    let saved = |looks: usize, file: &str| {
        let looks = search.replace("--evaluations 200", &format!("--evaluations {looks}"));
        place.succeed(&format!("{looks} --max-macs 8k --front --history {file}"))
    };
    let straight = saved(200, "straight.json");
    saved(90, "broken.json");
    assert_eq!(saved(200, "broken.json"), straight);
    assert!(place.read("broken.json") == place.read("straight.json"));
    place.refuse(
        &format!("{search} --max-macs 9k --history broken.json"),
        &["another search", "macs <= 8000", "macs <= 9000", "choose another file"],
    );
    energies(&place, search);

    // A device on which no network is fast enough keeps the others from nothing.
    let watch = String::from_utf8(place.read("watch.toml")).unwrap();
    let mut slow = LatencyTable::from_toml(&watch).unwrap();
    (slow.device, slow.fixed_ms) = ("watch".into(), 990.0);
    fs::write(place.path().join("watch.toml"), slow.to_toml().unwrap()).unwrap();
    let line = format!("{search} --max-latency 50ms --many watch.toml phone.toml");
    let some = child::run(place.path(), &line.split(' ').collect::<Vec<_>>());
    assert!(
        some.code == Some(2) && some.err.contains("watch: ") && some.err.contains("nearest"),
        "{some:#?}"
    );
    assert!(some.out.lines().count() == 4 && some.out.contains("none"), "{some:#?}");

    // A table that cannot be read is told before anything is searched.
    place.refuse(
        &format!("{search} --max-latency 50ms --many phone.toml none.toml {WEIGHTS}"),
        &["none.toml"],
    );
    // Nor is a table asked for what nobody wants to know.
    let mut few = slow.clone();
    few.blocks = few.blocks.into_iter().take(1).collect();
    fs::write(place.path().join("few.toml"), few.to_toml().unwrap()).unwrap();
    place.succeed(&format!("{search} --max-macs 8k --table few.toml"));
    place.refuse(
        &format!("{search} --max-latency 5000ms --table few.toml"),
        &["lacks", "`latency build --space mlp --out FILE` measures them all"],
    );

    let predictors = "predictors --space mlp --pairs pairs.csv --sizes 5,15 --held-out 10 --repeats 2";
    let found = place.succeed(&format!("{predictors} --page predictors.html"));
    assert!(found.lines().count() == 2 + 8 && found.contains("mlp, published"), "{found}");
    assert_eq!(found, place.succeed(predictors));
    let page = String::from_utf8(place.read("predictors.html")).unwrap();
    assert!(page.contains("Calibration") && page.contains("Predictors of mlp"));
    fs::write(place.path().join("nan.csv"), after.rsplit_once(',').unwrap().0.to_string() + ",NaN\n")
        .unwrap();
    for (line, said) in [
        (predictors.replace("5,15", "5,16"), &["26", "at most the 25"][..]),
        (predictors.replace("pairs.csv", "nan.csv"), &["nan.csv, line 27", "a share from 0 to 1"]),
        (
            predictors.replace("--held-out 10", "--held-out 1"),
            &["held-out examples must be from 2 up, but it is 1"],
        ),
        ("predictors --space mlp".into(), &["--pairs"]),
        ("predictors --space tabular:none.csv --metric accuracy".into(), &["none.csv"]),
    ] {
        place.refuse(&line, said);
    }

    place.refuse(
        &format!("supernet pairs {WEIGHTS} --count 30 --calibration 100 --out pairs.csv"),
        &["judged otherwise", "calibration 2000", "calibration 100", "choose another file"],
    );
    for (line, said) in [
        (search.replace(" --pairs pairs.csv", ""), &["`--pairs FILE`", "`supernet pairs`"][..]),
        (format!("{search} --max-latency 3"), &["`latency build`"]),
        (format!("{search} --max-macs 10"), &["macs <= 10", "the nearest is 2368"]),
        (format!("{search} --limit energy<=3"), &["unknown metric `energy`", "energy_mj"]),
        (format!("{search} --max-macs many"), &["1.2G"]),
        (search.replace("--space mlp", "--space mlb"), &["unknown family `mlb`", "mlp"]),
        (search.replace("--space mlp", "--space vit-small-image"), &["pairs.csv, line 3"]),
    ] {
        place.refuse(&line, said);
    }
}

/// The supernet of one's own photographs.
const OWN: &str = "--weights runs/small/uniform-r0/weights.safetensors --data image-folder --data-root own";

/// A supernet of photographs in two classes, one of which cannot be read; networks judged by hand, and a table that no
/// limit asks anything of.
fn photographs() -> Workplace {
    let place = Workplace::new();
    images(&place, "own", 6, &[("a", RED), ("b", BLUE)]);
    place.put("own/train/a/bad.png", &GREEN[..50]);
    let digits = EXPERIMENT.lines().find(|line| line.starts_with("data")).unwrap();
    let own = r#"data = { name = "image-folder", skip_bad = true, options = { image = [3, 4, 4] } }"#;
    let experiment = EXPERIMENT.replace(digits, own).replace("batch_size = 32", "batch_size = 1");
    place.put("small.toml", experiment.replace("learning_rate = 0.05", "learning_rate = 0.001"));
    place.succeed("supernet train small.toml --data-root own");
    let widths = ["32", "64", "128"];
    let pairs = widths.map(|wide| widths.map(|narrow| format!("2,{wide},{narrow},,0.{narrow}\n")).concat());
    place.put("pairs.csv", format!("d,w.0,w.1,w.2,top1\n{}", pairs.concat()));
    place.put("few.csv", "d,w.0,w.1,w.2,top1\n1,32,,,0.5\n");
    let time = BlockTime { ms: 1.0, spread_ms: 0.0, runs: 1, mj: None };
    let table =
        LatencyTable::of("mlp", "phone", 1, Blocks::from([("a block".into(), time)])).to_toml().unwrap();
    ["phone.toml", "phone.txt"].iter().for_each(|file| place.put(file, &table));
    place
}

#[test]
fn photographs_that_cannot_be_read_are_left_out_where_an_option_says_so() {
    let place = photographs();
    place.refuse(&format!("supernet eval {OWN} --corners"), &["bad.png", "`--skip-bad` leaves them out"]);
    place.succeed(&format!("supernet eval {OWN} --corners --skip-bad"));
    place.refuse(
        &format!("supernet eval {OWN} --corners --skip-bad").replace("image-folder", "digits"),
        &["`--skip-bad` belongs to `--data image-folder`"],
    );
    let cut =
        "search --space mlp --pairs pairs.csv --max-params 1M --many phone.toml --input 3x4x4 --classes 2";
    let said = place.run(&format!("{cut} {OWN}")).err;
    assert!(said.contains("`supernet extract --skip-bad`") && !said.contains("leaves them out"), "{said}");
    assert!(!place.has("phone.safetensors"), "{said}");
}

#[test]
fn networks_are_cut_out_with_what_was_counted_and_over_nothing_else() {
    let place = photographs();
    fs::remove_file(place.path().join("own/train/a/bad.png")).unwrap();
    let search = "search --space mlp --pairs pairs.csv --max-params 1M --evaluations 20";
    let many = format!("{search} --many phone.toml {OWN}");
    place.refuse(
        &many,
        &["for images of 3x4x4 in 2 classes", "1x8x8 in 10: give `--input 3x4x4 --classes 2`"],
    );
    let many = format!("{many} --input 3x4x4 --classes 2");
    let few = many.replace("pairs.csv", "few.csv");
    for (line, said) in [
        (many.replace("--evaluations 20", "--evaluations 0"), &["expected a number from 1 on"][..]),
        (many.replace("phone.toml", "phone.toml ./phone.txt"), &["of two tables", "phone.safetensors"]),
        // Before a predictor learns, for which these networks are too few.
        (few.replace("weights.safetensors", "none.safetensors"), &["none.safetensors"]),
        (few.replace("--data image-folder", ""), &["--data <DATA>"]),
        ("describe --space mlp --classes 0".into(), &["`--classes`: expected a number from 1 to 16384"]),
    ] {
        place.refuse(&line, said);
    }
    // Folders may have several names.
    #[cfg(unix)]
    {
        let link = place.path().join("link");
        std::os::unix::fs::symlink(".", &link).unwrap();
        let twice = many.replace("phone.toml", "phone.toml link/phone.toml");
        place.refuse(&twice, &["of two tables", "link/phone.safetensors"]);
        fs::remove_file(link).unwrap();
    }
    place.put("phone.safetensors", place.read("runs/small/uniform-r0/weights.safetensors"));
    place.refuse(&many, &["over a file that is there already", "phone.safetensors"]);
    fs::remove_file(place.path().join("phone.safetensors")).unwrap();

    let found = place.succeed(&many);
    // Somebody may have trained or pruned it since.
    place.refuse(&many, &["over a file that is there already", "phone.safetensors"]);
    let described = place.succeed("describe --weights phone.safetensors --json");
    let described: serde_json::Value = serde_json::from_str(&described).unwrap();
    assert_eq!(described["params"].as_f64(), Some(column(&found, 3)), "{found}");
    // 49 * 128 + 129 * 128 + 129 * 128 + 129 * 2
    let whole = place.succeed("describe --space mlp --input 3x4x4 --classes 2");
    assert!(whole.contains("mlp at 3x4x4: 39554 parameters"), "{whole}");
}

/// Searches with energies that were written by hand, and without any.
fn energies(place: &Workplace, search: &str) {
    let phone = String::from_utf8(place.read("phone.toml")).unwrap();
    let mut hungry = LatencyTable::from_toml(&phone).unwrap();
    let inputs = |key: &str| key.split('x').next().unwrap().parse::<f64>().unwrap();
    hungry.blocks.iter_mut().for_each(|(key, block)| block.mj = Some(inputs(key)));
    hungry.fixed_mj = 0.5;
    place.put("hungry.toml", hungry.to_toml().unwrap());
    let line = format!("{search} --table hungry.toml --objective");
    let least = child::run(place.path(), &line.split(' ').chain(["min energy_mj"]).collect::<Vec<_>>());
    let least = column(&least.out, 1);
    let fed = place.succeed(&format!("{search} --table hungry.toml --max-energy {least}mJ"));
    assert_eq!(column(&fed, 2), least, "{fed}");
    let starved = format!("{search} --table hungry.toml --max-energy {}", least - 0.125);
    place.refuse(&starved, &["energy_mj <= ", &format!("the nearest is {least}")]);
    place.refuse(
        &format!("{search} --table phone.toml --max-energy 3"),
        &["lacks the energies of", "`latency build --space mlp --energy --out FILE` measures them all"],
    );
    place.refuse(&format!("{search} --max-energy 3"), &["`latency build --energy`"]);
}

/// A number of the first row of a table.
fn column(text: &str, at: usize) -> f64 {
    let row = text.lines().nth(2).unwrap();
    let cells: Vec<&str> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    cells[at].replace(',', "").parse().unwrap()
}
