use super::*;
use proptest::prelude::*;
use serde_json::json;

fn mxc(id: &str) -> MxcUri {
    MxcUri::from_parts("example.org", id).expect("valid")
}

fn found(content: &Value) -> Vec<String> {
    let media = media_of(content);
    media.iter().map(|mxc| mxc.media_id().to_owned()).collect()
}

fn token(content: &Value, id: &str) -> Option<String> {
    content_token_of(content, &mxc(id)).map(|token| token.expose().to_owned())
}

#[test]
fn media_is_found_wherever_an_event_can_name_it() {
    let content = json!({
        "url": "mxc://example.org/a",
        "file": {"url": "mxc://example.org/b"},
        "info": {"thumbnail_url": "mxc://example.org/c", "thumbnail_file": {"url": "mxc://example.org/d"}},
        "m.new_content": {"url": "mxc://example.org/e", "formatted_body": "<img src='mxc://example.org/f'>"},
        "list": [[["mxc://example.org/g"]]],
        "formatted_body": "<b>x</b><img alt=\"src=mxc://example.org/no\" src = \"mxc://example.org/h\"/><IMG SRC=mxc://example.org/i>",
        "body": "see mxc://example.org/no", "other": "<img src='mxc://example.org/no'>",
        "size": 7, "none": null, "bad": "mxc://example.org/../no",
    });
    assert_eq!(
        found(&content),
        ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
    );
    for nothing in [json!(null), json!([]), json!("x"), json!({"url": {}})] {
        assert!(media_of(&nothing).is_empty());
    }
}

#[test]
fn html_names_what_a_browser_would_ask_for() {
    for (html, named) in [
        ("<img src='mxc://example.org/a'>", &["a"][..]),
        ("<IMG\nSRC = mxc://example.org/a >", &["a"]),
        ("<img/src='mxc://example.org/a'/>", &["a"]),
        ("<<<img src='mxc://example.org/a'>", &["a"]),
        ("<img src='&#109;xc://example.org/a'>", &["a"]),
        ("<img src=mxc&colon;&sol;&#x2F;example.org/&#97>", &["a"]),
        ("<svg><p><img src='mxc://example.org/a'></svg>", &["a"]),
        ("<!--><img src='mxc://example.org/a'>-->", &["a"]),
        ("</template><img src='mxc://example.org/a'>", &["a"]),
        // Broken.
        ("<img src=mxc://example.org/a", &[]),
        ("<img src=\"mxc://example.org/a", &[]),
        ("< img src='mxc://example.org/a'>", &[]),
        ("img src='mxc://example.org/a'", &[]),
        ("<img src src='mxc://example.org/a'>", &[]),
        ("<img ==src='mxc://example.org/a'>", &[]),
        ("<img src='mxc://example.org/&amp;a'>", &[]),
        ("<img src='&amp;#109;xc://example.org/a'>", &[]),
        // No pictures, or none that are seen.
        ("<a title='>'><img data-src='mxc://example.org/a'>", &[]),
        ("<a title='<img src=mxc://example.org/a>'>", &[]),
        (
            "<p src='mxc://example.org/a'><video src='mxc://example.org/b'>",
            &[],
        ),
        ("<!-- <img src='mxc://example.org/a'> -->", &[]),
        ("<!-- <img src='mxc://example.org/a'>", &[]),
        ("<template><img src='mxc://example.org/a'></template>", &[]),
        ("<noscript><img src='mxc://example.org/a'></noscript>", &[]),
        ("<script><img src='mxc://example.org/a'></script>", &[]),
        ("<textarea><img src='mxc://example.org/a'></textarea>", &[]),
        ("<iframe><img src='mxc://example.org/a'></iframe>", &[]),
        ("<mx-reply><img src='mxc://example.org/a'></mx-reply>b", &[]),
        ("&lt;img src='mxc://example.org/a'&gt;", &[]),
    ] {
        assert_eq!(found(&json!({"formatted_body": html})), named, "{html}");
    }
}

