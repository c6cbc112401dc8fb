//! The paths of links: fixed texts, and places for media and signatures.

/// Why a path cannot be that of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It is not of the grammar.
    #[error(
        "allowed is / and segments of letters, digits, '-', '.', '_' and '~', with a / between them"
    )]
    Grammar,
    /// It is not a template.
    #[error(
        "allowed is a path that begins with a fixed segment and has {{server}}, {{media_id}} and {{checksum}} once each, \
         as segments of their own, and as wanted {{filename}} right behind the last one"
    )]
    Template,
    /// It covers routes of ours.
    #[error(
        "it covers /m, /t, /v, /r, /robots.txt, /favicon.ico, /logo or /.well-known; allowed is a path that begins otherwise"
    )]
    Covers,
}

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Server,
    MediaId,
    Tag,
}

/// The texts in the places of a path; empty: it has no such place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Parts<'p> {
    pub(super) server: &'p str,
    pub(super) media_id: &'p str,
    pub(super) tag: &'p str,
}

/// Paths of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    /// Whether one more segment may follow: a file name for people, which nobody signs.
    is_named: bool,
}

const FILENAME: &str = "{filename}";

impl Pattern {
    /// A prefix, and the rest of a format's path below it.
    pub(super) fn below(prefix: &str, rest: &str) -> Result<Self, PathError> {
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if !prefix.is_empty() && !prefix.starts_with('/') || prefix.contains(['{', '}']) {
            return Err(PathError::Grammar);
        }
        Self::parse(&format!("{prefix}{rest}")).ok_or(PathError::Grammar)
    }

    /// A template of heisenbridge (its `media_path`).
    pub(super) fn template(text: &str) -> Result<Self, PathError> {
        let pattern = Self::parse(text).ok_or(PathError::Template)?;
        let has_once = |piece: Piece| {
            pattern
                .pieces
                .iter()
                .filter(|other| **other == piece)
                .count()
                == 1
        };
        let is_whole = [Piece::Server, Piece::MediaId, Piece::Tag]
            .into_iter()
            .all(has_once);
        is_whole.then_some(pattern).ok_or(PathError::Template)
    }

    fn parse(text: &str) -> Option<Self> {
        let (text, is_named) = match text.strip_suffix(FILENAME) {
            Some(text) => (text, true),
            None => (text, false),
        };
        let pieces = text.strip_prefix('/')?.split('/').map(|segment| {
            Some(match segment {
                "{server}" => Piece::Server,
                "{media_id}" => Piece::MediaId,
                "{checksum}" => Piece::Tag,
                "" | "." | ".." => return None,
                text => {
                    let is_plain = text
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
                    Piece::Text(is_plain.then(|| text.to_owned())?)
                }
            })
        });
        Some(Self {
            pieces: pieces.collect::<Option<_>>()?,
            is_named,
        })
    }

    /// Whether it begins as a route of ours, or with a place in which that could stand.
    pub(super) fn covers_our_routes(&self) -> bool {
        match self.pieces.first() {
            Some(Piece::Text(text)) => {
                matches!(
                    text.as_str(),
                    "m" | "t" | "v" | "r" | "robots.txt" | "favicon.ico" | "logo" | ".well-known"
                )
            }
            _ => true,
        }
    }

    /// The texts in the places of a path, if it is of this shape.
    pub(super) fn read<'p>(&self, path: &'p str) -> Option<Parts<'p>> {
        let mut parts = Parts::default();
        let mut segments = path.strip_prefix('/')?.split('/');
        for piece in &self.pieces {
            let segment = segments.next()?;
            match piece {
                Piece::Text(text) if text == segment => {}
                Piece::Text(_) => return None,
                Piece::Server => parts.server = segment,
                Piece::MediaId => parts.media_id = segment,
                Piece::Tag => parts.tag = segment,
            }
        }
        let names = segments.count();
        (names <= usize::from(self.is_named)).then_some(parts)
    }

    /// Whether a path may be of both shapes.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.pieces.iter(), other.pieces.iter());
        loop {
            return match (ours.next(), theirs.next()) {
                (Some(Piece::Text(a)), Some(Piece::Text(b))) if a != b => false,
                (Some(_), Some(_)) => continue,
                (None, None) => true,
                // A name of the shorter one stands where the other has its last piece.
                (Some(_), None) => other.is_named && ours.next().is_none(),
                (None, Some(_)) => self.is_named && theirs.next().is_none(),
            };
        }
    }

    fn under(&self, prefix: &str) -> Self {
        let prefix = prefix.split('/').filter(|segment| !segment.is_empty());
        Self {
            pieces: prefix
                .map(|segment| Piece::Text(segment.to_owned()))
                .chain(self.pieces.iter().cloned())
                .collect(),
            is_named: self.is_named,
        }
    }
}

