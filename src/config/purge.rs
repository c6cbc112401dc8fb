//! `purge`: whom to tell that answers about a link are not to be kept any more.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use hyper::{
    Method,
    header::{HeaderName, HeaderValue},
};
use serde::Deserialize;
use url::Url;

use crate::telemetry::know_secrets;

use super::{
    problems::Problems,
    secret::{Secret, resolve_text},
};

/// Stands for the path of an answer.
const PATH: &str = "{path}";
/// Stands for the token of a link.
const TOKEN: &str = "{token}";
/// The most hooks.
const MAX_HOOKS: usize = 8;

/// A cache in front of the service, such as a reverse proxy or a CDN.
#[derive(Clone, PartialEq, Eq)]
pub struct PurgeHook {
    url: String,
    /// The method of its requests.
    pub method: Method,
    /// A header of its requests, with a secret value.
    pub header: Option<(HeaderName, HeaderValue)>,
}

impl fmt::Debug for PurgeHook {
    /// The URL and the header may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PurgeHook")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl PurgeHook {
    /// The URLs to ask at the end of a link with this token, whose answers have these paths.
    #[must_use]
    pub fn urls(&self, token: &str, paths: &[String]) -> Vec<String> {
        let of_token = self.url.replace(TOKEN, token);
        if !self.url.contains(PATH) {
            return vec![of_token];
        }
        let paths = paths.iter();
        paths.map(|path| of_token.replace(PATH, path)).collect()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PurgeFile {
    url: String,
    #[serde(default = "purge")]
    method: String,
    header: Option<HeaderFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderFile {
    name: String,
    value: Option<Secret>,
    value_file: Option<PathBuf>,
}

fn purge() -> String {
    "PURGE".to_owned()
}

/// Checks the hooks.
pub(super) fn checked(
    hooks: Vec<PurgeFile>,
    folder: &Path,
    problems: &mut Problems,
) -> Vec<PurgeHook> {
    if hooks.len() > MAX_HOOKS {
        problems.add(
            "purge",
            format_args!(
                "found {} entries; allowed are at most {MAX_HOOKS}",
                hooks.len()
            ),
        );
    }
    let hooks = hooks.into_iter().enumerate();
    let checked = hooks.filter_map(|(n, hook)| hook.checked(n, folder, problems));
    checked.collect()
}

impl PurgeFile {
    fn checked(self, n: usize, folder: &Path, problems: &mut Problems) -> Option<PurgeHook> {
        if !is_template(&self.url) {
            problems.add(
                format_args!("purge[{n}].url"),
                "allowed is an http or https URL with {path} or {token} behind its host, and no other braces",
            );
        }
        let method = Method::from_bytes(self.method.as_bytes());
        let method = method.ok().filter(|_| {
            let mut bytes = self.method.bytes();
            bytes.all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        });
        if method.is_none() {
            problems.add(
                format_args!("purge[{n}].method"),
                "allowed is a method of HTTP in capital letters, such as PURGE, POST or DELETE",
            );
        }
        let header = match self.header {
            None => None,
            Some(header) => Some(header.checked(n, folder, problems)?),
        };
        Some(PurgeHook {
            url: self.url,
            method: method?,
            header,
        })
    }
}

impl HeaderFile {
    fn checked(
        self,
        n: usize,
        folder: &Path,
        problems: &mut Problems,
    ) -> Option<(HeaderName, HeaderValue)> {
        let path = format!("purge[{n}].header.value");
        let file = self.value_file.as_deref();
        let value = resolve_text(&path, self.value, file, folder, problems)?;
        know_secrets([value.expose()]);
        let name = HeaderName::from_bytes(self.name.as_bytes());
        let value = HeaderValue::from_str(value.expose());
        if name.is_err() {
            problems.add(
                format_args!("purge[{n}].header.name"),
                "allowed is the name of a header, of letters, digits and '-'",
            );
        }
        if value.is_err() {
            problems.add(
                &path,
                "holds characters that no header has; allowed are those of ASCII",
            );
        }
        let mut value = value.ok()?;
        value.set_sensitive(true);
        Some((name.ok()?, value))
    }
}

/// Whether it becomes a URL whose host the operator has named.
fn is_template(template: &str) -> bool {
    let names: usize = [PATH, TOKEN]
        .map(|name| template.matches(name).count())
        .iter()
        .sum();
    let filled = template.replace(PATH, "/m/abc").replace(TOKEN, "abc");
    let Ok(url) = Url::parse(&filled) else {
        return false;
    };
    let origin = template.split(['{']).next().unwrap_or_default();
    let has_host = Url::parse(origin).is_ok_and(|before| before.host_str() == url.host_str());
    names > 0
        && !filled.contains(['{', '}'])
        && matches!(url.scheme(), "http" | "https")
        && has_host
        && url.username().is_empty()
        && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<PurgeHook>, String> {
        let mut problems = Problems::default();
        let hook: PurgeFile = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let hooks = checked(vec![hook], Path::new("/"), &mut problems);
        if problems.is_empty() {
            Ok(hooks)
        } else {
            Err(super::super::ConfigError::from(problems).to_string())
        }
    }

    #[test]
    fn a_template_is_filled_for_each_path_or_once() {
        let paths = ["/m/T/a.png".to_owned(), "/v/T".to_owned()];
        let urls = |template: &str| {
            let hooks = read(&format!(r#"{{"url": "{template}"}}"#)).expect("a hook");
            assert_eq!(hooks[0].method.as_str(), "PURGE");
            hooks[0].urls("T", &paths)
        };
        assert_eq!(
            urls("http://127.0.0.1:6081{path}"),
            [
                "http://127.0.0.1:6081/m/T/a.png",
                "http://127.0.0.1:6081/v/T"
            ]
        );
        assert_eq!(
            urls("https://cdn.example/purge?key={token}"),
            ["https://cdn.example/purge?key=T"]
        );
    }

    #[test]
    fn a_wrong_hook_is_refused_without_its_secret() {
        for url in [
            "http://127.0.0.1:6081/",
            "ftp://127.0.0.1{path}",
            "http://{token}",
            "http://127.0.0.1{path}{name}",
            "http://a:secret@127.0.0.1{path}",
            "{path}",
        ] {
            let refused = read(&format!(r#"{{"url": "{url}"}}"#)).expect_err(url);
            assert!(refused.contains("purge[0].url"), "{refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
        let refused = read(r#"{"url": "http://a{path}", "method": "purge it"}"#);
        assert!(refused.expect_err("a method").contains("purge[0].method"));
        let text =
            r#"{"url": "http://a{path}", "header": {"name": "a b", "value": "xyzzy-secret"}}"#;
        let refused = read(text).expect_err("a header");
        assert!(refused.contains("purge[0].header.name") && !refused.contains("xyzzy"));
    }
}
