//! `media.cache.s3`: a bucket of an object store, as a second level of the cache that replicas share.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use url::Url;

use super::{
    problems::Problems,
    secret::{Secret, resolve},
    value::{Span, base_url},
};

/// The shortest time after which an object may be deleted for its age.
const SHORTEST_AGE: Duration = Duration::from_secs(3600);

/// A bucket that speaks the protocol of Amazon S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Config {
    /// Where it is, without the name of the bucket.
    pub endpoint: Url,
    /// The region that requests are signed for.
    pub region: String,
    /// The name of the bucket.
    pub bucket: String,
    /// What the names of all objects begin with; empty, or with a slash at its end.
    pub prefix: String,
    /// Who signs requests.
    pub access_key_id: Secret,
    /// What requests are signed with.
    pub secret_access_key: Secret,
    /// Whether the bucket is named in the path, and not in the host name.
    pub path_style: bool,
    /// How old objects may become.
    pub max_age: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct S3File {
    endpoint: String,
    #[serde(default = "usual_region")]
    region: String,
    bucket: String,
    #[serde(default)]
    prefix: String,
    access_key_id: Option<Secret>,
    access_key_id_file: Option<PathBuf>,
    secret_access_key: Option<Secret>,
    secret_access_key_file: Option<PathBuf>,
    #[serde(default = "yes")]
    path_style: bool,
    #[serde(default = "thirty_days")]
    max_age: Span,
}

fn usual_region() -> String {
    "us-east-1".to_owned()
}

fn yes() -> bool {
    true
}

fn thirty_days() -> Span {
    Span(Duration::from_secs(30 * 86_400))
}

impl S3File {
    /// Checks it; `None`: it has problems, which have been added.
    pub(super) fn checked(self, folder: &Path, problems: &mut Problems) -> Option<S3Config> {
        let endpoint = base_url(&self.endpoint, "media.cache.s3.endpoint", problems);
        let mut secret = |name: &str, value, file: Option<PathBuf>| {
            let path = format!("media.cache.s3.{name}");
            resolve(&path, value, file.as_deref(), folder, problems)
        };
        let id = secret("access_key_id", self.access_key_id, self.access_key_id_file);
        let key = secret(
            "secret_access_key",
            self.secret_access_key,
            self.secret_access_key_file,
        );
        let is_name = |text: &str| {
            let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            (1..=63).contains(&text.len()) && text.bytes().all(is_allowed)
        };
        for (name, text) in [("bucket", &self.bucket), ("region", &self.region)] {
            if !is_name(text) {
                problems.add(
                    format_args!("media.cache.s3.{name}"),
                    format_args!(
                        "found {text:?}; allowed are 1 to 63 letters, digits, '.', '-' and '_'"
                    ),
                );
            }
        }
        let prefix = self.prefix.trim_matches('/');
        if !prefix.is_empty() && !prefix.split('/').all(is_name) {
            problems.add(
                "media.cache.s3.prefix",
                format_args!(
                    "found {prefix:?}; allowed are names of letters, digits, '.', '-' and '_' with slashes between them"
                ),
            );
        }
        if self.max_age.0 < SHORTEST_AGE {
            problems.add(
                "media.cache.s3.max_age",
                "is shorter than an hour; allowed is a longer duration",
            );
        }
        let prefix = if prefix.is_empty() {
            String::new()
        } else {
            format!("{prefix}/")
        };
        Some(S3Config {
            endpoint: endpoint?,
            region: self.region,
            bucket: self.bucket,
            prefix,
            access_key_id: id?,
            secret_access_key: key?,
            path_style: self.path_style,
            max_age: self.max_age.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Result<S3Config, String> {
        let mut problems = Problems::default();
        let text =
            format!(r#"{{"endpoint": "https://s3.example.org/", "access_key_id": "id", {more}}}"#);
        let file: S3File = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        match file.checked(Path::new("/"), &mut problems) {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(super::super::ConfigError::from(problems).to_string()),
        }
    }

    const KEY: &str = r#""secret_access_key": "not-to-be-shown""#;

    #[test]
    fn what_is_left_out_is_usual() {
        let config = read(&format!(r#"{KEY}, "bucket": "media", "prefix": "/a/b/""#));
        let config = config.expect("a bucket");
        assert_eq!(config.endpoint.as_str(), "https://s3.example.org/");
        assert_eq!((&*config.prefix, &*config.region), ("a/b/", "us-east-1"));
        assert!(config.path_style);
        assert_eq!(config.max_age, Duration::from_secs(30 * 86_400));
        assert!(!format!("{config:?}").contains("not-to-be-shown"));
    }

    #[test]
    fn what_is_wrong_is_told_by_its_key() {
        for (text, key) in [
            (r#""bucket": "media""#, "_access_key: "),
            (&*format!(r#"{KEY}, "bucket": "a/b""#), ".bucket: "),
            (
                &*format!(r#"{KEY}, "bucket": "a", "region": """#),
                ".region: ",
            ),
            (
                &*format!(r#"{KEY}, "bucket": "a", "prefix": "a//b""#),
                "prefix",
            ),
            (
                &*format!(r#"{KEY}, "bucket": "a", "max_age": "59m""#),
                "max_age",
            ),
            (
                &*format!(r#"{KEY}, "bucket": "a", "secret_access_key_file": "f""#),
                "_access_key: ",
            ),
        ] {
            let refused = read(text).expect_err(key);
            assert!(
                refused.starts_with("media.cache.s3.") && refused.contains(key),
                "{refused}"
            );
            assert!(!refused.contains("not-to-be-shown"), "{refused}");
        }
    }
}
