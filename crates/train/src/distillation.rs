//! Learning from another network's answers.

use burn::tensor::Tensor;
use sapwood_backend::ordered::{log_softmax, mean, softmax, sum_last};
use sapwood_core::{Target, loss, soft_labels};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What a student learns of its teacher.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Distillation {
    /// `(1 - weight) * CE + weight * T^2 * KL(softmax(t / T) || softmax(s / T))` (Hinton, Vinyals and Dean 2015,
    /// "Distilling the Knowledge in a Neural Network").
    Kd {
        /// T, above 0.
        temperature: f64,
        /// From 0 to 1.
        weight: f64,
    },
    /// `CE + alpha * T^2 * TCKD + beta * T^2 * NCKD`: the divergence of (p_y, 1 - p_y) and that among the other
    /// classes, which KD ties together (Zhao et al. 2022, "Decoupled Knowledge Distillation", equation 7).
    Dkd {
        /// T, above 0.
        temperature: f64,
        /// The weight of the target class, 0 or more.
        alpha: f64,
        /// The weight of the other classes, 0 or more.
        beta: f64,
        /// Epochs in which the divergences rise to their weights.
        #[serde(default)]
        warm_up: usize,
    },
    /// `CE + weight * sum over layers of the distance of both networks' attention maps` (Zagoruyko and Komodakis 2017),
    /// where both have a layer of the same name that sees values of the same height and width: of each height and
    /// width the last one.
    At {
        /// Customarily 1000; 0 or more.
        weight: f64,
    },
    /// `CE + weight * sum over layers of what of the teacher's features no linear map of the student's explains` (Romero
    /// et al. 2015, "FitNets"), at the layers of [`Distillation::At`]; the map is the best one for each batch.
    Features {
        /// 0 or more.
        weight: f64,
    },
    /// The sum over blocks of the mean square between what both networks' blocks give, over that of the teacher's, where
    /// each block of the student is shown what the teacher's is. Labels are not looked at: for a network that was made
    /// smaller inside of its blocks (Li et al. 2020, "Few Sample Knowledge Distillation", without their 1x1
    /// convolutions).
    Blocks,
}

impl Default for Distillation {
    /// KD at temperature 4 with weight 0.9.
    fn default() -> Self {
        Self::Kd { temperature: 4.0, weight: 0.9 }
    }
}

impl Distillation {
    /// Refuses values that nothing can be learnt with.
    ///
    /// # Errors
    /// [`Error::Recipe`].
    pub fn check(&self) -> Result<(), Error> {
        let positive = |field, value: f64, least: f64| match value.is_finite() && least <= value {
            true => Ok(()),
            false => Err(Error::Recipe {
                field,
                expected: format!("a finite number, {least} or above"),
                found: value.to_string(),
            }),
        };
        match *self {
            Self::Kd { temperature, weight } => {
                positive("temperature", temperature, LEAST_TEMPERATURE)?;
                match (0.0..=1.0).contains(&weight) {
                    true => Ok(()),
                    false => Err(Error::Recipe {
                        field: "weight",
                        expected: "from 0 to 1".into(),
                        found: weight.to_string(),
                    }),
                }
            }
            Self::Dkd { temperature, alpha, beta, .. } => {
                positive("temperature", temperature, LEAST_TEMPERATURE)?;
                positive("alpha", alpha, 0.0)?;
                positive("beta", beta, 0.0)
            }
            Self::At { weight } | Self::Features { weight } => positive("weight", weight, 0.0),
            Self::Blocks => Ok(()),
        }
    }

