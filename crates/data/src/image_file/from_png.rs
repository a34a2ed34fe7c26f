//! PNG.

use std::io::Cursor;

use super::{Decoded, Image, too_large};

/// Palettes are looked up, 16 bits become their upper 8, and transparency is ignored.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
    let (width, height) = reader.info().size();
    too_large(width as usize, height as usize, bytes.len())?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("it is too large")?];
    let info = reader.next_frame(&mut pixels).map_err(|error| error.to_string())?;
    pixels.truncate(info.buffer_size());
    // Metadata may stand behind the pixels; what is wrong there costs none of them.
    let _ = reader.finish();
    let exif = reader.info().exif_metadata.as_ref().map(|exif| exif.to_vec());
    let size = [info.height as usize, info.width as usize];
    Ok((Image::of_samples(pixels, info.color_type.samples(), size), exif))
}
