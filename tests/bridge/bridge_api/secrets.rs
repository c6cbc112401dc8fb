//! What no answer of the API repeats.

use reqwest::Method;
use serde_json::{Value, json};
use support::{API_TOKEN, AS_TOKEN, HS_TOKEN, answer};

use super::bridges::{SECOND, two_bridges};

const CONTENT_TOKEN: &str = "the-content-token-0123456789";
const KEY: &str = "aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0";

#[tokio::test]
async fn no_answer_holds_a_secret() {
    let (world, service) = two_bridges().await;
    let (text, bodies) = bodies_with_secrets(&world.room_id);
    let mut answers = Vec::new();
    for (body, path) in bodies {
        let (status, told) = service.call(Method::POST, path, &body).await;
        assert!(status.is_success() || status == 400, "{status} {told}");
        answers.push(told.to_string());
    }
    // Cut off in the middle, and where the text is no JSON at all.
    for broken in [&text[..text.len() - 1], &text[..text.len() / 2], &text[1..]] {
        let request = service
            .api(Method::POST, "/v1/links")
            .body(broken.to_owned());
        answers.push(answer(request).await.1.to_string());
    }
    answers.push(
        answer(service.api(Method::GET, "/v1/links"))
            .await
            .1
            .to_string(),
    );
    for path in ["/metrics", "/ready", "/openapi.json"] {
        answers.push(answer(service.api(Method::GET, path)).await.1.to_string());
    }
    for secret in [
        CONTENT_TOKEN,
        KEY,
        "fdSLu/YkRx3W",
        "w+sE15fzSc0",
        API_TOKEN,
        AS_TOKEN,
        HS_TOKEN,
        SECOND,
    ] {
        for told in &answers {
            assert!(!told.contains(secret), "{secret} is in {told}");
        }
    }
    service.stop().await;
}

/// A good request for a link as a text, and every way to put its secrets in a wrong place, with the
/// paths where they are sent.
fn bodies_with_secrets(room_id: &str) -> (String, Vec<(Value, &'static str)>) {
    let file = json!({"url": "mxc://example.org/file", "v": "v2", "key": {"kty": "oct", "alg": "A256CTR", "k": KEY},
        "iv": "w+sE15fzSc0AAAAAAAAAAA", "hashes": {"sha256": "fdSLu/YkRx3Wyh3KQabP3rd6+SFiKg5lsJZQHtkSAYA"}});
    let good = json!({"file": file, "room_id": room_id, "content_token": CONTENT_TOKEN});
    let text = good.to_string();
    let mut bodies = vec![
        (good.clone(), "/v1/links"),
        (json!({"links": [good, text, [good]]}), "/v1/links/batch"),
        (json!({"links": text}), "/v1/links/batch"),
        (
            json!({"links": {"content_token": CONTENT_TOKEN}}),
            "/v1/links/batch",
        ),
        (json!(text), "/v1/links"),
        (json!(text), "/v1/links/batch"),
        (json!(text), "/v1/revocations"),
    ];
    for field in [
        "file",
        "room_id",
        "mxc",
        "content_token",
        "size",
        "lifetime_ms",
        "max_follows",
    ] {
        for wrong in [json!(text), json!([text]), good.clone()] {
            let mut body = good.clone();
            body[field] = wrong;
            bodies.push((body, "/v1/links"));
        }
    }
    for part in [
        "/key/k", "/key", "/iv", "/hashes", "/v", "/url", "/key/kty", "/key/alg",
    ] {
        let mut body = good.clone();
        *body["file"].pointer_mut(part).expect("a part") = json!([KEY]);
        bodies.push((body.clone(), "/v1/links"));
        *body["file"].pointer_mut(part).expect("a part") = json!(format!("{KEY}="));
        bodies.push((body, "/v1/links"));
    }
    (text, bodies)
}
