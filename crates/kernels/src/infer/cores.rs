//! On which cores threads run, where the system says so and lets a process choose: on Linux.

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{Cores, here};
#[cfg(target_os = "linux")]
pub(super) use linux::{Cores, here};

#[cfg(target_os = "linux")]
mod linux {
    use rustix::thread::{CpuSet, Pid, gettid, sched_getaffinity, sched_getcpu, sched_setaffinity};

    /// A thread, and the cores that it was allowed when it began.
    #[derive(Debug)]
    pub(crate) struct Cores {
        thread: Pid,
        allowed: CpuSet,
    }

    /// The core that the calling thread is on.
    pub(crate) fn here() -> Option<usize> {
        Some(sched_getcpu()).filter(|core| *core < CpuSet::MAX_CPU)
    }

    impl Cores {
        /// Those of the calling thread.
        pub(crate) fn own() -> Option<Self> {
            Some(Self { thread: gettid(), allowed: sched_getaffinity(None).ok()? })
        }

        /// Lets the thread run on all of its cores but this one, if `least` are left of them, and otherwise on all.
        pub(crate) fn keep_off(&self, core: usize, least: usize) {
            let mut cores = self.allowed;
            cores.unset(core);
            if (cores.count() as usize) < least {
                cores = self.allowed;
            }
            // A system that refuses knows better.
            let _ = sched_setaffinity(Some(self.thread), &cores);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    /// There is none: nothing is known of a thread's cores.
    #[derive(Debug)]
    pub(crate) enum Cores {}

    pub(crate) fn here() -> Option<usize> {
        None
    }

    impl Cores {
        pub(crate) fn own() -> Option<Self> {
            None
        }

        pub(crate) fn keep_off(&self, _core: usize, _least: usize) {}
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::super::Team;

    fn numbers(cores: &CpuSet) -> Vec<usize> {
        (0..CpuSet::MAX_CPU).filter(|&core| cores.is_set(core)).collect()
    }

    #[test]
    fn workers_keep_off_the_callers_core_if_there_are_cores_for_all() {
        let all = sched_getaffinity(None).unwrap();
        for threads in [2, 1 + all.count() as usize] {
            let mut team = Team::new(threads).unwrap();
            // After it all workers have begun.
            team.run(&|_| {});
            for core in numbers(&all) {
                let mut one = CpuSet::new();
                one.set(core);
                // Some sandboxes let no process choose its cores: then there is nothing to see.
                if sched_setaffinity(None, &one).is_err() {
                    return;
                }
                let found = std::sync::Mutex::new(Vec::new());
                team.run(&|member| {
                    if member.index > 0 {
                        found.lock().unwrap().push(sched_getaffinity(None).unwrap());
                    }
                });
                let mut expected = numbers(&all);
                if threads <= expected.len() {
                    expected.retain(|other| *other != core);
                }
                let found = found.into_inner().unwrap();
                assert_eq!(found.len(), threads - 1);
                assert!(found.iter().all(|cores| numbers(cores) == expected), "{core}: {found:?}");
            }
            sched_setaffinity(None, &all).unwrap();
        }
    }
}
