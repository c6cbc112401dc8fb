//! From a template to a page.

/// The media type of every page.
pub const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// The body of `/robots.txt`: a link is for those who were given it, so no crawler is welcome. The
/// fetchers of link previews are, as far as they obey it: they come for one link that somebody has
/// pasted into a chat.
pub const ROBOTS_TXT: &str = "\
User-agent: Twitterbot
User-agent: facebookexternalhit
User-agent: LinkedInBot
User-agent: Slackbot-LinkExpanding
User-agent: Slackbot
User-agent: Discordbot
User-agent: TelegramBot
User-agent: WhatsApp
User-agent: Mastodon
User-agent: SkypeUriPreview
User-agent: redditbot
User-agent: vkShare
User-agent: Iframely
User-agent: Embedly
Allow: /

User-agent: *
Disallow: /
";

/// Renders a template whose every part can be shown. Writing into a `String` does not fail; should
/// a template ever do, people still get a page.
pub(super) fn render(template: &impl askama::Template) -> String {
    template.render().unwrap_or_else(|_| {
        "<!DOCTYPE html><html lang=\"en\"><title>Something went wrong</title>\
         <p>This page could not be shown. Please try again later.</p></html>"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robots_are_kept_out_but_those_of_previews() {
        let (previews, others) = ROBOTS_TXT.split_once("\n\n").expect("two groups");
        assert_eq!(others, "User-agent: *\nDisallow: /\n");
        let mut lines: Vec<&str> = previews.lines().collect();
        assert_eq!(lines.pop(), Some("Allow: /"));
        for line in &lines {
            let name = line.strip_prefix("User-agent: ").expect("a name");
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_')),
                "{name}"
            );
        }
        for name in [
            "Twitterbot",
            "facebookexternalhit",
            "LinkedInBot",
            "Slackbot-LinkExpanding",
            "WhatsApp",
        ] {
            assert!(lines.contains(&&*format!("User-agent: {name}")), "{name}");
        }
    }
}
