//! Errors of the homeserver, which may repeat a secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use medialink::telemetry::Masker;

/// So many bytes of a secret in a row are never shown.
const WINDOW: usize = 12;

/// Takes a secret, a line feed, and a text. The text is shown short and without control characters, and
/// no form of the secret that is put into it is.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (secret, text) = (text(), text());
    let masker = Masker::of([secret.as_str()]);
    let shown = |text: &str| {
        let shown = masker.mask(text).as_str().to_owned();
        assert!(shown.chars().count() <= 200 && !shown.chars().any(char::is_control));
        shown
    };
    shown(&text);
    // Tokens are of ASCII, without white space.
    if secret.len() < WINDOW || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return;
    }
    let middle = text.floor_char_boundary(text.len() / 2);
    let forms: [fn(&str) -> String; 4] = [
        str::to_owned,
        |part| part.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        |part| part.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
        |part| part.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    for form in forms {
        let text = format!("{} {} {}", &text[..middle], form(&secret), &text[middle..]);
        let shown = shown(&text);
        for window in secret.as_bytes().windows(WINDOW) {
            let part = form(str::from_utf8(window).expect("ASCII"));
            assert!(!shown.contains(&part), "{text:?} {shown:?}");
        }
    }
    let encoded = STANDARD.encode(&secret);
    let shown = shown(&format!("{} {encoded}", &text[..middle]));
    assert!(!shown.contains(&encoded), "{shown:?}");
}
