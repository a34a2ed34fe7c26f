//! One PNG or JPEG file.

use std::{
    io::{BufRead, Cursor, Seek},
    path::Path,
};

use zune_jpeg::{
    JpegDecoder,
    zune_core::{colorspace::ColorSpace, options::DecoderOptions},
};

use crate::{
    Error,
    resample::{Region, resample},
};

/// A decoded image, `[C, H, W]` with one or three channels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Image {
    pub(crate) shape: [usize; 3],
    pub(crate) values: Vec<u8>,
}

/// Reads one image as a network input of this shape, before normalisation:
/// [`crate::Normalisation::apply`] comes next.
///
/// Colour becomes grey by the weights of ITU-R BT.601, grey becomes colour by
/// repetition, transparency is ignored. An image of another size is cropped to
/// the largest part in its middle that has the right aspect ratio, and resized.
///
/// # Shapes
/// `[C, H, W]` with `C` 1 or 3, values in [0, 1].
pub fn read_image(path: &Path, shape: [usize; 3]) -> Result<Vec<f32>, Error> {
    let [channels, height, width] = shape;
    if !matches!(channels, 1 | 3) || height == 0 || width == 0 {
        let expected = "[C, H, W] with C = 1 or 3 and nothing zero";
        return Err(Error::Option { option: "the shape of an image", found: format!("{shape:?}"), expected });
    }
    let image = read(path)?.with_channels(channels);
    let values: Vec<f32> = image.values.iter().map(|byte| f32::from(*byte) / 255.0).collect();
    let [_, h, w] = image.shape;
    Ok(match [h, w] == [height, width] {
        true => values,
        false => resample(&values, image.shape, Region::centre([h, w], [height, width]), [height, width]),
    })
}

/// Reads an image as it is.
pub(crate) fn read(path: &Path) -> Result<Image, Error> {
    let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
    let image = match bytes.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => png(Cursor::new(&bytes)),
        [0xff, 0xd8, ..] => jpeg(&bytes),
        _ => Err("it begins neither as PNG nor as JPEG".into()),
    };
    image.map_err(|problem| Error::Format { what: "image", problem, path: path.to_path_buf() })
}

fn png<R: BufRead + Seek>(bytes: R) -> Result<Image, String> {
    let mut decoder = png::Decoder::new(bytes);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("it is too large")?];
    let info = reader.next_frame(&mut pixels).map_err(|error| error.to_string())?;
    pixels.truncate(info.buffer_size());
    let size = [info.height as usize, info.width as usize];
    Ok(planar(&pixels, info.color_type.samples(), size))
}

fn jpeg(bytes: &[u8]) -> Result<Image, String> {
    let mut decoder = JpegDecoder::new(Cursor::new(bytes));
    decoder.decode_headers().map_err(|error| error.to_string())?;
    let (input, grey) = (decoder.input_colorspace(), ColorSpace::Luma);
    let (channels, space) = if input == Some(grey) { (1, grey) } else { (3, ColorSpace::RGB) };
    let mut decoder = JpegDecoder::new_with_options(
        Cursor::new(bytes),
        DecoderOptions::default().jpeg_set_out_colorspace(space).set_strict_mode(true),
    );
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions().ok_or("it has no size")?;
    Ok(planar(&pixels, channels, [height, width]))
}

/// Interleaved samples (grey, grey and alpha, RGB, or RGBA) as channels.
fn planar(pixels: &[u8], samples: usize, [height, width]: [usize; 2]) -> Image {
    let channels = if samples < 3 { 1 } else { 3 };
    let plane = |channel: usize| pixels.iter().skip(channel).step_by(samples).copied();
    Image { shape: [channels, height, width], values: (0..channels).flat_map(plane).collect() }
}

impl Image {
    /// The image as grey (one channel) or colour (three).
    pub(crate) fn with_channels(self, channels: usize) -> Self {
        let [found, height, width] = self.shape;
        let values = match (found, channels) {
            (1, 3) => self.values.repeat(3),
            (3, 1) => {
                let (red, rest) = self.values.split_at(height * width);
                let (green, blue) = rest.split_at(height * width);
                let grey = |((r, g), b): ((&u8, &u8), &u8)| {
                    ((299 * u32::from(*r) + 587 * u32::from(*g) + 114 * u32::from(*b) + 500) / 1000) as u8
                };
                red.iter().zip(green).zip(blue).map(grey).collect()
            }
            _ => self.values,
        };
        Self { shape: [channels, height, width], values }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A PNG file of interleaved samples.
    pub(crate) fn png_bytes(color: png::ColorType, [height, width]: [u32; 2], pixels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        bytes
    }

    /// An 8x8 grey JPEG, all 200: tables with one code each and a single block.
    fn jpeg_bytes() -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
        bytes.extend([1; 64]);
        bytes.extend([0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
        // DC: the code 0 means ten more bits. AC: the code 0 means end of block.
        for (class, symbol) in [(0x00, 10), (0x10, 0)] {
            bytes.extend([0xff, 0xc4, 0, 20, class, 1]);
            bytes.extend([0; 15]);
            bytes.push(symbol);
        }
        bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
        // 0, then 576 = (200 - 128) * 8 in ten bits, then 0, filled up with ones.
        bytes.extend([0b0100_1000, 0b0000_1111, 0xff, 0xd9]);
        bytes
    }

    fn check(bytes: &[u8], shape: [usize; 3], expected: &[f32]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        std::fs::write(&path, bytes).unwrap();
        let found: Vec<f32> = read_image(&path, shape).unwrap().iter().map(|x| x * 255.0).collect();
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 0.51, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn grey_and_colour_are_converted_and_sizes_fitted() {
        let colour = png_bytes(png::ColorType::Rgb, [1, 2], &[255, 0, 0, 10, 20, 30]);
        check(&colour, [3, 1, 2], &[255.0, 10.0, 0.0, 20.0, 0.0, 30.0]);
        check(&colour, [1, 1, 2], &[76.0, 18.0]);
        let alpha = png_bytes(png::ColorType::Rgba, [1, 1], &[1, 2, 3, 0]);
        check(&alpha, [3, 1, 1], &[1.0, 2.0, 3.0]);
        let grey = png_bytes(png::ColorType::Grayscale, [2, 4], &[0, 1, 2, 3, 4, 5, 6, 7]);
        check(&grey, [3, 2, 2], &[1.0, 2.0, 5.0, 6.0, 1.0, 2.0, 5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
        check(&jpeg_bytes(), [1, 8, 8], &[200.0; 64]);
        check(&jpeg_bytes(), [3, 2, 2], &[200.0; 12]);
    }

    #[test]
    fn a_damaged_image_is_an_error_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.png");
        let bytes = png_bytes(png::ColorType::Grayscale, [2, 4], &[0; 8]);
        for end in 0..bytes.len() - 12 {
            std::fs::write(&path, &bytes[..end]).unwrap();
            let error = read_image(&path, [1, 2, 4]).unwrap_err().to_string();
            assert!(error.starts_with("not a usable image") && !error.contains('\n'), "{end}: {error}");
        }
        let jpeg = jpeg_bytes();
        for end in 0..jpeg.len() - 5 {
            std::fs::write(&path, &jpeg[..end]).unwrap();
            assert!(read_image(&path, [1, 8, 8]).is_err(), "{end}");
        }
        assert!(read_image(&path, [2, 8, 8]).unwrap_err().to_string().contains("C = 1 or 3"));
    }
}
