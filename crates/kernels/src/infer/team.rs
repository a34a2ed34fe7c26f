//! Threads that do one thing after the other together.
//!
//! A layer takes some microseconds, about as long as it takes to wake a thread up. So threads wait for
//! each other by looking: between two steps of a network, and a little while between two networks, after
//! which they sleep.
//!
//! What waits for another must not keep it from its core. A thread that is woken up often comes to the core of the
//! one that woke it, where either waits until the other's time is up. So the others are kept off the core on which
//! the calling thread is, wherever there are cores for all.

use std::{
    cell::{Cell, UnsafeCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::cores::{Cores, here};

/// How often a waiting thread looks before it lets others run, or sleeps: some 50 microseconds.
const LOOKS: u32 = 2000;

/// On a line of the cache of its own, so that who looks does not disturb who writes beside it.
#[repr(align(128))]
#[derive(Default)]
struct Alone<T>(T);

/// What all members do, each with its number and a barrier.
type Work<'a> = dyn Fn(Member<'_>) + Sync + 'a;

struct Shared {
    /// Grows by one with each work.
    round: Alone<AtomicU32>,
    /// Of the others, how many have done this round's work.
    done: Alone<AtomicUsize>,
    barrier: Barrier,
    is_over: AtomicBool,
    work: UnsafeCell<Option<*const Work<'static>>>,
}

// SAFETY: `work` is written only between two rounds, by the one thread that begins them, and read only
// after a round has begun, which is told by an atomic.
unsafe impl Sync for Shared {}
// SAFETY: as above; what it points at is `Sync`.
unsafe impl Send for Shared {}

/// Where members wait for each other.
#[derive(Default)]
struct Barrier {
    of: usize,
    arrived: Alone<AtomicUsize>,
    phase: Alone<AtomicU32>,
    /// Whether a member will not come any more, since it panicked.
    is_broken: AtomicBool,
}

impl Barrier {
    fn wait(&self) {
        if self.of == 1 {
            return;
        }
        let phase = self.phase.0.load(Ordering::Relaxed);
        if self.arrived.0.fetch_add(1, Ordering::AcqRel) + 1 == self.of {
            self.arrived.0.store(0, Ordering::Relaxed);
            self.phase.0.store(phase.wrapping_add(1), Ordering::Release);
        } else {
            look_until(|| {
                assert!(!self.is_broken.load(Ordering::Relaxed), "another thread of the team panicked");
                self.phase.0.load(Ordering::Acquire) != phase
            });
        }
    }
}

fn look_until(is_so: impl Fn() -> bool) {
    let mut looks = 0;
    while !is_so() {
        looks += 1;
        match looks < LOOKS {
            true => std::hint::spin_loop(),
            // There may be fewer cores than threads.
            false => thread::yield_now(),
        }
    }
}

/// One thread's place in a team, while there is work.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    /// Which one it is.
    pub(crate) index: usize,
    /// How many there are.
    pub(crate) of: usize,
    barrier: &'a Barrier,
    /// Of the calling thread: who keeps the others off its core.
    keeper: Option<&'a Keeper<'a>>,
}

impl Member<'_> {
    /// Returns when all members have come here: what they wrote before can then be read.
    pub(crate) fn wait(&self) {
        if let Some(keeper) = self.keeper {
            keeper.look();
        }
        self.barrier.wait();
    }

    /// Its share of `units` units, in order: sizes differ by one at most.
    pub(crate) fn share(&self, units: usize) -> std::ops::Range<usize> {
        units * self.index / self.of..units * (self.index + 1) / self.of
    }
}

/// Who keeps workers off the core on which the calling thread is. The system moves that as it likes, also in the
/// middle of a network, so this looks at each barrier: some 20 nanoseconds.
struct Keeper<'a> {
    workers: &'a [Worker],
    /// The core that all were told to keep off.
    kept: Cell<Option<usize>>,
}

impl Keeper<'_> {
    fn look(&self) {
        let here = here();
        if here != self.kept.get() {
            self.kept.set(here.filter(|&core| keep_off(self.workers, core)));
        }
    }
}

/// A thread besides the one that calls.
struct Worker {
    thread: JoinHandle<()>,
    seat: Arc<Seat>,
}

/// What a worker says of itself.
#[derive(Default)]
struct Seat {
    is_asleep: AtomicBool,
    /// Where it may run, as soon as it does.
    cores: OnceLock<Option<Cores>>,
}

/// Some threads, of which the one that calls is the first.
pub struct Team {
    shared: Arc<Shared>,
    workers: Vec<Worker>,
    /// The core that all workers were told to keep off.
    kept: Option<usize>,
}

