//! What a page must hold, whatever it looks like.

use super::*;

fn study() -> Report {
    let series = |name: &str, ys: [f64; 3]| Series {
        name: name.into(),
        points: [0.0, 0.9, 0.98]
            .into_iter()
            .zip(ys)
            .map(|(x, y)| Point { x, mean: y, low: y - 0.25, high: y + 0.5 })
            .collect(),
    };
    let accuracy = LinePlot {
        x_label: "sparsity".into(),
        y_label: "accuracy (%)".into(),
        x_scale: Scale::Sparsity,
        series: vec![
            series("SNIP <one shot>", [97.5, 96.25, 91.125]),
            series("random & even", [97.5, 93.0, 71.0]),
        ],
        reference: Some(Reference { name: "dense".into(), value: 97.75 }),
        ..LinePlot::default()
    };
    let densities = DensityPlot {
        series: vec![
            DensitySeries {
                name: "random & even".into(),
                layers: vec![("fc1".into(), 0.1), ("fc2".into(), 0.1)],
            },
            DensitySeries {
                name: "magnitude".into(),
                layers: vec![("fc1".into(), 0.0625), ("fc2".into(), 0.0)],
            },
        ],
        reference: None,
    };
    let mut table = Table::new(["method", "kept"]);
    table.row(["a \"quoted\" name".into(), Cell::count(26_661)]);
    Report {
        title: "<script>alert(1)</script>".into(),
        intro: vec!["First & foremost.".into()],
        facts: vec![("seeds".into(), "1, 2, 3".into())],
        command: "sapwood run 'a.toml' > out".into(),
        sections: vec![
            Section::new("Accuracy", "How to read it.", Body::Plot(accuracy.clone().into())),
            Section::new("Layers", "", Body::Plot(densities.into())),
            Section::new(
                "Ablation",
                "",
                Body::Panels(vec![Panel { title: "Batch <8>".into(), plot: accuracy.into() }]),
            ),
            Section::new("All", "", Body::Table(table)),
        ],
    }
}

#[test]
fn every_name_and_number_is_on_the_page() {
    let html = study().to_html().unwrap();
    let expected = [
        "First &#38; foremost.",
        "How to read it.",
        "1, 2, 3",
        "SNIP &#60;one shot&#62;",
        "random &#38; even",
        "magnitude",
        "dense: 97.75",
        "Batch &#60;8&#62;",
        "a &#34;quoted&#34; name",
        ">26,661</td>",
        // The plots' numbers, spread included, under the pointer and in tables.
        "SNIP &lt;one shot&gt; at 98%: 91.125 (90.875 to 91.625)",
        ">91.125</td>",
        ">90.875</td>",
        ">91.625</td>",
        "magnitude keeps 6.25% of fc1",
        "magnitude keeps 0% of fc2",
        ">6.25%</td>",
    ];
    for text in expected {
        assert!(html.contains(text), "{text} is missing from\n{html}");
    }
}

#[test]
fn nothing_given_becomes_markup_and_nothing_is_fetched() {
    let html = study().to_html().unwrap();
    assert!(!html.contains("<script>alert") && !html.contains("<one shot>") && !html.contains("& even"));
    assert!(!html.contains("src=") && !html.contains("href=") && !html.contains("url("));
    let elsewhere = html.matches("http").count() - html.matches("http://www.w3.org/2000/svg").count();
    assert_eq!(elsewhere, html.matches("http-equiv").count());
}

#[test]
fn equal_reports_give_equal_bytes() {
    assert_eq!(study().to_html().unwrap(), study().to_html().unwrap());
}

#[test]
fn every_shape_that_is_opened_is_closed() {
    let html = study().to_html().unwrap();
    for tag in
        ["svg", "g", "text", "title", "polygon", "circle", "table", "tr", "td", "figure", "section", "li"]
    {
        let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        let start = format!("<{tag} ");
        let attributes = html.split(&start).skip(1).filter_map(|rest| rest.split('>').next());
        let empty = attributes.filter(|attributes| attributes.ends_with('/'));
        assert_eq!(opened - empty.count(), html.matches(&format!("</{tag}>")).count(), "<{tag}>");
    }
}

#[test]
fn a_method_has_one_colour_on_the_whole_page() {
    let html = study().to_html().unwrap();
    let key = |name: &str| -> Vec<&str> {
        let start = format!("aria-label=\"{name}\"><g class=\"");
        html.split(&start).skip(1).map(|rest| &rest[..2]).collect()
    };
    assert_eq!(key("random &amp; even"), ["s1", "s1", "s1"]);
    assert_eq!(key("SNIP &lt;one shot&gt;"), ["s0", "s0"]);
    assert_eq!(key("magnitude"), ["s0"]);
}

#[test]
fn numbers_that_cannot_be_drawn_stay_in_the_table() {
    let diverged = LinePlot {
        y_scale: Scale::Log10,
        series: vec![Series {
            name: "loss".into(),
            points: vec![Point::exact(0.0, 2.5), Point::exact(1.0, f64::NAN), Point::exact(2.0, 0.0)],
        }],
        ..LinePlot::default()
    };
    for plot in [diverged, LinePlot::default()] {
        let nothing = plot.series.is_empty();
        let sections = vec![Section::new("Loss", "", Body::Plot(plot.into()))];
        let html = Report { sections, ..Report::default() }.to_html().unwrap();
        assert_eq!(html.contains(">NaN</td>"), !nothing);
        let picture = &html[html.find("viewBox=\"0 0 640").unwrap()..html.find("<details").unwrap()];
        assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    }
}

#[test]
fn a_cloud_lies_behind_the_lines_and_does_not_grow_with_its_dots() {
    let of = |dots: u32| {
        let at = |i: u32| (f64::from(i * 37 % 1009), f64::from(i * 53 % 997));
        let plot = LinePlot { cloud: (0..dots).map(at).collect(), ..LinePlot::default() };
        Report { sections: vec![Section::new("", "", Body::Plot(plot.into()))], ..Report::default() }
            .to_html()
            .unwrap()
    };
    let (none, few, many) = (of(0), of(50), of(200_000));
    assert!(!none.contains("class=\"dot\"") && few.matches("h0").count() == 50);
    assert!(few.contains("1,000") || few.contains("1000"), "the axis holds the dots");
    assert!(many.len() < 1_000_000 && few.len() < many.len(), "{}", many.len());
}
