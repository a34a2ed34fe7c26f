//! Benchmark tables as search spaces.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Choice, Error, Evaluator, Front, Genome, Goal, History, Problem, Space};

/// A table of measured architectures: a space whose every genome has known metrics, so that
/// the true Pareto front is known.
///
/// The text is CSV with a header. Columns named `metric:NAME` hold numbers, the others are
/// choices. Only the architectures that have a row are in the space. Where several ways to
/// choose are the same architecture, a column `identity:NAME` says so: the first row with an
/// identity is its canonical form, and in further ones the metrics may be left empty.
///
/// ```
/// use sapwood_search::{Goal, Table};
///
/// let text = "kernel,width,metric:accuracy,metric:ms\n3,8,0.90,1.0\n5,8,0.92,1.5\n5,16,0.91,3.0\n";
/// let table = Table::parse("toy", text)?;
/// let goal = Goal::new(["max accuracy".parse()?, "min ms".parse()?], [])?;
/// assert_eq!((table.space().count(), table.front(&goal)?.members().len()), (Some(3), 2));
/// # Ok::<(), sapwood_search::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    space: Space,
    metrics: Vec<String>,
    known: History,
}

/// What marks the name of a metric.
const METRIC: &str = "metric:";
/// What marks the column that says which architecture a row is.
const IDENTITY: &str = "identity:";

/// A line, its options, its identity and its metrics, if it has any.
type Row = (u64, Vec<String>, Option<String>, Option<Vec<f64>>);

