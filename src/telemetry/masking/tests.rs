use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

/// The ways in which a homeserver may write down a secret that it got.
#[derive(Debug, Clone, Copy)]
enum Form {
    Plain,
    Percent,
    PercentAll,
    PercentTwice,
    Json,
    JsonInJson,
    JsonUnicode,
    Html,
    Hex,
    Debug,
}

const FORMS: [Form; 10] = [
    Form::Plain,
    Form::Percent,
    Form::PercentAll,
    Form::PercentTwice,
    Form::Json,
    Form::JsonInJson,
    Form::JsonUnicode,
    Form::Html,
    Form::Hex,
    Form::Debug,
];

impl Form {
    fn of(self, secret: &str) -> String {
        let json = |text: &str| {
            let quoted = serde_json::Value::from(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        };
        let bytes = |write: fn(u8) -> String| secret.bytes().map(write).collect::<String>();
        let percent = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        match self {
            Self::Plain => secret.to_owned(),
            Self::Percent => percent(secret),
            Self::PercentAll => bytes(|byte| format!("%{byte:02x}")),
            Self::PercentTwice => percent(&percent(secret)),
            Self::Json => json(secret),
            Self::JsonInJson => json(&json(secret)),
            Self::JsonUnicode => bytes(|byte| format!("\\u{byte:04X}")),
            Self::Html => secret
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&#34;")
                .replace('\'', "&#x27;"),
            Self::Hex => bytes(|byte| format!("{byte:02x}")),
            Self::Debug => {
                let quoted = format!("{secret:?}");
                quoted[1..quoted.len() - 1].to_owned()
            }
        }
    }
}

fn masked_of(secret: &str, text: &str) -> String {
    Masker::of([secret]).mask(text).as_str().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Not even twelve bytes of a secret in a row remain, in whatever form it is repeated.
    #[test]
    fn a_secret_is_masked_in_every_form(
        secret in "[!-~]{12,50}",
        form in 0..FORMS.len(),
        before in "[ -~]{0,30}",
        after in "(?s).{0,30}",
    ) {
        let form = FORMS[form];
        let text = format!("{before} {} {after}", form.of(&secret));
        let shown = masked_of(&secret, &text);
        for start in 0..=secret.len() - 12 {
            let part = form.of(&secret[start..start + 12]);
            prop_assert!(!shown.contains(&part), "{form:?} {text:?} {shown:?}");
        }
    }

    #[test]
    fn a_secret_is_masked_inside_of_base64(
        secret in "[!-~]{16,60}",
        before in "[ -~]{0,7}",
        after in "[ -~]{0,7}",
    ) {
        let whole = format!("{before}{secret}{after}");
        for text in [STANDARD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
            let shown = masked_of(&secret, &format!("found {text} there"));
            for start in 0..=text.len() - 16 {
                let part = &text[start..start + 16];
                // What is beside the secret may remain.
                let beside = start < before.len().div_ceil(3) * 4 + 4
                    || start + 16 + 4 > (before.len() + secret.len()) / 3 * 4;
                prop_assert!(beside || !shown.contains(part), "{text} {shown}");
            }
        }
    }

    #[test]
    fn a_part_of_a_secret_is_masked_where_the_text_is_cut(
        secret in "[!-~]{16,50}",
        length in 8_usize..16,
        form in 0..FORMS.len(),
        ellipsis in prop::sample::select(vec!["", "…", "...", "… [cut]"]),
    ) {
        let part = FORMS[form].of(&secret[..length]);
        let shown = masked_of(&secret, &format!("unknown token {part}{ellipsis}"));
        prop_assert!(!shown.contains(&part), "{part} {shown}");
    }

    #[test]
    fn nothing_panics_and_the_text_stays_short(text in "(?s).{0,5000}") {
        let shown = masked_of("%5c&#34;\\u0022ü…", &text);
        prop_assert!(shown.chars().count() <= 200);
        prop_assert!(!shown.chars().any(char::is_control));
        let _ = masked(&text);
    }
}

#[test]
fn a_secret_with_control_characters_in_it_is_masked() {
    let secret = "Qx7-vN2_kLm9pRt4";
    for text in ["Qx7-vN2_\nkLm9pRt4", "Qx7-vN2\0_kLm9\u{6}pRt4\r\n"] {
        assert_eq!(masked_of(secret, &format!("no {text}")), "no [masked]");
    }
}

#[test]
fn what_holds_no_secret_stays_as_it_is() {
    for text in [
        "User @ircbot:example.org not in room !c8ZLQvbvBIUNP5P0uNaVGK2v4f3bCbhPVFjbmgVZrWk",
        "no event $rqOHVKVwJXFJBmMFPnBOiOuTbFGtlGCqYYqOXq0Lgjk in this room",
        "Unknown or missing access token; the content_token: is wrong; as_token is not it",
        "Bearer authentication is needed",
        "https://matrix.example.org/_matrix/client/v3/rooms/x?user_id=@a:b",
        "bridges[0].as_token: is missing; give it, or bridges[0].as_token_file",
        "the password is not what was expected, nor is k = v",
        "50% of \\ and & are < >",
        "tcp connect error: Connection refused (os error 111)",
    ] {
        assert_eq!(masked(text), None, "{text}");
        assert_eq!(ForeignText::new(text).as_str(), text);
    }
}

#[test]
fn what_looks_like_a_secret_is_masked() {
    for (text, expected) in [
        (
            "token syt_Ym90_abcdefgh_1a2b3c is unknown",
            "token [masked] is unknown",
        ),
        (
            "Authorization: bearer abc123",
            "Authorization: bearer [masked]",
        ),
        (
            "GET /x?access_token=abc&y=1",
            "GET /x?access_token=[masked]&y=1",
        ),
        (
            "GET /x%3Faccess_token%3Dabc%26y",
            "GET /x%3Faccess_token%3D[masked]%26y",
        ),
        (
            "{\"content_token\": {\"h\": \"abc\"}, \"x\": 1}",
            "{\"content_token\": {[masked]}, \"x\": 1}",
        ),
        (
            "{\\\"as_token\\\":\\\"abc\\\",1}",
            "{\\\"as_token\\\":\\\"[masked]\\\",1}",
        ),
        (
            "X-Matrix-Content-Token: abc",
            "X-Matrix-Content-Token: [masked]",
        ),
        ("postgres://me:hunter2@db/x", "postgres://[masked]@db/x"),
        (
            "https://m.example.org/m/EQFqsAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/cat.png",
            "https://m.example.org/m/[masked]/cat.png",
        ),
    ] {
        assert_eq!(masked(text).as_deref().unwrap_or(text), expected);
    }
}

#[test]
fn what_the_process_knows_is_masked_everywhere() {
    let secret = "known-to-the-whole-process-1";
    know_secrets([secret, secret, "abc"]);
    assert_eq!(
        masked(&format!("a {secret} b")).as_deref(),
        Some("a [masked] b")
    );
    assert_eq!(ForeignText::new(secret).as_str(), "[masked]");
    assert_eq!(masked("abcabc"), None, "too short to be told from a word");
}
