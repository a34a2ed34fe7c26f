//! What a kilowatt-hour from the socket emits: a table of grids by name.
//!
//! The yearly mean of a country is a coarse figure. It changes by hour and by year,
//! so that every report states the grid, its source and its year.

use std::fmt;

use serde::Serialize;

use super::{Error, JOULES_PER_KWH};

/// The carbon intensity of one electricity grid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Grid {
    /// Its name, by which [`grid`] finds it.
    pub name: &'static str,
    /// The country in ISO 3166's three letters, by which [`grid`] finds it as well.
    pub iso: Option<&'static str>,
    /// Grams of CO2e per kilowatt-hour.
    pub g_per_kwh: f64,
    /// Who says so.
    pub source: &'static str,
    /// The year that the figure is of.
    pub year: u16,
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, g_per_kwh, source, year, .. } = self;
        write!(f, "{name}, {g_per_kwh} g CO2e/kWh ({source}, {year})")
    }
}

/// The grid where none is named: codecarbon's mean of the world.
pub const DEFAULT_GRID: &Grid = &GRIDS[0];

/// Grams per pound, by definition.
pub(super) const GRAMS_PER_POUND: f64 = 453.592_37;

/// All grids. Countries are in whole grams.
pub const GRIDS: &[Grid] = &[
    other("world", 475.0, "IEA Global Energy & CO2 Status Report 2019, codecarbon's default", 2018),
    other("world-carbontracker", 481.0, "carbontracker 2.3.1's default", 2019),
    other("world-2024", 445.0, "IEA Electricity 2025, carbontracker 2.4.7's default", 2024),
    other("us-strubell", 0.954 * GRAMS_PER_POUND, "EPA, 0.954 lb/kWh, in Strubell et al. 2019", 2018),
    country("australia", "AUS", 549.0),
    country("austria", "AUT", 111.0),
    country("brazil", "BRA", 98.0),
    country("canada", "CAN", 170.0),
    country("china", "CHN", 582.0),
    country("france", "FRA", 56.0),
    country("germany", "DEU", 381.0),
    country("india", "IND", 713.0),
    country("ireland", "IRL", 291.0),
    country("italy", "ITA", 331.0),
    country("japan", "JPN", 485.0),
    country("netherlands", "NLD", 268.0),
    country("norway", "NOR", 30.0),
    country("poland", "POL", 662.0),
    country("singapore", "SGP", 471.0),
    country("south-africa", "ZAF", 708.0),
    country("south-korea", "KOR", 431.0),
    country("spain", "ESP", 174.0),
    country("sweden", "SWE", 41.0),
    country("switzerland", "CHE", 35.0),
    country("united-kingdom", "GBR", 238.0),
    country("united-states", "USA", 369.0),
];

const fn country(name: &'static str, iso: &'static str, g_per_kwh: f64) -> Grid {
    Grid { name, iso: Some(iso), g_per_kwh, source: "country table of codecarbon 3.3.2", year: 2023 }
}

const fn other(name: &'static str, g_per_kwh: f64, source: &'static str, year: u16) -> Grid {
    Grid { name, iso: None, g_per_kwh, source, year }
}

/// The grid of this name or country code, or an error that lists the nearest names.
///
/// # Errors
/// [`Error::UnknownGrid`], which lists all of them where no name is near.
pub fn grid(name: &str) -> Result<&'static Grid, Error> {
    let is_it =
        |grid: &&Grid| grid.name == name || grid.iso.is_some_and(|iso| iso.eq_ignore_ascii_case(name));
    GRIDS.iter().find(is_it).ok_or_else(|| Error::unknown_grid(name))
}

/// The grams of CO2e of a number of joules at the socket of a machine. `pue` (power usage
/// effectiveness) is what the whole building draws per joule of its machines: 1 at
/// home, 1.58 in the mean data centre of 2018.
pub fn co2e_grams(joules: f64, pue: f64, grid: &Grid) -> f64 {
    joules / JOULES_PER_KWH * pue * grid.g_per_kwh
}

/// How energy becomes CO2e.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Carbon {
    /// The grid.
    pub grid: &'static Grid,
    /// Power usage effectiveness, at least 1.
    pub pue: f64,
}

impl Default for Carbon {
    fn default() -> Self {
        Self { grid: DEFAULT_GRID, pue: 1.0 }
    }
}

impl Carbon {
    /// The grams of CO2e of a number of joules.
    pub fn grams(&self, joules: f64) -> f64 {
        co2e_grams(joules, self.pue, self.grid)
    }
}

impl fmt::Display for Carbon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "grid {}, PUE {}", self.grid, self.pue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kilowatt_hour_emits_what_the_table_says() {
        let germany = grid("germany").unwrap();
        assert_eq!(co2e_grams(3.6e6, 1.0, germany), 381.0);
        assert_eq!(co2e_grams(1.8e6, 1.5, germany), 285.75);
        assert_eq!(Carbon::default().grams(3.6e6), 475.0);
        assert!((grid("us-strubell").unwrap().g_per_kwh - 432.73).abs() < 0.005);
        assert_eq!(
            Carbon { grid: germany, pue: 1.58 }.to_string(),
            "grid germany, 381 g CO2e/kWh (country table of codecarbon 3.3.2, 2023), PUE 1.58"
        );
    }

    #[test]
    fn grids_are_found_by_name_and_by_country() {
        for row in GRIDS {
            assert_eq!(grid(row.name), Ok(row));
            assert!(row.g_per_kwh > 0.0 && row.year >= 2018 && !row.source.is_empty(), "{row}");
            let unlike = |other: &&Grid| other.name != row.name || std::ptr::eq(*other, row);
            assert!(GRIDS.iter().all(|other| unlike(&other)), "`{}` is there twice", row.name);
        }
        assert_eq!(grid("usa").unwrap().name, "united-states");
    }

    #[test]
    fn an_unknown_grid_is_answered_with_the_nearest() {
        let error = grid("germny").unwrap_err().to_string();
        assert!(error.starts_with("unknown grid `germny`: did you mean germany"), "{error}");
    }
}
