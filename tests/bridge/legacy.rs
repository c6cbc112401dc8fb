//! Links that bridges have made by themselves, against the embedded homeserver.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::harness::{API_TOKEN, Service, World, answer, eventually};

/// The key of heisenbridge in these tests: any text.
const HEISENBRIDGE_KEY: &str = "clé of the heisenbridge";

fn with_heisenbridge(more: &str) -> String {
    format!(
        "legacy_links: [{{format: heisenbridge, bridge: irc, key: '{HEISENBRIDGE_KEY}'}}]\n{more}"
    )
}

/// The path of a link as heisenbridge makes it.
fn heisenbridge(mxc: &str, name: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(HEISENBRIDGE_KEY.as_bytes()).expect("a key");
    mac.update(format!("{mxc}/").as_bytes());
    let checksum = URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..8]);
    let media = mxc.strip_prefix("mxc://").expect("an mxc URI");
    format!("/_heisenbridge/media/{media}/{checksum}{name}")
}

async fn get(service: &Service, path: &str) -> reqwest::Response {
    let url = format!("{}{path}", service.public);
    service.client.get(url).send().await.expect("an answer")
}

/// Status and errcode of a refused path.
async fn refused(service: &Service, path: &str) -> (u16, Value) {
    let (status, told) = answer(service.client.get(format!("{}{path}", service.public))).await;
    (status.as_u16(), told["errcode"].clone())
}

#[tokio::test]
async fn a_link_of_heisenbridge_is_followed_like_any_other() {
    let world = World::new().await;
    let service = world
        .service(&with_heisenbridge("usage: {mode: always}"))
        .await;
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (mxc, _) = world.upload(bytes.clone(), "image/png").await;
    for name in ["", "/", "/cat.png", "/%C3%A9%20.png"] {
        let response = get(&service, &heisenbridge(&mxc, name)).await;
        assert_eq!(response.status(), 200, "{name}");
        let headers = response.headers().clone();
        assert_eq!(headers[header::CONTENT_TYPE], "image/png");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.bytes().await.expect("whole"), bytes);
    }
    let url = format!("{}{}", service.public, heisenbridge(&mxc, "/cat.png"));
    let part = service.client.get(&url).header("Range", "bytes=10-19");
    let part = part.send().await.expect("an answer");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.expect("a part"), bytes[10..20]);
    let head = service.client.head(&url).send().await.expect("an answer");
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()[header::CONTENT_LENGTH], "100000");
    assert_eq!(
        world.requests("media.download").await,
        1,
        "the rest is from the cache"
    );

    // It is recorded once, whatever its name.
    let listed = eventually("its follows to be counted", async || {
        let (_, listed) = answer(service.api(Method::GET, "/v1/links")).await;
        (listed["links"][0]["follows"] == 4).then_some(listed)
    })
    .await;
    assert_eq!(listed["links"].as_array().map(Vec::len), Some(1));
    let link = &listed["links"][0];
    assert_eq!(
        (&link["form"], &link["mxc"], &link["state"]),
        (&json!("legacy"), &json!(mxc), &json!("live"))
    );
    for name in ["room_id", "event_id", "url", "page_url", "expires_ts"] {
        assert_eq!(link[name], Value::Null, "{name}");
    }
    assert_eq!(link["usage"]["state"], "disabled");
}

#[tokio::test]
async fn a_forged_link_is_refused_without_asking_anybody() {
    let world = World::new().await;
    let service = world.service(&with_heisenbridge("")).await;
    let (mxc, _) = world.upload("hello", "text/plain").await;
    let good = heisenbridge(&mxc, "");
    for n in "/_heisenbridge/media/".len()..good.len() {
        for other in ["x", "Y", "_", "%41", "/", ""] {
            let mut forged = good.clone();
            forged.replace_range(n..=n, other);
            if forged == good {
                continue;
            }
            let (status, errcode) = refused(&service, &forged).await;
            assert_eq!((status, errcode), (404, json!("M_NOT_FOUND")), "{forged}");
        }
    }
    for forged in [
        format!("{good}="),
        good.replacen("/example.org/", "/example.org%2F..%2F/", 1),
        good.replacen("/example.org/", "/EXAMPLE.org/", 1),
        format!("{good}/cat.png/more"),
        good.replacen("/_heisenbridge", "/_Heisenbridge", 1),
    ] {
        assert_eq!(refused(&service, &forged).await.0, 404, "{forged}");
    }
    assert_eq!(world.requests("media.download").await, 0);
    let (_, listed) = answer(service.api(Method::GET, "/v1/links")).await;
    assert_eq!(listed["links"], json!([]));
    assert_eq!(
        get(&service, &good).await.status(),
        404,
        "it has no content token to show"
    );
}

#[tokio::test]
async fn links_are_revoked_by_their_media_before_and_after_the_first_follow() {
    let world = World::new().await;
    let service = world.service(&with_heisenbridge("")).await;
    let (first, _) = world.upload("first", "text/plain").await;
    let (second, _) = world.upload("second", "text/plain").await;
    let revoke = async |mxc: &str| {
        let body = json!({"mxc": mxc});
        let (status, told) = service.call(Method::POST, "/v1/revocations", &body).await;
        assert_eq!(status, 200, "{told}");
        told["revoked"].clone()
    };
    assert_eq!(get(&service, &heisenbridge(&first, "")).await.status(), 200);
    assert_eq!(revoke(&first).await, 1);
    assert_eq!(revoke(&second).await, 0);
    for mxc in [&first, &second] {
        for name in ["", "/cat.png"] {
            let told = refused(&service, &heisenbridge(mxc, name)).await;
            assert_eq!(told, (410, json!("M_GONE")), "{mxc}");
        }
    }
    let (third, _) = world.upload("third", "text/plain").await;
    assert_eq!(get(&service, &heisenbridge(&third, "")).await.status(), 200);
    let (_, listed) = answer(service.api(Method::GET, "/v1/links?state=live")).await;
    let id = listed["links"][0]["link_id"].as_str().expect("an ID");
    let delete = service.api(Method::DELETE, &format!("/v1/links/{id}"));
    assert_eq!(answer(delete.bearer_auth(API_TOKEN)).await.0, 200);
    assert_eq!(refused(&service, &heisenbridge(&third, "")).await.0, 410);
}
