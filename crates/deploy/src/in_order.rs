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
/// compute alone, and fewer do where the system gives no more threads.
pub(super) fn in_order<T: Sync, R: Send, E: Send>(
    workers: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
    take: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    on_threads(workers, |_| thread::Builder::new(), items, work, take)
}

/// The same on threads of which each is begun as is said for its number.
fn on_threads<T: Sync, R: Send, E: Send>(
    workers: usize,
    builder: impl Fn(usize) -> thread::Builder,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
    mut take: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let start = |number: &usize| {
            let (tell, next, work) = (tell.clone(), &next, &work);
            let worker = move || {
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
            };
            builder(*number).spawn_scoped(scope, worker).is_ok()
        };
        let wanted = if workers < 2 { 0 } else { workers.min(items.len()) };
        if (0..wanted).take_while(start).count() == 0 {
            return items.iter().try_for_each(|item| take(item, work(item)?));
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
    fn where_the_system_gives_no_more_threads_those_that_there_are_do_the_work() {
        let items: Vec<u64> = (0..40).collect();
        for given in [0, 1, 3] {
            // No machine has that much memory for a thread.
            let builder = |number: usize| match number < given {
                true => thread::Builder::new(),
                false => thread::Builder::new().stack_size(usize::MAX / 8 + 1),
            };
            let mut taken = Vec::new();
            let take = |item: &u64, result: u64| {
                taken.push((*item, result));
                Ok::<(), &str>(())
            };
            on_threads(5000, builder, &items, |item| Ok(item * item), take).unwrap();
            assert_eq!(taken, items.iter().map(|item| (*item, item * item)).collect::<Vec<_>>(), "{given}");
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
