//! Random erasing.

use rand::RngExt;
use sapwood_backend::Rng;

/// The fraction of the image that is erased, and width / height of what is.
const AREA: [f64; 2] = [0.02, 0.33];
const ASPECT: [f64; 2] = [0.3, 3.3];

/// Paints over a rectangle, with the probability `p` (Zhong et al. 2020, "Random Erasing Data Augmentation", algorithm
/// 1): its area is uniform from 2 to 33 % of the image, its aspect ratio log-uniform from 0.3 to 3.3. Where ten
/// draws do not fit, nothing is erased.
///
/// What differs: the colour is the mean of the image's own channel, where the paper also draws it at random.
pub(super) fn erase(rng: &mut Rng, p: f64, [_, height, width]: [usize; 3], example: &mut [f32]) {
    if p <= rng.random::<f64>() {
        return;
    }
    let mut between = |[low, high]: [f64; 2]| low + (high - low) * rng.random::<f64>();
    for _ in 0..10 {
        let pixels = between(AREA) * (height * width) as f64;
        let ratio = between(ASPECT.map(f64::ln)).exp();
        let (h, w) = ((pixels / ratio).sqrt().round() as usize, (pixels * ratio).sqrt().round() as usize);
        if !(1..height).contains(&h) || !(1..width).contains(&w) {
            continue;
        }
        let mut corner = |room: usize| ((between([0.0, 1.0]) * (room + 1) as f64) as usize).min(room);
        let (top, left) = (corner(height - h), corner(width - w));
        for plane in example.chunks_exact_mut(height * width) {
            let mean = plane.iter().sum::<f32>() / plane.len() as f32;
            for row in plane.chunks_exact_mut(width).skip(top).take(h) {
                row[left..left + w].fill(mean);
            }
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use sapwood_backend::{Seed, Stream};

    use super::*;

    #[test]
    fn one_rectangle_becomes_the_mean_of_each_channel() {
        let image: Vec<f32> = (0..2 * 144).map(|at| if at < 144 { (at % 7) as f32 } else { 3.0 }).collect();
        let mean = image[..144].iter().sum::<f32>() / 144.0;
        let mut erased = 0;
        for position in 0..400 {
            let mut rng = Seed(1).stream(Stream::Augmentation, position);
            let mut found = image.clone();
            erase(&mut rng, 0.5, [2, 12, 12], &mut found);
            let changed: Vec<usize> = (0..144).filter(|at| found[*at].to_bits() == mean.to_bits()).collect();
            assert_eq!(found[144..], image[144..]);
            if let (Some(first), Some(last)) = (changed.first(), changed.last()) {
                let (rows, columns) = (last / 12 - first / 12 + 1, last % 12 - first % 12 + 1);
                assert_eq!(changed.len(), rows * columns, "a rectangle");
                assert!((1..=60).contains(&changed.len()), "{}", changed.len());
                erased += 1;
            }
        }
        assert!((150..=250).contains(&erased), "{erased}");
    }
}
