//! Benchmark tables and latency tables.

use sapwood_search::{Error, Goal, LatencyTable, METHODS, Search, Table};

const TABLE: &str = "link,op,metric:accuracy,metric:ms\n\
    a,conv,0.9,3\nb,conv,0.8,2\na,pool,0.7,1\nb,pool,0.6,4\na,skip,0.9,5\n";

fn goal() -> Goal {
    Goal::new(["max accuracy".parse().unwrap(), "min ms".parse().unwrap()], []).unwrap()
}

#[test]
fn a_table_is_a_space_with_a_known_answer() {
    let table = Table::parse("toy", TABLE).unwrap();
    // 2 x 3, but one has no row.
    assert_eq!(table.space().count(), Some(5));
    let front = table.front(&goal()).unwrap();
    let values: Vec<Vec<f64>> = front.members().iter().map(|member| member.values.clone()).collect();
    assert_eq!(values, [[0.9, 3.0], [0.8, 2.0], [0.7, 1.0]]);
    let worst = table.worst(&goal()).unwrap();
    assert_eq!(worst, [0.6, 5.0]);
    let volume = 0.3 * 2.0 + 0.2 * 1.0 + 0.1 * 1.0;
    assert!((front.hypervolume(&goal(), &worst) - volume).abs() < 1e-12);
    for row in METHODS {
        let mut search = Search::new(table.space().clone(), goal(), (row.build)(), 0);
        let found = search.run(5, &mut table.evaluator(&goal()).unwrap()).unwrap();
        if search.history().len() == 5 {
            assert_eq!(found, front, "{}", row.name);
        }
    }
    let plain = TABLE.replace("metric:", "");
    assert_eq!(Table::with_metrics("toy", &plain, &["accuracy", "ms"]).unwrap(), table);
    assert!(matches!(Table::with_metrics("toy", &plain, &["joules"]), Err(Error::Table { line: 1, .. })));
    let zeros = Table::parse("zeros", "op,metric:accuracy,metric:ms\na,0,5\nb,-0,3\n").unwrap();
    assert_eq!(zeros.front(&goal()).unwrap().members().len(), 1, "the second is as good, and faster");
    let other = Goal::new(["min joules".parse().unwrap()], []).unwrap();
    assert!(table.front(&other).unwrap_err().to_string().contains("accuracy, ms"));
}

#[test]
fn numbers_are_ordered_as_numbers_and_words_as_they_come() {
    let table = Table::parse("toy", "width,op,metric:x\n16,b,1\n8,a,2\n128,c,3\n").unwrap();
    let options: Vec<&[String]> = table.space().choices().iter().map(|choice| choice.options()).collect();
    assert_eq!(options, [["8", "16", "128"], ["b", "a", "c"]]);
}

#[test]
fn rows_of_one_identity_are_one_architecture() {
    let text = "a,b,identity:id,metric:x\n0,1,p,1\n0,0,q,2\n1,1,r,3\n1,0,p,\n";
    let table = Table::parse("pairs", text).unwrap();
    let space = table.space();
    assert_eq!(space.count(), Some(3));
    assert_eq!(space.genome(&[1, 0]).unwrap(), space.genome(&[0, 1]).unwrap());
    assert_eq!(table.values(&space.genome(&[1, 0]).unwrap()), Some(&[1.0][..]));
    let same = text.replace("1,0,p,\n", "1,0,p,1\n");
    assert_eq!(Table::parse("pairs", &same).unwrap(), table);
    let other = text.replace("1,0,p,\n", "1,0,p,7\n");
    let error = Table::parse("pairs", &other).unwrap_err().to_string();
    assert!(error.contains("line 5") && error.contains("other metrics"), "{error}");
    assert!(
        Table::parse("pairs", &text.replace("0,1,p,1", "0,1,p,")).is_err(),
        "the first row must have metrics"
    );
}

