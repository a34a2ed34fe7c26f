//! What came out, for people and for programs.

use sapwood_report::{Cell, Table};
use serde::Serialize;

use crate::{Case, Spread, Threads, geometric_mean, ratios};

/// From this share on, foreign work makes a row doubtful.
const BUSY: f64 = 0.03;

/// A finished comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The machine, in words.
    pub machine: String,
    /// What was compared, with versions.
    pub versions: String,
    /// One row per case.
    pub rows: Vec<Row>,
    /// The geometric mean of the ratios; `None` without a peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geometric_mean: Option<f64>,
}

/// One case. Times are seconds per step, memory is in bytes; what was not measured
/// is left out of the JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The network, and the work if it is not training.
    pub name: String,
    /// The number of examples in a step.
    pub batch: usize,
    /// The number of threads on each side.
    pub threads: usize,
    /// The number of steps that count, on each side.
    pub steps: usize,
    /// The median of our times.
    pub ours_s: f64,
    /// Our shortest time.
    pub ours_min_s: f64,
    /// Our longest time.
    pub ours_max_s: f64,
    /// The peer's side.
    #[serde(flatten)]
    pub peer: Option<PeerTimes>,
    /// The share of all processors, from 0 to 1, that other processes took
    /// meanwhile: a busy machine flatters one side, so a row with much of it should
    /// be measured again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign_load: Option<f64>,
    /// How often the row was measured; of several times the quietest counts.
    pub tries: usize,
    /// The most memory that a process with only our side held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours_peak_bytes: Option<u64>,
    /// The most memory that the peer's process held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_peak_bytes: Option<u64>,
}

/// A peer's times beside ours.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PeerTimes {
    /// The median of the peer's times.
    pub peer_s: f64,
    /// Its shortest time.
    pub peer_min_s: f64,
    /// Its longest time.
    pub peer_max_s: f64,
    /// The median over pairs of ours / peer: below 1, we are faster.
    pub ratio: f64,
    /// The smallest ratio of a pair.
    pub ratio_min: f64,
    /// The largest ratio of a pair.
    pub ratio_max: f64,
}

impl Row {
    /// A row from the times of [`interleave`](crate::interleave): ours, then the
    /// peer's if there is one. `None` without any time of ours.
    pub fn new(case: &Case, threads: Threads, times: &[Vec<f64>]) -> Option<Self> {
        let ours = Spread::of(times.first()?)?;
        let peer = times.get(1).and_then(|peer| {
            let (times, ratio) = (Spread::of(peer)?, Spread::of(&ratios(&times[0], peer))?);
            Some(PeerTimes {
                peer_s: times.median,
                peer_min_s: times.min,
                peer_max_s: times.max,
                ratio: ratio.median,
                ratio_min: ratio.min,
                ratio_max: ratio.max,
            })
        });
        Some(Self {
            name: case.name(),
            batch: case.batch,
            threads: threads.0,
            steps: times[0].len(),
            ours_s: ours.median,
            ours_min_s: ours.min,
            ours_max_s: ours.max,
            peer,
            foreign_load: None,
            tries: 1,
            ours_peak_bytes: None,
            peer_peak_bytes: None,
        })
    }

    /// Whether foreign work makes it doubtful.
    pub(crate) fn is_busy(&self) -> bool {
        self.foreign_load.is_some_and(|load| BUSY < load)
    }

    /// The row in a few words, for a note on the way.
    pub fn note(&self) -> String {
        let ours = format!("{}: ours {} ms", self.name, milliseconds(self.ours_s));
        match &self.peer {
            Some(peer) => format!("{ours}, peer {} ms, ratio {:.2}", milliseconds(peer.peer_s), peer.ratio),
            None => ours,
        }
    }
}

impl Report {
    /// The geometric mean is taken here.
    pub fn new(machine: String, versions: String, rows: Vec<Row>) -> Self {
        let ratios: Vec<f64> = rows.iter().filter_map(|row| Some(row.peer?.ratio)).collect();
        Self { machine, versions, rows, geometric_mean: geometric_mean(&ratios) }
    }

