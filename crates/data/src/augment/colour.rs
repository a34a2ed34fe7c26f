//! Changes of brightness, contrast and saturation.

/// All values times a factor, from 0 to 1 as before.
pub(super) fn brightness(factor: f32, example: &mut [f32]) {
    example.iter_mut().for_each(|value| *value = (*value * factor).clamp(0.0, 1.0));
}

/// Away from the image's mean grey by a factor.
pub(super) fn contrast(factor: f32, shape: [usize; 3], example: &mut [f32]) {
    let grey = grey(shape, example);
    let mean = grey.iter().sum::<f32>() / grey.len().max(1) as f32;
    example.iter_mut().for_each(|value| *value = blend(*value, mean, factor));
}

/// Away from each pixel's own grey by a factor. An image of one channel stays as it is.
pub(super) fn saturation(factor: f32, shape: [usize; 3], example: &mut [f32]) {
    if shape[0] == 1 {
        return;
    }
    let grey = grey(shape, example);
    for plane in example.chunks_exact_mut(grey.len().max(1)) {
        plane.iter_mut().zip(&grey).for_each(|(value, grey)| *value = blend(*value, *grey, factor));
    }
}

/// Each value from its channel's least and most to 0 and 1.
pub(super) fn auto_contrast([_, height, width]: [usize; 3], example: &mut [f32]) {
    for plane in example.chunks_exact_mut(height * width) {
        let least = plane.iter().copied().fold(f32::INFINITY, f32::min);
        let most = plane.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if least < most {
            plane.iter_mut().for_each(|value| *value = (*value - least) / (most - least));
        }
    }
}

fn blend(value: f32, other: f32, factor: f32) -> f32 {
    (other + (value - other) * factor).clamp(0.0, 1.0)
}

/// The brightness of each pixel: ITU-R BT.601 of red, green and blue, else the mean of the channels.
fn grey([channels, height, width]: [usize; 3], example: &[f32]) -> Vec<f32> {
    let size = height * width;
    let weight = |channel: usize| match channels {
        3 => [0.2989, 0.587, 0.114][channel],
        _ => 1.0 / channels as f32,
    };
    let at = |pixel: usize| (0..channels).map(|c| weight(c) * example[c * size + pixel]).sum();
    (0..size).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One pixel of red, green and blue.
    const PIXEL: [f32; 3] = [0.8, 0.4, 0.2];
    const GREY: f32 = 0.2989 * 0.8 + 0.587 * 0.4 + 0.114 * 0.2;

    #[test]
    fn each_is_what_it_says() {
        let changed = |change: &dyn Fn(&mut [f32])| {
            let mut pixel = PIXEL;
            change(&mut pixel);
            pixel
        };
        assert_eq!(changed(&|p| brightness(0.5, p)), [0.4, 0.2, 0.1]);
        assert_eq!(changed(&|p| brightness(9.0, p)), [1.0; 3]);
        for grey in changed(&|p| saturation(0.0, [3, 1, 1], p)) {
            assert!((grey - GREY).abs() < 1e-6);
        }
        let more = changed(&|p| saturation(1.5, [3, 1, 1], p));
        assert!((more[1] - (GREY + (0.4 - GREY) * 1.5)).abs() < 1e-6);
        let mut row = [0.2, 0.6, 0.4];
        contrast(0.5, [1, 1, 3], &mut row);
        assert!(row.iter().zip([0.3, 0.5, 0.4]).all(|(found, expected)| (found - expected).abs() < 1e-6));
        auto_contrast([1, 1, 3], &mut row);
        assert!(row.iter().zip([0.0, 1.0, 0.5]).all(|(found, expected)| (found - expected).abs() < 1e-5));
        let mut one = [0.3, 0.7];
        saturation(0.0, [1, 1, 2], &mut one);
        assert_eq!(one, [0.3, 0.7]);
    }
}