impl Table {
    /// Reads a table whose metrics are marked in the header.
    ///
    /// # Errors
    /// [`Error::Table`] with line and column: no metric, no choice, a name twice, a row of
    /// another length, an empty cell, a metric that is no finite number, an architecture
    /// that is there twice.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        Self::read(name, text, |column| column.strip_prefix(METRIC).map(str::to_string))
    }

    /// Reads a table whose metrics are these columns, and whose choices are all others.
    ///
    /// # Errors
    /// As [`Table::parse`], or a metric that is no column.
    pub fn with_metrics(name: &str, text: &str, metrics: &[&str]) -> Result<Self, Error> {
        let table = Self::read(name, text, |column| metrics.contains(&column).then(|| column.to_string()))?;
        let missing = metrics.iter().find(|metric| !table.metrics.iter().any(|found| found == *metric));
        match missing {
            Some(missing) => Err(wrong(1, "header", format!("there is no column `{missing}`"))),
            None => Ok(table),
        }
    }

    fn read(name: &str, text: &str, metric: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| wrong(1, "header", error.to_string()))?.clone();
        if let Some(twice) =
            (1..header.len()).find(|at| header.iter().take(*at).any(|name| name == &header[*at]))
        {
            return Err(wrong(
                1,
                "header",
                format!("there are two columns `{}`: rename one", &header[twice]),
            ));
        }
        let metrics: Vec<(usize, String)> =
            header.iter().enumerate().filter_map(|(at, name)| Some((at, metric(name)?))).collect();
        let mut marked = (0..header.len()).filter(|at| header[*at].starts_with(IDENTITY));
        let identity = marked.next();
        if let Some((one, other)) = identity.zip(marked.next()) {
            let (one, other) = (&header[one], &header[other]);
            let problem =
                format!("`{one}` and `{other}` both say which architecture a row is: leave one out");
            return Err(wrong(1, "header", problem));
        }
        let plain = |at: &usize| metric(&header[*at]).is_none() && !header[*at].starts_with(IDENTITY);
        let choices: Vec<usize> = (0..header.len()).filter(plain).collect();
        if metrics.is_empty() {
            let problem = format!("no column holds a metric: name one `{METRIC}NAME`");
            return Err(wrong(1, "header", problem));
        }
        if choices.is_empty() {
            return Err(wrong(1, "header", "no column holds a choice: leave one without a mark".into()));
        }
        let mut rows: Vec<Row> = Vec::new();
        let mut identities: BTreeSet<String> = BTreeSet::new();
        for record in reader.records() {
            let record = record.map_err(|error| {
                let line = error.position().map_or(0, csv::Position::line);
                wrong(line, "row", error.to_string())
            })?;
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != header.len() {
                let (expected, found) = (header.len(), record.len());
                return Err(wrong(line, "row", format!("expected {expected} cells, found {found}")));
            }
            let named = choices.iter().map(|at| (*at, "an option"));
            for (at, expected) in named.chain(identity.map(|at| (at, "an identity"))) {
                if record[at].is_empty() {
                    let problem = format!("the cell is empty: expected {expected}");
                    return Err(wrong(line, &format!("column `{}`", &header[at]), problem));
                }
            }
            let options = choices.iter().map(|at| record[*at].to_string()).collect();
            let identity = identity.map(|at| record[at].to_string());
            let again = identity.as_ref().is_some_and(|identity| !identities.insert(identity.clone()));
            if again && metrics.iter().all(|(at, _)| record[*at].is_empty()) {
                rows.push((line, options, identity, None));
                continue;
            }
            let mut values = Vec::new();
            for (at, _) in &metrics {
                let number = record[*at].parse::<f64>().ok().filter(|number| number.is_finite());
                values.push(number.ok_or_else(|| {
                    let problem = format!("expected a finite number, found `{}`", &record[*at]);
                    wrong(line, &format!("column `{}`", &header[*at]), problem)
                })?);
            }
            rows.push((line, options, identity, Some(values)));
        }
        if rows.is_empty() {
            return Err(wrong(2, "row", "expected at least one architecture, found the end".into()));
        }
        let choices: Vec<Choice> = choices
            .iter()
            .enumerate()
            .map(|(at, column)| {
                Choice::new(&header[*column], options(rows.iter().map(|row| row.1[at].as_str())))
            })
            .collect();
        let numbers: Vec<BTreeMap<&str, u8>> = choices
            .iter()
            .map(|choice| choice.options().iter().map(String::as_str).zip(0..=u8::MAX).collect())
            .collect();
        let space = Space::new(name, choices.clone())?;
        let mut known = History::new(choices.len(), metrics.len());
        let (mut genomes, mut aliases) = (Vec::new(), Vec::new());
        let mut first: BTreeMap<&str, Genome> = BTreeMap::new();
        let mut seen: BTreeSet<Genome> = BTreeSet::new();
        for (line, options, identity, values) in &rows {
            let positions: Vec<u8> =
                options.iter().zip(&numbers).map(|(option, numbers)| numbers[option.as_str()]).collect();
            let genome = space.genome(&positions)?;
            if !seen.insert(genome.clone()) {
                return Err(wrong(
                    *line,
                    "row",
                    format!("the architecture is there twice: {}", space.text(&genome)),
                ));
            }
            let canonical =
                identity.as_deref().map(|identity| first.entry(identity).or_insert_with(|| genome.clone()));
            match (canonical, values) {
                (Some(canonical), values) if *canonical != genome => {
                    let known = known.find(canonical).map(|at| known.values(at));
                    if values.as_deref().is_some_and(|values| known != Some(values)) {
                        let problem =
                            format!("it has other metrics than the first row of {}", space.text(canonical));
                        return Err(wrong(*line, "row", problem));
                    }
                    aliases.push((genome, canonical.clone()));
                }
                (_, values) => {
                    known.add(&genome, values.as_deref().unwrap_or_default());
                    genomes.push(genome);
                }
            }
        }
        let all = space.count() == Some(genomes.len() as u128);
        let space = if all { space } else { space.with_aliases(genomes, aliases)? };
        Ok(Self { space, metrics: metrics.into_iter().map(|(_, name)| name).collect(), known })
    }

    /// The architectures that have a row.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The names of the metrics, in the order of their columns.
    pub fn metrics(&self) -> &[String] {
        &self.metrics
    }

    /// The metrics of an architecture, if it has a row.
    pub fn values(&self, genome: &Genome) -> Option<&[f64]> {
        self.known.find(genome).map(|at| self.known.values(at))
    }

    /// Every architecture that has a row, and one metric of each.
    ///
    /// # Errors
    /// A metric that the table does not have.
    pub fn metric(&self, name: &str) -> Result<(Vec<Genome>, Vec<f64>), Error> {
        let column = self.column(name)?;
        let all = 0..self.known.len();
        Ok(all.map(|at| (self.known.genome(at), self.known.values(at)[column])).unzip())
    }

    /// What looks metrics up, in the order that the goal wants.
    ///
    /// # Errors
    /// A metric that the table does not have.
    pub fn evaluator(&self, goal: &Goal) -> Result<impl Evaluator + use<'_>, Error> {
        let columns = self.columns(goal)?;
        Ok(move |genomes: &[Genome]| -> Result<Vec<Vec<f64>>, Problem> {
            let row = |genome: &Genome| {
                let values = self.values(genome).ok_or("the table has no row for it")?;
                Ok(columns.iter().map(|at| values[*at]).collect())
            };
            genomes.iter().map(row).collect()
        })
    }

    /// The true Pareto front.
    ///
    /// # Errors
    /// A metric that the table does not have.
    pub fn front(&self, goal: &Goal) -> Result<Front, Error> {
        let columns = self.columns(goal)?;
        let mut all = History::new(self.space.choices().len(), columns.len());
        for at in 0..self.known.len() {
            let values: Vec<f64> = columns.iter().map(|column| self.known.values(at)[*column]).collect();
            all.add(&self.known.genome(at), &values);
        }
        Ok(Front::of(goal, &all))
    }

    /// The worst value of each objective over all architectures: a reference point for
    /// hypervolumes.
    ///
    /// # Errors
    /// A metric that the table does not have.
    pub fn worst(&self, goal: &Goal) -> Result<Vec<f64>, Error> {
        let columns = self.columns(goal)?;
        let worst = |(objective, column): (&crate::Objective, &usize)| {
            let values = (0..self.known.len()).map(|at| self.known.values(at)[*column]);
            values.max_by(|a, b| objective.cost(*a).total_cmp(&objective.cost(*b))).unwrap_or(f64::NAN)
        };
        Ok(goal.objectives().iter().zip(&columns).map(worst).collect())
    }

    fn columns(&self, goal: &Goal) -> Result<Vec<usize>, Error> {
        goal.metrics().iter().map(|metric| self.column(metric)).collect()
    }

    fn column(&self, metric: &str) -> Result<usize, Error> {
        let at = self.metrics.iter().position(|each| each == metric);
        at.ok_or_else(|| Error::unknown("metric", metric, self.metrics.iter().map(String::as_str)))
    }
}

/// The different options: numbers in ascending order, words as they first appear.
fn options<'a>(cells: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, cell) in cells.enumerate() {
        seen.entry(cell).or_insert(at);
    }
    let mut found: Vec<(&str, usize)> = seen.into_iter().collect();
    match found.iter().all(|(cell, _)| cell.parse::<f64>().is_ok()) {
        true => {
            // An option may be called `nan`, which has a place in this order.
            let number = |cell: &str| cell.parse().unwrap_or(f64::NAN);
            found.sort_by(|(a, _), (b, _)| number(a).total_cmp(&number(b)));
        }
        false => found.sort_by_key(|(_, at)| *at),
    }
    found.into_iter().map(|(cell, _)| cell).collect()
}

fn wrong(line: u64, column: &str, problem: String) -> Error {
    Error::Table { line, column: column.into(), problem }
}
