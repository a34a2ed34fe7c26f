//! Beside Pillow and torchvision: `benches/pytorch/pillow.py` wrote what is expected.

use sapwood_core::{Fit, ImageFit};

use super::*;
use crate::image_file::Image;

fn image(height: usize, width: usize, channels: usize) -> Vec<u8> {
    (0..height * width * channels).map(|n| ((n as u32).wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn checksum(values: impl IntoIterator<Item = u8>) -> u32 {
    values.into_iter().fold(0, |sum: u32, value| sum.wrapping_mul(31).wrapping_add(value.into()))
}

#[test]
fn resized_images_and_views_have_the_bytes_of_pillow_and_torchvision() {
    let mut lines = 0;
    for line in include_str!("pillow.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let interpolation = match words[1] {
            "nearest" => Filter::Nearest,
            "bilinear" => Filter::Bilinear,
            "bicubic" => Filter::Bicubic,
            _ => Filter::Lanczos,
        };
        let numbers: Vec<usize> = words[2..].iter().map(|word| word.parse().unwrap()).collect();
        let [channels, height, width, h, w, side, expected] = numbers[..] else { panic!("{line}") };
        let pixels = image(height, width, channels);
        let found: Vec<u8> = match words[0] {
            "resize" => {
                let part = Region::whole([h, w]);
                Resampling::of([height, width], [h, w], part, interpolation).apply(&pixels, channels)
            }
            _ => {
                let fit = ImageFit { fit: Fit::Resize(side), interpolation, ..ImageFit::default() };
                let image = Image { channels, size: [height, width], pixels };
                let planes = image.viewed([channels, h, w], &fit).unwrap();
                let pixel = |at: usize| planes[at % channels * h * w + at / channels];
                (0..h * w * channels).map(|at| (pixel(at) * 255.0).round() as u8).collect()
            }
        };
        assert_eq!(checksum(found) as usize, expected, "{line}");
        lines += 1;
    }
    assert_eq!(lines, 72);
}

#[test]
fn of_a_thin_image_that_grows_beyond_any_memory_the_middle_alone_is_made() {
    let thin = Image { channels: 1, size: [1 << 22, 1], pixels: vec![51; 1 << 22] };
    for interpolation in [Filter::Nearest, Filter::Bicubic] {
        for fit in [Fit::Resize(256), Fit::Crop(0.05)] {
            let fit = ImageFit { fit, interpolation, ..ImageFit::default() };
            assert_eq!(thin.clone().viewed([1, 4, 4], &fit).unwrap(), [0.2; 16]);
        }
    }
}
