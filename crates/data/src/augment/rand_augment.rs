//! Changes drawn from a list, all equally strong.

use rand::RngExt;
use sapwood_backend::Rng;

use super::{affine::seen_through, colour};

/// The strongest change has this magnitude.
pub(super) const STRONGEST: u8 = 30;

/// The changes to draw from.
const CHANGES: u32 = 12;

/// `number` changes, each drawn from twelve, at one magnitude from 0 to 30 (Cubuk et al. 2020, "RandAugment", section 3),
/// with torchvision's ranges.
///
/// What differs: without sharpness and equalisation, and pixels in between are weighed where torchvision takes the
/// nearest one.
pub(super) fn rand_augment(
    rng: &mut Rng,
    (number, magnitude): (usize, u8),
    shape: [usize; 3],
    example: &mut Vec<f32>,
) {
    let strength = f64::from(magnitude) / f64::from(STRONGEST);
    for _ in 0..number {
        let change = rng.random_range(0..CHANGES);
        let sign = if rng.random_range(0..2u32) == 0 { 1.0 } else { -1.0 };
        apply(change, strength, sign, shape, example);
    }
}

fn apply(change: u32, strength: f64, sign: f64, shape: [usize; 3], example: &mut Vec<f32>) {
    let [_, height, width] = shape;
    let (shear, factor) = (sign * 0.3 * strength, (1.0 + sign * 0.9 * strength) as f32);
    let shift = |size: usize| sign * strength * 150.0 / 331.0 * size as f64;
    let mut moved = |linear, shift| *example = seen_through(linear, shift, shape, example);
    let same = [[1.0, 0.0], [0.0, 1.0]];
    match change {
        0 => {}
        1 => moved([[1.0, 0.0], [shear, 1.0]], [0.0; 2]),
        2 => moved([[1.0, shear], [0.0, 1.0]], [0.0; 2]),
        3 => moved(same, [0.0, shift(width)]),
        4 => moved(same, [shift(height), 0.0]),
        5 => {
            let (sine, cosine) = (sign * strength * 30_f64.to_radians()).sin_cos();
            moved([[cosine, sine], [-sine, cosine]], [0.0; 2]);
        }
        6 => colour::brightness(factor, example),
        7 => colour::contrast(factor, shape, example),
        8 => colour::saturation(factor, shape, example),
        9 => colour::auto_contrast(shape, example),
        10 => {
            // Of 8 bits from 8 to 4 are left.
            let steps = 2_f32.powi((4.0 * strength).round() as i32);
            let posterised = |value: f32| ((value * 255.0).round() / steps).floor() * steps / 255.0;
            example.iter_mut().for_each(|value| *value = posterised(*value));
        }
        _ => {
            let bound = 1.0 - strength as f32;
            let bright = example.iter_mut().filter(|value| bound <= **value);
            bright.for_each(|value| *value = 1.0 - *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Vec<f32> {
        (0..3 * 30).map(|x| (x * 7 % 11) as f32 / 10.0).collect()
    }

    fn changed(change: u32, strength: f64) -> Vec<f32> {
        let mut image = image();
        apply(change, strength, 1.0, [3, 5, 6], &mut image);
        image
    }

    #[test]
    fn every_change_keeps_the_range_and_all_but_two_do_nothing_at_no_strength() {
        let image = image();
        for change in 0..CHANGES {
            let most = changed(change, 1.0);
            assert_eq!(most.len(), image.len());
            assert!(most.iter().all(|value| (0.0..=1.0).contains(value)), "{change}");
            assert!(change == 0 || change == 9 || most != image, "{change}");
            // Stretching has no strength, and what is as bright as can be is turned round.
            if change != 9 && change != 11 {
                let apart =
                    changed(change, 0.0).iter().zip(&image).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(apart < 1e-2, "{change}: {apart}");
            }
        }
    }

    #[test]
    fn posterised_values_have_the_upper_bits_alone() {
        let found = changed(10, 1.0);
        assert!(found.iter().all(|value| ((value * 255.0).round() as u32).is_multiple_of(16)));
    }
}
