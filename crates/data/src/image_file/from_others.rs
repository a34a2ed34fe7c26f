//! WebP, BMP, TIFF and GIF, by the crate `image`.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{Decoded, Image, PIXELS, orientation::Orientation, too_large};

/// Of several frames or pages the first is taken. 16 bits become their upper 8, as in a PNG.
pub(super) fn decode(bytes: &[u8], format: ImageFormat) -> Result<Decoded, String> {
    let said = |error: image::ImageError| error.to_string().replace('\n', " ");
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // Four channels of 16 bits, beside what the decoder needs itself.
    limits.max_alloc = Some(16 * PIXELS as u64);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(said)?;
    let (width, height) = decoder.dimensions();
    too_large(width as usize, height as usize)?;
    let orientation = decoder.orientation().ok();
    let exif = decoder.exif_metadata().ok().flatten();
    let image = DynamicImage::from_decoder(decoder).map_err(said)?;
    let size = [height as usize, width as usize];
    let (pixels, samples) = match image {
        DynamicImage::ImageLuma8(image) => (image.into_raw(), 1),
        DynamicImage::ImageLumaA8(image) => (image.into_raw(), 2),
        DynamicImage::ImageRgb8(image) => (image.into_raw(), 3),
        DynamicImage::ImageRgba8(image) => (image.into_raw(), 4),
        DynamicImage::ImageLuma16(image) => (upper(&image.into_raw()), 1),
        DynamicImage::ImageLumaA16(image) => (upper(&image.into_raw()), 2),
        DynamicImage::ImageRgb16(image) => (upper(&image.into_raw()), 3),
        DynamicImage::ImageRgba16(image) => (upper(&image.into_raw()), 4),
        other => (other.into_rgb8().into_raw(), 3),
    };
    let image = Image::of_samples(pixels, samples, size);
    // TIFF says it beside the pixels, WebP in an EXIF chunk, which the caller reads.
    let image = match (format, orientation) {
        (ImageFormat::Tiff, Some(found)) => Orientation::from_tag(found.to_exif()).upright(image),
        _ => image,
    };
    Ok((image, exif.filter(|_| format != ImageFormat::Tiff)))
}

fn upper(values: &[u16]) -> Vec<u8> {
    values.iter().map(|value| (value >> 8) as u8).collect()
}
