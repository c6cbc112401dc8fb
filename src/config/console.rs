//! `console`: the operator's console on the internal listener. Left out, there is none.

use std::{path::Path, path::PathBuf, time::Duration};

use ipnet::IpNet;
use serde::Deserialize;

use super::{
    bridge::BridgeConfig, explain::shown_text, limits::networks, problems::Problems,
    secret::Secret, secret::resolve, value::Span,
};

/// The shortest session.
const SHORTEST: Duration = Duration::from_secs(60);
/// The longest session.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// The longest name of a header, in bytes.
const MAX_HEADER: usize = 64;
/// Headers that mean something else.
const OTHER_HEADERS: [&str; 8] = [
    "authorization",
    "cookie",
    "forwarded",
    "host",
    "origin",
    "referer",
    "user-agent",
    "x-forwarded-for",
];

/// Who gets into the console, and for how long.
#[derive(Debug, Clone)]
pub struct ConsoleConfig {
    /// What is typed to log in; `None`: nobody does.
    pub token: Option<Secret>,
    /// The header in which a reverse proxy tells who asks, in lower case; `None`: none does.
    pub user_header: Option<String>,
    /// From where that header is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a session lasts.
    pub session: Duration,
}

/// The section as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsoleFile {
    token: Option<Secret>,
    token_file: Option<PathBuf>,
    user_header: Option<String>,
    trusted_proxies: Option<Vec<String>>,
    #[serde(default = "twelve_hours")]
    session: Span,
}

fn twelve_hours() -> Span {
    Span(Duration::from_secs(12 * 3600))
}

impl ConsoleFile {
    pub(super) fn checked(
        self,
        bridges: &[BridgeConfig],
        folder: &Path,
        problems: &mut Problems,
    ) -> ConsoleConfig {
        let has_token = self.token.is_some() || self.token_file.is_some();
        let token = (has_token || self.user_header.is_none())
            .then(|| {
                let file = self.token_file.as_deref();
                resolve("console.token", self.token, file, folder, problems)
            })
            .flatten();
        if let Some(token) = &token {
            refuse_tokens_of_bridges(token, bridges, problems);
        }
        let trusted = self.trusted_proxies.unwrap_or_default();
        let is_missing = self.user_header.is_some() && trusted.is_empty();
        if is_missing {
            problems.add(
                "console.trusted_proxies",
                "is missing; with user_header, give the networks of the proxies that set it, such as [127.0.0.1/32]",
            );
        }
        if self.user_header.is_none() && !trusted.is_empty() {
            problems.add(
                "console.trusted_proxies",
                "is given without console.user_header, which alone it is about",
            );
        }
        let session = self.session.0;
        if !(SHORTEST..=LONGEST).contains(&session) {
            problems.add(
                "console.session",
                format_args!("found {session:?}; allowed is 1m to 30d"),
            );
        }
        ConsoleConfig {
            token,
            user_header: (self.user_header).and_then(|name| header_name(&name, problems)),
            trusted_proxies: networks("console.trusted_proxies", &trusted, problems),
            session,
        }
    }
}

/// A bridge's token is known to the bridge, and to those who run it.
fn refuse_tokens_of_bridges(token: &Secret, bridges: &[BridgeConfig], problems: &mut Problems) {
    for bridge in bridges {
        let tokens = [&bridge.api_token, &bridge.as_token, &bridge.hs_token];
        if tokens.contains(&token) {
            problems.add(
                "console.token",
                format_args!(
                    "is a token of the bridge {} as well; allowed is one of its own",
                    shown_text(&bridge.id)
                ),
            );
        }
    }
}

/// The name of a header (RFC 9110, section 5.1), in lower case.
fn header_name(text: &str, problems: &mut Problems) -> Option<String> {
    let name = text.to_ascii_lowercase();
    let is_name = (1..=MAX_HEADER).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_name && !OTHER_HEADERS.contains(&name.as_str()) {
        return Some(name);
    }
    problems.add(
        "console.user_header",
        format_args!(
            "found {}; allowed is the name of a header that only the proxy sets, such as X-Remote-User, or null",
            shown_text(text)
        ),
    );
    None
}

#[cfg(test)]
mod tests {
    use super::{super::ConfigError, *};

    fn read(text: &str) -> Result<ConsoleConfig, String> {
        let file: ConsoleFile = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut problems = Problems::default();
        let console = file.checked(&[], Path::new(""), &mut problems);
        match problems.is_empty() {
            true => Ok(console),
            false => Err(ConfigError::from(problems).to_string()),
        }
    }

    #[test]
    fn a_token_or_a_header_of_trusted_proxies_opens_it() {
        let by_token = read(r#"{"token": "abc"}"#).expect("valid");
        assert_eq!(by_token.session, Duration::from_secs(43_200));
        assert!(by_token.user_header.is_none() && by_token.token.is_some());
        let by_header = r#"{"user_header": "X-Remote-User", "trusted_proxies": ["127.0.0.1"], "session": "1h"}"#;
        let by_header = read(by_header).expect("valid");
        assert_eq!(by_header.user_header.as_deref(), Some("x-remote-user"));
        assert!(by_header.token.is_none());
    }

    #[test]
    fn what_opens_it_for_nobody_or_everybody_is_told() {
        for (text, told) in [
            ("{}", "console.token: is missing"),
            (r#"{"token": "change-me"}"#, "console.token: is still that"),
            (
                r#"{"user_header": "X-Remote-User"}"#,
                "console.trusted_proxies: is missing",
            ),
            (
                r#"{"token": "abc", "trusted_proxies": ["127.0.0.1"]}"#,
                "console.trusted_proxies: is given without",
            ),
            (
                r#"{"user_header": "X-Remote-User", "trusted_proxies": ["all"]}"#,
                "console.trusted_proxies[0]: found",
            ),
            (
                r#"{"user_header": "Cookie", "trusted_proxies": ["127.0.0.1"]}"#,
                "console.user_header: found",
            ),
            (
                r#"{"user_header": "a b", "trusted_proxies": ["127.0.0.1"]}"#,
                "console.user_header: found",
            ),
            (
                r#"{"token": "abc", "session": "5s"}"#,
                "console.session: found 5s; allowed is 1m to 30d",
            ),
        ] {
            let refused = read(text).expect_err(text);
            assert!(refused.contains(told), "{refused}");
        }
    }
}
