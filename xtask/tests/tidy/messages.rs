//! What the messages of libraries may name: nothing that only the command line has.

use crate::{files, none_of, read};

/// The crates whose messages are a program's.
const PROGRAMS: &[&str] = &["crates/cli/"];

/// Options of programs that are not ours, and the file that speaks to such a program.
const OF_OTHERS: &[&str] = &["--features"];
const TO_OTHERS: &[&str] = &["crates/lab/src/study/launcher/slurm.rs"];

/// Folders and keys of experiments' files that have a command's name, and where they are spoken of.
const NO_COMMANDS: &[(&str, &str)] = &[
    ("crates/data/src/image_folder/", "train"),
    ("crates/lab/src/deployment/experiment.rs", "latency"),
    ("crates/lab/src/study/combination.rs", "score"),
    ("crates/lab/src/study/combination.rs", "quantize"),
];

/// The string literals of a source, without its comments and the tests at its end.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let (mut found, mut rest) = (Vec::new(), source);
    while let Some(first) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(end) = character(rest) {
            end
        } else if let Some((literal, end)) = text(rest) {
            found.push(literal);
            end
        } else if first.is_alphanumeric() || first == '_' {
            // A word, so that the `r` of `for"` begins no raw string.
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            end.max(1)
        } else {
            first.len_utf8()
        };
        rest = &rest[skip..];
    }
    found
}

/// The length of the character, such as `'"'`, with which a source begins; a lifetime is none.
fn character(source: &str) -> Option<usize> {
    let inner = source.strip_prefix('\'')?;
    match inner.strip_prefix('\\') {
        Some(escaped) => Some(3 + escaped.char_indices().skip(1).find(|(_, c)| *c == '\'')?.0),
        None => {
            let letter = inner.chars().next()?.len_utf8();
            inner[letter..].starts_with('\'').then_some(letter + 2)
        }
    }
}

/// The string with which a source begins, and the length that it has there.
fn text(source: &str) -> Option<(String, usize)> {
    let raw = source.strip_prefix("br").or_else(|| source.strip_prefix('r'));
    if let Some(raw) = raw {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if let Some(inner) = raw[hashes..].strip_prefix('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let length = inner.find(&end)?;
            return Some((inner[..length].into(), source.len() - inner.len() + length + end.len()));
        }
    }
    let inner = source.strip_prefix('b').unwrap_or(source).strip_prefix('"')?;
    let mut escaped = false;
    for (at, letter) in inner.char_indices() {
        match letter {
            '"' if !escaped => return Some((inner[..at].into(), source.len() - inner.len() + at + 1)),
            _ => escaped = letter == '\\' && !escaped,
        }
    }
    None
}

/// The options of a command line in a text: `--out`, behind a space or a backquote.
fn options(text: &str) -> Vec<&str> {
    let behind = |at: usize| text[..at].ends_with([' ', '`', '(']);
    let dashes = text.match_indices("--").filter(|(at, _)| behind(*at));
    let words = dashes.map(|(at, _)| {
        let word = &text[at..];
        &word[..2 + word[2..].find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(word.len() - 2)]
    });
    words.filter(|word| word.len() > 2 && !OF_OTHERS.contains(word)).collect()
}

/// The commands that a text names between backquotes, alone or with what follows them.
fn named<'a>(text: &'a str, commands: &[String]) -> Vec<&'a str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|words| commands.iter().any(|name| words.split(' ').next() == Some(name))).collect()
}

#[test]
fn libraries_name_no_option_and_no_command() {
    let commands: Vec<String> = sapwood_cli::commands().into_iter().map(|(name, _)| name).collect();
    let is_library = |path: &str| {
        let may = |prefix: &&str| path.starts_with(*prefix);
        path.contains("/src/")
            && !path.ends_with("tests.rs")
            && !path.contains("/tests/")
            && !PROGRAMS.iter().any(may)
    };
    let (mut problems, mut seen) = (Vec::new(), 0);
    for path in files(&["crates"], ".rs").into_iter().filter(|path| is_library(path)) {
        for literal in literals(&read(&path)) {
            seen += 1;
            let wrong = options(&literal).into_iter().filter(|_| !TO_OTHERS.contains(&path.as_str()));
            let other =
                |word: &&str| NO_COMMANDS.iter().any(|(place, name)| path.starts_with(place) && name == word);
            let wrong = wrong.chain(named(&literal, &commands).into_iter().filter(|word| !other(word)));
            problems.extend(wrong.map(|word| format!("{path} names `{word}`: {literal}")));
        }
    }
    assert!(seen > 1000, "found only {seen} literals");
    none_of(&problems);
}

#[test]
fn literals_options_and_commands_are_found() {
    let source = "// \"no\"\nlet a: &'a str = \"one \\\" `run x`\"; let c = '\"'; r#\"two \"--out\" `x --set`\"#; for\"three\"\
                  #[cfg(test)]\nmod tests { \"four\" }";
    let found = literals(source);
    assert_eq!(found, ["one \\\" `run x`", "two \"--out\" `x --set`", "three"]);
    assert_eq!(options(&found[1]), ["--set"]);
    assert_eq!(options("build with `--features x` -- or not, (--a-b)"), ["--a-b"]);
    let commands = ["run", "data"].map(String::from);
    assert_eq!(named("`run`, `data get x` and `running` or run", &commands), ["run", "data get x"]);
}
