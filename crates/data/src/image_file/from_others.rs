//! WebP, BMP, TIFF and GIF, by the crate `image`.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{Decoded, Image, most_pixels, orientation::Orientation, too_large};

/// Of several frames or pages the first is taken. 16 bits become their upper 8, as in a PNG.
pub(super) fn decode(bytes: &[u8], format: ImageFormat) -> Result<Decoded, String> {
    let said = |error: image::ImageError| error.to_string().replace('\n', " ");
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // Four channels of 16 bits, beside what the decoder needs itself.
    limits.max_alloc = Some(16 * most_pixels(bytes.len()) as u64);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(said)?;
    let (width, height) = decoder.dimensions();
    too_large(width as usize, height as usize, bytes.len())?;
    let (mut orientation, mut exif) = (None, None);
    match format {
        ImageFormat::Tiff => orientation = decoder.orientation().ok(),
        // There would be memory for what a chunk claims before it is known to be there.
        ImageFormat::WebP if !has_whole_chunks(bytes) => {}
        _ => exif = decoder.exif_metadata().ok().flatten(),
    }
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
    let image = match orientation {
        Some(found) => Orientation::from_tag(found.to_exif()).upright(image),
        _ => image,
    };
    Ok((image, exif))
}

/// Whether all that a RIFF file says it consists of is there.
pub(super) fn has_whole_chunks(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some(([_, _, _, _, length @ ..], behind)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes(*length) as usize;
        // A chunk of odd length has a byte behind it, which the last one may lack.
        match behind.get(length..) {
            Some(after) => rest = after.get(length % 2..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

fn upper(values: &[u16]) -> Vec<u8> {
    values.iter().map(|value| (value >> 8) as u8).collect()
}
