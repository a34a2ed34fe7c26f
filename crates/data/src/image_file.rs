//! One image file.

mod from_jpeg;
mod from_others;
mod from_png;
mod orientation;
mod tiff_claims;
mod view;

use std::path::Path;

use image::ImageFormat;
use sapwood_core::ImageFit;

use self::orientation::Orientation;
pub(crate) use self::view::{View, is_same};
use crate::{Error, kind::kind};

/// What can be read, for messages.
pub(crate) const FORMATS: &str = "PNG, JPEG, WebP, BMP, TIFF and GIF";
/// By what their names end, without case.
pub(crate) const EXTENSIONS: &[&str] =
    &["png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "tif", "tiff", "gif"];
/// The decoders and the resampling, as a number that is raised with every change of what they give.
pub(crate) const VERSION: u64 = 2;
/// The pixels of the largest image.
const PIXELS: usize = 1 << 28;
/// The pixels that a file of any length may claim, and those for each of its bytes: as many as the shortest PNG has, of
/// one bit each (deflate makes 1032 bytes of one).
const OF_ANY: usize = 1 << 22;
const OF_A_BYTE: usize = 8256;

/// A decoded image, upright.
///
/// # Shapes
/// `pixels`: `[H, W, C]`, with `channels` (C) 1 or 3 and `size` `[H, W]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Image {
    pub(crate) channels: usize,
    pub(crate) size: [usize; 2],
    pub(crate) pixels: Vec<u8>,
}

/// An image as it is stored, and the EXIF metadata beside it.
type Decoded = (Image, Option<Vec<u8>>);

/// Reads one image as a network input of this shape, before normalisation:
/// [`crate::Normalisation::apply`] comes next.
///
/// PNG, JPEG, WebP, BMP, TIFF and GIF are told by their content, whatever the file is called; of
/// several frames or pages the first is read. The image is turned upright as its EXIF metadata say.
/// Colour becomes grey by the weights of ITU-R BT.601, grey becomes colour by
/// repetition, transparency is ignored. An image of another size is cropped to
/// the largest part in its middle that has the right aspect ratio, and resized.
///
/// # Shapes
/// `[C, H, W]` with `C` 1 or 3, values in [0, 1].
///
/// # Errors
/// [`Error::Option`] for a shape that no image is made into; a file that cannot be read; [`Error::Format`] for one that
/// is no such image, damaged, or too large.
pub fn read_image(path: &Path, shape: [usize; 3]) -> Result<Vec<f32>, Error> {
    read_image_as(path, shape, &ImageFit::default())
}

/// [`read_image`], with another part of the image, another way to resize it, or another order of colours.
///
/// # Errors
/// Those of [`read_image`]; a fit that [`ImageFit::check`] refuses; [`Error::Format`] too where the resized image is
/// smaller than what is cut out of it.
pub fn read_image_as(path: &Path, shape: [usize; 3], fit: &ImageFit) -> Result<Vec<f32>, Error> {
    check_shape(shape)?;
    fit.check()?;
    let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
    let image = decode(&bytes).and_then(|image| image.viewed(shape, fit));
    image.map_err(|problem| Error::Format { what: "image", problem, path: path.to_path_buf(), source: None })
}

/// Values of an image beyond which a shape is a slip: 8192 by 8192 grey pixels.
const LARGEST: usize = 1 << 26;

/// Refuses what no image is made into.
pub(crate) fn check_shape(shape: [usize; 3]) -> Result<(), Error> {
    let size = shape.iter().try_fold(1usize, |size, side| size.checked_mul(*side));
    match (shape[0], size) {
        (1 | 3, Some(1..=LARGEST)) => Ok(()),
        _ => {
            let expected = "[C, H, W] with C = 1 or 3, nothing zero, and at most 67,108,864 values";
            Err(Error::Option { option: "the shape of an image", found: format!("{shape:?}"), expected })
        }
    }
}

/// The image that a file holds.
pub(crate) fn decode(bytes: &[u8]) -> Result<Image, String> {
    let (image, exif) = match bytes {
        [0x89, b'P', b'N', b'G', ..] => from_png::decode(bytes),
        [0xff, 0xd8, ..] => from_jpeg::decode(bytes),
        [b'G', b'I', b'F', b'8', ..] => from_others::decode(bytes, ImageFormat::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            from_others::decode(bytes, ImageFormat::WebP)
        }
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => {
            from_others::decode(bytes, ImageFormat::Tiff)
        }
        [b'B', b'M', ..] => from_others::decode(bytes, ImageFormat::Bmp),
        _ => {
            let found = kind(bytes).map_or("something else".into(), String::from);
            Err(format!("expected {FORMATS}, found {found}"))
        }
    }?;
    if image.size.contains(&0) {
        return Err(format!("its size is {}x{}: expected a pixel at least", image.size[1], image.size[0]));
    }
    Ok(match exif {
        Some(exif) => Orientation::of_exif(&exif).upright(image),
        None => image,
    })
}

/// The most pixels of an image in a file of this many bytes: what a few bytes can claim has to end somewhere.
fn most_pixels(file: usize) -> usize {
    file.saturating_mul(OF_A_BYTE).clamp(OF_ANY, PIXELS)
}

/// Refuses what is larger than any photograph, or than a file of this many bytes can be, before there is memory for it.
fn too_large(width: usize, height: usize, file: usize) -> Result<(), String> {
    let most = most_pixels(file);
    match width.checked_mul(height) {
        Some(pixels) if pixels <= most => Ok(()),
        _ => Err(format!("its size is {width}x{height}: expected {most} pixels at most in {file} bytes")),
    }
}

impl Image {
    /// Of grey, grey and alpha, RGB, or RGBA.
    fn of_samples(mut pixels: Vec<u8>, samples: usize, size: [usize; 2]) -> Self {
        let channels = if samples < 3 { 1 } else { 3 };
        if samples != channels {
            for pixel in 0..pixels.len() / samples {
                pixels.copy_within(pixel * samples..pixel * samples + channels, pixel * channels);
            }
            pixels.truncate(size[0] * size[1] * channels);
        }
        Self { channels, size, pixels }
    }

    /// Its shape, `[C, H, W]`.
    pub(crate) fn shape(&self) -> [usize; 3] {
        [self.channels, self.size[0], self.size[1]]
    }

    /// The image as grey (one channel) or colour (three).
    pub(crate) fn with_channels(self, channels: usize) -> Self {
        let pixels = match (self.channels, channels) {
            (1, 3) => self.pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
            (3, 1) => {
                // Pillow's weights, of 16 bits behind the point.
                let grey = |[r, g, b]: &[u8; 3]| {
                    let [r, g, b] = [r, g, b].map(|byte| u32::from(*byte));
                    ((19_595 * r + 38_470 * g + 7_471 * b + 0x8000) >> 16) as u8
                };
                self.pixels.as_chunks().0.iter().map(grey).collect()
            }
            _ => self.pixels,
        };
        Self { channels, pixels, ..self }
    }

    /// The values as `[C, H, W]`.
    pub(crate) fn planes(&self) -> Vec<u8> {
        let plane = |channel: usize| self.pixels.iter().skip(channel).step_by(self.channels).copied();
        (0..self.channels).flat_map(plane).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests;
