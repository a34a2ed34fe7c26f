//! What no network can compute with.

use crate::{Array, Error, ParamPath, State};

/// How the names of running variances end.
const VARIANCE: &str = "running_var";

impl State {
    /// Refuses values that are not finite, or would not be in f32, in which networks
    /// compute, and negative running variances: whatever is computed with them is not a
    /// number, and every weight that is trained with them no longer is one either.
    ///
    /// # Errors
    /// The first such tensor, with how many of its values are of this kind.
    pub fn check_finite(&self) -> Result<(), Error> {
        self.0.iter().try_for_each(|(path, value)| value.check_finite(path))
    }
}

impl Array {
    /// The same of the values of one path.
    ///
    /// # Errors
    /// How many of its values are of this kind.
    pub fn check_finite(&self, path: &ParamPath) -> Result<(), Error> {
        let refuse = |what, count| {
            let of = self.len();
            Err(Error::NotFinite { path: path.clone(), what, count, of })
        };
        match count(self, |x| !x.is_finite()) {
            0 => {}
            found if count_wide(self, |x| !x.is_finite()) == 0 => {
                return refuse("is beyond the largest number in f32", found);
            }
            found => return refuse("is not finite", found),
        }
        if path.as_str().ends_with(VARIANCE) {
            match count(self, |x| x < 0.0) {
                0 => {}
                found => return refuse("is negative", found),
            }
        }
        Ok(())
    }
}

/// How many values have a property in f32.
fn count(value: &Array, property: impl Fn(f32) -> bool) -> usize {
    match value.as_slice::<f32>() {
        // Counted in numbers as wide as a value, of which a register holds as many.
        Some(values) => {
            let of = |some: &[f32]| some.iter().map(|x| u32::from(property(*x))).sum::<u32>() as usize;
            values.chunks(1 << 16).map(of).sum()
        }
        None => value.iter::<f32>().filter(|x| property(*x)).count(),
    }
}

/// How many values have a property as they are stored.
fn count_wide(value: &Array, property: impl Fn(f64) -> bool) -> usize {
    value.iter::<f64>().filter(|x| property(*x)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BF16, F16, Values};

    fn said(name: &str, value: Array) -> String {
        State([(name.into(), value)].into()).check_finite().map_or_else(|e| e.to_string(), |()| "fine".into())
    }

    #[test]
    fn what_is_not_finite_is_named_and_counted() {
        let of = |values: Values| Array::new([values.len()], values).unwrap();
        for (value, expected) in [
            (of(vec![0.0f32, f32::NAN, f32::INFINITY].into()), "`fc.bias` is not finite (2 of 3)"),
            (of(vec![0.0f64, f64::NEG_INFINITY].into()), "`fc.bias` is not finite (1 of 2)"),
            (of(vec![1e39f64, 1.0].into()), "`fc.bias` is beyond the largest number in f32 (1 of 2)"),
            (of(vec![-1.0f32, f32::MAX].into()), "fine"),
            (of([1.0, 60000.0].map(F16::from_f64).to_vec().into()), "fine"),
            (of([1.0, f64::NAN].map(BF16::from_f64).to_vec().into()), "`fc.bias` is not finite (1 of 2)"),
        ] {
            assert_eq!(said("fc.bias", value), expected);
        }
    }

    #[test]
    fn only_a_variance_cannot_be_negative() {
        let value = || Array::new([3], vec![0.0f32, -0.5, 2.0]).unwrap();
        assert_eq!(said("bn.running_var", value()), "`bn.running_var` is negative (1 of 3)");
        assert_eq!(said("bn.running_mean", value()), "fine");
    }
}
