//! Requests that are no HTTP: whoever can connect can send them, so that they are nothing for an
//! operator to mend. The web server reports them as errors.

use std::fmt::Debug;

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

/// Where the web server reports the end of a connection that it could not go on with.
const TARGET: &str = "actix_http::h1::dispatcher";
/// How these reports begin. Others from there are about faults of our own.
const BEGIN: &str = "stream error: ";

/// Keeps these reports out of the log, and logs them at debug instead.
pub(super) struct NotHttp;

impl<S: Subscriber> Layer<S> for NotHttp {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if metadata.target() != TARGET || *metadata.level() != Level::ERROR {
            return true;
        }
        let mut message = Message::default();
        event.record(&mut message);
        match message.0.strip_prefix(BEGIN) {
            None => true,
            Some(problem) => {
                tracing::debug!(problem, "a connection was closed: it carried no valid HTTP");
                false
            }
        }
    }
}

/// The message of an event.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
