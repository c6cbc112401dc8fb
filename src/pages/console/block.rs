//! What pages of the console are made of.

use super::{
    super::display_name::display_name,
    chart::Chart,
    words::{self, moment},
};

/// What is shown where nothing is known.
const NOTHING: &str = "–";

/// A part of a page.
#[derive(Clone, Debug)]
pub enum Block {
    /// A heading of what follows.
    Heading(&'static str),
    /// A sentence.
    Text(String),
    /// A sentence that asks for attention.
    Notice(String),
    /// Numbers to be seen at once.
    Tiles(Vec<Tile>),
    /// Names and values.
    Facts(Vec<(&'static str, Cell)>),
    /// Rows.
    Table(Table),
    /// Values over time.
    Chart(Chart),
    /// Something to be sent.
    Form(Form),
    /// A way to another page: its address and its words.
    Way(String, &'static str),
}

/// A number with its name.
#[derive(Clone, Debug)]
pub struct Tile {
    /// What it is.
    pub name: &'static str,
    /// The number, with its unit.
    pub value: String,
    /// What is to be said of it; may be empty.
    pub note: String,
    /// Whether somebody should look.
    pub is_bad: bool,
}

/// A value, as text.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// Where it leads, if anywhere.
    pub href: Option<String>,
    /// The word of a state, which has a colour.
    pub state: Option<&'static str>,
    /// A bar of so many percent.
    pub percent: Option<u8>,
    /// A button beside it.
    pub form: Option<Box<Form>>,
    /// Whether it stays in one line.
    pub is_whole: bool,
}

/// Rows of values.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it shows.
    pub caption: &'static str,
    /// The names of its columns.
    pub head: Vec<&'static str>,
    /// Its rows; the first cell of each names it.
    pub rows: Vec<Vec<Cell>>,
    /// What is said where there are none.
    pub empty: &'static str,
}

/// Something to be sent to a path of the console.
#[derive(Clone, Debug)]
pub struct Form {
    /// The path.
    pub action: String,
    /// Whether it asks and changes nothing: then it is sent by `GET`, and holds nothing secret.
    pub asks: bool,
    /// What is filled in.
    pub fields: Vec<Field>,
    /// The words of its button.
    pub button: &'static str,
    /// Whether what it does cannot be undone.
    pub is_grave: bool,
}

/// A field of a form.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is for, for people.
    pub label: &'static str,
    /// What it holds.
    pub value: String,
    /// How it is filled in.
    pub input: Input,
}

/// How a field is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Not by people.
    Hidden,
    /// By typing; whether it has to be.
    Text(bool),
    /// By choosing one of these.
    Choice(Vec<&'static str>),
}

impl Cell {
    /// A text of whoever; what is invisible in it, or turns the text around it, is shown as such.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self {
            text: display_name(text).unwrap_or_else(|| NOTHING.to_owned()),
            ..Self::default()
        }
    }

    /// A text that may be missing.
    #[must_use]
    pub fn optional(text: Option<&str>) -> Self {
        Self::text(text.unwrap_or_default())
    }

    /// A time in milliseconds since the epoch; `None`: never.
    #[must_use]
    pub fn moment(at: Option<i64>) -> Self {
        Self {
            is_whole: true,
            ..Self::text(&at.map(moment).unwrap_or_default())
        }
    }

    /// A number of things.
    #[must_use]
    pub fn amount(amount: i64) -> Self {
        Self::text(&words::amount(amount.unsigned_abs()))
    }

    /// A number of bytes.
    #[must_use]
    pub fn bytes(bytes: i64) -> Self {
        Self::text(&words::bytes(bytes.unsigned_abs()))
    }

    /// The word of a state.
    #[must_use]
    pub fn state(word: &str) -> Self {
        let state = match word {
            "live" | "counted" | "sent" | "told" | "active" | "ok" => "fine",
            "pending" | "waiting" | "verify" | "redacting" => "moved",
            "failed" | "lost" | "dropped" => "failed",
            _ => "refused",
        };
        Self {
            state: Some(state),
            ..Self::text(word)
        }
    }

    /// The same, which leads somewhere.
    #[must_use]
    pub fn to(self, href: String) -> Self {
        let is_empty = self.text == NOTHING;
        Self {
            href: (!is_empty).then_some(href),
            ..self
        }
    }

    /// The same with a bar of so many percent.
    #[must_use]
    pub fn with_bar(self, percent: u8) -> Self {
        let percent = Some(percent.min(100));
        Self { percent, ..self }
    }

    /// Only a button.
    #[must_use]
    pub fn button(form: Form) -> Self {
        Self {
            form: Some(Box::new(form)),
            ..Self::default()
        }
    }
}

impl Form {
    /// Fields that people fill in, or see.
    pub(super) fn is_bare(&self) -> bool {
        self.fields.iter().all(|field| field.input == Input::Hidden)
    }
}

impl Field {
    /// A field that people do not see.
    #[must_use]
    pub fn hidden(name: &'static str, value: impl Into<String>) -> Self {
        Self {
            name,
            label: "",
            value: value.into(),
            input: Input::Hidden,
        }
    }

    /// A field to type into.
    #[must_use]
    pub fn typed(name: &'static str, label: &'static str, value: &str) -> Self {
        Self {
            name,
            label,
            value: value.to_owned(),
            input: Input::Text(false),
        }
    }

    /// The same, which has to be filled in.
    #[must_use]
    pub fn needed(name: &'static str, label: &'static str) -> Self {
        Self {
            input: Input::Text(true),
            ..Self::typed(name, label, "")
        }
    }
}
