//! From an image file to a network's input.

mod formula;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// What is done with an image before a network sees it: it gets the size of the input, its channels an order,
/// and each stored value `x`, from 0 to 255, becomes `(x / scale - mean) / std`.
///
/// It is written as words with commas between them: a formula, and what differs from the default of
/// the rest.
///
/// ```
/// use sapwood_graph::{Fit, Filter, Preprocess};
///
/// let lite: Preprocess = "(x-127)/128, crop 0.875, bicubic".parse().unwrap();
/// assert_eq!((lite.image.fit, lite.image.interpolation), (Fit::Crop(0.875), Filter::Bicubic));
/// let torchvision: Preprocess = "imagenet".parse().unwrap();
/// assert_eq!(torchvision.to_string(), "(x/255-[0.485,0.456,0.406])/[0.229,0.224,0.225], crop 0.875");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Preprocess {
    /// The stored value that stands for 1.
    pub scale: f64,
    /// The mean of each channel in the order of the input, of values in [0, 1], or one for all.
    pub mean: Vec<f64>,
    /// The standard deviation of each channel, or one for all.
    pub std: Vec<f64>,
    /// How the image gets size and order.
    pub image: ImageFit,
}

/// How an image gets the size of an input, and its channels their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageFit {
    /// What is cut off, and when.
    pub fit: Fit,
    /// How pixels in between are made.
    pub interpolation: Filter,
    /// The order of the channels.
    pub order: Order,
}

/// What of an image is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The largest part in the middle with the input's aspect ratio.
    #[default]
    Cover,
    /// The shorter side gets this number of pixels, then the middle is cut out: torchvision's `Resize` and
    /// `CenterCrop`.
    Resize(usize),
    /// The input is this fraction of the resized image, of which the middle is cut out: timm's `crop_pct`.
    Crop(f64),
    /// All of it, whatever its aspect ratio.
    Stretch,
}

/// How an image is made larger or smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// The nearest pixel.
    Nearest,
    /// A triangle.
    #[default]
    Bilinear,
    /// Cubic convolution with `a = -0.5` (Keys 1981).
    Bicubic,
    /// A windowed sinc of three lobes.
    Lanczos,
}

