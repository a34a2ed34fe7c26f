//! Triangular factors of a symmetric matrix.
//!
//! Written here rather than taken from a library because what is asked for is a
//! factor of the *inverse*, which a Cholesky factorisation from the last row to the
//! first gives without inverting anything: `A = R R^T` with R upper triangular, so
//! `A^-1 = U^T U` with `U = R^-1`, upper triangular too.

/// The upper Cholesky factor U of the inverse, `A^-1 = U^T U`, of a symmetric matrix
/// of `n` rows, or `None` where it is not positive definite.
pub fn upper_factor_of_inverse(a: &[f64], n: usize) -> Option<Vec<f64>> {
    // Read backwards, upper becomes lower and the textbook's loops apply.
    let backwards: Vec<f64> = a.iter().rev().copied().collect();
    let inverse = invert_lower(&lower_factor(backwards, n)?, n);
    Some(inverse.into_iter().rev().collect())
}

/// L with `A = L L^T`, row by row.
fn lower_factor(mut a: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    for i in 0..n {
        let (above, rest) = a.split_at_mut(i * n);
        let row = &mut rest[..n];
        for j in 0..i {
            let other = &above[j * n..j * n + n];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let square = row[i] - dot(&row[..i], &row[..i]);
        if !(square.is_finite() && 0.0 < square) {
            return None;
        }
        row[i] = square.sqrt();
        row[i + 1..].fill(0.0);
    }
    Some(a)
}

/// `L^-1`, row by row: `L M = 1`, so `M_i = (1_i - sum over k < i of L_ik M_k) / L_ii`.
fn invert_lower(l: &[f64], n: usize) -> Vec<f64> {
    let mut m = vec![0.0; n * n];
    for i in 0..n {
        let (above, rest) = m.split_at_mut(i * n);
        let row = &mut rest[..n];
        row[i] = 1.0;
        for k in 0..i {
            let (factor, other) = (l[i * n + k], &above[k * n..k * n + k + 1]);
            row.iter_mut().zip(other).for_each(|(x, y)| *x -= factor * y);
        }
        let diagonal = l[i * n + i];
        row[..=i].iter_mut().for_each(|x| *x /= diagonal);
    }
    m
}

/// In eight sums, which the compiler can compute side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a8.iter().zip(b8) {
        for l in 0..8 {
            sums[l] += a[l] * b[l];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_times_itself_is_the_inverse() {
        let n = 21;
        let b: Vec<f64> = (0..n * n).map(|i| ((i * 37 % 101) as f64 - 50.0) / 50.0).collect();
        let entry = |i: usize, j: usize| {
            let sum: f64 = (0..n).map(|k| b[i * n + k] * b[j * n + k]).sum();
            sum + if i == j { 0.5 } else { 0.0 }
        };
        let a: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
        let u = upper_factor_of_inverse(&a, n).unwrap();
        for i in 0..n {
            assert!((0..i).all(|j| u[i * n + j] == 0.0) && 0.0 < u[i * n + i], "upper, positive diagonal");
            for j in 0..n {
                // (U^T U A)_ij is 1 on the diagonal and 0 elsewhere.
                let inverse = |k: usize| (0..n).map(|l| u[l * n + i] * u[l * n + k]).sum::<f64>();
                let product: f64 = (0..n).map(|k| inverse(k) * a[k * n + j]).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-10, "{i} {j} {product}");
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_none() {
        assert!(upper_factor_of_inverse(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(upper_factor_of_inverse(&[f64::NAN], 1).is_none());
    }
}
