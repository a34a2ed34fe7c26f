//! The threads that compute on a CPU.

/// Makes the calling thread one of those that compute, instead of one that hands each operation to
/// them and waits: on small networks the handing over takes as long as the operation. For a
/// program whose main thread does the work; to be called once, before anything is computed.
///
/// What is computed from other threads then waits while this one does neither compute nor end: with
/// a single thread (`RAYON_NUM_THREADS=1`) it waits for good.
pub fn compute_on_this_thread() {
    // A pool that is there already goes on as it is.
    let _ = rayon::ThreadPoolBuilder::new().use_current_thread().build_global();
}

/// Lets the calling thread compute alone what it is asked for here, beside others that do the same:
/// several independent pieces of work are done sooner by a thread each than one after the other by
/// all. No result depends on which. In a thread that computes for others already, nothing changes.
///
/// Each call leaves some hundred bytes behind, so it is for a thread's whole work.
pub fn compute_alone<T>(work: impl FnOnce() -> T) -> T {
    // It is there as long as there is work.
    let _pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_computes_alone_waits_for_no_other() {
        let threads = std::thread::spawn(|| compute_alone(|| rayon::join(rayon::current_num_threads, || 7)));
        assert_eq!(threads.join().unwrap(), (1, 7));
    }
}
