//! How networks, and what they were judged to be worth, are written down.

use std::path::Path;

use sapwood_search::{Genome, Space};
use serde_json::{Map, Value, json};

/// The names of the columns that are written.
const HEAD: &str = "architecture,top1";
/// What the first line of a file of ours has, which says by what its networks were judged.
pub(super) const ORIGIN: &str = ", weights ";
/// The field of the share of examples that a network gets right.
const TOP1: &str = "top1";
/// The field of a network's choices.
const ARCHITECTURE: &str = "architecture";

/// CSV, or an object in each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Csv,
    Json,
}

impl Form {
    /// The form of a file, by its content, and while it has none by its name.
    pub(super) fn of(path: &Path, text: &str) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match plain(text).trim_start().chars().next() {
            Some('{') => Self::Json,
            None if ["json", "jsonl", "ndjson"].contains(&extension) => Self::Json,
            _ => Self::Csv,
        }
    }

    /// The first line of a file: by what its networks were judged.
    pub(super) fn origin(self, origin: &str) -> String {
        match self {
            Self::Csv => format!("# {origin}"),
            Self::Json => json!({ "origin": origin }).to_string(),
        }
    }

    /// What a new file begins with.
    pub(super) fn head(self, origin: &str) -> String {
        match self {
            Self::Csv => format!("{}\n{HEAD}\n", self.origin(origin)),
            Self::Json => self.origin(origin) + "\n",
        }
    }

    /// The line of a network.
    pub(super) fn line(self, space: &Space, genome: &Genome, top1: f64) -> String {
        match self {
            // An architecture is words and numbers: there is nothing to quote.
            Self::Csv => format!("{},{top1}\n", space.text(genome)),
            Self::Json => json!({ ARCHITECTURE: space.to_json(genome), TOP1: top1 }).to_string() + "\n",
        }
    }
}

/// The number of a line, and what is wrong with it.
type Wrong = (usize, String);

/// A network of a text.
struct Row {
    line: usize,
    genome: Genome,
    /// What the text says of the share of examples that it gets right.
    top1: Option<f64>,
}

/// The networks of a text with their shares.
pub(super) fn read(space: &Space, text: &str) -> Result<Vec<(Genome, f64)>, Wrong> {
    let judged = |Row { line, genome, top1 }: Row| {
        let share = top1.filter(|top1| (0.0..=1.0).contains(top1));
        let share = share.ok_or_else(|| (line, "expected an architecture and a share from 0 to 1".into()))?;
        Ok((genome, share))
    };
    rows(space, text, true)?.into_iter().map(judged).collect()
}

/// The networks of a text, whatever it says of them.
pub(super) fn networks(space: &Space, text: &str) -> Result<Vec<Genome>, Wrong> {
    Ok(rows(space, text, false)?.into_iter().map(|row| row.genome).collect())
}

fn rows(space: &Space, text: &str, are_judged: bool) -> Result<Vec<Row>, Wrong> {
    let text = plain(text);
    match Form::of(Path::new(""), text) {
        Form::Json => read_json(space, text, are_judged),
        Form::Csv => read_csv(space, text, are_judged),
    }
}