impl Team {
    /// This number of threads; no fewer than one.
    ///
    /// # Errors
    /// Where the system has no more threads.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let barrier = Barrier { of: threads.max(1), ..Barrier::default() };
        let shared = Arc::new(Shared {
            round: Alone::default(),
            done: Alone::default(),
            barrier,
            is_over: AtomicBool::new(false),
            work: UnsafeCell::new(None),
        });
        let mut team = Self { shared, workers: Vec::new(), kept: None };
        for index in 1..threads {
            let (shared, seat) = (team.shared.clone(), Arc::<Seat>::default());
            let own = seat.clone();
            let name = format!("inference-{index}");
            let thread = thread::Builder::new().name(name).spawn(move || serve(&shared, index, &own))?;
            team.workers.push(Worker { thread, seat });
        }
        Ok(team)
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Lets every member do the work, and returns when all have done it.
    ///
    /// # Panics
    /// If one of them does.
    pub(crate) fn run(&mut self, work: &Work<'_>) {
        let shared = &*self.shared;
        let keeper = Keeper { workers: &self.workers, kept: Cell::new(self.kept) };
        let member = Member { index: 0, of: self.threads(), barrier: &shared.barrier, keeper: Some(&keeper) };
        if self.workers.is_empty() {
            return work(Member { keeper: None, ..member });
        }
        keeper.look();
        shared.done.0.store(0, Ordering::Relaxed);
        // SAFETY: nobody reads between two rounds, and what is borrowed outlives this call, which
        // returns only when all others are done with it.
        unsafe {
            *shared.work.get() = Some(std::mem::transmute::<*const Work<'_>, *const Work<'static>>(work))
        };
        shared.round.0.fetch_add(1, Ordering::SeqCst);
        for worker in self.workers.iter().filter(|worker| worker.seat.is_asleep.load(Ordering::SeqCst)) {
            worker.thread.thread().unpark();
        }
        let mine = catch_unwind(AssertUnwindSafe(|| work(member)));
        if mine.is_err() {
            shared.barrier.is_broken.store(true, Ordering::SeqCst);
        }
        look_until(|| shared.done.0.load(Ordering::Acquire) == self.workers.len());
        self.kept = keeper.kept.get();
        if shared.barrier.is_broken.swap(false, Ordering::SeqCst) {
            shared.barrier.arrived.0.store(0, Ordering::SeqCst);
            match mine {
                Err(panic) => resume_unwind(panic),
                Ok(()) => panic!("a thread of the team panicked"),
            }
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.shared.round.0.fetch_add(1, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread.thread().unpark();
            // It has caught what its work panicked with.
            let _ = worker.thread.join();
        }
    }
}

impl std::fmt::Debug for Team {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} threads", self.threads())
    }
}

/// Tells workers to keep off a core, and says whether all were told: one that has not begun yet cannot be.
fn keep_off(workers: &[Worker], core: usize) -> bool {
    workers.iter().all(|worker| {
        let cores = worker.seat.cores.get();
        cores.into_iter().flatten().for_each(|cores| cores.keep_off(core, workers.len()));
        cores.is_some()
    })
}

/// What a thread does until the team is over.
fn serve(shared: &Shared, index: usize, Seat { is_asleep, cores }: &Seat) {
    cores.get_or_init(Cores::own);
    let mut seen = 0;
    loop {
        let mut looks = 0;
        while shared.round.0.load(Ordering::Acquire) == seen {
            looks += 1;
            if looks < LOOKS {
                std::hint::spin_loop();
                continue;
            }
            is_asleep.store(true, Ordering::SeqCst);
            // Whoever begins a round after this sees that it must wake this thread up.
            if shared.round.0.load(Ordering::SeqCst) == seen {
                thread::park();
            }
            is_asleep.store(false, Ordering::SeqCst);
        }
        seen = seen.wrapping_add(1);
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        // SAFETY: the round has begun, so the work was written before, and stays until this thread is done.
        let work = unsafe { (*shared.work.get()).map(|work| &*work) };
        let member = Member { index, of: shared.barrier.of, barrier: &shared.barrier, keeper: None };
        let done = catch_unwind(AssertUnwindSafe(|| work.into_iter().for_each(|work| work(member))));
        if done.is_err() {
            shared.barrier.is_broken.store(true, Ordering::SeqCst);
        }
        shared.done.0.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_members_come_through_every_barrier_together() {
        for threads in [1, 2, 3, 5] {
            let mut team = Team::new(threads).unwrap();
            assert_eq!(team.threads(), threads);
            for _ in 0..20 {
                let counts: Vec<AtomicUsize> = (0..10).map(|_| AtomicUsize::new(0)).collect();
                team.run(&|member| {
                    for count in &counts {
                        count.fetch_add(1, Ordering::Relaxed);
                        member.wait();
                        assert_eq!(count.load(Ordering::Relaxed), threads);
                    }
                });
            }
        }
    }

    #[test]
    fn shares_are_everything_once() {
        let barrier = Barrier { of: 3, ..Barrier::default() };
        for units in [0, 1, 2, 3, 7, 100] {
            let share = |index| Member { index, of: 3, barrier: &barrier, keeper: None }.share(units);
            assert_eq!((0..3).flat_map(share).collect::<Vec<_>>(), (0..units).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_of_one_is_everyones_and_the_team_goes_on() {
        let mut team = Team::new(3).unwrap();
        for panics in 0..3 {
            let work = |member: Member<'_>| {
                assert!(member.index != panics, "on purpose");
                member.wait();
            };
            assert!(catch_unwind(AssertUnwindSafe(|| team.run(&work))).is_err());
            let count = AtomicUsize::new(0);
            team.run(&|member| {
                member.wait();
                count.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(count.load(Ordering::Relaxed), 3);
        }
    }

    #[test]
    fn sleeping_threads_are_woken() {
        let mut team = Team::new(2).unwrap();
        for _ in 0..3 {
            // Until the other one sleeps: longer than it looks.
            look_until(|| team.workers[0].seat.is_asleep.load(Ordering::SeqCst));
            let count = AtomicUsize::new(0);
            team.run(&|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(count.load(Ordering::Relaxed), 2);
        }
    }
}
