//! Images of every format, and of none.

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
    // Greys of Pillow's that a weighting in thousandths does not have.
    let greys = [0, 0, 250, 128, 98, 243, 169, 79, 14, 255, 243, 251];
    check(&png_bytes(png::ColorType::Rgb, [1, 4], &greys), [1, 1, 4], &[28.0, 123.0, 98.0, 247.0]);
    let alpha = png_bytes(png::ColorType::Rgba, [1, 1], &[1, 2, 3, 0]);
    check(&alpha, [3, 1, 1], &[1.0, 2.0, 3.0]);
    let grey = png_bytes(png::ColorType::Grayscale, [2, 4], &[0, 1, 2, 3, 4, 5, 6, 7]);
    check(&grey, [3, 2, 2], &[1.0, 2.0, 5.0, 6.0, 1.0, 2.0, 5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
    check(&jpeg_bytes(), [1, 8, 8], &[200.0; 64]);
    check(&jpeg_bytes(), [3, 2, 2], &[200.0; 12]);
}

/// Found by spoiling files: there was memory for what a few bytes claim, before they were looked at.
#[test]
fn a_file_of_few_bytes_cannot_claim_many_pixels_or_a_long_chunk() {
    assert!(too_large(4000, 3000, 1500).is_ok() && too_large(1 << 14, (1 << 14) + 1, 1 << 30).is_err());
    let mut bytes = jpeg_bytes();
    let sizes = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap() + 5;
    bytes[sizes..sizes + 4].copy_from_slice(&[0x40, 0, 0x40, 0]);
    let refused = decode(&bytes).unwrap_err();
    assert!(refused.starts_with("its size is 16384x16384: expected 4194304 pixels at most in"), "{refused}");

    let chunk = |length: u32| [b"RIFF\x14\0\0\0WEBPEXIF".as_slice(), &length.to_le_bytes(), b"MM*"].concat();
    assert!(from_others::riff_chunks(&chunk(3)).1 && !from_others::riff_chunks(&chunk(0x7fff_ffff)).1);
    // A canvas of 7x9 pixels, and a frame that says it has 14087x14329.
    let mut webp =
        b"RIFF\x38\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x06\0\0\x08\0\0VP8 \x1a\0\0\0\x10\x02\0\x9d\x01\x2a"
            .to_vec();
    webp.extend([0x07, 0xf7, 0xf9, 0x37]);
    webp.extend([0; 16]);
    let refused = decode(&webp).unwrap_err();
    assert!(refused.starts_with("its size is 14087x14329: expected 4194304 pixels at most"), "{refused}");
    let nothing = b"GIF89a\0\0\x09\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\0\0\x09\0\0\x02\x02\x44\x01\0;";
    assert!(decode(nothing).is_err());
    // A canvas of 7x9 pixels, and a frame of 65287x255.
    let large = b"GIF89a\x07\0\x09\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x07\xff\xff\0\0\x02\x02\x44\x01\0;";
    let refused = decode(large).unwrap_err();
    assert!(refused.to_lowercase().contains("memory limit"), "{refused}");
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

#[test]
fn a_jpeg_with_rubbish_that_costs_no_pixel_is_read() {
    let whole = jpeg_bytes();
    let image = decode(&whole).unwrap();
    assert_eq!((image.shape(), &image.pixels), ([1, 8, 8], &vec![200; 64]));
    let scan = whole.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let (head, tail) = whole.split_at(scan);
    let (body, end) = whole.split_at(whole.len() - 2);
    for (what, bytes) in [
        ("before a marker", [head, &[0x12, 0x34, 0x56, 0x78, 0x9a], tail].concat()),
        ("what looks like a marker", [head, &[1, 2, 3, 0xff, 0, 4, 5, 0xff, 0x01], tail].concat()),
        ("fill bytes", [head, &[0xff; 5], tail].concat()),
        ("behind the end", [&whole[..], b"\0MPF\xff\xd8garbage"].concat()),
        ("zeros before the end", [body, &[0; 300], end].concat()),
        ("no end", body.to_vec()),
        ("zeros in place of the end", [body, &[0; 4000]].concat()),
    ] {
        assert_eq!(decode(&bytes).as_ref(), Ok(&image), "{what}");
    }
}

#[test]
fn a_jpeg_that_lacks_pixels_is_refused_with_an_end_and_without() {
    let whole = jpeg_bytes();
    let cut = &whole[..whole.len() - 3];
    for (what, bytes) in [
        ("cut", cut.to_vec()),
        ("cut before the data", whole[..whole.len() - 4].to_vec()),
        ("an end behind a cut", [cut, &[0xff, 0xd9]].concat()),
        ("zeros behind a cut", [cut, &[0; 4000]].concat()),
    ] {
        let error = decode(&bytes).unwrap_err();
        assert!(error.contains("cut short"), "{what}: {error}");
    }
    // Of a progressive image each scan gives all pixels, the later ones better.
    let frame = whole.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    let mut progressive = whole[..whole.len() - 2].to_vec();
    progressive[frame + 1] = 0xc2;
    let error = decode(&progressive).unwrap_err();
    assert!(error.contains("a progressive image without an end"), "{error}");
}

/// A file of another format.
fn written(image: &image::DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn other_formats_give_their_pixels() {
    let pixels = [[200, 30, 10], [1, 2, 3], [250, 251, 252], [0, 0, 0], [9, 99, 199], [255, 255, 255]];
    let colour = image::RgbImage::from_raw(3, 2, pixels.concat()).unwrap();
    let colour = image::DynamicImage::ImageRgb8(colour);
    for format in [ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Gif] {
        let bytes = written(&colour, format);
        let image = decode(&bytes).unwrap();
        assert_eq!((image.shape(), &image.pixels), ([3, 2, 3], &pixels.concat()), "{format:?}");
        // Cut anywhere it is an error or the same, and never a panic.
        for end in 0..bytes.len() {
            if let Ok(cut) = decode(&bytes[..end]) {
                assert_eq!(cut, image, "{format:?} cut at {end}");
            }
        }
    }
    let clear = image::RgbaImage::from_raw(1, 1, vec![10, 20, 30, 0]).unwrap();
    let clear = image::DynamicImage::ImageRgba8(clear);
    for format in [ImageFormat::WebP, ImageFormat::Tiff] {
        assert_eq!(decode(&written(&clear, format)).unwrap().pixels, [10, 20, 30], "{format:?}");
    }
    let deep = image::ImageBuffer::from_raw(2, 1, vec![43_u16 * 1024, 255]).unwrap();
    let deep = image::DynamicImage::ImageLuma16(deep);
    let image = decode(&written(&deep, ImageFormat::Tiff)).unwrap();
    assert_eq!((image.shape(), image.pixels), ([1, 1, 2], vec![172, 0]), "the upper 8 bits, as in a PNG");
}

/// EXIF metadata with nothing but an orientation.
fn exif(orientation: u8, big: bool) -> Vec<u8> {
    match big {
        true => [b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", [orientation].as_slice(), &[0; 6]]
            .concat(),
        false => {
            [b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", [orientation].as_slice(), &[0; 7]].concat()
        }
    }
}

#[test]
fn exif_turns_jpeg_and_png_upright() {
    let jpeg = jpeg_bytes();
    // 1 2 3
    // 4 5 6
    let stored = [1, 2, 3, 4, 5, 6];
    for big in [false, true] {
        for (orientation, size, expected) in [
            (1, [2, 3], [1, 2, 3, 4, 5, 6]),
            (3, [2, 3], [6, 5, 4, 3, 2, 1]),
            (6, [3, 2], [4, 1, 5, 2, 6, 3]),
            (8, [3, 2], [3, 6, 2, 5, 1, 4]),
        ] {
            let metadata = exif(orientation, big);
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, 3, 2);
            encoder.set_color(png::ColorType::Grayscale);
            let mut writer = encoder.write_header().unwrap();
            writer.write_chunk(png::chunk::ChunkType(*b"eXIf"), &metadata).unwrap();
            writer.write_image_data(&stored).unwrap();
            writer.finish().unwrap();
            let image = decode(&bytes).unwrap();
            assert_eq!((image.size, image.pixels), (size, expected.to_vec()), "orientation {orientation}");

            let length = (metadata.len() + 8) as u16;
            let segment = [&[0xff, 0xe1], length.to_be_bytes().as_slice(), b"Exif\0\0", &metadata].concat();
            let image = decode(&[&jpeg[..2], &segment, &jpeg[2..]].concat()).unwrap();
            assert_eq!((image.size, image.pixels), ([8, 8], vec![200; 64]));
        }
    }
    // Metadata that make no sense turn nothing.
    assert_eq!(Orientation::of_exif(b"II\x2a\0\xff\xff\xff\xff"), Orientation::of_exif(&exif(1, true)));
    assert_eq!(Orientation::of_exif(b"Exif\0\0"), Orientation::of_exif(&exif(1, false)));
}

#[test]
fn a_few_bytes_that_claim_a_huge_image_are_refused_at_once() {
    let mut bytes = png_bytes(png::ColorType::Grayscale, [1, 1], &[0]);
    bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let sum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    let error = decode(&bytes).unwrap_err();
    assert!(error.contains("its size is 65536x65536: expected"), "{error}");
}

/// PNG's checksum, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    })
}