fn plain(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// An architecture as JSON or in words.
fn genome(space: &Space, text: &str) -> Result<Genome, String> {
    let found = match text.trim_start().starts_with('{') {
        true => {
            let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            space.from_json(&value)
        }
        false => space.parse(text),
    };
    found.map_err(|error| error.to_string())
}

fn read_csv(space: &Space, text: &str, are_judged: bool) -> Result<Vec<Row>, Wrong> {
    // A line that `supernet pairs` could not end is passed over. Files of others need not end their last one.
    let is_ours = text.starts_with('#') && text.lines().next().is_some_and(|line| line.contains(ORIGIN));
    let whole = match is_ours && are_judged {
        true => text.rsplit_once('\n').map_or("", |(whole, _)| whole),
        false => text,
    };
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(whole.as_bytes());
    let line = |position: Option<&csv::Position>| position.map_or(1, |at| at.line() as usize);
    let names = reader.headers().map_err(|error| (1, error.to_string()))?.clone();
    let column = |name: &str| names.iter().position(|each| each == name);
    let known = |name: &str| space.choices().iter().any(|choice| choice.name() == name);
    let architecture = column(ARCHITECTURE);
    let (top1, says_which) = (column(TOP1), architecture.is_some() || names.iter().any(known));
    if !says_which || (are_judged && top1.is_none()) {
        let problem = match are_judged {
            true => {
                format!("expected `{HEAD}`, as such a file begins, or a column for each choice and `{TOP1}`")
            }
            false => format!(
                "expected a column `{ARCHITECTURE}`, or one for each choice, such as `{}`",
                space.choices()[0].name()
            ),
        };
        return Err((1, problem));
    }
    let mut found = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| (line(error.position()), error.to_string()))?;
        let at = line(row.position());
        let top1 = top1.and_then(|top1| row.get(top1)?.parse().ok());
        let text = match architecture {
            Some(column) => row.get(column).unwrap_or_default().to_string(),
            None => {
                let words = names.iter().zip(&row).filter(|(name, option)| known(name) && !option.is_empty());
                words.map(|(name, option)| format!("{name}={option}")).collect::<Vec<_>>().join(" ")
            }
        };
        let genome = genome(space, &text).map_err(|problem| (at, problem))?;
        found.push(Row { line: at, genome, top1 });
    }
    Ok(found)
}

fn read_json(space: &Space, text: &str, are_judged: bool) -> Result<Vec<Row>, Wrong> {
    let mut found = Vec::new();
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    for (number, (at, line)) in lines.iter().enumerate() {
        let object: Map<String, Value> = match serde_json::from_str(line) {
            Ok(object) => object,
            // One that was cut short, as after a kill.
            Err(error)
                if are_judged && error.is_eof() && number + 1 == lines.len() && !text.ends_with('\n') =>
            {
                break;
            }
            Err(error) => return Err((*at, format!("expected a JSON object in each line: {error}"))),
        };
        if number == 0 && object.len() == 1 && object.contains_key("origin") {
            continue;
        }
        let (genome, top1) = of_object(space, object).map_err(|problem| (*at, problem))?;
        found.push(Row { line: *at, genome, top1 });
    }
    Ok(found)
}

/// `{"architecture": {...}, "top1": 0.9}`, and whatever else a command says of a network; or the choices beside
/// `top1`.
fn of_object(space: &Space, mut object: Map<String, Value>) -> Result<(Genome, Option<f64>), String> {
    let top1 = object.remove(TOP1).and_then(|top1| top1.as_f64());
    let found = match object.remove(ARCHITECTURE) {
        Some(Value::String(words)) => space.parse(&words),
        Some(architecture) => space.from_json(&architecture),
        None => space.from_json(&Value::Object(object)),
    };
    Ok((found.map_err(|error| error.to_string())?, top1))
}

#[cfg(test)]
mod tests {
    use sapwood_search::Choice;

    use super::*;

    fn space() -> Space {
        let depth = Choice::new("d", ["1", "2"]);
        let width = |at: usize| Choice::new(format!("w.{at}"), ["16", "32"]);
        Space::new("s", vec![depth, width(0), width(1).when("d", ["2"])]).unwrap()
    }

    const OURS: &str = "s, weights 1a, data digits";

