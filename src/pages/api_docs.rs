//! The bridge API's description, for people.

use askama::Template;

use crate::languages::{Language, Languages};

use super::{frame::Frame, render::render};

/// An OpenAPI description as one page. The words may hold `` `code` `` in backticks and empty lines
/// between paragraphs; other Markdown is shown as it is written.
#[derive(Clone, Debug, Template)]
#[template(path = "api_docs.html")]
pub struct ApiDocsPage {
    /// The API's name.
    pub title: String,
    /// The version of the description.
    pub version: String,
    /// The purpose of the API, and how to authenticate.
    pub description: String,
    /// Every operation, in the order of the page.
    pub operations: Vec<Operation>,
}

/// One method of one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// The HTTP method, in any case.
    pub method: String,
    /// The path, with its parameters in braces.
    pub path: String,
    /// A few words; may be empty.
    pub summary: String,
    /// The full text; may be empty.
    pub description: String,
    /// Parameters of path, query and headers.
    pub parameters: Vec<Parameter>,
    /// The schema of its body, as text.
    pub request_body: Option<String>,
    /// A body to begin with, as text.
    pub sample_body: Option<String>,
    /// Its answers.
    pub responses: Vec<Response>,
}

/// A parameter of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it goes: `path`, `query`, `header`.
    pub location: String,
    /// Whether it must be given.
    pub required: bool,
    /// Its type, as text.
    pub type_text: String,
    /// Its meaning; may be empty.
    pub description: String,
}

/// An answer of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// `200`, `4XX`, `default`.
    pub status: String,
    /// When it comes, and its content.
    pub description: String,
}

/// An operation and its place on the page.
struct Entry<'a> {
    anchor: String,
    operation: &'a Operation,
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Phrase<'a> {
    Words(&'a str),
    Code(&'a str),
}

impl ApiDocsPage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        render(self)
    }

    /// The description is in English.
    fn frame(&self) -> Frame {
        Frame::fixed(Languages::built_in().of(Language::English))
    }

    /// The operations with an anchor each; those that would share one are numbered.
    fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries: Vec<Entry<'_>> = Vec::with_capacity(self.operations.len());
        for operation in &self.operations {
            let base = operation.anchor();
            let mut anchor = base.clone();
            let mut number = 2;
            while entries.iter().any(|entry| entry.anchor == anchor) {
                anchor = format!("{base}-{number}");
                number += 1;
            }
            entries.push(Entry { anchor, operation });
        }
        entries
    }
}

impl Operation {
    /// `POST /v1/links/{link_id}` is `post-v1-links-link_id`.
    fn anchor(&self) -> String {
        let text = format!("{} {}", self.method, self.path).to_lowercase();
        let words: Vec<&str> = text
            .split(|character: char| !character.is_alphanumeric() && character != '_')
            .filter(|word| !word.is_empty())
            .collect();
        words.join("-")
    }

    fn method_class(&self) -> &'static str {
        match self.method.to_ascii_uppercase().as_str() {
            "GET" | "HEAD" => "reads",
            "POST" => "writes",
            "PUT" | "PATCH" => "replaces",
            "DELETE" => "deletes",
            _ => "other",
        }
    }
}

impl Response {
    fn status_class(&self) -> &'static str {
        match self.status.bytes().next() {
            Some(b'2') => "fine",
            Some(b'1' | b'3') => "moved",
            Some(b'4') => "refused",
            Some(b'5') => "failed",
            _ => "other",
        }
    }
}

/// The parts between which a path may be broken on a narrow screen.
fn path_parts(path: &str) -> impl Iterator<Item = &str> {
    path.split_inclusive('/')
}

/// How many lines the field of a body has: a few more than it begins with.
fn rows(sample: &str) -> usize {
    sample.lines().count().clamp(2, 16) + 1
}

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
}

/// Words and code in turns. A backtick without its partner is a backtick.
fn phrases(text: &str) -> Vec<Phrase<'_>> {
    let mut phrases = Vec::new();
    let mut rest = text;
    while let Some((words, code, after)) = next_code(rest) {
        if !words.is_empty() {
            phrases.push(Phrase::Words(words));
        }
        phrases.push(Phrase::Code(code));
        rest = after;
    }
    if !rest.is_empty() {
        phrases.push(Phrase::Words(rest));
    }
    phrases
}