    /// The report for a terminal: a line about the machine, a table, the mean.
    pub fn to_text(&self) -> String {
        let memory = self.rows.iter().any(|row| row.ours_peak_bytes.is_some());
        let peer = self.geometric_mean.is_some();
        let mut columns = vec!["name", "batch", "threads", "steps", "ours (ms)", "min – max"];
        columns.extend(["peer (ms)", "min – max", "ours/peer", "min – max"].iter().filter(|_| peer));
        columns.push("others' load");
        columns.extend(memory.then_some("ours peak (MiB)"));
        columns.extend((memory && peer).then_some("peer peak (MiB)"));
        let mut table = Table::new(columns);
        for row in &self.rows {
            let count = |n: usize| Cell::count(n as u64);
            let mut cells =
                vec![row.name.as_str().into(), count(row.batch), count(row.threads), count(row.steps)];
            cells.extend(times([row.ours_s, row.ours_min_s, row.ours_max_s]));
            if let Some(peer) = &row.peer {
                cells.extend(times([peer.peer_s, peer.peer_min_s, peer.peer_max_s]));
                cells.push(Cell::fixed(peer.ratio, 2));
                cells.push(format!("{:.2} – {:.2}", peer.ratio_min, peer.ratio_max).into());
            }
            let percent = |load: f64| Cell::written(load, format!("{:.0}%", 100.0 * load));
            cells.push(row.foreign_load.map_or(Cell::none(), percent));
            cells.extend(memory.then(|| mebibytes(row.ours_peak_bytes)));
            cells.extend((memory && peer).then(|| mebibytes(row.peer_peak_bytes)));
            table.row(cells);
        }
        let mean = self.geometric_mean.map_or(String::new(), |mean| {
            format!("geometric mean of ours/peer: {mean:.3} (below 1: ours is faster)\n")
        });
        let busy = match self.is_busy() {
            true => {
                "the machine was busy with other work (others' load above 3%, three times): measure again on a quiet one\n"
            }
            false => "",
        };
        format!("{}; {}\n\n{}{mean}{busy}", self.machine, self.versions, table.to_text())
    }

    /// Whether foreign work makes any row doubtful.
    fn is_busy(&self) -> bool {
        self.rows.iter().any(Row::is_busy)
    }
}

fn times([median, min, max]: [f64; 3]) -> [Cell; 2] {
    let range = format!("{} – {}", milliseconds(min), milliseconds(max));
    [Cell::written(median, milliseconds(median)), range.into()]
}

/// Seconds in milliseconds, to about three digits.
fn milliseconds(seconds: f64) -> String {
    let ms = seconds * 1e3;
    let decimals = if ms < 10.0 { 2 } else { usize::from(ms < 100.0) };
    format!("{ms:.decimals$}")
}

fn mebibytes(bytes: Option<u64>) -> Cell {
    bytes.map_or(Cell::none(), |bytes| Cell::count(bytes >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Work;

    fn report(times: &[Vec<f64>]) -> Report {
        let case = Case::new("lenet-5", None, Work::Train).unwrap();
        let row = Row::new(&case, Threads(2), times).unwrap();
        Report::new("a CPU, 2 cores".into(), "versions".into(), vec![row])
    }

    #[test]
    fn a_report_reads_well_and_its_json_has_the_same_numbers() {
        let report = report(&[vec![0.02, 0.03, 0.04], vec![0.01, 0.02, 0.01]]);
        let text = "\
a CPU, 2 cores; versions

name     batch  threads  steps  ours (ms)  min – max    peer (ms)  min – max    ours/peer  min – max    others' load
-------  -----  -------  -----  ---------  -----------  ---------  -----------  ---------  -----------  ------------
lenet-5    128        2      3       30.0  20.0 – 40.0       10.0  10.0 – 20.0       2.00  1.50 – 4.00  –
geometric mean of ours/peer: 2.000 (below 1: ours is faster)
";
        assert_eq!(report.to_text(), text);
        let json = serde_json::to_value(&report).unwrap();
        let row = &json["rows"][0];
        assert_eq!(
            (&row["name"], &row["ours_s"], &row["peer_s"], &row["ratio"]),
            (&"lenet-5".into(), &0.03.into(), &0.01.into(), &2.0.into())
        );
        assert_eq!((&row["ratio_max"], &json["geometric_mean"]), (&4.0.into(), &2.0.into()));
        assert!(row.get("ours_peak_bytes").is_none());
    }

    #[test]
    fn a_busy_machine_is_told_of() {
        let mut report = report(&[vec![0.2]]);
        report.rows[0].foreign_load = Some(0.03);
        assert!(!report.to_text().contains("busy"));
        report.rows[0].foreign_load = Some(0.31);
        assert!(report.to_text().contains("31%") && report.to_text().contains("was busy"));
    }

    #[test]
    fn without_a_peer_nothing_is_said_about_one() {
        let report = report(&[vec![0.2]]);
        assert!(!report.to_text().contains("peer"));
        let json = serde_json::to_value(&report).unwrap();
        assert!(json.get("geometric_mean").is_none() && json["rows"][0].get("ratio").is_none());
    }
}
