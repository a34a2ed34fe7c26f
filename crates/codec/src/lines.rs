//! Pictures within rows: how far back in a row the value lies that is above another.

use crate::centre::centres;

/// The longest line that is looked for.
const LONGEST: usize = 256;

/// How many pairs are looked at, at most.
const ENOUGH: usize = 1 << 22;

/// The distances at which values say most about each other, the smallest first: of those that are
/// not zero, where they are most often together beyond what distances have in common, and where their
/// signs agree most. None stands out in dense tensors.
///
/// The rows of a layer on images are images, and those of a convolution are windows: kept weights
/// have kept neighbours above, and rows do not say how long their lines are.
pub(crate) fn lines(levels: &[i32], width: usize) -> Vec<usize> {
    let kept: Vec<i32> = levels.iter().copied().filter(|level| *level != 0).collect();
    let longest = LONGEST.min(width / 2);
    if levels.len() < 2 * kept.len() || longest < 3 || kept.is_empty() {
        return Vec::new();
    }
    let centre = centres(&kept)[0];
    let sign = |level: i32| if i64::from(level) - i64::from(0 < level) < i64::from(centre) { -1 } else { 1 };
    let (mut together, mut agree) = ([0i64; LONGEST + 1], [0i64; LONGEST + 1]);
    let mut pairs = 0;
    let mut places = Vec::new();
    for row in levels.chunks(width) {
        places.clear();
        places.extend((0..row.len()).filter(|at| row[*at] != 0).map(|at| (at, sign(row[at]))));
        for (index, (place, sign)) in places.iter().enumerate() {
            for (other, other_sign) in
                places[..index].iter().rev().take_while(|(other, _)| place - other <= longest)
            {
                together[place - other] += 1;
                agree[place - other] += sign * other_sign;
                pairs += 1;
            }
        }
        if ENOUGH <= pairs {
            break;
        }
    }
    let distances = 3..=longest;
    // A row has fewer pairs of a larger distance.
    let scaled = |distance: usize| together[distance] as i128 * width as i128 / (width - distance) as i128;
    let mean = distances.clone().map(scaled).sum::<i128>() / (longest as i128 - 2);
    let nearest = distances.clone().max_by_key(|distance| (scaled(*distance), std::cmp::Reverse(*distance)));
    // Signs agree by themselves where most are the same.
    let (number, sum) = (kept.len() as i128, kept.iter().map(|level| sign(*level)).sum::<i64>() as i128);
    let excess = |distance: usize| {
        i128::from(agree[distance]) - i128::from(together[distance]) * sum * sum / (number * number)
    };
    let alike = distances.max_by_key(|distance| (excess(*distance).abs(), std::cmp::Reverse(*distance)));
    let mut found = Vec::new();
    found.extend(nearest.filter(|distance| 5 * mean < 4 * scaled(*distance)));
    // Four standard deviations of what signs without a relation would agree.
    let stands_out = |distance: &usize| 16 * i128::from(together[*distance]) < excess(*distance).pow(2);
    found.extend(alike.filter(stands_out));
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_pictures_are_found_and_where_there_are_none_none() {
        // Vertical strokes in pictures of 20 x 20.
        let stroke = |row: usize, at: usize| i32::from((at % 20 + 7 * row).is_multiple_of(11));
        let levels: Vec<i32> = (0..50).flat_map(|row| (0..400).map(move |at| stroke(row, at))).collect();
        assert_eq!(lines(&levels, 400), [20]);
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            i32::from(state >> 60 == 0)
        };
        let levels: Vec<i32> = (0..400 * 500).map(|_| random()).collect();
        assert!(lines(&levels, 400).is_empty());
        assert!(lines(&[1; 100], 10).is_empty());
        assert!(lines(&[], 1).is_empty());
    }
}
