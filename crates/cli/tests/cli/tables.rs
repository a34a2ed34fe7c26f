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

    let mut older: serde_json::Value = serde_json::from_slice(&place.read("broken.json")).unwrap();
    older["search"]["space"]["choices"][0]["options"].as_array_mut().unwrap().push("20".into());
    place.put("older.json", older.to_string());
    let line = "search --space tabular:table.csv --method evolution --history older.json --objective";
    let wanted = ["max score", "--objective", "min ms"];
    let older = child::run(place.path(), &line.split(' ').chain(wanted).collect::<Vec<_>>());
    assert!(older.code == Some(2) && older.err.contains("a search of other networks"), "{older:#?}");
}

#[test]
fn a_published_table_is_imported_and_a_malformed_one_refused() {
    let place = Workplace::new();
    place.put("broken.yaml", "Conv-input:192x192x3-output:96x96x24:\n  mean: fast\n");
    place.put("other.yaml", "Conv-input:192x192x3-output:96x96x24:\n  count: 3\n  mean: 1.5\n");
    let import = "latency import --space ofa-mbv3-w1.2 --out table.toml";
    for (line, said) in [
        (
            format!("{import} broken.yaml"),
            &["broken.yaml", "line 2", "a finite number from 0 up as `mean`", "`fast`"][..],
        ),
        (
            format!("{import} other.yaml"),
            &["published lacks the times of 15 of the blocks", "at resolution 192"],
        ),
        (format!("{import} none.yaml"), &["none.yaml"]),
        (
            "latency import --space ofa-mbv3-w1.2 --out other.yaml ./other.yaml".into(),
            &["would be written over", "other.yaml"],
        ),
        ("latency import other.yaml --space mlp --out table.toml".into(), &["but not of `mlp`"]),
    ] {
        place.refuse(&line, said);
    }
    place.put("table.yaml", PUBLISHED);
    let said = place.succeed(&format!("{import} table.yaml --name note"));
    assert!(said.contains("16 blocks, for resolution 128: "), "{said}");
    let plain = place.read("table.toml");
    place.put("windows.yaml", format!("\u{feff}---\r\n{}...\r\n", PUBLISHED.replace('\n', "  # ms\r\n")));
    place.succeed(&format!("{import} windows.yaml --name note"));
    assert!(place.read("table.toml") == plain);
    let table = String::from_utf8(place.read("table.toml")).unwrap();
    let table = sapwood_search::LatencyTable::from_toml(&table).unwrap();
    assert_eq!((table.space.as_str(), table.device.as_str()), ("ofa-mbv3-w1.2", "note"));
}

/// All blocks of ofa-mbv3-w1.2 at one resolution, in the published form: each takes `ms`, and the last one
/// half of that.
fn published(resolution: usize, ms: f64) -> String {
    // Width, stride, squeeze-and-excitation and h-swish of each stage.
    let stages = [(32, 2, 0, 0), (48, 2, 1, 0), (96, 2, 0, 1), (136, 1, 1, 1), (192, 2, 1, 1)];
    let (mut r, mut inputs, mut text) = (resolution / 2, 24, String::new());
    let mut add = |key: String, ms: f64| text += &format!("{key}:\n  count: 500\n  mean: {ms}\n  std: 0.1\n");
    add(format!("Conv-input:{0}x{0}x3-output:{r}x{r}x24", 2 * r), ms);
    add(
        format!(
            "expanded_conv-input:{r}x{r}x24-output:{r}x{r}x24-expand:24-kernel:3-stride:1-idskip:1-se:0-hs:0"
        ),
        ms,
    );
    for (width, stride, se, hs) in stages {
        for (from, stride) in [(inputs, stride), (width, 1)] {
            let to = r.div_ceil(stride);
            let skip = u8::from(stride == 1 && from == width);
            for (kernel, ratio) in
                [3, 5, 7].into_iter().flat_map(|kernel| [3, 4, 6].map(|ratio| (kernel, ratio)))
            {
                // Widths are multiples of 8, and no less than nine tenths of what was asked for.
                let wide = ratio * from;
                let near = (wide + 4) / 8 * 8;
                let hidden = if 10 * near < 9 * wide { near + 8 } else { near };
                add(
                    format!(
                        "expanded_conv-input:{r}x{r}x{from}-output:{to}x{to}x{width}-expand:{hidden}-kernel:{kernel}-stride:{stride}-idskip:{skip}-se:{se}-hs:{hs}"
                    ),
                    ms,
                );
            }
            r = to;
        }
        inputs = width;
    }
    add(format!("Conv_1-input:{r}x{r}x192-output:{r}x{r}x1152"), ms);
    add(format!("AvgPool2D-input:{r}x{r}x1152-output:1x1x1152"), ms);
    add("Conv_2-input:1x1x1152-output:1x1x1536".into(), ms);
    add("Logits-input:1x1x1536-output:1000".into(), ms / 2.0);
    text
}

