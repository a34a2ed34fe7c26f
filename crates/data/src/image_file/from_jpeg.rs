//! JPEG: strict where pixels are lacking, lenient where every viewer is.
//!
//! The decoder is strict, since otherwise it fills what a damaged file lacks with grey. Three things
//! that it would refuse cost no pixel and are put right first: bytes between the segments of the
//! header, a missing end marker, and zeros behind the data. Whether a file without an end is
//! complete is told by decoding it with two different continuations: what is complete looks at
//! neither. (Markers: ITU-T T.81, annex B.)

use std::{borrow::Cow, io::Cursor};

use zune_jpeg::{
    JpegDecoder,
    zune_core::{colorspace::ColorSpace, options::DecoderOptions},
};

use super::{Decoded, Image, too_large};

/// "End of image".
const END: [u8; 2] = [0xff, 0xd9];
/// What two files are continued with that should not look at it: bits that are 0, and bits that are 1
/// (of which no code consists), a byte 0xff being followed by 0.
const CONTINUATIONS: [[u8; 2]; 2] = [[0, 0], [0xff, 0]];
/// Rows below which a missing last row of blocks, the only one that the decoder does not notice, is
/// a large part of the image.
const LOW: usize = 64;

pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let bytes = &*without_rubbish(bytes);
    match end(bytes) {
        Some(at) => {
            let decoded = strict(bytes)?;
            if decoded.0.size[0] <= LOW {
                complete(&bytes[..at])?;
            }
            Ok(decoded)
        }
        None if is_progressive(bytes) => Err("it is cut short: a progressive image without an end".into()),
        None => complete(without_zeros(bytes)),
    }
}

/// Whether each scan refines all pixels, so that one that lacks its last scans looks complete.
fn is_progressive(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(segment) = next_segment(bytes, at).filter(|segment| segment.marker != 0xda) {
        if matches!(segment.marker, 0xc2 | 0xc6 | 0xca | 0xce) {
            return true;
        }
        at = segment.end;
    }
    false
}

fn strict(bytes: &[u8]) -> Result<Decoded, String> {
    let mut decoder = JpegDecoder::new(Cursor::new(bytes));
    decoder.decode_headers().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions().ok_or("it has no size")?;
    too_large(width, height, bytes.len())?;
    let (input, grey) = (decoder.input_colorspace(), ColorSpace::Luma);
    let (channels, space) = if input == Some(grey) { (1, grey) } else { (3, ColorSpace::RGB) };
    let mut decoder = JpegDecoder::new_with_options(
        Cursor::new(bytes),
        DecoderOptions::default().jpeg_set_out_colorspace(space).set_strict_mode(true),
    );
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions().ok_or("it has no size")?;
    Ok((Image { channels, size: [height, width], pixels }, decoder.exif().cloned()))
}

/// Decodes what has no end marker, if no pixel depends on what comes next.
fn complete(bytes: &[u8]) -> Result<Decoded, String> {
    let [one, other] = CONTINUATIONS.map(|pair| strict(&[bytes, &pair.repeat(32), END.as_slice()].concat()));
    match (one, other) {
        (Ok(one), Ok(other)) if one == other => Ok(one),
        (Err(error), _) => Err(format!("it is cut short: {error}")),
        _ => Err("it is cut short: some of its pixels are missing".into()),
    }
}

/// The file without bytes that stand between segments of its header.
fn without_rubbish(bytes: &[u8]) -> Cow<'_, [u8]> {
    let (mut parts, mut at, mut skipped) = (vec![&bytes[..2.min(bytes.len())]], 2, false);
    while let Some(segment) = next_segment(bytes, at) {
        skipped |= segment.start != at;
        at = segment.end;
        if segment.marker == 0xda || segment.marker == END[1] {
            at = segment.start;
            break;
        }
        parts.push(&bytes[segment.start..segment.end]);
    }
    match skipped {
        true => {
            parts.push(bytes.get(at..).unwrap_or_default());
            Cow::Owned(parts.concat())
        }
        false => Cow::Borrowed(bytes),
    }
}

struct Segment {
    marker: u8,
    start: usize,
    end: usize,
}

/// The first segment from a position on, or the end marker.
fn next_segment(bytes: &[u8], from: usize) -> Option<Segment> {
    let mut start = from;
    loop {
        start += bytes.get(start..)?.iter().position(|byte| *byte == 0xff)?;
        let marker = *bytes.get(start + 1)?;
        match marker {
            // Alone: the end, which is one, and those that have no place here.
            0xd9 => return Some(Segment { marker, start, end: start + 2 }),
            0xc0..=0xcf | 0xda..=0xfe => {
                let length = usize::from(*bytes.get(start + 2)?) << 8 | usize::from(*bytes.get(start + 3)?);
                let end = start + 2 + length;
                return (length >= 2 && end <= bytes.len()).then_some(Segment { marker, start, end });
            }
            _ => start += 1,
        }
    }
}

/// Where the end marker stands that belongs to the image, not to one within its metadata.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        let segment = next_segment(bytes, at)?;
        if segment.marker == END[1] {
            return Some(segment.start);
        }
        // Behind the header of a scan come its data, in which no byte 0xff is a marker of those.
        at = segment.end;
    }
}

/// The file without the zeros that some downloads and disks end with.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    // A zero behind 0xff belongs to it.
    let stuffed = usize::from(bytes[..length].ends_with(&[0xff]));
    if bytes.len() - length > 16 { &bytes[..length + stuffed] } else { bytes }
}
