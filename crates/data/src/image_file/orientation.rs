//! How a camera was held: the EXIF tag "orientation" (CIPA DC-008, 4.6.4).

use super::Image;

/// One of the eight ways in which the rows and columns of a file lie in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Orientation(u8);

impl Orientation {
    /// The tag's value.
    pub(super) fn from_tag(tag: u8) -> Self {
        Self(tag)
    }

    /// What EXIF metadata say; upright where they do not.
    pub(super) fn of_exif(exif: &[u8]) -> Self {
        // Some writers of WebP and PNG keep JPEG's preface.
        let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif).to_vec();
        let mut reader = exif::Reader::new();
        // What is wrong elsewhere in the metadata does not turn the image.
        let read = reader.continue_on_error(true).read_raw(tiff);
        let read = read.or_else(|error| error.distill_partial_result(|_| {}));
        let tag = read
            .ok()
            .and_then(|exif| exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?.value.get_uint(0));
        Self(tag.and_then(|tag| u8::try_from(tag).ok()).unwrap_or(1))
    }

    /// The image as it was seen.
    pub(super) fn upright(self, image: Image) -> Image {
        match image.channels {
            1 => self.turned::<1>(image),
            _ => self.turned::<3>(image),
        }
    }

    fn turned<const C: usize>(self, image: Image) -> Image {
        let [height, width] = image.size.map(|n| n as isize);
        let (last_row, last_column) = ((height - 1) * width, width - 1);
        // The stored pixel that comes first, and the steps to the next row and column.
        let (first, down, right) = match self.0 {
            2 => (last_column, width, -1),
            3 => (last_row + last_column, -width, -1),
            4 => (last_row, -width, 1),
            5 => (0, 1, width),
            6 => (last_row, 1, -width),
            7 => (last_row + last_column, -1, -width),
            8 => (last_column, -1, width),
            _ => return image,
        };
        let [h, w] = if self.0 < 5 { image.size } else { [image.size[1], image.size[0]] };
        let (stored, _) = image.pixels.as_chunks::<C>();
        let mut pixels = vec![[0; C]; h * w];
        // In tiles, so that neither side leaves the cache.
        const TILE: usize = 32;
        for top in (0..h).step_by(TILE) {
            for left in (0..w).step_by(TILE) {
                for y in top..h.min(top + TILE) {
                    for x in left..w.min(left + TILE) {
                        let at = first + y as isize * down + x as isize * right;
                        pixels[y * w + x] = stored[at as usize];
                    }
                }
            }
        }
        Image { channels: C, size: [h, w], pixels: pixels.into_flattened() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_eight_ways_show_the_same_image() {
        // 1 2 3
        // 4 5 6
        let seen = Image { channels: 1, size: [2, 3], pixels: vec![1, 2, 3, 4, 5, 6] };
        for (tag, size, stored) in [
            (1, [2, 3], [1, 2, 3, 4, 5, 6]),
            (2, [2, 3], [3, 2, 1, 6, 5, 4]),
            (3, [2, 3], [6, 5, 4, 3, 2, 1]),
            (4, [2, 3], [4, 5, 6, 1, 2, 3]),
            (5, [3, 2], [1, 4, 2, 5, 3, 6]),
            (6, [3, 2], [3, 6, 2, 5, 1, 4]),
            (7, [3, 2], [6, 3, 5, 2, 4, 1]),
            (8, [3, 2], [4, 1, 5, 2, 6, 3]),
        ] {
            let stored = Image { channels: 1, size, pixels: stored.to_vec() };
            assert_eq!(Orientation(tag).upright(stored), seen, "orientation {tag}");
        }
    }
}
