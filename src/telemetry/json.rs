//! Log lines as JSON. The line of a request, of which there are many, is written straight into
//! the buffer, in the shape that the library gives to all others.

use std::{
    cell::RefCell,
    fmt::{self, Debug, Write as _},
    time::{SystemTime, UNIX_EPOCH},
};

use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, Writer},
    },
    registry::LookupSpan,
};

/// The target of the lines of requests.
pub const REQUEST_TARGET: &str = "medialink::request";

/// Formats events.
pub(super) struct JsonLines(pub(super) Format<Json>);

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        if metadata.target() != REQUEST_TARGET {
            return self.0.format_event(context, writer, event);
        }
        writer.write_str("{\"timestamp\":\"")?;
        write_time(&mut writer)?;
        writer.write_str("\",\"level\":\"")?;
        writer.write_str(metadata.level().as_str())?;
        writer.write_char('"')?;
        let mut fields = Fields {
            writer: &mut writer,
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result?;
        writeln!(writer, ",\"target\":\"{REQUEST_TARGET}\"}}")
    }
}

thread_local! {
    /// The second since the epoch in which this thread has written last, and the time without its fraction.
    static SECOND: RefCell<(u64, String)> = RefCell::default();
}

/// Writes the time as the library does. To put a date together costs more than the rest of a line.
#[expect(
    clippy::disallowed_methods,
    reason = "other lines have the system's time"
)]
fn write_time(writer: &mut Writer<'_>) -> fmt::Result {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != now.as_secs() || text.is_empty() {
            let at = i64::try_from(now.as_secs()).map_err(|_| fmt::Error)?;
            let at = OffsetDateTime::from_unix_timestamp(at).map_err(|_| fmt::Error)?;
            *text = at.format(&Rfc3339).map_err(|_| fmt::Error)?;
            text.truncate(text.len() - 1);
            *second = now.as_secs();
        }
        writer.write_str(text)?;
        write!(writer, ".{:06}Z", now.subsec_micros())
    })
}

struct Fields<'a, 'w> {
    writer: &'a mut Writer<'w>,
    result: fmt::Result,
}

impl Fields<'_, '_> {
    /// Writes a field whose value is written as JSON.
    fn field(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let writer = &mut *self.writer;
        self.result = self.result.and_then(|()| {
            writer.write_str(",\"")?;
            writer.write_str(field.name())?;
            writer.write_str("\":")?;
            value(writer)
        });
    }
}

/// Text inside of a string of JSON.
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_plain = text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
        if is_plain {
            return self.0.write_str(text);
        }
        let quoted = serde_json::Value::from(text).to_string();
        self.0.write_str(&quoted[1..quoted.len() - 1])
    }
}

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |writer| {
            writer.write_char('"')?;
            Escaped(writer).write_str(value)?;
            writer.write_char('"')
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |writer| write!(writer, "{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, |writer| {
            writer.write_char('"')?;
            write!(Escaped(writer), "{value:?}")?;
            writer.write_char('"')
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::{Value, json};
    use tracing_subscriber::fmt;

    use super::*;

    /// The output of a subscriber.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(work: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let writer = written.clone();
        let logs = fmt()
            .json()
            .map_event_format(|_| JsonLines(Format::default().json().flatten_event(true)))
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(logs, work);
        let bytes = written.0.lock().expect("no panic").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        let read = |line| serde_json::from_str(line).expect("JSON");
        text.lines().map(read).collect()
    }

    #[test]
    fn a_request_has_the_shape_of_every_other_line() {
        let [mut request, mut other] = <[Value; 2]>::try_from(lines(|| {
            macro_rules! line {
                ($target:expr) => {
                    tracing::info!(target: $target, name = "a\"b\\c\nd\u{1}é", none = None::<u64>,
                        number = 7_u64, below = -7_i64, is_so = true,
                        peer = std::net::Ipv4Addr::LOCALHOST.to_string(),
                        shown = tracing::field::display("x \"y\\\n"), "request");
                };
            }
            line!(REQUEST_TARGET);
            line!("medialink::other");
        }))
        .expect("two lines");
        for line in [&mut request, &mut other] {
            let fields = line.as_object_mut().expect("an object");
            let at = fields.remove("timestamp").expect("a time");
            let at = at.as_str().expect("a text");
            assert_eq!(at.len(), "2026-01-31T00:00:00.000001Z".len(), "{at}");
            assert!(OffsetDateTime::parse(at, &Rfc3339).is_ok(), "{at}");
            assert!(fields.remove("target").is_some());
        }
        assert_eq!(request, other);
        assert_eq!(request["name"], json!("a\"b\\c\nd\u{1}é"));
        assert_eq!(request["level"], json!("INFO"));
    }
}
