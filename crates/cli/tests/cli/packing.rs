//! Few weights in few bytes: `cluster` and `pack`.

use std::{collections::BTreeSet, thread::sleep, time::Duration};

use sapwood_core::StateFile;

use crate::{
    child,
    workplace::{NET, Workplace, one_line_error},
};

/// A place with a pruned network.
fn pruned() -> Workplace {
    let place = Workplace::with_net();
    place.succeed(&format!("prune --weights {NET} --sparsity 0.9 --out sparse.safetensors"));
    place
}

fn different(file: &StateFile, path: &str) -> usize {
    let values = file.state.0[path].iter::<f32>().filter(|value| *value != 0.0);
    values.map(f32::to_bits).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_packed_network_is_smaller_and_every_command_opens_it_as_what_it_was() {
    let place = pruned();
    let said = place.succeed("pack sparse.safetensors --out net.sapwood");
    assert!(said.contains("fc1.weight") && said.contains("times less than 4 bytes each"), "{said}");
    let (plain, packed) = (place.read("sparse.safetensors"), place.read("net.sapwood"));
    assert!(4 * packed.len() < plain.len(), "{} of {}", packed.len(), plain.len());
    assert_eq!(StateFile::from_bytes(&packed).unwrap(), StateFile::from_bytes(&plain).unwrap());
    for line in ["eval --data digits --json --weights", "describe --weights", "describe --json --weights"] {
        let said = place.succeed(&format!("{line} sparse.safetensors"));
        assert_eq!(place.succeed(&format!("{line} net.sapwood")), said, "{line}");
    }
    for (line, out) in [
        ("prune --sparsity 0.95 --out OUT --weights", "safetensors"),
        ("score --criterion magnitude --out OUT --weights", "safetensors"),
        ("export --out OUT --weights", "onnx"),
    ] {
        for (weights, name) in [("sparse.safetensors", "a"), ("net.sapwood", "b")] {
            place.succeed(&format!("{line} {weights}").replace("OUT", &format!("{name}.{out}")));
        }
        assert!(place.read(&format!("a.{out}")) == place.read(&format!("b.{out}")), "{line}");
    }
    place.succeed("train --weights net.sapwood --data digits --epochs 1 --lr 0.05 --out run");
    let trained = StateFile::from_bytes(&place.read("run/weights.safetensors")).unwrap();
    assert_eq!(trained.masks, StateFile::from_bytes(&plain).unwrap().masks);
    place.succeed("pack net.sapwood --unpack --out again.safetensors");
    assert!(place.read("again.safetensors") == plain);
}

#[test]
fn another_code_is_larger_and_the_same_network() {
    let place = pruned();
    place.succeed("cluster --weights sparse.safetensors --bits 5 --out shared.safetensors");
    place.succeed("pack shared.safetensors --out net.sapwood");
    let shortest = place.read("net.sapwood");
    for (options, said) in [
        ("--code huffman", "huffman"),
        ("--code huffman --positions gaps", "huffman, gaps"),
        ("--code rans --positions bitmap", "rans, bitmap"),
        ("--code adaptive --positions coder", "adaptive, coder"),
    ] {
        let table = place.succeed(&format!("pack shared.safetensors {options} --out other.sapwood"));
        assert!(table.contains(said), "{options}: {table}");
        let other = place.read("other.sapwood");
        assert!(shortest.len() <= other.len(), "{options}");
        assert_eq!(StateFile::from_bytes(&other).unwrap(), StateFile::from_bytes(&shortest).unwrap());
    }
    let pack = "pack shared.safetensors --out x.sapwood";
    place.refuse(
        &format!("{pack} --code huffman --positions coder"),
        &["huffman does not code positions as coder: expected inline, gaps or bitmap"],
    );
    place.refuse(&format!("{pack} --code zip"), &["zip", "huffman"]);
    place.refuse(&format!("{pack} --unpack --code raw"), &["--unpack"]);
}

#[test]
fn a_packed_file_that_is_cut_short_altered_or_of_a_later_version_is_one_line() {
    let place = pruned();
    place.succeed("pack sparse.safetensors --out net.sapwood");
    let bytes = place.read("net.sapwood");
    place.put("cut.sapwood", &bytes[..bytes.len() / 2]);
    let mut altered = bytes.clone();
    altered[bytes.len() / 3] ^= 4;
    place.put("altered.sapwood", altered);
    let mut later = bytes;
    later[5] = 2;
    place.put("later.sapwood", later);
    for name in ["cut.sapwood", "altered.sapwood"] {
        let line = format!("eval --data digits --weights {name}");
        place.refuse(&line, &["its checksum is wrong: it was cut short or altered", name]);
        place.refuse(&format!("pack {name} --out x.sapwood"), &["its checksum is wrong", name]);
    }
    place.refuse(
        "describe --weights later.sapwood",
        &["it is of version 2, and version 1 is read: use a newer"],
    );
    place.refuse("pack net.sapwood --out net.sapwood", &["would be written over"]);
    place.refuse("pack lost.safetensors --out x.sapwood", &["lost.safetensors"]);
}

#[test]
fn each_layer_has_few_values_and_zeros_stay_zeros_through_training() {
    let place = pruned();
    let bits = "--bits 3 --bias-bits 2";
    let said =
        place.succeed(&format!("cluster --weights sparse.safetensors {bits} --out shared.safetensors"));
    assert!(said.contains("fc2.weight") && said.contains("moved by"), "{said}");
    let line = format!("cluster --weights sparse.safetensors {bits} --data digits --out trained.safetensors");
    let said = place.succeed(&line);
    assert!(said.contains("360 test examples: top-1 "), "{said}");
    assert!(!place.has("trained.safetensors.run"), "the folder goes once the file is there");
    let read = |file: &str| StateFile::from_bytes(&place.read(file)).unwrap();
    let (sparse, shared, trained) =
        (read("sparse.safetensors"), read("shared.safetensors"), read("trained.safetensors"));
    for (path, mask) in &sparse.masks {
        assert_eq!((&shared.masks[path], &trained.masks[path]), (mask, mask));
        let (first, last) = (different(&shared, path.as_str()), different(&trained, path.as_str()));
        assert!((2..=8).contains(&first) && last <= first, "{path}: {first}, {last}");
        let zeros =
            |file: &StateFile| -> Vec<bool> { file.state.0[path].iter::<f32>().map(|x| x == 0.0).collect() };
        assert_eq!(zeros(&shared), zeros(&trained), "{path}");
    }
    assert!(different(&trained, "fc1.bias") <= 4);
    assert_ne!(shared.state, trained.state, "shared values are trained");
    let first = place.read("trained.safetensors");
    place.succeed(&line);
    assert!(place.read("trained.safetensors") == first, "the same bytes each time");
}

#[test]
fn where_bits_have_a_price_the_file_is_smaller_and_what_goes_is_masked() {
    let place = pruned();
    let packed = |price: &str| {
        let cluster = "cluster --weights sparse.safetensors --bits 3 --data digits --out shared.safetensors";
        place.succeed(&format!("{cluster} --bit-price {price}"));
        place.succeed("pack shared.safetensors --out net.sapwood");
        let file = StateFile::from_bytes(&place.read("shared.safetensors")).unwrap();
        let nonzero = |path: &str| file.state.0[path].iter::<f32>().filter(|value| *value != 0.0).count();
        let kept: usize = file.masks.values().map(|mask| mask.count_ones()).sum();
        assert_eq!(file.masks.keys().map(|path| nonzero(path.as_str())).sum::<usize>(), kept);
        (kept, place.read("net.sapwood").len())
    };
    let sizes = ["0", "0.1", "0.3"].map(packed);
    assert!(sizes.is_sorted_by(|a, b| b.0 < a.0 && b.1 < a.1), "{sizes:?}");
}

#[test]
fn a_killed_training_of_shared_values_goes_on_to_the_same_bytes() {
    let line =
        "cluster --weights sparse.safetensors --bits 2 --data digits --epochs 30 --out shared.safetensors";
    let (whole, killed) = (pruned(), pruned());
    whole.succeed(line);
    let mut child =
        child::command(killed.path(), &line.split_whitespace().collect::<Vec<_>>()).spawn().unwrap();
    while !killed.has("shared.safetensors.run/config.json") && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    if !killed.has("shared.safetensors") {
        let other = line.replace("--bits 2", "--bits 3");
        // What was half written when it was killed is swept away meanwhile.
        let expected = ["the folder holds another run", "shared.safetensors.run"];
        one_line_error(&other, &killed.run(&other), &expected);
    }
    killed.succeed(line);
    assert!(killed.read("shared.safetensors") == whole.read("shared.safetensors"));
}

#[test]
fn what_cannot_be_shared_is_one_line() {
    let place = pruned();
    let line = |more: &str| format!("cluster --weights sparse.safetensors {more} --out x.safetensors");
    place.refuse(&line("--bits 0"), &["`bits` must be from 1 to 12, but it is 0"]);
    place.refuse(&line("--conv-bits 13"), &["`conv_bits` must be from 1 to 12"]);
    place.refuse(&line("--bit-price nan"), &["`bit_price` must be a finite number, 0 or above"]);
    place.refuse(&line("--epochs 2"), &["--data"]);
    place.refuse(&line("--data nonsense"), &["nonsense"]);
    // What training refuses is refused before weights are shared.
    for (more, expected) in [
        ("--data digts", "unknown data set `digts`"),
        ("--data digits --epochs 0", "`epochs` must be at least 1"),
        ("--image 1x8x8", "`--image` and `--skip-bad` are for images of a data set"),
        ("--allow-more-outputs", "`--allow-more-outputs` is for the classes of a data set"),
    ] {
        place.refuse(&line(&format!("--bits 0 {more}")), &[expected]);
    }
}

#[test]
fn a_study_shares_weights_behind_its_trainings_and_says_what_is_left_packed() {
    let study = crate::studies::STUDY.replace(
        "ablation = [\"none\", \"shuffle\"]",
        "share = [{ bits = 1, bias-bits = 2, epochs = 1 }, { bits = 4, bias-bits = 2, bit-price = 0.01 }]",
    );
    let place = Workplace::new();
    place.put("first.toml", &study);
    assert!(place.succeed("run first.toml").contains("4 runs done"));
    let csv = String::from_utf8(place.read("runs/first/results.csv")).unwrap();
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(csv.as_bytes()).records().map(Result::unwrap).collect();
    let header = csv.lines().next().unwrap();
    let column = |name: &str| header.split(',').position(|found| found == name).unwrap();
    let of = |name: &str| rows.iter().map(|row| row[column(name)].to_string()).collect::<Vec<_>>();
    let methods = [
        "dense",
        "snip at init",
        "snip at init, 1 bit, biases 2, 1 epoch",
        "snip at init, 4 bits, biases 2, bits at 0.01",
    ];
    assert_eq!(of("method"), methods);
    assert_eq!(of("epochs"), ["3", "3", "1", "2"]);
    let sizes = of("packed_bytes");
    assert_eq!(sizes[..2], ["", ""]);
    let sizes: Vec<usize> = sizes[2..].iter().map(|bytes| bytes.parse().unwrap()).collect();
    assert!(0 < sizes[0] && sizes[0] < sizes[1], "{csv}");
    for (run, bytes) in of("run")[2..].iter().zip(&sizes) {
        let packed = place.read(&format!("runs/first/{run}/r0/weights.sapwood"));
        assert_eq!(packed.len(), *bytes);
        let plain = place.read(&format!("runs/first/{run}/r0/weights.safetensors"));
        assert_eq!(StateFile::from_bytes(&packed).unwrap(), StateFile::from_bytes(&plain).unwrap());
    }
    place.succeed("report first");
    let html = String::from_utf8(place.read("runs/first/report.html")).unwrap();
    assert!(html.contains("packed bytes"));
    place.put("bad.toml", study.replace("{ bits = 1,", "{ bits = 13,"));
    place.refuse("plan bad.toml", &["`share`", "`bits` must be from 1 to 12, but it is 13"]);
    place.put("bad.toml", study.replace("epochs = 1 }", "epochs = 0 }"));
    place.refuse("plan bad.toml", &["`share`", "`epochs` must be at least 1"]);
}
