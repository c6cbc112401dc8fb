//! The quote that older clients put before the words of a reply (Client-Server API, "Rich replies",
//! until version 1.12).

use medialink_link::matrix::UserId;

use crate::html::begins_with_fallback;

/// The words of a message without that quote; `None`: it was all. Only a sure quote is taken off:
/// the HTML begins with `mx-reply`, or the first line of a reply names the user who is quoted, as
/// `> <@user:server>` or, of an emote, `> * <@user:server>`. Other quotes are the sender's own.
pub(crate) fn without_fallback<'a>(
    plain: &'a str,
    html: Option<&str>,
    is_reply: bool,
) -> Option<&'a str> {
    let is_sure = html.is_some_and(begins_with_fallback) || is_reply && names_a_user(plain);
    let mut rest = plain;
    if is_sure {
        while rest.starts_with('>') {
            let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
            let line_end = if rest[end..].starts_with("\r\n") {
                2
            } else {
                1
            };
            rest = rest.get(end + line_end..).unwrap_or_default();
        }
    }
    if rest.len() < plain.len() {
        rest = rest.trim_start_matches(['\r', '\n']);
    }
    (rest.len() == plain.len() || !rest.trim().is_empty()).then_some(rest)
}

/// Whether the first line quotes a user by name.
fn names_a_user(plain: &str) -> bool {
    let name = plain
        .strip_prefix("> ")
        .map(|line| line.strip_prefix("* ").unwrap_or(line))
        .and_then(|line| line.strip_prefix('<')?.split_once('>'));
    name.is_some_and(|(user, _)| UserId::parse(user).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MX_REPLY: Option<&str> = Some("<mx-reply>foo</mx-reply>baz");

    /// Words of replies, and what is left of them.
    const REPLIES: &[(&str, Option<&str>)] = &[
        ("> <@bob:example.org> foo\n> bar\nbaz", Some("baz")),
        ("> <@bob:example.org> foo\n\nbaz\n> own", Some("baz\n> own")),
        ("> <@bob:example.org> foo\n\n> own\n\nb", Some("> own\n\nb")),
        (
            "> <@b:e.org> foo\r\n> bar\r\n\r\nbaz\r\nc",
            Some("baz\r\nc"),
        ),
        ("> <@bob:example.org> foo\r> bar\r\rbaz", Some("baz")),
        ("> * <@bob:example.org> waves\n\nbaz", Some("baz")),
        ("> <@b:e.org> sent an image.\n\nbaz", Some("baz")),
        ("> <@bob:[::1]:8448> foo\n>\n> bar\n\nbaz", Some("baz")),
        ("> <@bob:example.org> foo\n\n  indented", Some("  indented")),
        // It was all.
        ("> <@bob:example.org> foo", None),
        ("> <@bob:example.org> foo\n\n \n", None),
        // The sender's own.
        ("> all of this is mine", Some("> all of this is mine")),
        ("> <b> foo\n\nbaz", Some("> <b> foo\n\nbaz")),
        ("> <@bob> foo\n\nbaz", Some("> <@bob> foo\n\nbaz")),
        (">> <@b:e.org> foo", Some(">> <@b:e.org> foo")),
        ("x\n> <@b:e.org> foo", Some("x\n> <@b:e.org> foo")),
        ("", Some("")),
    ];

    #[test]
    fn only_a_sure_quote_is_taken_off() {
        for (plain, words) in REPLIES {
            assert_eq!(without_fallback(plain, None, true), *words, "{plain:?}");
            assert_eq!(without_fallback(plain, None, false), Some(*plain));
        }
    }

    #[test]
    fn html_says_that_there_is_a_quote() {
        let spaced = Some("\n <MX-Reply >foo</mx-reply>baz");
        let after_comment = Some("<!-- a client --> &#10;<mx-reply class=\"x\">foo</mx-reply>baz");
        let marked = Some("\u{feff}<mx-reply/>baz");
        for html in [MX_REPLY, spaced, after_comment, marked] {
            for is_reply in [true, false] {
                let words = |plain| without_fallback(plain, html, is_reply);
                assert_eq!(words("> foo\n\nbaz"), Some("baz"));
                assert_eq!(words("baz"), Some("baz"));
                assert_eq!(words("\nbaz"), Some("\nbaz"));
                assert_eq!(words(">"), None);
            }
        }
        for other in [
            "<blockquote>foo</blockquote>baz",
            "<mx-replying>foo</mx-replying>",
            "a<mx-reply>foo</mx-reply>",
            "<!-- <mx-reply>foo</mx-reply> -->baz",
            "</p><mx-reply>foo</mx-reply>",
            "&lt;mx-reply>foo",
            "<mx-reply",
            "",
        ] {
            let plain = "> foo\n\nbaz";
            assert_eq!(
                without_fallback(plain, Some(other), true),
                Some(plain),
                "{other}"
            );
        }
    }
}
