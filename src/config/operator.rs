//! `operator`: who runs the service, for people who see its pages.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use url::Url;

use crate::{
    languages::Languages,
    look::{Colour, Look},
};

use super::{explain::shown_text, logo, problems::Problems, words};

/// The most characters of a name.
const MAX_NAME: usize = 100;
/// The longest contact, in bytes.
const MAX_CONTACT: usize = 500;

/// Who runs the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperatorConfig {
    /// The name of a person or of an organisation.
    pub name: Option<String>,
    /// Where people reach them.
    pub contact: Option<Contact>,
}

/// Where people reach the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The address: a URI of `mailto`, `https` or `matrix`, in ASCII.
    pub uri: String,
    /// The same, as people write it: `abuse@example.org`, `@alice:example.org`.
    pub words: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OperatorFile {
    name: Option<String>,
    contact: Option<String>,
    /// The colour of links and buttons.
    color: Option<String>,
    /// The folder with words and a logo of the operator's own.
    directory: Option<PathBuf>,
}

impl OperatorFile {
    /// Who runs the service, and the words and the look of the pages with what is the operator's own.
    pub(super) fn pages(
        self,
        folder: &Path,
        problems: &mut Problems,
    ) -> (OperatorConfig, Languages, Look) {
        let words = self.words(folder, problems);
        let look = self.look(folder, problems);
        (self.checked(problems), words, look)
    }

    fn words(&self, folder: &Path, problems: &mut Problems) -> Languages {
        words::checked(self.directory.as_deref(), folder, problems)
    }

    fn look(&self, folder: &Path, problems: &mut Problems) -> Look {
        let logo = logo::checked(self.directory.as_deref(), folder, problems);
        let colour = self.color.as_deref().and_then(|text| {
            let colour = Colour::parse(text);
            if colour.is_none() {
                problems.add(
                    "operator.color",
                    format_args!(
                        "found {}; allowed is a colour such as \"#0b6e4f\" or \"#0b5\", in quotes, or null",
                        shown_colour(text)
                    ),
                );
            }
            colour
        });
        Look::of(colour, logo)
    }

    fn checked(self, problems: &mut Problems) -> OperatorConfig {
        let name = self.name.map(|name| name.trim().to_owned());
        if let Some(name) = &name
            && !is_name(name)
        {
            problems.add(
                "operator.name",
                format_args!(
                    "found {} of {} characters; allowed is one line of 1 to {MAX_NAME} characters, or null",
                    shown_text(name),
                    name.chars().count()
                ),
            );
        }
        let contact = self.contact.and_then(|text| {
            let contact = Contact::parse(&text);
            if contact.is_none() {
                problems.add(
                    "operator.contact",
                    format_args!(
                        "found {}; allowed is an address such as mailto:abuse@example.org, https://example.org/contact, \
                         https://matrix.to/#/@admin:example.org or matrix:u/admin:example.org, or null",
                        shown_text(&text)
                    ),
                );
            }
            contact
        });
        OperatorConfig { name, contact }
    }
}

/// What was found in place of a colour, if it is surely no secret.
fn shown_colour(text: &str) -> String {
    let digits = text.strip_prefix('#').unwrap_or_default();
    match digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true if !digits.is_empty() => format!("{text:?}"),
        _ => shown_text(text),
    }
}

fn is_name(name: &str) -> bool {
    let length = name.chars().count();
    (1..=MAX_NAME).contains(&length) && !name.chars().any(char::is_control)
}

impl Contact {
    /// Reads an address; `None`: it is none that pages and `security.txt` (RFC 9116, section 2.5.3) can name.
    fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if text.len() > MAX_CONTACT || !text.bytes().all(is_plain) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let words = match url.scheme() {
            "mailto" => mailbox(&url)?,
            "https" => site(&url)?,
            "matrix" => identifier(url.path())?,
            _ => return None,
        };
        Some(Self {
            uri: url.into(),
            words,
        })
    }
}

/// RFC 6068; one mailbox.
fn mailbox(url: &Url) -> Option<String> {
    let mailbox = decoded(url.path())?;
    let (local, host) = mailbox.split_once('@')?;
    let is_whole = !local.is_empty() && !host.is_empty() && !host.contains(['@', ',']);
    is_whole.then_some(mailbox)
}

/// A page, or a user or room behind <https://matrix.to>.
fn site(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    if host == "matrix.to" {
        let fragment = url.fragment()?.strip_prefix('/')?;
        let id = decoded(fragment.split(['/', '?']).next()?)?;
        return id.starts_with(['@', '#', '!']).then_some(id);
    }
    let port = url.port().map(|port| format!(":{port}"));
    let path = url.path().trim_end_matches('/');
    Some(format!("{host}{}{path}", port.unwrap_or_default()))
}