/// In which order an input has its colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// The constants of ImageNet.
const IMAGENET: [[f64; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
/// What can be written beside a formula, for messages.
const WORDS: &str = "imagenet, cover, resize N, crop F, stretch, nearest, bilinear, bicubic, lanczos, rgb, bgr, or a formula in x";

impl Preprocess {
    /// Mean and standard deviation for each of these channels.
    ///
    /// # Errors
    /// [`Error::Preprocess`] where there are constants for another number of channels.
    pub fn constants(&self, channels: usize) -> Result<Vec<(f64, f64)>, Error> {
        let each = |values: &[f64]| match values {
            [one] => Ok(vec![*one; channels]),
            values if values.len() == channels => Ok(values.to_vec()),
            values => Err(wrong(format!(
                "it has constants for {} channels, and the input has {channels}",
                values.len()
            ))),
        };
        Ok(each(&self.mean)?.into_iter().zip(each(&self.std)?).collect())
    }

    /// Refuses constants that no input can be made with.
    ///
    /// # Errors
    /// [`Error::Preprocess`].
    pub fn check(self) -> Result<Self, Error> {
        let positive = |value: &f64| value.is_finite() && 0.0 < *value;
        if !positive(&self.scale) || !self.std.iter().all(positive) {
            return Err(wrong("its scale and deviations have to be above 0".into()));
        }
        if !self.mean.iter().all(|mean| mean.is_finite()) {
            return Err(wrong("a mean is not finite".into()));
        }
        self.image.check()?;
        Ok(self)
    }
}

impl ImageFit {
    /// Refuses what leaves nothing of an image, or would need more than there is.
    ///
    /// # Errors
    /// [`Error::Preprocess`].
    pub fn check(&self) -> Result<(), Error> {
        match self.fit {
            Fit::Resize(0) => Err(wrong("an image cannot be resized to 0 pixels".into())),
            Fit::Resize(n) if MOST < n => {
                Err(wrong(format!("{n} pixels are too many: expected {MOST} at most")))
            }
            Fit::Crop(f) if !(0.05..=1.0).contains(&f) => {
                Err(wrong(format!("the fraction of a crop is {f}: expected 0.05 to 1")))
            }
            _ => Ok(()),
        }
    }
}

/// The most pixels of a side.
const MOST: usize = 1 << 14;

impl FromStr for Preprocess {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (mut fit, mut filter, mut order) = (None, None, None);
        let mut constants: Option<[Vec<f64>; 2]> = None;
        let mut is_imagenet = false;
        for word in words(text) {
            let mut parts = word.split_whitespace();
            let (name, value, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
            let number = || {
                let found = value.filter(|_| rest.is_none());
                found.ok_or_else(|| wrong(format!("`{word}` needs one number: expected as in `crop 0.875`")))
            };
            let of = |error: &dyn fmt::Display| wrong(format!("`{word}`: {error}"));
            match (name, value) {
                ("imagenet", None) => {
                    is_imagenet = true;
                    put(&mut constants, IMAGENET.map(Vec::from), "formula", word)
                }
                ("cover", None) => put(&mut fit, Fit::Cover, "fit", word),
                ("stretch", None) => put(&mut fit, Fit::Stretch, "fit", word),
                ("resize", _) => {
                    let pixels = number()?.parse::<usize>().map_err(|error| of(&error))?;
                    put(&mut fit, Fit::Resize(pixels), "fit", word)
                }
                ("crop", _) => {
                    let fraction = number()?.parse::<f64>().map_err(|error| of(&error))?;
                    put(&mut fit, Fit::Crop(fraction), "fit", word)
                }
                ("nearest", None) => put(&mut filter, Filter::Nearest, "filter", word),
                ("bilinear", None) => put(&mut filter, Filter::Bilinear, "filter", word),
                ("bicubic", None) => put(&mut filter, Filter::Bicubic, "filter", word),
                ("lanczos", None) => put(&mut filter, Filter::Lanczos, "filter", word),
                ("rgb", None) => put(&mut order, Order::Rgb, "order", word),
                ("bgr", None) => put(&mut order, Order::Bgr, "order", word),
                (
                    "imagenet" | "cover" | "stretch" | "nearest" | "bilinear" | "bicubic" | "lanczos" | "rgb"
                    | "bgr",
                    Some(_),
                ) => Err(wrong(format!("`{word}`: expected a comma behind `{name}`"))),
                _ if word.contains('x') => {
                    let given =
                        formula::constants(word).map_err(|problem| wrong(format!("`{word}` {problem}")))?;
                    put(&mut constants, given, "formula", word)
                }
                _ => Err(wrong(format!("`{word}` is not known: expected {WORDS}"))),
            }?;
        }
        let Some([mean, std]) = constants else {
            return Err(wrong(
                "there is no formula: expected `imagenet`, or one as in `x/255` or `(x-127)/128`".into(),
            ));
        };
        let usual = if is_imagenet { Fit::Crop(0.875) } else { Fit::default() };
        let image = ImageFit {
            fit: fit.unwrap_or(usual),
            interpolation: filter.unwrap_or_default(),
            order: order.unwrap_or_default(),
        };
        Self { scale: 255.0, mean, std, image }.check()
    }
}

/// Takes what a word says, if no other word has said it.
fn put<T>(place: &mut Option<T>, value: T, what: &str, word: &str) -> Result<(), Error> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(wrong(format!("`{word}` is a second {what}: leave one out"))),
    }
}

/// What stands between commas that are in no list.
fn words(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let parts = text.split(|c: char| {
        depth += match c {
            '[' => 1,
            ']' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|word| !word.is_empty()).collect()
}

impl fmt::Display for Preprocess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &[f64]| match values {
            [one] => one.to_string(),
            values => format!("[{}]", values.iter().map(f64::to_string).collect::<Vec<_>>().join(",")),
        };
        match (self.mean.as_slice(), self.std.as_slice()) {
            ([0.0], [1.0]) => write!(f, "x/{}", self.scale),
            (mean, std) => write!(f, "(x/{}-{})/{}", self.scale, list(mean), list(std)),
        }?;
        let ImageFit { fit, interpolation, order } = self.image;
        match fit {
            Fit::Cover => Ok(()),
            Fit::Resize(n) => write!(f, ", resize {n}"),
            Fit::Crop(fraction) => write!(f, ", crop {fraction}"),
            Fit::Stretch => f.write_str(", stretch"),
        }?;
        f.write_str(match interpolation {
            Filter::Nearest => ", nearest",
            Filter::Bilinear => "",
            Filter::Bicubic => ", bicubic",
            Filter::Lanczos => ", lanczos",
        })?;
        f.write_str(if order == Order::Bgr { ", bgr" } else { "" })
    }
}

