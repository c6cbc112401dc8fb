use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::media_of;

fn found(content: &Value) -> Vec<(String, MediaKind)> {
    media_in(content, "content", "m.room.message")
        .into_iter()
        .map(|media| (media.path, media.kind))
        .collect()
}

/// JSON with mxc URIs in all places, under names that mean something and names that do not.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(Value::from),
        "[a-z <>='\"]{0,20}".prop_map(Value::from),
        "mxc://example.org/[a-c]{1,2}".prop_map(Value::from),
        "<img src=\"mxc://example.org/[a-c]\">{0,3}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        "url|file|info|body|filename|msgtype|itemtype|key|m\\.file|content_token",
        "thumbnail_(url|file|info)|avatar_(url|file|content_token)|formatted_body|og:image",
        "[a-z.\\[\\]]{0,4}",
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn a_long_path_loses_its_middle() {
    let name = "n".repeat(2000);
    let content = json!({"a": {"b": [{ (name.clone()): {"url": "mxc://example.org/x"}}]}});
    let (path, _) = found(&content).pop().expect("found");
    assert_eq!(path, "content.a.b[0]….url");
    let content = json!({ (name): "mxc://example.org/x" });
    assert_eq!(
        found(&content),
        [("content.…".replace(".…", "…"), MediaKind::Other)]
    );
}

#[test]
fn many_media_far_inside_cost_no_more_than_their_bytes() {
    let list: Vec<Value> = (0..2000)
        .map(|n| json!(format!("mxc://e.org/{n}")))
        .collect();
    let mut deep = json!(list);
    for _ in 0..100 {
        deep = json!({ ("n".repeat(300)): deep, "content_token": {} });
    }
    let all = media_in(&deep, "content", "m.room.message");
    assert_eq!(all.len(), 2000);
    assert!(all.iter().all(|media| media.path.len() < 600));
}

proptest! {
    #[test]
    fn all_media_that_the_event_names_is_found(content in any_json()) {
        let all = media_in(&content, "content", "m.room.message");
        let named: std::collections::BTreeSet<_> = all.into_iter().filter_map(|media| media.mxc.ok()).collect();
        prop_assert_eq!(named, media_of(&content));
    }

    #[test]
    fn the_own_url_of_a_message_comes_first(mut content in any_json()) {
        if let Some(object) = content.as_object_mut() {
            object.insert("msgtype".to_owned(), json!("m.image"));
            object.insert("url".to_owned(), json!("mxc://example.org/main"));
            let all = media_in(&content, "content", "m.room.message");
            prop_assert!(all.iter().any(|media| media.path == "content.url" && media.kind == MediaKind::File));
            prop_assert_eq!(all[0].kind, MediaKind::File);
        }
    }
}
