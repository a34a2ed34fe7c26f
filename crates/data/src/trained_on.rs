//! What a weight file says about the data set that a network was trained on.

use std::{borrow::Cow, collections::BTreeMap};

use sapwood_core::TrainedOn;

use crate::{Dataset, Normalisation};

impl Dataset {
    /// What the weight file of a network that learns this says about it.
    pub fn trained_on(&self) -> TrainedOn {
        let Normalisation { scale, channels } = self.normalisation();
        TrainedOn {
            data: self.name().into(),
            input: self.shape(),
            classes: self.named_classes(),
            scale: decimal(*scale),
            mean: channels.iter().map(|(mean, _)| decimal(*mean)).collect(),
            std: channels.iter().map(|(_, std)| decimal(*std)).collect(),
            image: self.image_fit(),
            other: BTreeMap::new(),
        }
    }
}

impl From<&TrainedOn> for Normalisation {
    fn from(trained: &TrainedOn) -> Self {
        let channels = trained.mean.iter().zip(&trained.std).map(|(mean, std)| (*mean as f32, *std as f32));
        Self { scale: trained.scale as f32, channels: Cow::Owned(channels.collect()) }
    }
}

/// The number that is written the same: 0.1307, not 0.13070000708103180.
fn decimal(x: f32) -> f64 {
    x.to_string().parse().unwrap_or_else(|_| x.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CATALOGUE, Split, open};

    #[test]
    fn the_constants_of_the_catalogue_come_back_to_the_bit() {
        for entry in CATALOGUE {
            for (mean, std) in entry.normalisation.channels.iter() {
                assert_eq!((decimal(*mean) as f32, decimal(*std) as f32), (*mean, *std), "{}", entry.name);
            }
        }
        let digits = open("digits", Split::Test, "".as_ref(), &Default::default()).unwrap();
        let said = digits.trained_on();
        assert_eq!(&Normalisation::from(&said), digits.normalisation());
        assert_eq!(
            (said.data.as_str(), said.input, said.classes.concat().as_str()),
            ("digits", [1, 8, 8], "0123456789")
        );
        said.check(10).unwrap();
        let life = open("life", Split::Test, "".as_ref(), &Default::default()).unwrap().trained_on();
        assert!(life.classes.is_empty() && life.check(1).is_ok());
    }
}