#[test]
fn a_malformed_table_is_refused_with_line_and_column() {
    let header = "kernel,metric:ms\n";
    for (text, place, words) in [
        ("kernel,ms\n3,1\n".to_string(), "line 1", "no column holds a metric"),
        ("metric:a,metric:b\n1,2\n".into(), "line 1", "no column holds a choice"),
        ("kernel,kernel,metric:a\n1,2,3\n".into(), "line 1", "two columns `kernel`"),
        ("k,identity:x,identity:y,metric:a\n1,p,q,3\n".into(), "line 1", "`identity:x` and `identity:y`"),
        (header.into(), "line 2", "found the end"),
        (format!("{header}3,1\n5\n"), "line 3", "expected 2 cells, found 1"),
        (format!("{header}3,1\n,2\n"), "line 3, column `kernel`", "the cell is empty"),
        (
            "k,identity:x,metric:accuracy\n3,,0.5\n5,,0.6\n".into(),
            "line 2, column `identity:x`",
            "the cell is empty: expected an identity",
        ),
        (
            format!("{header}3,1\n5,fast\n"),
            "line 3, column `metric:ms`",
            "expected a finite number, found `fast`",
        ),
        (format!("{header}3,NaN\n"), "line 2, column `metric:ms`", "expected a finite number"),
        (format!("{header}3,1\n5,2\n3,1\n"), "line 4", "there twice: kernel=3"),
    ] {
        let error = Table::parse("broken", &text).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(words), "{text:?}: {error}");
    }
}

fn latencies() -> LatencyTable {
    let text = "space = \"s\"\ndevice = \"phone\"\nbatch = 1\nthreads = 2\nfixed_ms = 1.0\n\
        [blocks]\na = { ms = 2.0, spread_ms = 0.1, runs = 30 }\nb = { ms = 0.5 }\n";
    LatencyTable::from_toml(text).unwrap()
}

#[test]
fn a_latency_is_the_sum_of_what_was_measured_and_never_a_guess() {
    let mut table = latencies();
    assert_eq!(table.predict(["a", "b", "b"]).unwrap(), 4.0);
    assert_eq!(table.predict(Vec::<&str>::new()).unwrap(), 1.0);
    let error = table.predict(["z", "a", "c", "z"]).unwrap_err().to_string();
    assert!(
        error.contains("of phone lacks the times of 2 of the blocks") && error.ends_with("c, z"),
        "{error}"
    );
    assert_eq!(LatencyTable::from_toml(&table.to_toml().unwrap()).unwrap(), table);
    // Whole networks take 1.5 ms more than their blocks, but for one disturbed measurement.
    let measured = [(vec!["a"], 3.5), (vec!["a", "b"], 4.0), (vec!["b"], 90.0), (vec!["b", "b"], 2.5)];
    table.fit_latency(&measured).unwrap();
    assert_eq!((table.fixed_ms, table.scale_ms), (1.5, 1.0));
    // In a row blocks take half as long again as alone.
    let row = |times: usize| (vec!["b"; times], 0.25 + 0.75 * times as f64);
    table.fit_latency(&[1, 2, 3, 4, 5, 6].map(row)).unwrap();
    assert_eq!((table.fixed_ms, table.scale_ms), (0.25, 1.5));
    assert_eq!(table.predict(["a"]).unwrap(), 3.25);
    assert!(table.fit_latency::<&str>(&[]).is_err() && table.fit_latency(&[(vec!["a"], f64::NAN)]).is_err());
    assert!(table.for_space("s").is_ok());
    assert!(
        table.for_space("t").unwrap_err().to_string().contains("expected one of space `t`, found one of `s`")
    );
}

