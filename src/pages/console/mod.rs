//! The operator's console: one template, pages of blocks, values in, HTML out. It needs no script, and asks nobody
//! else for anything.

mod block;
mod chart;
mod page;
mod words;

use std::sync::LazyLock;

use crate::look::{Look, source_of};

pub use block::{Block, Cell, Field, Form, Input, Table, Tile};
pub use chart::{Chart, Point};
pub use page::{ConsoleFrame, ConsoleMessage, ConsolePage, LoginPage};
pub use words::{amount, bytes, moment, share, span};

/// The style block of the console, behind that of all pages.
const STYLE: &str = include_str!("../../../templates/console/style.css");

static CSP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src '{}' '{}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        Look::built_in().wide().source,
        source_of(STYLE),
    )
});

/// The Content-Security-Policy of the console.
#[must_use]
pub fn console_csp() -> &'static str {
    &CSP
}
