//! The published form of latency tables.
//!
//! It is YAML (or JSON, which is YAML too): a mapping with a key for each block, and below each a mapping of
//! numbers. Any YAML that says this is read; whatever else it says is an error with its line.

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};

use super::BlockTime;

/// Beyond it, an integer that was written is not the number that is read.
const LARGEST_COUNT: f64 = 9_007_199_254_740_992.0;
/// The most characters of a text that an error repeats.
const SHOWN: usize = 60;

/// The blocks by key. Errors are one line, with the number of the line where something else was expected.
pub(super) fn blocks(text: &str) -> Result<BTreeMap<String, BlockTime>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let documents = MarkedYaml::load_from_str(text).map_err(|error| {
        let line = error.marker().line();
        let found = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        format!("line {line}: {}, found `{}`", error.info(), short(found))
    })?;
    let source = Source(text);
    let document = match documents.as_slice() {
        [] => return Ok(BTreeMap::new()),
        [document] => document,
        [_, next, ..] => return Err(format!("line {}: expected one document, found another", line(next))),
    };
    let blocks = match &document.data {
        YamlData::Mapping(blocks) => blocks,
        YamlData::Value(Scalar::Null) | YamlData::BadValue => return Ok(BTreeMap::new()),
        _ => {
            let (line, found) = (line(document), source.of(document));
            return Err(format!(
                "line {line}: expected a key for each block, as in `KEY: {{mean: 1.5}}`, found {found}"
            ));
        }
    };
    blocks
        .iter()
        .map(|(key, values)| Ok((source.name(key)?.to_string(), source.block(key, values)?)))
        .collect()
}

/// The text that nodes stand in.
struct Source<'a>(&'a str);

impl Source<'_> {
    fn block(&self, key: &MarkedYaml, values: &MarkedYaml) -> Result<BlockTime, String> {
        let name = self.name(key)?;
        let mut found = BTreeMap::new();
        self.gather(name, values, &mut found)?;
        let number = |field| found.get(field).map(|node| self.number(name, field, node)).transpose();
        let ms =
            number("mean")?.ok_or_else(|| format!("line {}: block `{name}` has no `mean`", line(key)))?;
        // Some tables give the variance instead of its root.
        let (std, var) = (number("std")?, number("var")?);
        let spread_ms = std.or(var.map(f64::sqrt)).unwrap_or(0.0);
        let runs = match (number("count")?, found.get("count")) {
            (Some(count), Some(node)) if count < 1.0 || count.fract() != 0.0 || LARGEST_COUNT < count => {
                return Err(self.wrong(name, "count", "a whole number from 1 up", node));
            }
            (count, _) => count.unwrap_or(0.0) as u64,
        };
        Ok(BlockTime { ms, spread_ms, runs, mj: None })
    }

    /// The fields of a mapping, and those that it takes over by a merge key and has not itself.
    fn gather<'a>(
        &self,
        block: &str,
        values: &'a MarkedYaml<'a>,
        found: &mut BTreeMap<&'a str, &'a MarkedYaml<'a>>,
    ) -> Result<(), String> {
        let YamlData::Mapping(fields) = &values.data else {
            let (line, values) = (line(values), self.of(values));
            return Err(format!(
                "line {line}: expected the numbers of block `{block}`, as in `{{mean: 1.5}}`, found {values}"
            ));
        };
        let mut merged = Vec::new();
        for (name, value) in fields {
            match (self.name(name)?, &value.data) {
                ("<<", YamlData::Sequence(others)) => merged.extend(others),
                ("<<", _) => merged.push(value),
                (name, _) => drop(found.entry(name).or_insert(value)),
            }
        }
        merged.into_iter().try_for_each(|other| self.gather(block, other, found))
    }

    fn name<'a>(&self, key: &'a MarkedYaml<'a>) -> Result<&'a str, String> {
        match &key.data {
            YamlData::Value(Scalar::String(name)) => Ok(name),
            _ => Err(format!("line {}: expected a name, found {}", line(key), self.of(key))),
        }
    }

    /// A number from 0 up.
    fn number(&self, block: &str, field: &str, node: &MarkedYaml) -> Result<f64, String> {
        let number = match &node.data {
            YamlData::Value(Scalar::Integer(number)) => *number as f64,
            YamlData::Value(Scalar::FloatingPoint(number)) => number.into_inner(),
            _ => f64::NAN,
        };
        match number.is_finite() && 0.0 <= number {
            true => Ok(number),
            false => Err(self.wrong(block, field, "a finite number from 0 up", node)),
        }
    }

    fn wrong(&self, block: &str, field: &str, expected: &str, node: &MarkedYaml) -> String {
        let (line, found) = (line(node), self.of(node));
        format!("line {line}: expected {expected} as `{field}` of block `{block}`, found {found}")
    }

    /// A node as it was written, or what it is.
    fn of(&self, node: &MarkedYaml) -> String {
        match &node.data {
            YamlData::Mapping(_) => "a mapping".into(),
            YamlData::Sequence(_) => "a list".into(),
            _ => {
                let (start, end) = (node.span.start.index(), node.span.end.index());
                let written: String = self.0.chars().skip(start).take(end.saturating_sub(start)).collect();
                match written.trim() {
                    "" => "nothing".into(),
                    written => format!("`{}`", short(written)),
                }
            }
        }
    }
}