/// What the path of a `matrix:` URI names (Matrix specification, appendix "Matrix URI scheme").
fn identifier(path: &str) -> Option<String> {
    let mut segments = path.split('/');
    let sigil = match segments.next()? {
        "u" => '@',
        "r" => '#',
        "roomid" => '!',
        _ => return None,
    };
    let id = decoded(segments.next()?)?;
    (!id.is_empty()).then(|| format!("{sigil}{id}"))
}

/// Without percent-encoding; `None`: what it stands for is not to be shown.
fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text
        .chars()
        .any(|character| character.is_control() || character.is_whitespace()))
    .then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_shown_as_people_write_it() {
        for (text, words) in [
            ("mailto:abuse@example.org", "abuse@example.org"),
            (
                "mailto:abuse@example.org?subject=Media",
                "abuse@example.org",
            ),
            ("https://example.org/contact/", "example.org/contact"),
            ("https://example.org:8443", "example.org:8443"),
            (
                "https://matrix.to/#/@admin:example.org",
                "@admin:example.org",
            ),
            (
                "https://matrix.to/#/%23help:example.org?via=a.org",
                "#help:example.org",
            ),
            ("matrix:u/admin:example.org", "@admin:example.org"),
            ("matrix:r/help:example.org?action=join", "#help:example.org"),
            ("matrix:roomid/abc:example.org", "!abc:example.org"),
        ] {
            let contact = Contact::parse(text).expect(text);
            assert_eq!(contact.words, words);
            assert!(contact.uri.starts_with(text), "{}", contact.uri);
        }
    }

    #[test]
    fn what_is_no_contact_is_refused() {
        let long = format!("https://example.org/{}", "a".repeat(MAX_CONTACT));
        for text in [
            "",
            "abuse@example.org",
            "mailto:",
            "mailto:abuse",
            "mailto:@example.org",
            "mailto:a@b@c",
            "mailto:a@example.org,b@example.org",
            "mailto:a%0D%0ABcc:b@example.org",
            "mailto:a@example.org\r\nExpires: never",
            "http://example.org/contact",
            "https://",
            "https://user:hunter2@example.org/",
            "https://example.org/\"onclick=\"",
            "https://matrix.to/",
            "https://matrix.to/#/example",
            "matrix:admin",
            "matrix:u/",
            "matrix:e/abc",
            "javascript:alert(1)",
            "data:text/html,x",
            "tel:112",
            "https://exämple.org/",
            &long,
        ] {
            assert_eq!(Contact::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn problems_name_the_key_and_repeat_no_password() {
        let file = OperatorFile {
            name: Some("a\nb".to_owned()),
            contact: Some("https://user:hunter2@example.org/".to_owned()),
            ..OperatorFile::default()
        };
        let mut problems = Problems::default();
        file.checked(&mut problems);
        let told = super::super::ConfigError::from(problems).problems;
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("operator.name: found"), "{told:?}");
        assert!(told[1].starts_with("operator.contact: found"), "{told:?}");
        assert!(told[1].contains("mailto:") && !told[1].contains("hunter2"));
        let mut problems = Problems::default();
        let file = OperatorFile {
            name: Some(" Example e.V. ".to_owned()),
            ..OperatorFile::default()
        };
        let operator = file.checked(&mut problems);
        assert!(problems.is_empty());
        assert_eq!(operator.name.as_deref(), Some("Example e.V."));
    }

    #[test]
    fn a_colour_is_one_of_css_by_its_digits() {
        let look = |text: Option<&str>| {
            let file = OperatorFile {
                color: text.map(str::to_owned),
                ..OperatorFile::default()
            };
            let mut problems = Problems::default();
            let look = file.look(Path::new(""), &mut problems);
            let told = super::super::ConfigError::from(problems).problems;
            (look.wide().text.contains("--accent:#0b6e4f;"), told)
        };
        assert_eq!(look(Some("#0b6e4f")), (true, vec![]));
        assert_eq!(look(None), (false, vec![]));
        for (text, shown) in [
            ("green", "\"green\""),
            ("0b6e4f", "\"0b6e4f\""),
            ("#0b6e4f80", "\"#0b6e4f80\""),
            ("#0b6e4f;--x:", "a text"),
            ("", "\"\""),
        ] {
            let (is_own, told) = look(Some(text));
            assert_eq!((is_own, told.len()), (false, 1), "{text:?}");
            let start = format!("operator.color: found {shown}; allowed is a colour such as");
            assert!(told[0].starts_with(&start), "{told:?}");
        }
    }
}
