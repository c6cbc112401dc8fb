//! Log lines without secrets, whoever wrote them: libraries log what they get as well.

use std::{
    fmt,
    io::{self, Write},
};

use serde_json::Value;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use super::{json::REQUEST_TARGET, masking::masked};

/// Masks secrets in the lines of JSON that another format writes. The lines of requests hold nothing
/// from outside but addresses, and are many: they pass as they are.
pub(super) struct NoSecrets<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for NoSecrets<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() == REQUEST_TARGET {
            return self.0.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        match masked(&line) {
            None => writer.write_str(&line),
            Some(_) => writeln!(writer, "{}", masked_json(&line)),
        }
    }
}

/// A line of JSON with each of its texts masked, so that it stays JSON.
fn masked_json(line: &str) -> Value {
    let mut value = serde_json::from_str(line).unwrap_or(Value::Null);
    mask_texts(&mut value);
    value
}

fn mask_texts(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(masked) = masked(text) {
                *text = masked;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(mask_texts),
        Value::Object(fields) => fields.values_mut().for_each(mask_texts),
        _ => {}
    }
}

/// Masks secrets in the lines for people, each of which is written at once. Writing never fails: the
/// library would report that on standard error, and panic if the terminal there is gone.
pub(super) struct MaskedLines<W>(pub(super) W);

impl<W: Write> Write for MaskedLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        drop(match masked(&text) {
            None => self.0.write_all(bytes),
            Some(masked) => self.0.write_all(masked.as_bytes()),
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        drop(self.0.flush());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::telemetry::know_secrets;

    #[test]
    fn a_line_keeps_its_shape_without_its_secrets() {
        know_secrets(["a-secret-of-\"log-lines\""]);
        let line = json!({
            "error": "unknown token a-secret-of-\"log-lines\"", "status": 401,
            "list": [{"k": "GET /?access_token=abc"}],
        });
        let expected = json!({
            "error": "unknown token [masked]", "status": 401,
            "list": [{"k": "GET /?access_token=[masked]"}],
        });
        assert_eq!(masked_json(&line.to_string()), expected);
        let mut written = Vec::new();
        let text = "unknown token \x1b[1ma-secret-of-\"log-lines\"\x1b[0m!\n";
        MaskedLines(&mut written)
            .write_all(text.as_bytes())
            .expect("written");
        let written = String::from_utf8(written).expect("UTF-8");
        assert_eq!(written, "unknown token \x1b[1m[masked]\x1b[0m!\n");
    }

    /// A terminal that is gone.
    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::Error::other("gone"))
        }
    }

    #[test]
    fn a_terminal_that_is_gone_is_no_error() {
        let mut lines = MaskedLines(Gone);
        for text in ["a line\n", "access_token=abc\n"] {
            lines.write_all(text.as_bytes()).expect("no error");
        }
        lines.flush().expect("no error");
    }
}
