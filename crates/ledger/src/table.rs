//! `ledger.csv`: one row per run, and one for their total.

use super::{Account, Carbon, PeakSince};

/// The columns: units are in the names, `_s` for seconds, `_j` for joules, `_g` for grams.
const COLUMNS: [&str; 22] = [
    "run",
    "stretches",
    "started_unix_s",
    "hosts",
    "devices",
    "wall_s",
    "device_s",
    "cpu_s",
    "peak_memory_bytes",
    "peak_memory_since",
    "examples_seen",
    "training_macs_dense",
    "training_macs_kept",
    "evaluation_macs_dense",
    "evaluation_macs_kept",
    "energy_j",
    "energy_how",
    "pue",
    "grid",
    "grid_g_per_kwh",
    "grid_source",
    "co2e_g",
];

/// The first line, with its line end.
pub fn csv_header() -> String {
    COLUMNS.join(",") + "\n"
}

/// The row of a run, with its line end. What is unknown is left empty.
pub fn csv_row(run: &str, account: &Account, carbon: &Carbon) -> String {
    let Account { usage, training_macs, evaluation_macs, .. } = account;
    let joules = usage.energy.joules();
    let names = |names: &std::collections::BTreeSet<String>| {
        names.iter().map(String::as_str).collect::<Vec<_>>().join("; ")
    };
    let since = usage.peak_memory.map_or("", |peak| match peak.since {
        PeakSince::MeterStart => "start of the work",
        PeakSince::ProcessStart => "start of the process",
    });
    let fields: [String; COLUMNS.len()] = [
        run.into(),
        account.stretches.to_string(),
        optional(account.started),
        names(&account.hosts),
        names(&account.devices),
        hundredths(usage.wall_s),
        hundredths(account.device_s),
        optional(usage.cpu_s.map(hundredths)),
        optional(usage.peak_memory.map(|peak| peak.bytes)),
        since.into(),
        account.examples_seen.to_string(),
        training_macs.dense.to_string(),
        training_macs.kept.to_string(),
        evaluation_macs.dense.to_string(),
        evaluation_macs.kept.to_string(),
        hundredths(joules),
        usage.energy.how(),
        carbon.pue.to_string(),
        carbon.grid.name.into(),
        hundredths(carbon.grid.g_per_kwh),
        format!("{}, {}", carbon.grid.source, carbon.grid.year),
        format!("{:.4}", carbon.grams(joules)),
    ];
    line(&fields)
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

fn hundredths(value: f64) -> String {
    format!("{value:.2}")
}

/// The fields as a line, quoted where RFC 4180 wants it.
fn line(fields: &[String]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Memory takes every line, and lines of text are text.
    let written = writer.write_record(fields).ok().and_then(|()| writer.into_inner().ok());
    written.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::entry;

    #[test]
    fn a_row_has_what_the_header_names() {
        let run: Account =
            [entry(1_700_000_000, "oak"), entry(1_700_000_100, "ash, \"big\"")].iter().collect();
        assert_eq!(
            csv_header() + &csv_row("ab12", &run, &Carbon::default()),
            "run,stretches,started_unix_s,hosts,devices,wall_s,device_s,cpu_s,peak_memory_bytes,\
             peak_memory_since,examples_seen,training_macs_dense,training_macs_kept,evaluation_macs_dense,\
             evaluation_macs_kept,energy_j,energy_how,pue,grid,grid_g_per_kwh,grid_source,co2e_g\n\
             ab12,2,1700000000,\"ash, \"\"big\"\"; oak\",cpu,20.00,20.00,19.00,1048576,start of the work,1280,\
             3840000,384000,200000,20000,850.00,estimated: 85 W TDP x 50 %,1,world,475.00,\
             \"IEA Global Energy & CO2 Status Report 2019, codecarbon's default, 2018\",0.1122\n"
        );
    }

    #[test]
    fn what_is_unknown_is_empty() {
        let row = csv_row("none", &Account::default(), &Carbon::default());
        assert!(row.starts_with("none,0,,,,0.00,0.00,,,,0,0,0,0,0,0.00,,1,world,"), "{row}");
    }
}