#[test]
fn a_search_says_what_a_table_lacks_and_can_leave_that_out() {
    let place = Workplace::new();
    for (resolution, ms) in [(128, 0.5), (160, 1.0)] {
        place.put(&format!("{resolution}.yaml"), published(resolution, ms));
    }
    let space = "--space ofa-mbv3-w1.2";
    let said =
        place.succeed(&format!("latency import 160.yaml 128.yaml {space} --name phone --out phone.toml"));
    assert!(said.contains(" in 2 parts, for resolution 128, 160: "), "{said}");
    // Larger networks are better; what they are judged by is written by hand, as JSON.
    let pair = |number: usize| {
        let (depth, kernel, ratio) = (2 + number % 3, 3 + 2 * (number / 3 % 3), [3, 4, 6][number / 9 % 3]);
        let (r, top1) = (128 + 4 * (number * 7 % 25), 0.5 + 0.01 * (number % 27) as f64);
        format!(
            r#"{{"architecture":{{"r":{r},"d":{:?},"ks":{:?},"e":{:?}}},"top1":{top1}}}"#,
            [depth; 5], [kernel; 20], [ratio; 20]
        ) + "\n"
    };
    place.put("pairs.jsonl", (0..40).map(pair).collect::<String>());
    let search = format!("search {space} --pairs pairs.jsonl --evaluations 150 --max-latency 30");
    let lacks = [
        "the latency table of phone lacks the times of 23 of the 25 resolutions",
        "132, 136, 140 and 20 more",
        "nothing is lacking of 128, 160",
        "`latency import`",
    ];
    for line in [format!("{search} --table phone.toml"), format!("{search} --many phone.toml")] {
        place.refuse(&line, &[&lacks[..], &["`--only-measured` searches these alone"]].concat());
    }
    let found =
        place.succeed(&format!("{search} --table phone.toml --only-measured --json --history h.json"));
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let (r, latency) =
        (found["architecture"]["r"].as_u64().unwrap(), found["metrics"]["latency_ms"].as_f64().unwrap());
    assert!([128, 160].contains(&r) && latency <= 30.0, "{found}");
    // Every block takes the milliseconds of its resolution, and the last one half of that.
    let depths: u64 =
        found["architecture"]["d"].as_array().unwrap().iter().map(|d| d.as_u64().unwrap()).sum();
    assert_eq!(latency, (depths as f64 + 5.5) * if r == 128 { 0.5 } else { 1.0 }, "{found}");
    // What it found, every command takes.
    place.put("found.json", found.to_string());
    place.succeed(&format!("describe {space} --arch found.json"));
    place.refuse(&format!("{search} --table phone.toml --history h.json"), &["`--only-measured`"]);
    let many = place.succeed(&format!("{search} --many phone.toml --only-measured"));
    assert!(many.contains("phone"), "{many}");

    // Networks that are timed are those that the table tells of.
    let check = "--table phone.toml --networks 1 --rounds 2 --runs 1 --seconds 0";
    let checked = place.run(&format!("latency check {space} {check}"));
    assert_eq!(checked.code, Some(0), "{checked:#?}");
    assert!(checked.err.contains("alone that phone was measured at: 128, 160"), "{checked:#?}");

    // One block that is not there is named.
    let less = published(128, 0.5);
    let at = less.find("expanded_conv-input:8x8x96-output:8x8x136-expand:384-kernel:5").unwrap();
    let end =
        at + less[at..].find("expanded_conv").unwrap() + less[at + 1..].find("expanded_conv").unwrap() + 1;
    place.put("less.yaml", format!("{}{}", &less[..at], &less[end..]));
    place.succeed(&format!("latency import less.yaml {space} --name phone --out less.toml"));
    for options in ["", " --only-measured"] {
        place.refuse(
            &format!("{search} --table less.toml{options}"),
            &[
                "lacks the times of 1 of the ",
                " at resolution 128: expanded_conv-input:8x8x96-output:8x8x136-expand:384-kernel:5",
            ],
        );
    }
    place.refuse(&format!("{search} --table 128.yaml"), &["128.yaml", "`latency import` makes one"]);
    place.refuse(
        &format!("{search} --only-measured").replace("--max-latency 30", "--max-macs 1G"),
        &["`--table`"],
    );
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
