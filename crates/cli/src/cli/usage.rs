//! What the parser of the command line says, in one line of plain words.

use clap::error::ErrorKind;

use super::one_line::one_line;

/// Words of Rust's numbers, and what they mean to a person.
const WORDS: [(&str, &str); 6] = [
    ("number would be zero for non-zero type", "expected a number from 1 on"),
    ("invalid digit found in string", "expected a whole number that is not negative"),
    ("invalid float literal", "expected a number"),
    ("cannot parse integer from empty string", "expected a whole number"),
    ("cannot parse float from empty string", "expected a number"),
    ("number too large to fit in target type", "the number is too large"),
];

/// clap's message without its usage section.
pub(super) fn in_a_line(error: &clap::Error) -> String {
    if let ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand = error.kind() {
        return "expected a command: add `--help` to see them".into();
    }
    let message = error.render().to_string();
    let said =
        message.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let said = one_line(&said.collect::<Vec<_>>().join("\n")).replace(" tip: ", "; ");
    let said = WORDS.iter().fold(said, |said, (words, plain)| said.replace(words, plain));
    said.strip_prefix("error: ").unwrap_or(&said).into()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command, value_parser};

    use super::*;

    #[test]
    fn numbers_that_are_none_are_told_in_plain_words() {
        let command = Command::new("x")
            .arg(Arg::new("epochs").long("epochs").value_parser(value_parser!(u64)).allow_hyphen_values(true))
            .arg(Arg::new("n").long("n").value_parser(value_parser!(std::num::NonZero<usize>)))
            .arg(Arg::new("lr").long("lr").value_parser(value_parser!(f64)));
        let said = |line: &str| {
            in_a_line(&command.clone().try_get_matches_from(["x", line].concat().split(' ')).unwrap_err())
        };
        for (line, plain) in [
            (
                " --epochs -1",
                "invalid value '-1' for '--epochs <epochs>': expected a whole number that is not negative",
            ),
            (" --epochs 1.5", "expected a whole number that is not negative"),
            (" --epochs=", "invalid value '' for '--epochs <epochs>': expected a whole number"),
            (" --epochs 99999999999999999999", "the number is too large"),
            (" --n 0", "expected a number from 1 on"),
            (" --lr fast", "expected a number"),
        ] {
            assert!(said(line).ends_with(plain), "{line}: {}", said(line));
        }
    }
}