fn next_code(text: &str) -> Option<(&str, &str, &str)> {
    let (words, rest) = text.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    Some((words, code, after))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn response(status: &str, description: &str) -> Response {
        Response {
            status: status.to_owned(),
            description: description.to_owned(),
        }
    }

    fn issue_operation() -> Operation {
        Operation {
                    method: "post".to_owned(),
                    path: "/v1/links".to_owned(),
                    summary: "Make a link".to_owned(),
                    description: "Asking again for the same media, room and event answers `200` and \
                                  the link that lives already."
                        .to_owned(),
                    request_body: Some(
                        "{\n  \"mxc\": \"mxc://example.org/abc\",\n  \"room_id\": \"!r:example.org\",\n  \
                         \"lifetime_ms\": 1209600000   // 0: never expires; at most links.max_lifetime of the configuration\n}"
                            .to_owned(),
                    ),
                    sample_body: Some("{\"room_id\": \"<!r\"}".to_owned()),
                    responses: vec![
                        response("201", "A new link."),
                        response("400", "A field is missing or wrong: `M_BAD_JSON`."),
                        response("429", "Over a limit; `retry_after_ms` tells when to come back."),
                        response("503", "The database does not answer."),
                    ],
                    ..Operation::default()
                }
    }

    fn list_operation() -> Operation {
        Operation {
            method: "get".to_owned(),
            path: "/v1/links".to_owned(),
            summary: "List links".to_owned(),
            parameters: vec![
                Parameter {
                    name: "room_id".to_owned(),
                    location: "query".to_owned(),
                    required: false,
                    type_text: "string".to_owned(),
                    description: "Only links of this room.".to_owned(),
                },
                Parameter {
                    name: "limit".to_owned(),
                    location: "query".to_owned(),
                    required: false,
                    type_text: "integer, 1 to 1000".to_owned(),
                    description: "How many at most; `100` if left out.".to_owned(),
                },
            ],
            responses: vec![response("200", "The links, newest first.")],
            ..Operation::default()
        }
    }

    pub(in crate::pages) fn api_docs_page() -> ApiDocsPage {
        ApiDocsPage {
            title: "Medialink bridge API".to_owned(),
            version: "0.1.0".to_owned(),
            description: "What a bridge asks of Medialink. Every call carries `Authorization: Bearer \
                          <api_token>`; a bridge sees only its own links.\n\nTimes are milliseconds \
                          since the epoch (`…_ts`), durations milliseconds (`…_ms`)."
                .to_owned(),
            operations: vec![
                issue_operation(),
                list_operation(),
                Operation {
                    method: "get".to_owned(),
                    path: "/v1/links/{link_id}".to_owned(),
                    summary: "Look at one link".to_owned(),
                    parameters: vec![Parameter {
                        name: "link_id".to_owned(),
                        location: "path".to_owned(),
                        required: true,
                        type_text: "string".to_owned(),
                        description: "The link's `link_id`.".to_owned(),
                    }],
                    responses: vec![
                        response("200", "The link."),
                        response("404", "No such link of this bridge."),
                    ],
                    ..Operation::default()
                },
                Operation {
                    method: "delete".to_owned(),
                    path: "/v1/links/{link_id}".to_owned(),
                    summary: "Revoke a link".to_owned(),
                    responses: vec![response("200", "The link, revoked. Idempotent.")],
                    ..Operation::default()
                },
                Operation {
                    method: "put".to_owned(),
                    path: "/_matrix/app/v1/transactions/{txnId}".to_owned(),
                    summary: "Take in events from the homeserver".to_owned(),
                    responses: vec![response("default", "An error in Matrix’s shape.")],
                    ..Operation::default()
                },
            ],
        }
    }

    #[test]
    fn every_operation_is_listed_described_and_can_be_linked_to() {
        let html = api_docs_page().render();
        for expected in [
            "<title>Medialink bridge API 0.1.0</title>",
            "<a href=\"#post-v1-links\">",
            "id=\"post-v1-links\"",
            "id=\"get-v1-links-link_id\"",
            "<code>room_id</code>",
            "<span class=\"required\">required</span>",
            "<span class=\"status refused\">429</span>",
            "answers <code>200</code>",
            "href=\"openapi.json\"",
            "&#34;room_id&#34;",
        ] {
            assert!(html.contains(expected), "{expected} in {html}");
        }
    }

    #[test]
    fn what_needs_the_script_is_hidden_until_it_runs() {
        let html = api_docs_page().render();
        let forms: Vec<&str> = html.split("<form").skip(1).collect();
        assert_eq!(forms.len(), api_docs_page().operations.len());
        for form in forms {
            assert!(
                form.starts_with(" class=\"try\" hidden data-scripted "),
                "{form}"
            );
        }
        for part in [
            "data-method=\"POST\" data-path=\"/v1/links\"",
            "data-place=\"query\" data-name=\"limit\"",
            "data-place=\"path\" data-name=\"link_id\" required",
            "{&#34;room_id&#34;: &#34;&#60;!r&#34;}</textarea>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn no_two_anchors_are_equal() {
        let operation = |path: &str| Operation {
            method: "GET".to_owned(),
            path: path.to_owned(),
            ..Operation::default()
        };
        let page = ApiDocsPage {
            operations: vec![operation("/a/{b}"), operation("/a/b"), operation("/a/b/")],
            ..api_docs_page()
        };
        let anchors: Vec<String> = page
            .entries()
            .into_iter()
            .map(|entry| entry.anchor)
            .collect();
        assert_eq!(anchors, ["get-a-b", "get-a-b-2", "get-a-b-3"]);
    }

    #[test]
    fn backticks_make_code_only_in_pairs() {
        assert_eq!(
            phrases("a `b` c `d"),
            [
                Phrase::Words("a "),
                Phrase::Code("b"),
                Phrase::Words(" c `d")
            ]
        );
        assert_eq!(phrases("`<x>`"), [Phrase::Code("<x>")]);
        assert!(phrases("").is_empty());
    }

    #[test]
    fn descriptions_are_escaped() {
        let html = ApiDocsPage {
            title: "</title><script>".to_owned(),
            description: "`<script>` <script>".to_owned(),
            ..api_docs_page()
        }
        .render();
        assert_eq!(html.matches("<script").count(), 1);
        assert!(html.contains("<h1>&#60;/title&#62;&#60;script&#62;"));
    }
}
