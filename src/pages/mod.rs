//! The pages that people see in their browser: one struct per template, plain values in, HTML out.
//!
//! The pages are made for somebody who has never heard of Matrix. They need nothing but themselves:
//! no font, no image but an operator's logo, one style block, and one script, which tells times as the reader's clock does
//! and without which nothing is lost. Every value is escaped by the templates. The API's
//! description, which is for operators, has a script.

mod api_docs;
mod console;
mod csp;
mod display_name;
mod error;
mod frame;
mod gallery;
mod oembed;
mod paste;
mod placeholder;
mod qr;
mod render;
mod report;
mod start;
mod tags;
#[cfg(test)]
mod tests;
mod view;
mod view_kind;

pub use api_docs::{ApiDocsPage, Operation, Parameter, Response};
pub use console::{
    Block, Cell, Chart, ConsoleFrame, ConsoleMessage, ConsolePage, Field, Form, Input, LoginPage,
    Point, Table, Tile, amount, bytes, console_csp, moment, share, span,
};
pub use csp::{answer_csp, docs_csp, form_csp, page_csp, paste_csp, view_csp};
pub use error::{Cause, ErrorPage};
pub use frame::{Frame, PageLogo};
pub use gallery::GalleryItem;
pub use oembed::{Oembed, within};
pub use paste::{Grammars, PastePage, Rows, rows};
pub use render::{CONTENT_TYPE, ROBOTS_TXT};
pub use report::ReportPage;
pub use start::StartPage;
pub use tags::PreviewPicture;
pub use view::ViewPage;
pub use view_kind::ViewKind;
