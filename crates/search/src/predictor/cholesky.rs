//! Solving with a symmetric positive definite matrix.

/// Solves `matrix x = right` by Cholesky's factorisation, in place of both. `matrix` is
/// square, row by row; only its lower half is read. `None` if it is not positive definite.
pub(crate) fn solve(matrix: &mut [f64], right: &mut [f64]) -> Option<()> {
    let n = right.len();
    for row in 0..n {
        let (above, below) = matrix.split_at_mut(row * n);
        let current = &mut below[..n];
        for column in 0..row {
            let other = &above[column * n..column * n + column];
            let sum = dot(&current[..column], other);
            current[column] = (current[column] - sum) / above[column * n + column];
        }
        let pivot = current[row] - dot(&current[..row], &current[..row]);
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        current[row] = pivot.sqrt();
    }
    for row in 0..n {
        let sum = dot(&matrix[row * n..row * n + row], &right[..row]);
        right[row] = (right[row] - sum) / matrix[row * n + row];
    }
    for row in (0..n).rev() {
        right[row] /= matrix[row * n + row];
        let solved = right[row];
        for column in 0..row {
            right[column] -= solved * matrix[row * n + column];
        }
    }
    Some(())
}

/// Several sums side by side, which a processor can keep apart.
fn dot(one: &[f64], other: &[f64]) -> f64 {
    const LANES: usize = 8;
    let (blocks, rest) = one.as_chunks::<LANES>();
    let (others, others_rest) = other.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in blocks.iter().zip(others) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest.iter().zip(others_rest).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_solves_and_an_indefinite_matrix_is_noticed() {
        let n = 21;
        let number = |row: usize, column: usize| ((row * 7 + column * 3) % 11) as f64 - 5.0;
        let entry = |row: usize, column: usize| -> f64 {
            (0..n).map(|at| number(row, at) * number(column, at)).sum::<f64>()
                + f64::from(u8::from(row == column))
        };
        let mut matrix: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
        let mut x: Vec<f64> = (0..n).map(|at| at as f64).collect();
        solve(&mut matrix, &mut x).unwrap();
        for row in 0..n {
            let found: f64 = (0..n).map(|column| entry(row, column) * x[column]).sum();
            assert!((found - row as f64).abs() < 1e-6, "row {row}: {found}");
        }
        assert_eq!(solve(&mut [1.0, 2.0, 2.0, 1.0], &mut [1.0, 1.0]), None);
    }
}