fn line(node: &MarkedYaml) -> usize {
    node.span.start.line()
}

/// A text in one line that is not too long.
fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEM: &str = "Conv-input:4x4x3-output:2x2x8";

    #[test]
    fn whatever_yaml_says_the_same_is_read_the_same() {
        let lines = format!("{STEM}:\n  count: 1000\n  mean: 0.5\n  std: 0.25\nb:\n  mean: 0.1\n");
        let expected = BTreeMap::from([
            (STEM.to_string(), BlockTime { ms: 0.5, spread_ms: 0.25, runs: 1000, mj: None }),
            ("b".into(), BlockTime { ms: 0.1, spread_ms: 0.0, runs: 0, mj: None }),
        ]);
        for text in [
            lines.clone(),
            format!("\u{feff}{lines}"),
            lines.replace('\n', "\r\n"),
            format!("\u{feff}---\r\n{}...\r\n", lines.replace('\n', "\r\n")),
            format!("%YAML 1.2\n---\n# a phone\n\n{lines}...\n"),
            lines.replace("0.5\n", "0.5  # ms\n").replace("b:\n", "b: # the last\n\n  # its time\n"),
            lines.replace(STEM, &format!("\"{STEM}\"")).replace("b:", "'b' :"),
            lines.replace("0.5", "5e-1").replace("0.25", "+2.5E-1").replace("1000", "1e3"),
            lines.replace("0.5", ".5").replace("1000", "+1000").replace("0.1", "!!float 0.1"),
            lines.replace("std: 0.25", "var: 0.0625"),
            lines.replace("std: 0.25", "std: 0.25\n  unit: ms\n  runs: [1, 2]"),
            format!("{STEM}: {{count: 1000, mean: 0.5, std: 0.25}}\nb: {{mean: 0.1}}\n"),
            format!("{{{STEM}: {{count: 1000,\n\n mean: 0.5, std: 0.25}}, # here\n b: {{mean: 0.1}}}}"),
            format!("? {STEM}\n: <<: {{mean: 7, std: 0.25}}\n  mean: 0.5\n  count: 1000\nb: {{mean: 0.1}}\n"),
            format!(
                "{STEM}: {{\"count\": 1000, \"mean\": &half 0.5, std: 0.25}}\nb: {{mean: 0.1, x: *half}}\n"
            ),
            format!(r#"{{"{STEM}":{{"count":1000,"mean":0.5,"std":0.25}},"b":{{"mean":0.1}}}}"#),
            format!(
                "{{\n\t\"{STEM}\": {{\n\t\t\"count\": 1000,\n\t\t\"mean\": 0.5,\n\t\t\"std\": 0.25\n\t}},\n\t\"b\": {{\"mean\": 0.1}}\n}}\n"
            ),
        ] {
            assert_eq!(blocks(&text), Ok(expected.clone()), "{text}");
        }
        for nothing in ["", "\n", "---\n", "# nothing\n", "{}", "\u{feff}"] {
            assert_eq!(blocks(nothing), Ok(BTreeMap::new()), "{nothing:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_with_its_number() {
        let mean = |text: &str| format!("# a phone\nb:\n  mean: {text}\n");
        let with = |line: &str| format!("b:\n  mean: 1\n  {line}\n");
        let number = ["line 3", "a finite number from 0 up as `mean` of block `b`"];
        for (text, said) in [
            (mean("fast"), [number[0], number[1], "`fast`"]),
            (mean(".nan"), [number[0], number[1], "`.nan`"]),
            (mean("NaN"), [number[0], number[1], "`NaN`"]),
            (mean("inf"), [number[0], number[1], "`inf`"]),
            (mean("-.inf"), [number[0], number[1], "`-.inf`"]),
            (mean("1e400"), [number[0], number[1], "`1e400`"]),
            (mean("-1.5"), [number[0], number[1], "`-1.5`"]),
            (mean("1,5"), [number[0], number[1], "`1,5`"]),
            (mean("1.5ms"), [number[0], number[1], "`1.5ms`"]),
            (mean("\"1.5\""), [number[0], number[1], "`\"1.5\"`"]),
            (mean("true"), [number[0], number[1], "`true`"]),
            (mean("[1, 2]"), [number[0], number[1], "a list"]),
            (mean(""), ["", number[1], "nothing"]),
            (with("std: -0.1"), ["line 3", "as `std`", "`-0.1`"]),
            (with("var: -0.1"), ["line 3", "as `var`", "`-0.1`"]),
            (with("std: 1\n  var: .inf"), ["line 4", "as `var`", "`.inf`"]),
            (with("count: -5"), ["line 3", "as `count`", "`-5`"]),
            (with("count: 0"), ["line 3", "a whole number from 1 up", "`0`"]),
            (with("count: 2.5"), ["line 3", "a whole number from 1 up", "`2.5`"]),
            (with("count: many"), ["line 3", "as `count`", "`many`"]),
            (with("mean: 2"), ["line 3", "duplicated key", "`mean: 2`"]),
            ("a: {mean: 1}\nb: {mean: 1}\n'a': {mean: 1}\n".into(), ["line 3", "duplicated key", "'a'"]),
            (r#"{"a": {"mean": 1}, "a": {"mean": 2}}"#.into(), ["line 1", "duplicated key", ""]),
            ("\na:\n  count: 3\n".into(), ["line 2", "block `a`", "no `mean`"]),
            ("a: 7\n".into(), ["line 1", "the numbers of block `a`", "`7`"]),
            ("a:\nb: {mean: 1}\n".into(), ["line", "the numbers of block `a`", "nothing"]),
            ("- a\n- b\n".into(), ["line 1", "a key for each block", "a list"]),
            ("fast\n".into(), ["line 1", "a key for each block", "`fast`"]),
            ("7: {mean: 1}\n".into(), ["line 1", "expected a name", "`7`"]),
            ("a: {mean: 1}\n---\nb: {mean: 1}\n".into(), ["line 3", "one document", "another"]),
            ("b:\n\tmean: 1\n".into(), ["line 2", "", "mean: 1"]),
            ("b: {mean: 1\n".into(), ["line", "", ""]),
            ("<!DOCTYPE html>\n<html><p>: not\n there".into(), ["line", "", ""]),
        ] {
            let error = blocks(&text).unwrap_err();
            assert!(said.iter().all(|word| error.contains(word)), "{text:?}: {error}");
            assert!(!error.contains('\n') && error.len() < 300, "{text:?}: {error}");
        }
    }
}
