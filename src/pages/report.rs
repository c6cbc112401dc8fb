//! The page by which a reader reports what a link shows.

use askama::Template;

use super::{display_name::display_name, render::render};

/// A form to report a link, or the thanks for a report.
#[derive(Clone, Debug, Template)]
#[template(path = "report.html")]
pub struct ReportPage {
    /// The file's name.
    pub title: Option<String>,
    /// The words of the form, each with its explanation.
    pub reasons: Vec<(&'static str, &'static str)>,
    /// The most characters that a reader writes beside it.
    pub max_note: usize,
    /// Whether the report was taken.
    pub is_taken: bool,
}

impl ReportPage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        render(self)
    }

    fn heading(&self) -> String {
        let title = self.title.as_deref().and_then(display_name);
        title.unwrap_or_else(|| "this shared file".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_has_every_reason_and_names_the_file_as_text() {
        let page = ReportPage {
            title: Some("<b>cat</b>.png".to_owned()),
            reasons: vec![("spam", "It is unwanted"), ("other", "Something else")],
            max_note: 500,
            is_taken: false,
        };
        let html = page.render();
        for part in [
            "&#60;b&#62;cat&#60;/b&#62;.png",
            "<form method=\"post\" action=\"\">",
            "<input type=\"radio\" name=\"reason\" value=\"spam\" required>",
            "It is unwanted",
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
