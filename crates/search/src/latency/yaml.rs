//! The published form of latency tables.
//!
//! It is a small part of YAML: keys, each with a mapping of numbers, in lines of their own
//! or in braces. JSON is read as what it is.

use std::collections::BTreeMap;

use super::BlockTime;

pub(super) fn blocks(text: &str) -> Result<BTreeMap<String, BlockTime>, String> {
    let mut found: Vec<(usize, String, BTreeMap<String, f64>)> = Vec::new();
    if text.trim_start().starts_with('{') {
        let read: BTreeMap<String, BTreeMap<String, f64>> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        found.extend(read.into_iter().map(|(key, values)| (0, key, values)));
    } else {
        for (line, content) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
            let plain = content.trim();
            if plain.is_empty() || plain.starts_with('#') || plain == "---" {
                continue;
            }
            if content.starts_with([' ', '\t']) {
                let Some((_, _, values)) = found.last_mut() else {
                    return Err(format!("line {line}: expected the key of a block, found `{plain}`"));
                };
                let (name, number) = entry(line, plain)?;
                values.insert(name, number);
            } else {
                let (key, values) = key(line, plain)?;
                if found.iter().any(|(_, other, _)| *other == key) {
                    return Err(format!("line {line}: block `{key}` is there twice"));
                }
                found.push((line, key, values));
            }
        }
    }
    let block = |(line, key, values): (usize, String, BTreeMap<String, f64>)| {
        let mean = values.get("mean").ok_or_else(|| format!("line {line}: block `{key}` has no `mean`"))?;
        // Some tables give the variance instead of its root.
        let spread = values.get("std").copied().or_else(|| values.get("var").map(|var| var.sqrt()));
        let runs = values.get("count").map_or(0, |count| *count as u64);
        Ok((key, BlockTime { ms: *mean, spread_ms: spread.unwrap_or(0.0), runs, mj: None }))
    };
    found.into_iter().map(block).collect()
}

/// `KEY:` or `KEY: {mean: 1.0, ...}`.
fn key(line: usize, text: &str) -> Result<(String, BTreeMap<String, f64>), String> {
    let wrong = || format!("line {line}: expected `KEY:` or `KEY: {{mean: NUMBER}}`, found `{text}`");
    let (key, rest) = match text.strip_suffix(':') {
        Some(key) => (key, ""),
        None => text
            .rsplit_once(": {")
            .and_then(|(key, rest)| Some((key, rest.strip_suffix('}')?)))
            .ok_or_else(wrong)?,
    };
    let values: Result<_, String> =
        rest.split(',').filter(|part| !part.trim().is_empty()).map(|part| entry(line, part.trim())).collect();
    Ok((key.trim().trim_matches(['\'', '"']).to_string(), values?))
}

/// `NAME: NUMBER`.
fn entry(line: usize, text: &str) -> Result<(String, f64), String> {
    let read = || {
        let (name, number) = text.split_once(':')?;
        Some((name.trim().trim_matches(['\'', '"']).to_string(), number.trim().parse().ok()?))
    };
    read().ok_or_else(|| format!("line {line}: expected `NAME: NUMBER`, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_braces_and_json_say_the_same() {
        let lines = "# a table\nConv-input:4x4x3-output:2x2x8:\n  count: 1000\n  mean: 0.5\n  std: 0.25\n'b':\n  mean: 1e-1\n";
        let braces = "Conv-input:4x4x3-output:2x2x8: {count: 1000, mean: 0.5, std: 0.25}\nb: {mean: 0.1}\n";
        let json = r#"{"Conv-input:4x4x3-output:2x2x8": {"count": 1000, "mean": 0.5, "var": 0.0625}, "b": {"mean": 0.1}}"#;
        let read = blocks(lines).unwrap();
        let stem = BlockTime { ms: 0.5, spread_ms: 0.25, runs: 1000, mj: None };
        assert_eq!(read["Conv-input:4x4x3-output:2x2x8"], stem);
        assert_eq!(read["b"].ms, 0.1);
        assert_eq!((blocks(braces).unwrap(), blocks(json).unwrap()), (read.clone(), read));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, said) in [
            ("  mean: 1\n", "line 1"),
            ("a:\n  mean: fast\n", "line 2"),
            ("a:\n  mean: 1\na:\n  mean: 2\n", "line 3"),
            ("\na:\n  count: 3\n", "line 2"),
            ("a: 7\n", "line 1"),
        ] {
            let error = blocks(text).unwrap_err();
            assert!(error.contains(said), "{text:?}: {error}");
        }
    }
}
