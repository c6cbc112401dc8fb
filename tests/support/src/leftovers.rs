//! What no service may leave behind: errors in its log, and panics of its tasks. Both are noted by
//! the async runtime in which they happen. A test has a runtime of its own, in which its services
//! do their work in the background; the threads that answer requests have others, which cannot be
//! told apart, so what they report is left to the answers that the test checks.

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    sync::{Mutex, Once, PoisonError},
};

use tokio::runtime::{Handle, Id};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::LevelFilter,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// How many errors and panics of one runtime are kept: the first ones tell most.
const KEPT: usize = 100;

static REPORTS: Mutex<Option<HashMap<Id, Reports>>> = Mutex::new(None);

/// What has gone wrong in one runtime.
#[derive(Debug, Default)]
pub struct Reports {
    pub errors: Vec<String>,
    pub panics: Vec<String>,
}

/// Begins to note errors and panics, at the first service of the process.
pub fn watch() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| {
        let log = tracing_subscriber::registry().with(Errors.with_filter(LevelFilter::ERROR));
        log.try_init().expect("no test logs in another way");
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            note(|reports| keep(&mut reports.panics, panic.to_string()));
            print(panic);
        }));
    });
}

/// What has gone wrong in this runtime since it was last asked for.
pub fn take() -> Reports {
    let mut reports = REPORTS.lock().unwrap_or_else(PoisonError::into_inner);
    let here = Handle::current().id();
    let found = reports.as_mut().and_then(|reports| reports.remove(&here));
    found.unwrap_or_default()
}

fn note(add: impl FnOnce(&mut Reports)) {
    if let Ok(runtime) = Handle::try_current() {
        let mut reports = REPORTS.lock().unwrap_or_else(PoisonError::into_inner);
        let reports = reports.get_or_insert_default();
        add(reports.entry(runtime.id()).or_default());
    }
}

fn keep(lines: &mut Vec<String>, line: String) {
    if lines.len() < KEPT {
        lines.push(line);
    }
}

/// Notes what the log has of errors.
struct Errors;

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        debug_assert_eq!(*event.metadata().level(), Level::ERROR);
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        note(|reports| keep(&mut reports.errors, line.0));
    }
}

/// An event of the log as a line of text.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}
