use std::time::Duration;

use serde_json::{Map, Value};

use super::medium::HISTORY_LENGTH;
use super::*;
use crate::counting::uri_hash;
use serde_json::json;

fn store_with_one() -> (MediaStore, String, String, String) {
    let mut store = MediaStore::new("s".to_owned(), Duration::MAX);
    let (id, medium) = store.create("@a:s", true);
    let (mxc, token) = (medium.mxc.clone(), medium.content_token.clone().unwrap());
    let description = Description {
        content_type: "text/plain".to_owned(),
        file_name: None,
    };
    store.fill(&id, description, 3, Source::Generated);
    (store, id, mxc, token)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn only_the_right_token_counts_and_each_medium_once() {
    let (store, id, mxc, token) = store_with_one();
    let hash = uri_hash(&mxc);
    let right = object(json!({"content_token": {hash.clone(): token}}));
    assert_eq!(store.resolve(&right), std::slice::from_ref(&id));
    let twice = object(json!({
        "url": mxc, "content_token": token,
        "avatar_url": mxc, "avatar_content_token": token,
    }));
    assert_eq!(store.resolve(&twice), [id]);
    let wrong = object(json!({"content_token": {hash: "x"}}));
    assert!(store.resolve(&wrong).is_empty());
}

#[test]
fn the_lowest_count_is_kept_from_the_first_reference_on() {
    let (mut store, id, mxc, _) = store_with_one();
    let ids = [id.clone()];
    let lowest = |store: &mut MediaStore| store.inspect("s", &id).unwrap();
    assert_eq!(lowest(&mut store).min_references_since_counted, None);
    store.add_references(&ids, 1);
    store.add_references(&ids, 2);
    store.release_references(&ids, 3);
    assert_eq!(lowest(&mut store).min_references_since_counted, Some(1));
    store.release_references(&ids, 4);
    let seen = lowest(&mut store);
    assert_eq!(
        (seen.min_references_since_counted, seen.max_references),
        (Some(0), 2)
    );
    assert_eq!(seen.history, [(1, 1), (2, 2), (3, 1), (4, 0)]);
    assert_eq!(seen.mxc, mxc);
}

#[test]
fn clean_up_spares_what_is_counted_and_what_is_young() {
    let (mut store, id, mxc, _) = store_with_one();
    assert!(store.clean_up(true, Duration::from_secs(60)).is_empty());
    assert!(store.clean_up(true, Duration::MAX).is_empty());
    store.add_references(std::slice::from_ref(&id), 1);
    assert!(store.clean_up(true, Duration::ZERO).is_empty());
    store.release_references(std::slice::from_ref(&id), 2);
    assert_eq!(store.clean_up(true, Duration::ZERO), [mxc]);
    assert!(store.find(&id).is_err());
    assert!(store.clean_up(true, Duration::ZERO).is_empty());
}

#[test]
fn the_history_is_bounded() {
    let (mut store, id, _, _) = store_with_one();
    for now in 0..2 * HISTORY_LENGTH as u64 {
        store.add_references(std::slice::from_ref(&id), now);
    }
    assert_eq!(
        store.inspect("s", &id).unwrap().history.len(),
        HISTORY_LENGTH
    );
}
