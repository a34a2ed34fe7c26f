//! Changes as a user writes them.

use std::{fmt, str::FromStr};

use super::{Augment, rand_augment::STRONGEST};
use crate::Error;

/// The customary range of width / height of a resized crop.
const ASPECT: [f64; 2] = [3.0 / 4.0, 4.0 / 3.0];

/// Every one, with its form.
const FORMS: &str = "flip, crop=PIXELS, resized-crop=LEAST, erase=PROBABILITY, jitter=STRENGTH or rand-augment=NUMBER/MAGNITUDE";

impl FromStr for Augment {
    type Err = Error;

    /// Reads `flip`, `crop=4`, `resized-crop=0.08`, `erase=0.25`, `jitter=0.4` or `rand-augment=2/9`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Option { option: "augmentation", found: format!("`{text}`"), expected: FORMS };
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let number = || value.parse::<f64>().map_err(|_| wrong());
        let found = match name {
            "flip" if value.is_empty() => Self::Flip,
            "crop" => Self::PaddedCrop { padding: value.parse().map_err(|_| wrong())? },
            "resized-crop" => Self::ResizedCrop { area: [number()?, 1.0], aspect: ASPECT },
            "erase" => Self::Erase { probability: number()? },
            "jitter" => Self::Jitter { strength: number()? },
            "rand-augment" => {
                let (number, magnitude) = value.split_once('/').ok_or_else(wrong)?;
                let number = number.parse().map_err(|_| wrong())?;
                Self::RandAugment { number, magnitude: magnitude.parse().map_err(|_| wrong())? }
            }
            _ => return Err(wrong()),
        };
        match found.problem() {
            Some(_) => Err(wrong()),
            None => Ok(found),
        }
    }
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flip => f.write_str("flip"),
            Self::PaddedCrop { padding } => write!(f, "crop={padding}"),
            Self::ResizedCrop { area: [least, _], .. } => write!(f, "resized-crop={least}"),
            Self::Erase { probability } => write!(f, "erase={probability}"),
            Self::Jitter { strength } => write!(f, "jitter={strength}"),
            Self::RandAugment { number, magnitude } => write!(f, "rand-augment={number}/{magnitude}"),
        }
    }
}

impl Augment {
    /// Why this cannot be done, if so.
    pub(crate) fn problem(&self) -> Option<String> {
        let range = |name: &str, [low, high]: [f64; 2], most: f64| {
            let fits = 0.0 < low && low <= high && high <= most;
            (!fits).then(|| format!("the {name} of a resized crop is {low} to {high}"))
        };
        match *self {
            Self::ResizedCrop { area, aspect } => {
                range("area", area, 1.0).or_else(|| range("aspect", aspect, f64::MAX))
            }
            Self::Erase { probability: p } => (!(0.0..=1.0).contains(&p))
                .then(|| format!("the probability of erasing is {p}: expected from 0 to 1")),
            Self::Jitter { strength } => (!(0.0..=1.0).contains(&strength))
                .then(|| format!("the strength of jitter is {strength}: expected from 0 to 1")),
            Self::RandAugment { magnitude, .. } => (STRONGEST < magnitude)
                .then(|| format!("a magnitude is {magnitude}: expected from 0 to {STRONGEST}")),
            Self::Flip | Self::PaddedCrop { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_wrong_says_the_forms() {
        for text in ["flip", "crop=4", "resized-crop=0.08", "erase=0.25", "jitter=0.4", "rand-augment=2/9"] {
            assert_eq!(text.parse::<Augment>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "flop",
            "flip=1",
            "crop",
            "crop=-1",
            "resized-crop=0",
            "erase=2",
            "jitter=x",
            "rand-augment=2/31",
        ] {
            let said = text.parse::<Augment>().unwrap_err().to_string();
            assert!(
                said.contains(&format!("`{text}`")) && said.contains("rand-augment=NUMBER/MAGNITUDE"),
                "{said}"
            );
        }
    }
}
