//! Tables of others: benchmarks that are searched, and published latencies.

use std::fs;

use crate::{child, workplace::Workplace};

/// The largest network of ofa-mbv3-w1.2 at 128 pixels, in the published form.
const PUBLISHED: &str = "\
Conv-input:128x128x3-output:64x64x24: {mean: 0.5}
expanded_conv-input:64x64x24-output:64x64x24-expand:24-kernel:3-stride:1-idskip:1-se:0-hs:0: {mean: 0.5}
expanded_conv-input:64x64x24-output:32x32x32-expand:144-kernel:7-stride:2-idskip:0-se:0-hs:0: {mean: 0.5}
expanded_conv-input:32x32x32-output:32x32x32-expand:192-kernel:7-stride:1-idskip:1-se:0-hs:0: {mean: 0.5}
expanded_conv-input:32x32x32-output:16x16x48-expand:192-kernel:7-stride:2-idskip:0-se:1-hs:0: {mean: 0.5}
expanded_conv-input:16x16x48-output:16x16x48-expand:288-kernel:7-stride:1-idskip:1-se:1-hs:0: {mean: 0.5}
expanded_conv-input:16x16x48-output:8x8x96-expand:288-kernel:7-stride:2-idskip:0-se:0-hs:1: {mean: 0.5}
expanded_conv-input:8x8x96-output:8x8x96-expand:576-kernel:7-stride:1-idskip:1-se:0-hs:1: {mean: 0.5}
expanded_conv-input:8x8x96-output:8x8x136-expand:576-kernel:7-stride:1-idskip:0-se:1-hs:1: {mean: 0.5}
expanded_conv-input:8x8x136-output:8x8x136-expand:816-kernel:7-stride:1-idskip:1-se:1-hs:1: {mean: 0.5}
expanded_conv-input:8x8x136-output:4x4x192-expand:816-kernel:7-stride:2-idskip:0-se:1-hs:1: {mean: 0.5}
expanded_conv-input:4x4x192-output:4x4x192-expand:1152-kernel:7-stride:1-idskip:1-se:1-hs:1: {mean: 0.5}
Conv_1-input:4x4x192-output:4x4x1152: {mean: 0.5}
AvgPool2D-input:4x4x1152-output:1x1x1152: {mean: 0.5}
Conv_2-input:1x1x1152-output:1x1x1536: {mean: 0.5}
Logits-input:1x1x1536-output:1000: {mean: 0.5}
";

#[test]
fn a_benchmark_table_has_a_page_and_its_search_goes_on() {
    let place = Workplace::new();
    let row = |i: u32| format!("{},{},{},{}\n", i % 20, i / 20, (i * 37 % 101), (i * 53 % 97));
    let text = format!("a,b,metric:score,metric:ms\n{}", (0..400).map(row).collect::<String>());
    place.put("table.csv", text);
    let search = |more: &str| {
        let line = format!("search --space tabular:table.csv --method evolution {more}");
        let wanted = ["--objective", "max score", "--objective", "min ms"];
        let done = child::run(place.path(), &line.split_whitespace().chain(wanted).collect::<Vec<_>>());
        assert_eq!(done.code, Some(0), "{done:#?}");
        done.out
    };
    let straight = search("--evaluations 80 --front --history straight.json --page page.html");
    for looks in [1, 33, 50] {
        search(&format!("--evaluations {looks} --history broken.json"));
    }
    assert_eq!(search("--evaluations 80 --front --history broken.json"), straight);
    assert!(place.read("broken.json") == place.read("straight.json"));
    let page = String::from_utf8(place.read("page.html")).unwrap();
    assert!(page.contains("The best networks of table") && page.contains("true front"), "{page}");
    assert!(page.contains("<path class=\"dot\" d=\"M"), "{page}");

    place.put("cut.json", &place.read("broken.json")[..100]);
    let line = "search --space tabular:table.csv --history cut.json --objective";
    let cut = child::run(place.path(), &line.split(' ').chain(["max score"]).collect::<Vec<_>>());
    assert!(cut.code == Some(2) && cut.err.contains("`search --history` wrote"), "{cut:#?}");
}

#[test]
fn a_published_table_is_imported_and_a_malformed_one_refused() {
    let place = Workplace::new();
    place.put("broken.yaml", "Conv-input:192x192x3-output:96x96x24:\n  mean: fast\n");
    place.put("other.yaml", "Conv-input:192x192x3-output:96x96x24:\n  count: 3\n  mean: 1.5\n");
    let import = "latency import --space ofa-mbv3-w1.2 --out table.toml";
    for (line, said) in [
        (format!("{import} broken.yaml"), &["broken.yaml", "line 2", "expected `NAME: NUMBER`"][..]),
        (format!("{import} other.yaml"), &["published lacks the times of", "expanded_conv-input"]),
        (format!("{import} none.yaml"), &["none.yaml"]),
        ("latency import other.yaml --space mlp --out table.toml".into(), &["but not of `mlp`"]),
    ] {
        place.refuse(&line, said);
    }
    place.put("table.yaml", PUBLISHED);
    let said = place.succeed(&format!("{import} table.yaml --name note"));
    assert!(said.contains("blocks, for resolution 128: "), "{said}");
    let table = String::from_utf8(place.read("table.toml")).unwrap();
    let table = sapwood_search::LatencyTable::from_toml(&table).unwrap();
    assert_eq!((table.space.as_str(), table.device.as_str()), ("ofa-mbv3-w1.2", "note"));
}

#[test]
fn predictors_learn_from_a_benchmark_table() {
    let place = Workplace::new();
    let rows =
        (0..60).map(|i| format!("{},{},{}\n", i % 5, i / 5, f64::from(i % 5) + f64::from(i / 5) / 10.0));
    let text = format!("a,b,metric:score\n{}", rows.collect::<String>());
    fs::write(place.path().join("table.csv"), text).unwrap();
    let line = "predictors --space tabular:table.csv --metric score --sizes 20,40 --held-out 20 --repeats 2";
    let found = place.succeed(line);
    // A sum of choices is what ridge regression learns.
    let tau: f64 = found
        .lines()
        .find(|row| row.contains("40  ridge, published"))
        .unwrap()
        .split_whitespace()
        .rev()
        .nth(2)
        .unwrap()
        .parse()
        .unwrap();
    assert!(tau > 0.9, "{found}");
    place.refuse(&line.replace("--metric score", "--metric skore"), &["metric `skore`", "score"]);
    place.refuse("predictors --space tabular:table.csv --pairs table.csv", &["--metric"]);
}
