//! Questions on a terminal.

use std::io::{BufRead, Read as _, Write};

use anyhow::ensure;
use url::Url;

use medialink_link::matrix::ServerName;

/// The longest answer, in bytes.
const LONGEST: u64 = 4096;

/// One question.
pub(super) struct Question {
    text: &'static str,
    /// What is wrong with an answer.
    check: fn(&str) -> Result<(), String>,
}

impl Question {
    pub(super) const SERVER_NAME: Self = Self {
        text: "The name of the homeserver, the part after the colon in user IDs",
        check: server_name,
    };
    pub(super) const HOMESERVER_URL: Self = Self {
        text: "Where its client API is, best on a direct way",
        check: url,
    };
    pub(super) const PUBLIC_URL: Self = Self {
        text: "What every link begins with, for people's browsers",
        check: url,
    };
    pub(super) const BRIDGE: Self = Self {
        text: "A short name of the bridge, for logs and commands",
        check: name,
    };
    pub(super) const NETWORK: Self = Self {
        text: "The network on the other side, as people know it",
        check: something,
    };
    pub(super) const FORWARD_TO: Self = Self {
        text: "Where the bridge listens, which gets every request of the homeserver",
        check: url,
    };
}

/// Asks until the answer can be used; nothing but Enter takes the default.
///
/// # Errors
/// If the input ends.
pub(super) fn ask(
    question: &Question,
    default: Option<&str>,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> anyhow::Result<String> {
    loop {
        let shown = default.map(|default| format!(" [{}]", default.escape_debug()));
        write!(output, "{}{}: ", question.text, shown.unwrap_or_default())?;
        output.flush()?;
        let mut line = String::new();
        let read = input.by_ref().take(LONGEST).read_line(&mut line)?;
        ensure!(
            read > 0,
            "the input has ended before all was answered; nothing is written"
        );
        let answer = match (line.trim(), default) {
            ("", Some(default)) => default,
            (answer, _) => answer,
        };
        match (question.check)(answer) {
            Ok(()) => return Ok(answer.to_owned()),
            Err(why) => writeln!(output, "  {why}")?,
        }
    }
}

fn server_name(text: &str) -> Result<(), String> {
    ServerName::parse(text)
        .map(|_| ())
        .map_err(|error| format!("found {text:?}, {error}"))
}

fn url(text: &str) -> Result<(), String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(()),
        _ => Err(
            "found no http or https URL; allowed is one such as https://media.example.org"
                .to_owned(),
        ),
    }
}

/// Whether a text can name a bridge.
pub(super) fn is_name(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn name(text: &str) -> Result<(), String> {
    if is_name(text) {
        return Ok(());
    }
    Err(format!(
        "found {text:?}; allowed are 1 to 64 letters, digits, '.', '_' and '-'"
    ))
}

fn something(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("found nothing; allowed is any text".to_owned());
    }
    Ok(())
}
