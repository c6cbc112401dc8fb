//! The page of the site itself, for somebody who has found it without a link.

use askama::Template;

use crate::config::OperatorConfig;

use super::{display_name::display_name, frame::Frame, render::render};

/// What this site is, and who runs it.
#[derive(Clone, Debug, Template)]
#[template(path = "start.html")]
pub struct StartPage {
    /// The networks on the other sides of the bridges.
    pub networks: Vec<String>,
    /// Whether the page of a file has a form to report it.
    pub takes_reports: bool,
    /// Who runs the service.
    pub operator: OperatorConfig,
    /// The language of the page.
    pub frame: Frame,
}

impl StartPage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        render(self)
    }

    fn operator(&self) -> Option<String> {
        self.operator.name.as_deref().and_then(display_name)
    }

    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn intro(&self) -> String {
        let names: Vec<String> = (self.networks.iter())
            .filter_map(|name| display_name(name))
            .collect();
        let networks = match names.as_slice() {
            [] => self.frame.say("start-other-networks"),
            names => self.frame.texts.list(names),
        };
        (self.frame).say_with("start-intro", &[("networks", networks.into())])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{config::Contact, languages::Language, pages::tests::frame};

    pub(in crate::pages) fn operator() -> OperatorConfig {
        OperatorConfig {
            name: Some("Example Society".to_owned()),
            contact: Some(Contact {
                uri: "mailto:abuse@example.org".to_owned(),
                words: "abuse@example.org".to_owned(),
            }),
        }
    }

    fn start_page() -> StartPage {
        StartPage {
            networks: vec!["Libera.Chat".to_owned(), "XMPP".to_owned()],
            takes_reports: true,
            operator: operator(),
            frame: frame(Language::English),
        }
    }

    fn bare_page() -> StartPage {
        StartPage {
            networks: vec!["Libera.Chat".to_owned()],
            takes_reports: false,
            operator: OperatorConfig::default(),
            frame: frame(Language::English),
        }
    }

    /// With everything on it and with nothing, by a name.
    pub(in crate::pages) fn pages(frame: &Frame) -> [(String, String); 2] {
        let html = |page: StartPage| {
            let frame = frame.clone();
            StartPage { frame, ..page }.render()
        };
        [
            ("start".to_owned(), html(start_page())),
            ("start-bare".to_owned(), html(bare_page())),
        ]
    }

    #[test]
    fn networks_are_named_in_a_sentence_and_as_text() {
        for (names, words) in [
            (&[][..], "other networks"),
            (&["IRC"], "IRC"),
            (&["IRC", " \n", "XMPP"], "IRC and XMPP"),
            (&["IRC", "<b>XMPP", "SMS"], "IRC, &#60;b&#62;XMPP and SMS"),
        ] {
            let page = StartPage {
                networks: names.iter().map(|&name| name.to_owned()).collect(),
                ..start_page()
            };
            let html = page.render();
            assert!(html.contains(&format!("follow on {words}:")), "{html}");
        }
    }

    #[test]
    fn the_operator_is_named_where_there_is_one() {
        let html = start_page().render();
        for part in [
            "<dt>Run by</dt><dd><bdi>Example Society</bdi></dd>",
            "<a href=\"mailto:abuse@example.org\">abuse@example.org</a>",
            "Report this file",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        let html = bare_page().render();
        let (html, _) = html.split_once("<footer").expect("a footer");
        for absent in ["Run by", "<a ", "Report this file", "<dl", "not be here"] {
            assert!(!html.contains(absent), "{absent} in {html}");
        }
    }
}