    /// The loss of a batch's logits, of which attention, features and blocks are no part; `progress` are the epochs that have passed.
    ///
    /// # Shapes
    /// Logits `[rows, K]` of both; returns `[1]`.
    ///
    /// # Errors
    /// Targets that are no classes, or do not fit the logits.
    pub fn loss(
        &self,
        student: Tensor<2>,
        teacher: Tensor<2>,
        target: &Target,
        (smoothing, progress): (f64, f64),
    ) -> Result<Tensor<1>, Error> {
        let labels = loss(student.clone(), target, smoothing)?;
        Ok(match *self {
            Self::At { .. } | Self::Features { .. } | Self::Blocks => labels,
            Self::Kd { .. } if matches!(target, Target::Dense(_)) => {
                let problem = "expected classes: a softmax over dense outputs says nothing";
                return Err(sapwood_core::Error::Target(problem.into()).into());
            }
            Self::Kd { temperature, weight } => {
                let apart = divergence(teacher / temperature, student / temperature);
                labels * (1.0 - weight) + apart * (weight * temperature * temperature)
            }
            Self::Dkd { temperature, alpha, beta, warm_up } => {
                let Target::Class(classes) = target else {
                    return Err(
                        sapwood_core::Error::Target("expected a class for each example".into()).into()
                    );
                };
                let (device, kind) = (student.device(), student.dtype());
                let own = soft_labels(classes, student.dims(), 0.0)?;
                let own = Tensor::from_data(own, (&device, kind));
                let [target, others] = decoupled(teacher / temperature, student / temperature, own);
                let risen = (progress / warm_up.max(1) as f64).min(1.0);
                let risen = if warm_up == 0 { 1.0 } else { risen };
                let squared = temperature * temperature * risen;
                labels + target * (alpha * squared) + others * (beta * squared)
            }
        })
    }
}

/// Below this logits that are divided by it are infinite.
const LEAST_TEMPERATURE: f64 = 1e-3;

/// `KL(softmax(t) || softmax(s))`, its mean over rows.
fn divergence(teacher: Tensor<2>, student: Tensor<2>) -> Tensor<1> {
    let apart = log_softmax(teacher.clone()) - log_softmax(student);
    mean(sum_last(softmax(teacher) * apart))
}

/// TCKD and NCKD of logits that are divided by the temperature; `own` is 1 at each row's class.
///
/// The logarithm of the probability of all other classes is a difference of logarithms of sums of exponentials:
/// where a network is sure, that probability itself is 0 in f32.
fn decoupled(teacher: Tensor<2>, student: Tensor<2>, own: Tensor<2>) -> [Tensor<1>; 2] {
    let other = own.clone().neg() + 1.0;
    // The logit of a row's class is far below the least, so that softmax gives it nothing.
    let without = |z: Tensor<2>| {
        let far_below = z.clone().detach().min_dim(1) - FAR;
        z * other.clone() + own.clone() * far_below
    };
    let count = (own.dims()[1].max(2) - 1) as f64;
    // log p_y and log (1 - p_y), [rows, 1] each.
    let split = |z: Tensor<2>| {
        let all = log_softmax(z.clone());
        let rest = log_softmax(without(z));
        let target = sum_last(all.clone() * own.clone());
        // log softmax differs between the two by log (1 - p_y) at every other class.
        (target, sum_last((all - rest) * other.clone()) / count)
    };
    let ((t, not_t), (s, not_s)) = (split(teacher.clone()), split(student.clone()));
    let target = t.clone().exp() * (t - s) + not_t.clone().exp() * (not_t - not_s);
    let (teacher, student) = (without(teacher), without(student));
    let apart = (log_softmax(teacher.clone()) - log_softmax(student)) * other;
    [mean(target), mean(sum_last(softmax(teacher) * apart))]
}

