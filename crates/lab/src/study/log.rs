//! What happens in a run, in a file beside it.

use std::{fs::File, io::Write as _, path::Path, sync::LazyLock, time::Instant};

use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    dispatcher::{get_default, with_default},
    level_filters::LevelFilter,
    span,
    subscriber::{Interest, NoSubscriber},
};

use crate::{
    Error,
    lines::{Fields, of_event},
};

/// Writes what is worth a line of a run down, with the seconds since it was opened, and passes all
/// events and spans on to whoever listened before. It hears the thread that it is in force on, so
/// that runs of one process do not get into each other's files.
struct Log {
    file: File,
    opened: Instant,
    next: Dispatch,
}

/// A second subscriber that hears nothing. While there is one alone, an event that happens first on a thread which does
/// not hear it counts as heard nowhere (`tracing_core::callsite`): so another training of the process
/// would take lines from this log.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

/// Does something while a file is written of it, at whose end lines are added.
pub(super) fn logged<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, Error> {
    let file = File::options().create(true).append(true).open(path).map_err(Error::file("write", path))?;
    LazyLock::force(&SECOND);
    let log = Log { file, opened: Instant::now(), next: get_default(Dispatch::clone) };
    Ok(with_default(&Dispatch::new(log), work))
}

/// Whether an event may be a line.
fn is_heard(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
        && *metadata.level() <= tracing::Level::INFO
        && metadata.target().starts_with("sapwood")
}

impl Subscriber for Log {
    /// Whoever listened before may change its mind.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let next = self.next.enabled(metadata);
        next || is_heard(metadata)
    }

    /// Of its own: the other one is asked as well.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn event(&self, event: &Event<'_>) {
        if self.next.enabled(event.metadata()) {
            self.next.event(event);
        }
        if !is_heard(event.metadata()) {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(line) = of_event(event.metadata().name(), &fields) {
            // A log that has no room left is no reason to give up the run.
            let _ = writeln!(&self.file, "{:9.3} s  {line}", self.opened.elapsed().as_secs_f64());
        }
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.next.new_span(span)
    }

    fn record(&self, span: &span::Id, values: &span::Record<'_>) {
        self.next.record(span, values);
    }

    fn record_follows_from(&self, span: &span::Id, follows: &span::Id) {
        self.next.record_follows_from(span, follows);
    }

    fn enter(&self, span: &span::Id) {
        self.next.enter(span);
    }

    fn exit(&self, span: &span::Id) {
        self.next.exit(span);
    }

    fn clone_span(&self, id: &span::Id) -> span::Id {
        self.next.clone_span(id)
    }

    fn try_close(&self, id: span::Id) -> bool {
        self.next.try_close(id)
    }

    fn current_span(&self) -> tracing_core::span::Current {
        self.next.current_span()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Silent, lines};

    /// Two runs of one process, and one that nobody writes down.
    #[test]
    fn a_log_has_the_lines_of_its_own_thread_alone() {
        let folder = tempfile::tempdir().unwrap();
        let say = |what: &str| lines::note(&Silent, what);
        let path = |name: &str| folder.path().join(name);
        std::thread::scope(|scope| {
            for name in ["one", "other"] {
                scope.spawn(move || (0..50).for_each(|_| say("unheard")));
                scope.spawn(move || logged(&path(name), || (0..50).for_each(|_| say(name))).unwrap());
            }
        });
        for name in ["one", "other"] {
            let text = std::fs::read_to_string(path(name)).unwrap();
            let lines: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(" s  ")?.1)).collect();
            assert_eq!(lines, vec![name; 50]);
        }
    }

    #[test]
    fn whoever_listened_before_hears_it_still_and_only_what_it_wants() {
        struct Counts(std::sync::atomic::AtomicUsize);
        impl Subscriber for Counts {
            fn enabled(&self, metadata: &Metadata<'_>) -> bool {
                *metadata.level() <= tracing::Level::WARN
            }
            fn event(&self, _: &Event<'_>) {
                self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
                span::Id::from_u64(1)
            }
            fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
            fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
            fn enter(&self, _: &span::Id) {}
            fn exit(&self, _: &span::Id) {}
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let before = Dispatch::new(Counts(0.into()));
        with_default(&before, || {
            let work = || {
                lines::note(&Silent, "a note");
                lines::warn(&Silent, "a warning");
                tracing::warn!("no line");
            };
            logged(file.path(), work).unwrap();
        });
        let counts = before.downcast_ref::<Counts>().unwrap();
        assert_eq!(counts.0.load(std::sync::atomic::Ordering::Relaxed), 2);
        let text = std::fs::read_to_string(file.path()).unwrap();
        let lines: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(" s  ")?.1)).collect();
        assert_eq!(lines, ["a note", "warning: a warning"]);
    }
}
