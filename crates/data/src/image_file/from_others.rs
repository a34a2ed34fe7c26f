//! WebP, BMP, TIFF and GIF, by the crate `image`.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{Decoded, Image, most_pixels, orientation::Orientation, tiff_claims, too_large};

/// Of several frames or pages the first is taken. 16 bits become their upper 8, as in a PNG.
pub(super) fn decode(bytes: &[u8], format: ImageFormat) -> Result<Decoded, String> {
    let said = |error: image::ImageError| error.to_string().replace('\n', " ");
    if format == ImageFormat::Tiff {
        tiff_claims::check(bytes)?;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // Four channels of 16 bits, beside what the decoder needs itself; of a GIF four of 8 bits, whose first frame may claim
    // more than its canvas.
    let of_pixel = if format == ImageFormat::Gif { 8 } else { 16 };
    limits.max_alloc = Some(of_pixel * most_pixels(bytes.len()) as u64);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(said)?;
    let (width, height) = decoder.dimensions();
    too_large(width as usize, height as usize, bytes.len())?;
    let whole = format != ImageFormat::WebP || {
        let (chunks, whole) = riff_chunks(bytes);
        chunks
            .iter()
            .filter_map(webp_size)
            .try_for_each(|[width, height]| too_large(width, height, bytes.len()))?;
        whole
    };
    let (mut orientation, mut exif) = (None, None);
    match format {
        ImageFormat::Tiff => orientation = decoder.orientation().ok(),
        // There would be memory for what a chunk claims before it is known to be there.
        _ if !whole => {}
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

/// A name and what lies behind it.
type Chunk<'a> = ([u8; 4], &'a [u8]);

/// What a RIFF file consists of, also the frames of an animation, and whether all that it says is there.
pub(super) fn riff_chunks(bytes: &[u8]) -> (Vec<Chunk<'_>>, bool) {
    let (mut chunks, mut rest) = (Vec::new(), bytes.get(12..).unwrap_or_default());
    while let Some(([a, b, c, d, length @ ..], behind)) = rest.split_first_chunk::<8>() {
        let (name, length) = ([*a, *b, *c, *d], u32::from_le_bytes(*length) as usize);
        if &name == b"ANMF" {
            // Frames stand in chunks of their own behind 16 bytes.
            rest = behind.get(16..).unwrap_or_default();
            continue;
        }
        chunks.push((name, behind.get(..length).unwrap_or(behind)));
        match behind.get(length..) {
            // A chunk of odd length has a byte behind it, which the last one may lack.
            Some(after) => rest = after.get(length % 2..).unwrap_or_default(),
            None => return (chunks, false),
        }
    }
    (chunks, true)
}

/// The size of a WebP image by its own header, for which the decoder makes room whatever the file says before it.
fn webp_size((name, content): &Chunk<'_>) -> Option<[usize; 2]> {
    match (name, *content) {
        (b"VP8 ", [_, _, _, _, _, _, a, b, c, d, ..]) => {
            Some([[a, b], [c, d]].map(|[low, high]| usize::from(u16::from_le_bytes([*low, *high]) & 0x3fff)))
        }
        (b"VP8L", [_, a, b, c, d, ..]) => {
            let both = u32::from_le_bytes([*a, *b, *c, *d]);
            Some([both, both >> 14].map(|side| (side & 0x3fff) as usize + 1))
        }
        _ => None,
    }
}

fn upper(values: &[u16]) -> Vec<u8> {
    values.iter().map(|value| (value >> 8) as u8).collect()
}