#[test]
fn a_fitted_table_has_what_blocks_take_in_networks() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let blocks: String = names.iter().map(|name| format!("{name} = {{ ms = 1.0 }}\n")).collect();
    let text = format!("space = \"s\"\ndevice = \"d\"\nbatch = 1\nthreads = 1\n[blocks]\n{blocks}");
    let mut table = LatencyTable::from_toml(&text).unwrap();
    // Three blocks of six, of which `b` takes a third more in a network than by itself.
    let networks = (0..1u8 << 6).filter(|chosen| chosen.count_ones() == 3);
    let of =
        |chosen: u8| (0..6).filter(move |at| chosen >> at & 1 == 1).map(|at| names[at]).collect::<Vec<_>>();
    let measured = networks.map(of).map(|keys| {
        let ms = 3.5 + if keys.contains(&"b") { 0.33 } else { 0.0 };
        (keys, ms)
    });
    let measured: Vec<_> = measured.collect();
    table.fit_latency(&measured).unwrap();
    let missed = measured.iter().map(|(keys, ms)| (table.predict(keys).unwrap() - ms).abs());
    assert!(missed.fold(0.0, f64::max) < 0.05, "{table:?}");
}

#[test]
fn an_energy_is_a_sum_too_where_it_was_measured() {
    let mut table = latencies();
    let error = table.predict_energy(["a", "b"]).unwrap_err().to_string();
    assert!(error.contains("lacks the energies of 2 of the blocks") && error.ends_with("a, b"), "{error}");
    for (key, mj) in [("a", 3.0), ("b", 0.5)] {
        table.blocks.get_mut(key).unwrap().mj = Some(mj);
    }
    assert_eq!(table.predict_energy(["a", "b", "b"]).unwrap(), 4.0);
    table.fit_energy(&[(vec!["a"], 5.0), (vec!["b"], 2.5)]).unwrap();
    assert_eq!(table.predict_energy(["a"]).unwrap(), 5.0);
    let written = table.to_toml().unwrap();
    assert!(written.contains("mj = 0.5") && written.contains("fixed_mj = 2.0"), "{written}");
    assert_eq!(LatencyTable::from_toml(&written).unwrap(), table);
    let error = LatencyTable::from_toml(&written.replace("mj = 0.5", "mj = -0.5")).unwrap_err().to_string();
    assert!(error.contains("block `b` takes -0.5 mJ"), "{error}");
}

#[test]
fn the_published_form_is_read() {
    let text = "Conv-input:192x192x3-output:96x96x24:\n  count: 1000\n  mean: 1.5\n  std: 0.25\n\
        expanded_conv-input:96x96x24-output:96x96x24-expand:24-kernel:3-stride:1-idskip:1-se:0-hs:0:\n  mean: 0.75\n";
    let table = LatencyTable::from_yaml(text, "ofa-mbv3", "some phone", 1).unwrap();
    let keys = [
        "Conv-input:192x192x3-output:96x96x24",
        "expanded_conv-input:96x96x24-output:96x96x24-expand:24-kernel:3-stride:1-idskip:1-se:0-hs:0",
    ];
    assert_eq!((table.predict(keys).unwrap(), table.blocks[keys[0]].runs), (2.25, 1000));
    assert_eq!(LatencyTable::from_toml(&table.to_toml().unwrap()).unwrap(), table);
    assert!(LatencyTable::from_yaml("", "s", "d", 1).unwrap_err().to_string().contains("no blocks"));
}

#[test]
fn a_broken_latency_table_is_refused() {
    let sound = latencies().to_toml().unwrap();
    for (from, to, words) in [
        ("ms = 2.0", "ms = -2.0", "block `a` takes -2 ms"),
        ("ms = 0.5", "ms = nan", "block `b` takes NaN ms"),
        ("batch = 1", "batch = 0", "the batch is 0"),
        ("threads", "theads", "line 4"),
        ("fixed_ms = 1.0", "fixed_ms = inf", "a fixed cost or a factor is not finite"),
        ("scale_ms = 1.0", "scale_ms = 0.0", "a factor is not above 0"),
    ] {
        assert!(sound.contains(from), "{from} in {sound}");
        let error = LatencyTable::from_toml(&sound.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains('\n'), "{error}");
    }
}
