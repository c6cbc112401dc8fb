//! The page by which a reader reports what a link shows.

use askama::Template;

use super::{display_name::display_name, frame::Frame, render::render};

/// A form to report a link, or the thanks for a report.
#[derive(Clone, Debug, Template)]
#[template(path = "report.html")]
pub struct ReportPage {
    /// The file's name.
    pub title: Option<String>,
    /// The words of the form, each with the message that explains it.
    pub reasons: Vec<(&'static str, &'static str)>,
    /// The most characters that a reader writes beside it.
    pub max_note: usize,
    /// Whether the report was taken.
    pub is_taken: bool,
    /// The language of the page.
    pub frame: Frame,
}

impl ReportPage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        render(self)
    }

    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn name(&self) -> Option<String> {
        self.title.as_deref().and_then(display_name)
    }

    fn title(&self) -> String {
        match self.name() {
            _ if self.is_taken => self.frame.say("report-thanks"),
            Some(name) => (self.frame).say_with("report-title", &[("name", name.into())]),
            None => self.frame.say("report-title-unnamed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{languages::Language, pages::tests::frame};

    #[test]
    fn the_form_has_every_reason_and_names_the_file_as_text() {
        let page = ReportPage {
            title: Some("<b>cat</b>.png".to_owned()),
            reasons: vec![("spam", "report-spam"), ("other", "report-other")],
            max_note: 500,
            is_taken: false,
            frame: frame(Language::English),
        };
        let html = page.render();
        for part in [
            "&#60;b&#62;cat&#60;/b&#62;.png",
            "<form method=\"post\" action=\"\">",
            "<input type=\"radio\" name=\"reason\" value=\"spam\" required>",
            "> It is unwanted",
            "maxlength=\"500\"",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        let taken = ReportPage {
            is_taken: true,
            ..page
        };
        let html = taken.render();
        assert!(
            html.contains("Thank you") && !html.contains("<form"),
            "{html}"
        );
    }
}
