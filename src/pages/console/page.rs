//! Pages of the console.

use askama::Template;

use super::{
    super::render::render,
    block::{Block, Input},
};

/// The parts of the console: their paths and their names.
const SECTIONS: [(&str, &str); 8] = [
    ("/console", "Now"),
    ("/console/links", "Links"),
    ("/console/usage", "Usage"),
    ("/console/rooms", "Rooms and bridges"),
    ("/console/reports", "Reports"),
    ("/console/denials", "Denials"),
    ("/console/keys", "Keys"),
    ("/console/audit", "Audit log"),
];

/// What stands around a page.
#[derive(Clone, Debug)]
pub struct ConsoleFrame {
    /// Who is there, by the reverse proxy; `None`: somebody with the token, who can log out.
    pub who: Option<String>,
    /// What forms of the session hold.
    pub csrf: String,
    /// The path of the part that is shown.
    pub section: &'static str,
}

/// A page.
#[derive(Clone, Debug, Template)]
#[template(path = "console/page.html")]
pub struct ConsolePage {
    /// What stands around it.
    pub frame: ConsoleFrame,
    /// Its heading.
    pub title: String,
    /// What it shows.
    pub blocks: Vec<Block>,
}

/// The page to log in.
#[derive(Clone, Debug, Template)]
#[template(path = "console/login.html")]
pub struct LoginPage {
    /// Whether a wrong token was given.
    pub is_wrong: bool,
}

/// One sentence, where something is not done.
#[derive(Clone, Debug, Template)]
#[template(path = "console/message.html")]
pub struct ConsoleMessage {
    /// The sentence.
    pub told: String,
}

impl ConsolePage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        render(self)
    }

    fn sections(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        let current = self.frame.section;
        SECTIONS
            .into_iter()
            .map(move |(path, name)| (path, name, path == current))
    }
}

impl LoginPage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        render(self)
    }
}

impl ConsoleMessage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        render(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Cell, Chart, Field, Form, Point, STYLE, Table, Tile, console_csp},
        *,
    };
    use crate::look::{Look, source_of};

    fn with(blocks: Vec<Block>) -> String {
        let frame = ConsoleFrame {
            who: Some("<i>alice</i>".to_owned()),
            csrf: "signed".to_owned(),
            section: "/console/links",
        };
        let title = "Links".to_owned();
        ConsolePage {
            frame,
            title,
            blocks,
        }
        .render()
    }

    fn form(text: &str) -> Form {
        let field = Field::typed("room_id", "Room", text);
        Form {
            action: "/console/links".to_owned(),
            asks: false,
            fields: vec![field, Field::hidden("x", text)],
            button: "Send",
            is_grave: true,
        }
    }

    #[test]
    fn texts_of_others_stay_texts_wherever_they_stand() {
        let evil = "<script>alert(1)</script>\"'\u{202e}";
        let point = Point {
            label: evil.to_owned(),
            value: 1,
            text: evil.to_owned(),
        };
        let html = with(vec![
            Block::Text(evil.to_owned()),
            Block::Notice(evil.to_owned()),
            Block::Tiles(vec![Tile {
                name: "Links",
                value: evil.to_owned(),
                note: evil.to_owned(),
                is_bad: true,
            }]),
            Block::Facts(vec![(
                "Room",
                Cell::text(evil).to(format!("/console/links?{evil}")),
            )]),
            Block::Table(Table {
                caption: "Links",
                head: vec!["Room"],
                rows: vec![vec![
                    Cell::text(evil).with_bar(200),
                    Cell::button(form(evil)),
                ]],
                empty: "None.",
            }),
            Block::Chart(Chart {
                title: "Follows",
                points: vec![point],
            }),
            Block::Form(form(evil)),
        ]);
        assert!(
            !html.contains("<script") && !html.contains("<i>alice"),
            "{html}"
        );
        assert!(
            html.contains("&#60;script&#62;") && html.contains("width=\"100\""),
            "{html}"
        );
        assert!(
            !html.contains(" style=") && !html.contains("onclick"),
            "{html}"
        );
        assert_eq!(
            html.matches("name=\"csrf\" value=\"signed\"").count(),
            3,
            "{html}"
        );
    }

    #[test]
    fn the_policy_names_both_style_blocks_of_the_page() {
        let html = with(Vec::new());
        for style in [Look::built_in().wide().text.as_str(), STYLE] {
            assert!(html.contains(style));
            assert!(console_csp().contains(&source_of(style)));
        }
        assert!(html.contains("<a href=\"/console/links\" aria-current=\"page\">Links</a>"));
    }

    #[test]
    fn a_form_that_asks_holds_no_secret_of_the_session() {
        let html = with(vec![Block::Form(Form {
            action: "/console/links".to_owned(),
            asks: true,
            fields: vec![Field::needed("room_id", "Room")],
            button: "Show",
            is_grave: false,
        })]);
        let form = html.split("<main").nth(1).expect("the content");
        assert!(
            form.contains("method=\"get\"") && !form.contains("csrf"),
            "{form}"
        );
    }
}
