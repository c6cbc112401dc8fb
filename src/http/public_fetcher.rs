//! Who fetches a link for a preview, before any person has followed it.

use actix_web::http::header::HeaderMap;

/// Words in the names by which fetchers of previews tell themselves (`User-Agent`), in lower case. Those of Signal and
/// of Apple's messages name others.
const NAMES: [&str; 20] = [
    "facebookexternalhit",
    "twitterbot",
    "whatsapp",
    "discordbot",
    "slackbot",
    "slack-imgproxy",
    "telegrambot",
    "linkedinbot",
    "mastodon",
    "pleroma",
    "akkoma",
    "misskey",
    "lemmy",
    "skypeuripreview",
    "redditbot",
    "vkshare",
    "iframely",
    "embedly",
    "the lounge",
    "synapse",
];
/// Headers that say why something is fetched.
const PURPOSES: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Whether a request says that it is for a preview, or ahead of a person who may never come.
pub(super) fn is_ahead(headers: &HeaderMap) -> bool {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_ascii_lowercase)
    };
    let has_purpose = |name: &&str| {
        text(name).is_some_and(|value| {
            ["prefetch", "prerender", "preview"]
                .iter()
                .any(|word| value.contains(word))
        })
    };
    let agent = text("user-agent").unwrap_or_default();
    NAMES.iter().any(|name| agent.contains(name)) || PURPOSES.iter().any(has_purpose)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn fetchers_are_told_from_people() {
        for (name, value, ahead) in [
            ("user-agent", "WhatsApp/2", true),
            (
                "user-agent",
                "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
                true,
            ),
            (
                "user-agent",
                "Mastodon/4.4 (http.rb/5.2.0; +https://example.org/) Bot",
                true,
            ),
            (
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                false,
            ),
            ("user-agent", "curl/8.14.1", false),
            ("sec-purpose", "prefetch;prerender", true),
            ("x-purpose", "preview", true),
            ("x-moz", "prefetch", true),
            ("purpose", "reading", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
            assert_eq!(is_ahead(&headers), ahead, "{name}: {value}");
        }
        assert!(!is_ahead(&HeaderMap::new()));
    }
}