/// The rest of a path below the path of `public_url`, if it is there.
#[must_use]
pub fn stripped<'a>(path: &'a str, public_path: &str) -> Option<&'a str> {
    path.strip_prefix(public_path.trim_end_matches('/'))
        .filter(|rest| rest.starts_with('/'))
}

/// These shapes at the root, and below a path.
pub(super) fn everywhere(patterns: &[Pattern], public_path: &str) -> Vec<Pattern> {
    let under = patterns.iter().map(|pattern| pattern.under(public_path));
    patterns.iter().cloned().chain(under).collect()
}

/// The shapes of our own routes.
pub(super) fn our_routes() -> [Pattern; 8] {
    let pattern = |name: &str, has_token: bool, is_named| Pattern {
        pieces: std::iter::once(Piece::Text(name.to_owned()))
            .chain(has_token.then_some(Piece::Tag))
            .collect(),
        is_named,
    };
    [
        pattern("m", true, true),
        pattern("v", true, true),
        pattern("t", true, false),
        pattern("r", true, false),
        pattern("robots.txt", false, false),
        pattern("favicon.ico", false, false),
        pattern("logo", false, false),
        pattern(".well-known", true, false),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_says_where_everything_stands() {
        let pattern = Pattern::template("/x/{server}/{media_id}/{checksum}{filename}");
        let pattern = pattern.expect("a template");
        let parts = Parts {
            server: "a.org",
            media_id: "id",
            tag: "tag",
        };
        for path in [
            "/x/a.org/id/tag",
            "/x/a.org/id/tag/cat.png",
            "/x/a.org/id/tag/",
        ] {
            assert_eq!(pattern.read(path), Some(parts), "{path}");
        }
        for path in [
            "",
            "/",
            "x/a.org/id/tag",
            "/x/a.org/id",
            "/y/a.org/id/tag",
            "//x/a.org/id/tag",
            "/x/a.org/id/tag/cat/png",
        ] {
            assert_eq!(pattern.read(path), None, "{path}");
        }
        let other = Pattern::template("/{checksum}/x/{media_id}/{server}").expect("a template");
        assert_eq!(other.read("/tag/x/id/a.org"), Some(parts));
        assert_eq!(other.read("/tag/x/id/a.org/"), None);
        for bad in [
            "",
            "/",
            "x/{server}/{media_id}/{checksum}",
            "/x/{server}/{media_id}",
            "/x/{server}/{server}/{media_id}/{checksum}",
            "/x/{server}-{media_id}/{checksum}",
            "/x/{server}/{media_id}/{checksum}/{filename}",
            "/x{filename}/{server}/{media_id}/{checksum}",
            "/x//{server}/{media_id}/{checksum}",
            "/../{server}/{media_id}/{checksum}",
            "/x/{server}/{media_id}/{checksum}?a",
            "/x/{other}/{server}/{media_id}/{checksum}",
            "https://example.org/x/{server}/{media_id}/{checksum}",
        ] {
            assert_eq!(Pattern::template(bad), Err(PathError::Template), "{bad}");
        }
    }

    #[test]
    fn shapes_overlap_where_a_path_may_be_of_both() {
        let shape = |text: &str| Pattern::parse(text).expect("a path");
        for (a, b, overlap) in [
            ("/x/{server}", "/x/{server}", true),
            ("/x/{server}", "/y/{server}", false),
            ("/x/{server}", "/x/y", true),
            ("/x/{server}", "/x/{server}/{media_id}", false),
            ("/x/{server}{filename}", "/x/{server}/{media_id}", true),
            ("/x/{server}{filename}", "/x/{server}/y", true),
            ("/x/{server}{filename}", "/x/{server}/y/z", false),
            ("/x/{server}{filename}", "/x{filename}", true),
            ("/x/{server}/y{filename}", "/x/z/y", true),
        ] {
            assert_eq!(shape(a).overlaps(&shape(b)), overlap, "{a} {b}");
            assert_eq!(shape(b).overlaps(&shape(a)), overlap, "{b} {a}");
        }
    }
}
