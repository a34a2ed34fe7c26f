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
