//! What people see in their browser: one struct per template, plain values in, HTML out.
//!
//! The pages are made for somebody who has never heard of Matrix. They need nothing but themselves:
//! no script, no font, no image of their own, one style block. Every value is escaped by the templates.

mod api_docs;
mod csp;
mod display_name;
mod error;
mod paste;
mod placeholder;
#[cfg(test)]
mod tests;
mod view;

pub use api_docs::{ApiDocsPage, Operation, Parameter, Response};
pub use csp::{page_csp, view_csp};
pub use error::{Cause, ErrorPage};
pub use paste::{Grammars, PastePage, Rows, rows};
pub use view::{Kind, Moment, ViewPage};

/// The media type of every page.
pub const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// The body of `/robots.txt`: a link is for those who were given it, so no crawler is welcome.
pub const ROBOTS_TXT: &str = "User-agent: *\nDisallow: /\n";

/// The one style block of all pages. `base.html` writes exactly these bytes, so that their hash in
/// the Content-Security-Policy holds.
const STYLE: &str = include_str!("../templates/style.css");

/// Renders a template whose every part can be shown. Writing into a `String` does not fail; should
/// a template ever do, people still get a page.
fn render(template: &impl askama::Template) -> String {
    template.render().unwrap_or_else(|_| {
        "<!DOCTYPE html><html lang=\"en\"><title>Something went wrong</title>\
         <p>This page could not be shown. Please try again later.</p></html>"
            .to_owned()
    })
}
