//! Work on several threads whose results are taken in order.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use sapwood_backend::compute_alone;

/// Does the work of every item, and takes the results in the order of the items, each as soon as
/// it and those before it are known. The first item in this order whose work fails ends it. With
/// one worker it is the calling thread that works, with all that compute for it; several each
/// compute alone.
pub(super) fn in_order<T: Sync, R: Send, E: Send>(
    workers: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
    mut take: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    if workers < 2 {
        return items.iter().try_for_each(|item| take(item, work(item)?));
    }
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers.min(items.len()) {
            let (tell, next, work) = (tell.clone(), &next, &work);
            scope.spawn(move || {
                compute_alone(|| {
                    while let Some((at, item)) = {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        items.get(at).map(|item| (at, item))
                    } {
                        // Where nobody listens any more, something went wrong.
                        if tell.send((at, work(item))).is_err() {
                            break;
                        }
                    }
                });
            });
        }
        drop(tell);
        let (mut waiting, mut expected) = (BTreeMap::new(), 0);
        let receive = || {
            for (at, result) in told {
                waiting.insert(at, result);
                while let Some(result) = waiting.remove(&expected) {
                    take(&items[expected], result?)?;
                    expected += 1;
                }
            }
            Ok(())
        };
        let result = receive();
        // No further work is begun.
        next.store(items.len(), Ordering::Relaxed);
        result
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_order_up_to_the_first_that_fails() {
        let items: Vec<u64> = (0..40).collect();
        for workers in [1, 2, 7] {
            for fails in [0, 23, 99] {
                let mut taken = Vec::new();
                let work = |item: &u64| {
                    // The later ones are quicker.
                    thread::sleep(Duration::from_micros(20 * (40 - item)));
                    match item {
                        item if *item == fails => Err("too late"),
                        item => Ok(item * item),
                    }
                };
                let result = in_order(workers, &items, work, |item, result| {
                    taken.push((*item, result));
                    Ok(())
                });
                let expected: Vec<(u64, u64)> = (0..fails.min(40)).map(|item| (item, item * item)).collect();
                assert_eq!((result.is_err(), &taken), (fails < 40, &expected), "{workers} workers");
            }
        }
    }

    #[test]
    fn what_cannot_be_taken_ends_it() {
        let items: Vec<u64> = (0..1000).collect();
        let full = || Err("the disk is full");
        let result = in_order(3, &items, |item| Ok(*item), |item, _| if *item < 5 { Ok(()) } else { full() });
        assert_eq!(result, Err("the disk is full"));
    }
}
