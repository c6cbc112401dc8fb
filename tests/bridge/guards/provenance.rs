//! `provenance`: whether an event shares the media that a link is asked for.

use medialink_link::matrix::MxcUri;
use reqwest::Method;
use serde_json::json;
use support::{
    faulty::{Fault, error},
    signed_elsewhere, url,
};

use super::scene::{Scene, claims, refused, status_of};

#[tokio::test]
async fn a_link_is_issued_only_if_the_event_shares_its_media() {
    let scene = Scene::new("provenance: check").await;
    let event_id = scene
        .world
        .send(&scene.world.room_id, "m.room.message", &scene.message())
        .await;
    // The content token is the event's.
    let link = scene.service.issue(scene.body(&event_id)).await;
    assert_eq!(status_of(&url(&link)).await.0, 200);
    let again = scene.service.issue(scene.body(&event_id)).await;
    assert_eq!(again["link_id"], link["link_id"]);

    let text = scene
        .world
        .send(
            &scene.world.room_id,
            "m.room.message",
            &json!({"msgtype": "m.text", "body": scene.mxc.clone() + " "}),
        )
        .await;
    let mut without = scene.body(&event_id);
    without["event_id"] = json!(null);
    let cases = [
        (without, refused(400, "M_MISSING_PARAM")),
        (scene.body(&text), refused(400, "M_INVALID_PARAM")),
        (scene.body("$nothing"), refused(400, "M_INVALID_PARAM")),
    ];
    for (body, refusal) in &cases {
        assert_eq!(scene.asks(body).await, *refusal, "{body}");
    }
    let batch = json!({"links": [cases[0].0, scene.body(&event_id), cases[1].0, cases[2].0]});
    let (_, told) = scene
        .service
        .call(Method::POST, "/v1/links/batch", &batch)
        .await;
    let results = told["results"].as_array().expect("results");
    let statuses: Vec<Option<i64>> = results.iter().map(|one| one["status"].as_i64()).collect();
    assert_eq!(statuses, [Some(400), None, Some(400), Some(400)], "{told}");
    assert_eq!(results[1]["link_id"], link["link_id"]);

    a_failed_lookup_issues_nothing(&scene).await;
    let hidden = scene
        .world
        .send(&scene.world.room_id, "m.room.message", &scene.message())
        .await;
    scene.faulty.next("/event/", [error(403, "M_FORBIDDEN")]);
    assert_eq!(
        scene.asks(&scene.body(&hidden)).await,
        refused(400, "M_INVALID_PARAM")
    );
    scene.world.redact(&scene.world.room_id, &hidden).await;
    assert_eq!(
        scene.asks(&scene.body(&hidden)).await,
        refused(410, "M_GONE")
    );
    scene.service.stop().await;
}

/// A lookup that fails refuses one request.
async fn a_failed_lookup_issues_nothing(scene: &Scene) {
    for fault in [
        error(500, "M_UNKNOWN"),
        error(401, "M_UNKNOWN_TOKEN"),
        Fault::DropBefore,
    ] {
        let event_id = scene
            .world
            .send(&scene.world.room_id, "m.room.message", &scene.message())
            .await;
        scene.faulty.next("/event/", [fault]);
        assert_eq!(
            scene.asks(&scene.body(&event_id)).await,
            refused(502, "M_UNKNOWN")
        );
        assert_eq!(scene.asks(&scene.body(&event_id)).await.0, 201);
    }
}

#[tokio::test]
async fn media_of_an_encrypted_event_needs_the_decrypted_one() {
    let scene = Scene::new("provenance: check").await;
    let content = json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "content_token": scene.token});
    let event_id = scene
        .world
        .send(&scene.world.room_id, "m.room.encrypted", &content)
        .await;
    let mut body = scene.body(&event_id);
    assert_eq!(scene.asks(&body).await, refused(400, "M_MISSING_PARAM"));
    let decrypted = json!({
        "type": "m.room.message", "event_id": event_id, "room_id": scene.world.room_id,
        "sender": "@alice:example.org",
        "content": {"msgtype": "m.file", "body": "a.txt", "url": scene.mxc},
    });
    for (name, lie) in [
        ("event_id", json!("$other")),
        ("room_id", json!("!other:example.org")),
        ("sender", json!("@bob:example.org")),
        ("content", json!({"url": "mxc://example.org/other"})),
        ("content", json!(null)),
    ] {
        body["event"] = decrypted.clone();
        body["event"][name] = lie;
        assert_eq!(
            scene.asks(&body).await,
            refused(400, "M_INVALID_PARAM"),
            "{name}"
        );
    }
    body["event"] = decrypted;
    let link = scene.service.issue(body).await;
    assert_eq!(
        status_of(&url(&link)).await.0,
        200,
        "with the token told in the clear"
    );
    scene.service.stop().await;
}

#[tokio::test]
async fn the_content_token_of_a_given_event_is_taken() {
    let scene = Scene::new("provenance: off").await;
    let mut body = scene.body("$e");
    let hash = MxcUri::parse(&scene.mxc).expect("a URI").hash();
    body["event"] = json!({"content": {"content_token": { (hash.as_str()): scene.token }}});
    let link = scene.service.issue(body.clone()).await;
    assert_eq!(status_of(&url(&link)).await.0, 200);
    let mut by_map = scene.body("$other");
    by_map["content_token"] = json!({ (hash.as_str()): scene.token });
    let link = scene.service.issue(by_map.clone()).await;
    assert_eq!(status_of(&url(&link)).await.0, 200);
    by_map["content_token"] = json!({"other": scene.token});
    let (status, told) = scene.service.call(Method::POST, "/v1/links", &by_map).await;
    assert_eq!(status, 400);
    assert!(!told.to_string().contains(&scene.token), "{told}");
    body["event"] = json!("text");
    assert_eq!(scene.asks(&body).await, refused(400, "M_INVALID_PARAM"));
    scene.service.stop().await;
}

#[tokio::test]
async fn a_link_signed_elsewhere_has_to_prove_its_media() {
    let scene = Scene::new("provenance: check").await;
    let event_id = scene
        .world
        .send(&scene.world.room_id, "m.room.message", &scene.message())
        .await;
    let other = scene
        .world
        .send(
            &scene.world.room_id,
            "m.room.message",
            &json!({"msgtype": "m.text", "body": "x"}),
        )
        .await;
    let encrypted = json!({"algorithm": "x", "ciphertext": "y", "content_token": scene.token});
    let encrypted = scene
        .world
        .send(&scene.world.room_id, "m.room.encrypted", &encrypted)
        .await;
    for event_id in [None, Some(&other), Some(&encrypted)] {
        let claims = claims(&scene, event_id.map(String::as_str));
        let link = signed_elsewhere(&scene.service, &claims, 0);
        assert_eq!(status_of(&link).await.0, 404, "{event_id:?}");
    }
    let link = signed_elsewhere(&scene.service, &claims(&scene, Some(&event_id)), 0);
    scene.faulty.next("/event/", [error(500, "M_UNKNOWN")]);
    assert_eq!(status_of(&link).await.0, 502);
    assert_eq!(status_of(&link).await.0, 200);
    // It is recorded now.
    scene.faulty.set_away(true);
    assert_eq!(status_of(&link).await.0, 200);
    scene.faulty.set_away(false);
    scene.service.stop().await;
}