    #[test]
    fn every_form_says_the_same() {
        let space = space();
        let expected = vec![
            (space.parse("d=1 w.0=16").unwrap(), 0.5),
            (space.parse("d=2 w.0=32 w.1=16").unwrap(), 0.75),
        ];
        let written = |form: Form| {
            let lines = expected.iter().map(|(genome, top1)| form.line(&space, genome, *top1));
            form.head(OURS) + &lines.collect::<String>()
        };
        let csv = "architecture,top1\nd=1 w.0=16,0.5\nd=2 w.0=32 w.1=16,0.75\n";
        assert_eq!(written(Form::Csv), format!("# {OURS}\n{csv}"));
        for text in [
            written(Form::Csv),
            written(Form::Json),
            csv.into(),
            csv.trim_end().into(),
            format!("\u{feff}{}", csv.replace('\n', "\r\n")),
            "top1,architecture\n0.5,\"{\"\"d\"\":1,\"\"w\"\":[16,null]}\"\n0.75,\"{\"\"d\"\": 2, \"\"w\"\": [32, 16]}\"\n".into(),
            "d,w.0,w.1,params,top1\n1,16,,7,0.5\n2,32,16,8,0.75\n".into(),
            "\u{feff}{\"d\":1,\"w\":[16,16],\"top1\":0.5}\r\n{\"top1\":0.75,\"d\":2,\"w\":[32,16]}".into(),
            "{\"architecture\":{\"d\":1,\"w\":[16,16]},\"top1\":0.5,\"loss\":3}\n\n{\"architecture\":\"d=2 w.0=32 w.1=16\",\"top1\":0.75}\n".into(),
            // What a kill left of a line is passed over.
            format!("{}d=2 w.0=32 w.1=32,0.7", written(Form::Csv)),
            format!("{}{{\"architecture\":{{\"d\":2", written(Form::Json)),
        ] {
            assert_eq!(read(&space, &text), Ok(expected.clone()), "{text}");
            // What a kill left of a line is an error in a list.
            let listed = expected.iter().map(|(genome, _)| genome.clone()).collect();
            let is_whole = !text.ends_with("0.7") && !text.ends_with("2");
            assert!(!is_whole || networks(&space, &text) == Ok(listed), "{text}");
        }
    }

    #[test]
    fn a_list_of_somebodys_has_all_its_lines_or_an_error() {
        let space = space();
        let both = ["d=1 w.0=16", "d=2 w.0=32 w.1=16"].map(|text| space.parse(text).unwrap());
        let text = "# mine\nd,w.0,w.1,top1\n1,16,,0.5\n2,32,16,0.75";
        assert_eq!(networks(&space, text), Ok(both.to_vec()));
        assert_eq!(read(&space, text).map(|pairs| pairs.len()), Ok(2));
        let (line, said) = networks(&space, "{\"d\":1,\"w\":[16,16]}\n{\"d\":2,\"w\":[3").unwrap_err();
        assert!(line == 2 && said.contains("a JSON object in each line"), "{said}");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let space = space();
        for (text, line, said) in [
            ("", 1, "expected `architecture,top1`"),
            ("d,w\n1,2\n", 1, "a column for each choice and `top1`"),
            ("# here\narchitecture,top1\nd=1 w.0=16,1.5\n", 3, "a share from 0 to 1"),
            ("# here\narchitecture,top1\nd=1 w.0=16,NaN\n", 3, "a share from 0 to 1"),
            ("architecture,top1\nd=1 w.0=16\n", 2, "a share from 0 to 1"),
            ("architecture,top1\nd=3 w.0=16,0.5\n", 2, "no option `3`"),
            ("{\"d\":1,\"w\":[16,16]}\n", 1, "a share from 0 to 1"),
            (
                "{\"origin\":\"here\"}\n{\"architecture\":{\"d\":1,\"w\":16},\"top1\":0.5}\n",
                2,
                "`w` is a list of 2 numbers",
            ),
            ("{\"d\":1,\n\"w\":[16,16],\"top1\":1}\n", 1, "a JSON object in each line"),
        ] {
            let (at, problem) = read(&space, text).unwrap_err();
            assert!(
                at == line && problem.contains(said) && !problem.contains('\n'),
                "{text:?}: {at} {problem}"
            );
        }
    }
}
