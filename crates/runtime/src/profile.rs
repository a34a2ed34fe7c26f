//! What each layer takes.

use std::{sync::Mutex, time::Duration};

use web_time::Instant;

use crate::{Error, Session};

/// What a network takes, layer by layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// In the order in which they run.
    pub rows: Vec<Row>,
    /// The least that a whole run took.
    pub whole: Duration,
    /// How many images there were.
    pub images: usize,
}

/// What one layer takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The layer.
    pub layer: String,
    /// What computes it.
    pub kernel: String,
    /// The least that it took in any run.
    pub time: Duration,
    /// Multiply-accumulates of all images.
    pub macs: u64,
}

impl Row {
    /// Multiply-accumulates in a second.
    pub fn rate(&self) -> f64 {
        self.macs as f64 / self.time.as_secs_f64().max(1e-9)
    }
}

pub(crate) fn measure(session: &mut Session, images: &[f32], runs: usize) -> Result<Profile, Error> {
    let plan = session.plan.clone();
    let count = images.len() / plan.program.sizes()[0];
    let mut least = vec![Duration::MAX; plan.labels.len()];
    let mut whole = Duration::MAX;
    for _ in 0..runs.max(1) {
        let (spent, begin) = (vec![Duration::ZERO; plan.labels.len()], Instant::now());
        // Written by the first thread alone: nobody waits for it.
        let clock = Mutex::new((spent, begin));
        session.watch(images, &|step| {
            if let Ok(mut clock) = clock.lock() {
                let now = Instant::now();
                let since = now - clock.1;
                clock.0[step] += since;
                clock.1 = now;
            }
        })?;
        whole = whole.min(begin.elapsed());
        let (spent, _) = clock.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        least.iter_mut().zip(spent).for_each(|(least, spent)| *least = (*least).min(spent));
    }
    let rows = plan.labels.iter().zip(least).map(|(label, time)| Row {
        layer: label.layer.clone(),
        kernel: label.kernel.clone(),
        time,
        macs: label.macs * count as u64,
    });
    Ok(Profile { rows: rows.collect(), whole, images: count })
}
