//! Something of many, by some threads.

use std::{
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// What a function says of each item, in their order. No more threads than these ask it, and each item as soon as a
/// thread is free.
pub(crate) fn each<A: Sync, B: Send>(threads: usize, items: &[A], of: impl Fn(&A) -> B + Sync) -> Vec<B> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some((at, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
        {
            found.push((at, of(item)));
        }
        found
    };
    let mut found = thread::scope(|scope| {
        let others = 1..threads.min(items.len());
        // Where the system has no more threads, there are fewer.
        let others: Vec<_> =
            others.map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut found = work();
        for other in others {
            found.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        found
    });
    found.sort_unstable_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, found)| found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_there_in_order_whoever_found_them() {
        for (threads, count) in [(0, 5), (1, 0), (1, 7), (3, 2), (3, 100)] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(each(threads, &items, |x| x * x), items.iter().map(|x| x * x).collect::<Vec<_>>());
        }
    }
}
