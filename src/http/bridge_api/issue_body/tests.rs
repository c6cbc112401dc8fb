use std::time::Duration;

use serde_json::json;

use super::*;

fn checked(value: Value) -> Result<IssueRequest, String> {
    IssueBody::from_value(value)
        .and_then(|body| body.checked(Lifetime::For(Duration::from_secs(100))))
        .map_err(|error| error.to_string())
}

fn with(field: &str, value: Value) -> Result<IssueRequest, String> {
    let mut body = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
    body[field] = value;
    checked(body)
}

/// The request is refused with this problem, and without a secret.
fn assert_refused(field: &str, value: &Value, problem: &str) {
    let error = with(field, value.clone()).expect_err(field);
    assert!(error.contains(problem), "{field} {value}: {error}");
    assert!(
        !error.contains("123456") && !error.contains("with space"),
        "{error}"
    );
}

#[test]
fn identifiers_and_tokens_are_checked() {
    for (field, value, problem) in [
        ("mxc", json!(null), "M_MISSING_PARAM"),
        (
            "mxc",
            json!("https://example.org/abc"),
            "mxc: not an mxc URI",
        ),
        (
            "mxc",
            json!("mxc://example.org/../x"),
            "media ID is made of",
        ),
        ("mxc", json!("mxc://example.org/.."), "media ID is made of"),
        ("mxc", json!("mxc://example.org/"), "media ID is empty"),
        ("mxc", json!(5), "M_BAD_JSON"),
        ("room_id", json!(null), "M_MISSING_PARAM"),
        ("room_id", json!("r"), "room_id: not a room ID"),
        (
            "room_id",
            json!(format!("!{}:x", "a".repeat(300))),
            "longer than 255",
        ),
        ("event_id", json!("e"), "event_id: not an event ID"),
        ("event_id", json!({}), "event_id"),
        ("sender", json!("alice"), "sender: not a user ID"),
        (
            "content_token",
            json!("with space"),
            "content_token: not a content token",
        ),
        ("content_token", json!(123_456), "it has to be a text"),
        (
            "content_token",
            json!({"hash": "123456"}),
            "content_token: the map has no token for this media",
        ),
        ("event", json!("123456"), "event: it has to be an object"),
    ] {
        assert_refused(field, &value, problem);
    }
}

#[test]
fn files_types_and_limits_are_checked() {
    for (field, value, problem) in [
        (
            "file",
            json!({"url": "mxc://example.org/abc"}),
            "file: not a usable EncryptedFile",
        ),
        ("mimetype", json!("image"), "mimetype: allowed is"),
        ("mimetype", json!("a/b\r\nX: y"), "mimetype: allowed is"),
        ("size", json!(-1), "size"),
        ("size", json!(1.5), "size"),
        ("size", json!(u64::MAX), "too large"),
        ("lifetime_ms", json!(-1), "lifetime_ms"),
        ("lifetime_ms", json!("1d"), "lifetime_ms"),
        (
            "lifetime_ms",
            json!(0),
            "found 0 (for ever); allowed are 1 to 100000",
        ),
        (
            "lifetime_ms",
            json!(100_001),
            "found 100001; allowed are 1 to 100000",
        ),
        ("form", json!("long"), "found \"long\"; allowed are"),
        ("max_follows", json!(0), "found 0; allowed is"),
        ("max_follows", json!(-1), "max_follows"),
        ("colour", json!("red"), "unknown field `colour`"),
    ] {
        assert_refused(field, &value, problem);
    }
    assert!(checked(json!([])).is_err() && checked(json!("x")).is_err());
}

#[test]
fn a_text_in_a_wrong_place_is_not_repeated() {
    let told = with("size", json!("a \"secret\", expected by nobody")).expect_err("refused");
    assert!(
        told.ends_with("size: invalid type: string, expected u64"),
        "{told}"
    );
}

#[test]
fn a_map_of_content_tokens_gives_that_of_the_media() {
    let mxc = MxcUri::parse("mxc://example.org/abc").expect("valid");
    let tokens = json!({"other": "wrong", (mxc.hash()): "right"});
    let request = with("content_token", tokens).expect("valid");
    let token = request.claims.content_token.expect("a token");
    assert_eq!(token.expose(), "right");
    let refused = with("content_token", json!({ (mxc.hash()): 123_456 }));
    assert!(!refused.expect_err("refused").contains("123456"));
}

#[test]
fn lengths_and_empty_texts_are_handled() {
    let request = with("filename", json!(format!("{}.png", "x".repeat(400)))).expect("cut");
    let name = request.claims.filename.expect("a name");
    assert!(name.len() == 255 && name.ends_with(".png"));
    assert_eq!(
        with("filename", json!(" ")).expect("none").claims.filename,
        None
    );
    assert!(with("lifetime_ms", json!(100_000)).is_ok());
}

#[test]
fn a_number_may_be_written_as_a_float() {
    let request = with("size", json!(340_112.0)).expect("a whole number");
    assert_eq!(request.size, Some(340_112));
    assert!(with("lifetime_ms", json!(1e5)).is_ok());
    assert_eq!(
        with("max_follows", json!(1.0)).expect("one").max_follows,
        Some(1)
    );
    assert_eq!(with("size", json!(null)).expect("none").size, None);
    for (value, problem) in [
        (json!(1.5), "invalid type: floating point `1.5`"),
        (json!(-1.0), "invalid type: floating point"),
        (json!(-1), "invalid value: integer `-1`"),
        (json!(1e300), "invalid type: floating point"),
        (json!([1.0]), "invalid type: sequence"),
    ] {
        for field in ["size", "lifetime_ms", "max_follows"] {
            assert_refused(field, &value, problem);
        }
    }
}