impl TryFrom<String> for Preprocess {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Preprocess> for String {
    fn from(preprocess: Preprocess) -> Self {
        preprocess.to_string()
    }
}

pub(crate) fn wrong(problem: String) -> Error {
    Error::Preprocess(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        for (text, expected) in [
            ("imagenet", "(x/255-[0.485,0.456,0.406])/[0.229,0.224,0.225], crop 0.875"),
            (
                "imagenet, resize 232, bicubic",
                "(x/255-[0.485,0.456,0.406])/[0.229,0.224,0.225], resize 232, bicubic",
            ),
            ("resize 232, imagenet", "(x/255-[0.485,0.456,0.406])/[0.229,0.224,0.225], resize 232"),
            ("imagenet, cover", "(x/255-[0.485,0.456,0.406])/[0.229,0.224,0.225]"),
            ("x/255", "x/255"),
            ("x / 255, cover", "x/255"),
            ("(x/255-0.5)/0.5, bgr, stretch, nearest", "(x/255-0.5)/0.5, stretch, nearest, bgr"),
            ("(x/255-[0.5,0.5,0.5])/0.5", "(x/255-[0.5,0.5,0.5])/[0.5,0.5,0.5]"),
        ] {
            let read: Preprocess = text.parse().unwrap();
            assert_eq!(read.to_string(), expected);
            assert_eq!(read.to_string().parse::<Preprocess>().unwrap(), read);
            let json = serde_json::to_string(&read).unwrap();
            assert_eq!(serde_json::from_str::<Preprocess>(&json).unwrap(), read);
        }
        let lite: Preprocess = "(x-127)/128".parse().unwrap();
        assert_eq!(lite.to_string().parse::<Preprocess>().unwrap(), lite);
        let [(mean, std)] = lite.constants(1).unwrap()[..] else { panic!() };
        assert!((mean * 255.0 - 127.0).abs() < 1e-9 && (std * 255.0 - 128.0).abs() < 1e-9);
        assert_eq!(lite.constants(3).unwrap().len(), 3);
    }

    #[test]
    fn what_cannot_be_meant_is_one_line() {
        for (text, expected) in [
            ("", "there is no formula"),
            ("bicubic", "there is no formula"),
            ("imagenet, x/255", "`x/255` is a second formula"),
            ("imagenet bicubic", "`imagenet bicubic`: expected a comma behind `imagenet`"),
            ("x/255, bicubic resize 256", "expected a comma behind `bicubic`"),
            ("x/255, crop 0.9, resize 256", "`resize 256` is a second fit"),
            ("x/255, bicubic, nearest", "`nearest` is a second filter"),
            ("x/255, rgb, bgr", "`bgr` is a second order"),
            ("cubic", "`cubic` is not known: expected imagenet, cover"),
            ("x/255, crop", "`crop` needs one number"),
            ("x/255, crop 2", "the fraction of a crop is 2: expected 0.05 to 1"),
            ("x/255, resize 0", "resized to 0 pixels"),
            ("x/255, resize 1.5", "`resize 1.5`: "),
            ("x*x", "`x*x` multiplies x by x"),
            ("-x", "above 0"),
            ("x/0", "divides by 0"),
            ("(x-1", "ends too early"),
            ("x-[1,2]/[1,2,3]", "lists of 2 and of 3"),
        ] {
            let error = text.parse::<Preprocess>().unwrap_err().to_string();
            assert!(error.starts_with("preprocessing: ") && error.contains(expected), "{text}: {error}");
        }
        let three: Preprocess = "imagenet".parse().unwrap();
        assert!(three.constants(1).unwrap_err().to_string().contains("constants for 3 channels"));
    }
}
