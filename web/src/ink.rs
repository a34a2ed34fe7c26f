//! From strokes of a pen to an image as the data set's are.
//!
//! The digits of UCI were written on paper, scaled to bitmaps of 32x32, and made into 8x8
//! images by counting the dark pixels in blocks of 4x4 (Alpaydin & Kaynak 1998). The same is
//! done here, so that what is drawn looks to a network like what it has learnt.

/// Width and height of the bitmap.
const BITMAP: usize = 32;
/// Width and height of a block of it.
const BLOCK: usize = 4;
/// Width and height of the image.
pub const SIDE: usize = BITMAP / BLOCK;
/// Half of the width of a stroke in the bitmap. In the data set 30.5 % of the bitmap is dark,
/// which strokes of this width come near to.
const RADIUS: f32 = 2.2;
/// What is narrower than this part of its height is not widened.
const MARGIN: f32 = RADIUS;

/// A point of a stroke, in any unit: x to the right, y down.
pub type Point = [f32; 2];

/// The image that strokes give, 8x8 values from 0 to 16. Their place and size do not matter. No
/// ink gives an empty image; points that are not numbers are left out.
pub fn image(strokes: &[Vec<Point>]) -> [u8; SIDE * SIDE] {
    let finite = |stroke: &Vec<Point>| -> Vec<Point> {
        stroke.iter().copied().filter(|point| point.iter().all(|x| x.is_finite())).collect()
    };
    let strokes: Vec<Vec<Point>> = strokes.iter().map(finite).filter(|stroke| !stroke.is_empty()).collect();
    let mut image = [0; SIDE * SIDE];
    let Some(fit) = Fit::of(&strokes) else { return image };
    let placed: Vec<Vec<Point>> =
        strokes.iter().map(|stroke| stroke.iter().map(|point| fit.place(*point)).collect()).collect();
    for row in 0..BITMAP {
        for column in 0..BITMAP {
            let pixel = [column as f32 + 0.5, row as f32 + 0.5];
            if placed.iter().any(|stroke| distance(stroke, pixel) <= RADIUS) {
                image[row / BLOCK * SIDE + column / BLOCK] += 1;
            }
        }
    }
    image
}

/// Where strokes go: to the middle, and as high or wide as the bitmap.
struct Fit {
    middle: Point,
    scale: f32,
}

impl Fit {
    fn of(strokes: &[Vec<Point>]) -> Option<Self> {
        let points = || strokes.iter().flatten();
        points().next()?;
        let side = |axis: usize| {
            let low = points().fold(f32::INFINITY, |low, point| low.min(point[axis]));
            let high = points().fold(f32::NEG_INFINITY, |high, point| high.max(point[axis]));
            ((low + high) / 2.0, high - low)
        };
        let ((x, width), (y, height)) = (side(0), side(1));
        let largest = width.max(height);
        let scale = if largest > 0.0 { (BITMAP as f32 - 2.0 * MARGIN) / largest } else { 0.0 };
        Some(Self { middle: [x, y], scale })
    }

    fn place(&self, point: Point) -> Point {
        let half = BITMAP as f32 / 2.0;
        [0, 1].map(|axis| half + (point[axis] - self.middle[axis]) * self.scale)
    }
}

/// The distance of a point from a stroke.
fn distance(stroke: &[Point], from: Point) -> f32 {
    let to_point = |p: &Point| (p[0] - from[0]).hypot(p[1] - from[1]);
    let to_line = |pair: &[Point]| {
        let ([ax, ay], [bx, by]) = (pair[0], pair[1]);
        let (dx, dy) = (bx - ax, by - ay);
        let length = dx * dx + dy * dy;
        let along = ((from[0] - ax) * dx + (from[1] - ay) * dy) / length.max(f32::MIN_POSITIVE);
        let along = along.clamp(0.0, 1.0);
        to_point(&[ax + along * dx, ay + along * dy])
    };
    let lines = stroke.windows(2).map(to_line).fold(f32::INFINITY, f32::min);
    stroke.first().map_or(lines, |first| lines.min(to_point(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ink_gives_an_empty_image_and_a_dot_a_dark_middle() {
        assert_eq!(image(&[]), [0; 64]);
        assert_eq!(image(&[vec![[f32::NAN, 0.0]]]), [0; 64]);
        let dot = image(&[vec![[0.3, 0.7]]]);
        assert_eq!(dot.iter().filter(|value| **value > 0).count(), 4, "{dot:?}");
    }

    #[test]
    fn place_and_size_of_a_drawing_do_not_matter() {
        let seven = vec![[0.0, 0.0], [2.0, 0.0], [1.0, 3.0]];
        let moved = seven.iter().map(|[x, y]| [100.0 + 8.0 * x, 50.0 + 8.0 * y]).collect();
        assert_eq!(image(&[seven]), image(&[moved]));
    }

    #[test]
    fn an_upright_line_fills_the_height_in_the_middle() {
        let line = image(&[vec![[5.0, 0.0], [5.0, 9.0]]]);
        for row in line.chunks(SIDE) {
            assert!(row[3] > 4 && row[4] > 4 && row[..2] == [0, 0] && row[6..] == [0, 0], "{line:?}");
        }
    }
}
