//! How often an example was forgotten.

use burn::prelude::Device;
use sapwood_core::{Network, Reporter, Source};

use super::each_answer;
use crate::Error;

/// The number of times that an example was answered rightly by one network and wrongly by the next one; infinite where
/// none answers it rightly (Toneva et al. 2019, "An Empirical Study of Example Forgetting"). The networks are those of one
/// training, in their order.
///
/// What differs: the paper looks at the batches of training as they come, here all networks look at all examples.
///
/// # Errors
/// Batches that cannot be read, or whose targets are no classes; a device that fails.
pub async fn forgetting<N: Network>(
    networks: &[N],
    source: &dyn Source,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Vec<f64>, Error> {
    let mut seen = vec![Seen::default(); source.examples()];
    each_answer(networks, source, device, reporter, |at, logits, class| {
        // Of equal outputs the first is the answer.
        let answer = (1..logits.len()).fold(0, |best, of| if logits[best] < logits[of] { of } else { best });
        seen[at].next(answer == class);
    })
    .await?;
    Ok(seen.into_iter().map(Seen::score).collect())
}

/// What was seen of an example so far.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    is_right: bool,
    was_ever_right: bool,
    forgotten: u32,
}

impl Seen {
    fn next(&mut self, is_right: bool) {
        self.forgotten += u32::from(self.is_right && !is_right);
        self.was_ever_right |= is_right;
        self.is_right = is_right;
    }

    fn score(self) -> f64 {
        if self.was_ever_right { f64::from(self.forgotten) } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_learnt_is_above_all_that_was_forgotten() {
        let score = |answers: &str| {
            let mut seen = Seen::default();
            answers.chars().for_each(|answer| seen.next(answer == 'r'));
            seen.score()
        };
        assert_eq!(["rrrr", "wrrr", "rwrr", "rwrw", "wrwrw"].map(score), [0.0, 0.0, 1.0, 2.0, 2.0]);
        assert_eq!(score("wwww"), f64::INFINITY);
    }
}