/// How far below the least logit of a row softmax gives nothing in f32.
const FAR: f64 = 1000.0;

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;

    use super::*;

    fn logits() -> (Tensor<2>, Tensor<2>, Target) {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let student = Tensor::from_data([[1.0f32, 0.0, -1.0, 0.5], [0.2, -0.3, 0.1, 0.7]], &device);
        let teacher = Tensor::from_data([[2.0f32, 1.0, 0.0, -1.0], [0.0, 0.5, 1.5, -0.5]], &device);
        (student, teacher, Target::Class(vec![0, 2]))
    }

    fn value(how: Distillation) -> f64 {
        let (student, teacher, target) = logits();
        how.loss(student, teacher, &target, (0.0, 0.0)).unwrap().into_scalar::<f64>()
    }

    /// PyTorch in f64.
    const CE: f64 = 1.136_051_910_604_397_6;
    const KD: f64 = 0.491_979_805_466_862_5;
    const TCKD: f64 = 0.168_899_823_876_902_2;
    const NCKD: f64 = 0.490_734_945_203_477_5;

    #[test]
    fn the_losses_are_those_of_the_papers() {
        let kd = |weight| value(Distillation::Kd { temperature: 4.0, weight });
        let dkd = |alpha, beta| value(Distillation::Dkd { temperature: 4.0, alpha, beta, warm_up: 0 });
        for (found, expected) in [
            (kd(0.0), CE),
            (kd(1.0), KD),
            (kd(0.9), 0.556_387_015_980_616),
            (dkd(1.0, 0.0), CE + TCKD),
            (dkd(0.0, 1.0), CE + NCKD),
            (dkd(1.0, 8.0), CE + TCKD + 8.0 * NCKD),
        ] {
            assert!((found - expected).abs() < 2e-6, "{found} {expected}");
        }
    }

    #[test]
    fn the_class_is_left_out_however_far_its_logit_is_above_the_others() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let rows = |row: [f32; 3]| Tensor::<2>::from_data([row], &device);
        let loss = |teacher: [f32; 3], beta: f64| {
            let how = Distillation::Dkd { temperature: 0.01, alpha: 0.0, beta, warm_up: 0 };
            let target = Target::Class(vec![0]);
            how.loss(rows([0.0, 0.0, 0.0]), rows(teacher), &target, (0.0, 0.0)).unwrap().into_scalar::<f64>()
        };
        // The others of the teacher are sure of one, and those of the student are even: KL = ln 2, times T^2.
        let nckd = loss([12.0, 1.0, 0.0], 1e4) - loss([12.0, 1.0, 0.0], 0.0);
        assert!((nckd - 2f64.ln()).abs() < 1e-5, "{nckd}");
    }

    #[test]
    fn kd_is_tckd_and_a_part_of_nckd() {
        let (student, teacher, _) = logits();
        let device = student.device();
        for (row, class) in [0, 2].into_iter().enumerate() {
            let pick = |z: &Tensor<2>| z.clone().narrow(0, row, 1) / 4.0;
            let own = soft_labels(&[class], [1, 4], 0.0).unwrap();
            let own = Tensor::<2>::from_data(own, &device);
            let (t, s) = (pick(&teacher), pick(&student));
            let sure = sum_last(softmax(t.clone()) * own.clone()).into_scalar::<f64>();
            let whole = divergence(t.clone(), s.clone()).into_scalar::<f64>();
            let [target, others] = decoupled(t, s, own).map(|x| x.into_scalar::<f64>());
            assert!((whole - (target + (1.0 - sure) * others)).abs() < 1e-6);
        }
    }

    #[test]
    fn a_teacher_that_is_sure_has_finite_lessons() {
        let (student, _, target) = logits();
        let sure = Tensor::from_data([[400.0f32, 0.0, 0.0, 0.0], [0.0, 0.0, 400.0, 0.0]], &student.device());
        let how = Distillation::Dkd { temperature: 1.0, alpha: 1.0, beta: 8.0, warm_up: 0 };
        let (student, on_tape) = (student.autodiff().require_grad(), sure.autodiff());
        let loss = how.loss(student.clone(), on_tape, &target, (0.0, 0.0)).unwrap();
        let gradient = student.grad(&loss.clone().backward()).unwrap();
        assert!(loss.into_scalar::<f64>().is_finite());
        assert!(gradient.into_data().iter::<f64>().all(f64::is_finite));
    }

    #[test]
    fn answers_without_classes_are_not_compared_as_if_they_had_some() {
        let (student, teacher, _) = logits();
        for how in [
            Distillation::default(),
            Distillation::Dkd { temperature: 4.0, alpha: 1.0, beta: 8.0, warm_up: 0 },
        ] {
            let dense = Target::Dense(vec![0.5; 8]);
            assert!(how.loss(student.clone(), teacher.clone(), &dense, (0.0, 0.0)).is_err(), "{how:?}");
        }
    }

    #[test]
    fn what_nothing_can_be_learnt_with_is_refused() {
        for (how, field) in [
            (Distillation::Kd { temperature: 0.0, weight: 0.5 }, "temperature"),
            (Distillation::Kd { temperature: 1.0, weight: 1.5 }, "weight"),
            (Distillation::At { weight: -1.0 }, "weight"),
            (Distillation::Dkd { temperature: 1.0, alpha: -1.0, beta: 0.0, warm_up: 0 }, "alpha"),
        ] {
            assert!(how.check().unwrap_err().to_string().starts_with(&format!("`{field}`")));
        }
    }
}