#[test]
fn a_token_is_found_in_every_shape() {
    let by_hash = json!({ (mxc("a").hash()): "token", (mxc("c").hash()): 5 });
    for content in [
        json!({"url": "mxc://example.org/a", "content_token": "token"}),
        json!({"file": {"url": "mxc://example.org/a"}, "content_token": "token"}),
        json!({"avatar_url": "mxc://example.org/a", "avatar_content_token": "token", "content_token": "other"}),
        json!({"content_token": by_hash}),
        json!({"m.new_content": {"content_token": by_hash}}),
        json!({"url": "mxc://example.org/a", "content_token": "old",
               "m.new_content": {"url": "mxc://example.org/a", "content_token": "token"}}),
    ] {
        assert_eq!(token(&content, "a").as_deref(), Some("token"), "{content}");
        assert_eq!(token(&content, "b"), None, "{content}");
        assert_eq!(token(&content, "c"), None, "{content}");
    }
    for content in [
        json!({"url": "mxc://example.org/a", "content_token": "with space"}),
        json!({"url": "mxc://example.org/a", "avatar_content_token": "token"}),
        json!({"url": "mxc://example.org/a", "content_token": ["token"]}),
        json!({"content_token": "token"}),
        json!(["token"]),
    ] {
        assert_eq!(token(&content, "a"), None, "{content}");
    }
}

#[test]
fn an_encrypted_event_has_tokens_in_the_clear() {
    let token_of = |content: Value| {
        cleartext_token_of(&content, &mxc("a")).map(|token| token.expose().to_owned())
    };
    let text = json!({"algorithm": "x", "ciphertext": "y", "content_token": "token"});
    assert_eq!(token_of(text).as_deref(), Some("token"));
    let map = json!({"content_token": { (mxc("a").hash()): "token" }});
    assert_eq!(token_of(map).as_deref(), Some("token"));
    assert_eq!(token_of(json!({"content_token": {"x": "token"}})), None);
    assert_eq!(token_of(json!({"content_token": 5})), None);
}

#[test]
fn an_edit_names_its_target_and_has_the_new_content() {
    let edit = json!({
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$e"},
        "m.new_content": {"body": "new"},
    });
    let (edited, shown) = replaced_content(&edit).expect("an edit");
    assert_eq!((edited.as_str(), shown), ("$e", &json!({"body": "new"})));
    for (pointer, value) in [
        ("/m.relates_to/rel_type", json!("m.thread")),
        ("/m.relates_to/event_id", json!("e")),
        ("/m.relates_to", json!([])),
        ("/m.new_content", json!("new")),
    ] {
        let mut other = edit.clone();
        *other.pointer_mut(pointer).expect("there") = value;
        assert_eq!(replaced_content(&other), None, "{pointer}");
    }
}

#[test]
fn depth_and_length_cost_no_more_than_their_bytes() {
    let mut deep = json!("mxc://example.org/a");
    for _ in 0..10_000 {
        deep = Value::Array(vec![deep]);
    }
    assert_eq!(found(&deep), ["a"]);
    // Taken apart level by level: dropping it whole would go as deep as it is.
    while let Value::Array(mut list) = deep {
        deep = list.pop().unwrap_or_default();
    }
    for piece in ["<", "<a ", "<a b='", "src=", "=", "\"", "<a/"] {
        let html = piece.repeat(1 << 18);
        assert!(media_of(&json!({"formatted_body": html})).is_empty());
    }
}

proptest! {
    #[test]
    fn no_html_breaks_the_search(html in "[<>=/'\" a-cé]{0,60}") {
        let content = json!({"formatted_body": html});
        prop_assert!(media_of(&content).is_empty());
    }

    #[test]
    fn an_image_is_found_behind_any_other_html(before in "[a-z é]{0,20}(<[a-z]{1,5}( [a-z]{1,4}='[a-z<>]{0,5}')?>){0,3}") {
        let html = format!("{before}<img alt='' src=\"mxc://example.org/a\">");
        let content = json!({"formatted_body": html});
        prop_assert_eq!(found(&content), ["a"]);
    }

    #[test]
    fn no_json_breaks_the_search(text in "[\\[\\]{}:,\"a-z0-9]{0,80}") {
        let content: Value = serde_json::from_str(&text).unwrap_or_default();
        let _ = (media_of(&content), content_token_of(&content, &mxc("a")));
        let _ = (replaced_content(&content), cleartext_token_of(&content, &mxc("a")));
    }
}
