//! Shears, shifts and rotations.

/// An image seen through a linear map about its centre and a shift: the pixel at `p`, in pixels from the centre, is
/// what lies at `linear p + shift`, between pixels by their weights. What comes in from beyond the edge is 0.
///
/// # Shapes
/// `[C, H, W]`; `linear` is row-major for (y, x)
pub(super) fn seen_through(
    linear: [[f64; 2]; 2],
    shift: [f64; 2],
    [_, height, width]: [usize; 3],
    example: &[f32],
) -> Vec<f32> {
    let centre = [height, width].map(|size| (size as f64 - 1.0) / 2.0);
    let mut out = Vec::with_capacity(example.len());
    for plane in example.chunks_exact(height * width) {
        let at = |y: f64, x: f64| match 0.0 <= y && 0.0 <= x && y < height as f64 && x < width as f64 {
            true => f64::from(plane[y as usize * width + x as usize]),
            false => 0.0,
        };
        for row in 0..height {
            for column in 0..width {
                let (y, x) = (row as f64 - centre[0], column as f64 - centre[1]);
                let from =
                    |axis: usize| linear[axis][0] * y + linear[axis][1] * x + shift[axis] + centre[axis];
                let (y, x) = (from(0), from(1));
                let (top, left) = (y.floor(), x.floor());
                let (down, right) = (y - top, x - left);
                let upper = at(top, left) * (1.0 - right) + at(top, left + 1.0) * right;
                let lower = at(top + 1.0, left) * (1.0 - right) + at(top + 1.0, left + 1.0) * right;
                out.push((upper * (1.0 - down) + lower * down) as f32);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAME: [[f64; 2]; 2] = [[1.0, 0.0], [0.0, 1.0]];

    #[test]
    fn pixels_come_from_where_the_map_says() {
        let image: Vec<f32> = (1..=9).map(|x| x as f32).collect();
        let seen = |linear, shift| seen_through(linear, shift, [1, 3, 3], &image);
        assert_eq!(seen(SAME, [0.0; 2]), image);
        assert_eq!(seen(SAME, [1.0, 0.0]), [4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 0.0, 0.0, 0.0]);
        assert_eq!(seen(SAME, [0.0, 0.5])[..3], [1.5, 2.5, 1.5]);
        // A quarter turn.
        assert_eq!(seen([[0.0, 1.0], [-1.0, 0.0]], [0.0; 2]), [3.0, 6.0, 9.0, 2.0, 5.0, 8.0, 1.0, 4.0, 7.0]);
    }
}
