//! From a template to a page.

/// The media type of every page.
pub const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// The body of `/robots.txt`: a link is for those who were given it, so no crawler is welcome.
pub const ROBOTS_TXT: &str = "User-agent: *\nDisallow: /\n";

/// Renders a template whose every part can be shown. Writing into a `String` does not fail; should
/// a template ever do, people still get a page.
pub(super) fn render(template: &impl askama::Template) -> String {
    template.render().unwrap_or_else(|_| {
        "<!DOCTYPE html><html lang=\"en\"><title>Something went wrong</title>\
         <p>This page could not be shown. Please try again later.</p></html>"
            .to_owned()
    })
}
