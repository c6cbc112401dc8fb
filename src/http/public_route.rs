//! The routes of the public listener, and how a path is read as one of them.

use crate::legacy::stripped;

/// A route of this listener, with the token of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/m/{token}[/{name}]`.
    Media(&'a str),
    /// `/t/{token}`.
    Thumbnail(&'a str),
    /// `/v/{token}[/{name}]`.
    Page(&'a str),
    /// `/r/{token}`.
    Report(&'a str),
    /// `/oembed`.
    Oembed,
    /// `/robots.txt`.
    Robots,
    /// `/`.
    Start,
    /// `/.well-known/security.txt`.
    SecurityTxt,
    /// `/favicon.ico`.
    Favicon,
    /// `/logo`.
    Logo,
}

impl<'a> Route<'a> {
    /// The patterns of all routes.
    pub(super) const PATTERNS: [&'static str; 10] = [
        "/m/{token}",
        "/t/{token}",
        "/v/{token}",
        "/r/{token}",
        "/oembed",
        "/robots.txt",
        "/",
        "/.well-known/security.txt",
        "/favicon.ico",
        "/logo",
    ];

    /// Reads a path; `prefix`: the path of `public_url`, which a reverse proxy may strip or not.
    pub(super) fn parse(path: &'a str, prefix: &str) -> Option<Self> {
        if !path.is_empty() && path == prefix {
            return Some(Self::Start);
        }
        stripped(path, prefix)
            .and_then(Self::at_root)
            .or_else(|| Self::at_root(path))
    }

    fn at_root(path: &'a str) -> Option<Self> {
        match path {
            "/oembed" => return Some(Self::Oembed),
            "/robots.txt" => return Some(Self::Robots),
            "/" => return Some(Self::Start),
            "/.well-known/security.txt" => return Some(Self::SecurityTxt),
            "/favicon.ico" => return Some(Self::Favicon),
            "/logo" => return Some(Self::Logo),
            _ => {}
        }
        let (kind, rest) = path.strip_prefix('/')?.split_once('/')?;
        let (token, name) = match rest.split_once('/') {
            Some((token, name)) => (token, Some(name)),
            None => (rest, None),
        };
        if token.is_empty() || name.is_some_and(|name| name.contains('/')) {
            return None;
        }
        match kind {
            "m" => Some(Self::Media(token)),
            "v" => Some(Self::Page(token)),
            "t" if name.is_none() => Some(Self::Thumbnail(token)),
            "r" if name.is_none() => Some(Self::Report(token)),
            _ => None,
        }
    }

    /// The pattern of the route.
    pub(super) fn pattern(self) -> &'static str {
        let [
            media,
            thumbnail,
            page,
            report,
            oembed,
            robots,
            start,
            security,
            icon,
            logo,
        ] = Self::PATTERNS;
        match self {
            Self::Media(_) => media,
            Self::Thumbnail(_) => thumbnail,
            Self::Page(_) => page,
            Self::Report(_) => report,
            Self::Oembed => oembed,
            Self::Robots => robots,
            Self::Start => start,
            Self::SecurityTxt => security,
            Self::Favicon => icon,
            Self::Logo => logo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_one_route_or_to_none() {
        for (path, route) in [
            ("/m/abc", Some(Route::Media("abc"))),
            ("/m/abc/", Some(Route::Media("abc"))),
            ("/m/abc/cat.png", Some(Route::Media("abc"))),
            ("/v/abc/cat.png", Some(Route::Page("abc"))),
            ("/t/abc", Some(Route::Thumbnail("abc"))),
            ("/robots.txt", Some(Route::Robots)),
            ("/oembed", Some(Route::Oembed)),
            ("/oembed/", None),
            ("/r/abc", Some(Route::Report("abc"))),
            ("/r/abc/cat.png", None),
            ("/t/abc/cat.png", None),
            ("/m/abc/cat/png", None),
            ("/m/", None),
            ("/m//cat.png", None),
            ("/m", None),
            ("/x/abc", None),
            ("m/abc", None),
            ("/", Some(Route::Start)),
            ("//", None),
            ("/favicon.ico", Some(Route::Favicon)),
            ("/logo", Some(Route::Logo)),
            ("/logo/", None),
            ("/logo.svg", None),
            ("/.well-known/security.txt", Some(Route::SecurityTxt)),
            ("/.well-known/other.txt", None),
            ("", None),
            ("/robots.txt/", None),
        ] {
            assert_eq!(Route::parse(path, "/"), route, "{path}");
            assert_eq!(Route::parse(path, "/some/path"), route, "{path}");
            let under = format!("/some/path{path}");
            if path.starts_with('/') {
                assert_eq!(Route::parse(&under, "/some/path"), route, "{path}");
                assert_eq!(Route::parse(&under, "/some/path/"), route, "{path}");
            }
            assert_eq!(Route::parse(&under, "/some"), None, "{path}");
        }
        assert_eq!(Route::parse("/some/path", "/some/path"), Some(Route::Start));
        assert_eq!(Route::parse("/m/m/abc", "/m"), Some(Route::Media("abc")));
        assert_eq!(Route::parse("/m/abc", "/m"), Some(Route::Media("abc")));
        assert_eq!(Route::parse("/media/m/abc", "/med"), None);
    }

    #[test]
    fn every_route_has_its_pattern() {
        for pattern in Route::PATTERNS {
            let path = pattern.replace("{token}", "abc");
            let route = Route::parse(&path, "/");
            assert_eq!(route.map(Route::pattern), Some(pattern));
        }
    }
}
