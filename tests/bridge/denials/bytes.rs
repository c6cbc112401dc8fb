//! Bytes that are denied by their SHA-256, wherever they were uploaded.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{World, encrypted::encrypted_file, url};

use super::scene::Scene;

const UNCACHED: &str = "media: {cache: null}\n";

fn hex(bytes: &str) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Any bytes, so that everything is looked into.
fn others() -> String {
    format!("abuse: {{deny: {{sha256: ['{}']}}}}\n", hex("others"))
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_bytes_are_not_served_under_any_uri() {
    for more in ["", UNCACHED] {
        let scene = Scene::new(more).await;
        let (before, other) = (scene.link("denied").await, scene.link("allowed").await);
        assert_eq!(scene.status(&before).await, 200);
        scene.runs(&["deny", "add", "sha256", &hex("denied").to_uppercase()]);
        scene.becomes(&before, 403).await;
        let again = scene.link("denied").await;
        assert_eq!(scene.status(&again).await, 403);
        assert_eq!(scene.status(&other).await, 200);
        let page = again["page_url"].as_str().expect("a page");
        let page = scene
            .service
            .client
            .get(page)
            .send()
            .await
            .expect("an answer");
        assert_eq!(page.status(), 403);
        scene.runs(&["deny", "remove", "sha256", &hex("denied")]);
        scene.becomes(&again, 200).await;
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_media_is_known_by_its_decrypted_bytes() {
    let scene = Scene::new(&format!(
        "abuse: {{deny: {{sha256: ['{}']}}}}",
        hex("denied")
    ))
    .await;
    for (bytes, status) in [("denied", 403), ("allowed", 200)] {
        let (file, token) = encrypted_file(&scene.world, bytes.as_bytes()).await;
        let room_id = &scene.world.room_id;
        let body = json!({"file": file, "content_token": token, "room_id": room_id, "mimetype": "text/plain"});
        let link = scene.service.issue(body).await;
        assert_eq!(scene.status(&link).await, status, "{bytes}");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_or_a_head_of_denied_bytes_is_refused_as_well() {
    let scene = Scene::new(&format!(
        "abuse: {{deny: {{sha256: ['{}']}}}}",
        hex("denied")
    ))
    .await;
    let link = scene.link("denied").await;
    let client = &scene.service.client;
    let range = client.get(url(&link)).header("Range", "bytes=0-1");
    assert_eq!(range.send().await.expect("an answer").status(), 403);
    let head = client.head(url(&link)).send().await;
    assert_eq!(head.expect("an answer").status(), 403);
    let matching = client.get(url(&link)).header("If-None-Match", "*");
    assert_eq!(matching.send().await.expect("an answer").status(), 403);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_is_looked_into_once() {
    let scene = Scene::new(&format!("{}{UNCACHED}", others())).await;
    let link = scene.link("hello").await;
    for _ in 0..3 {
        let followed = scene.service.follow(&link).await;
        assert_eq!(followed.text().await.expect("text"), "hello");
    }
    // Once to look into it, and once for each of those who followed.
    assert_eq!(scene.world.requests("media.download").await, 4);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_cache_looking_into_media_costs_no_download() {
    let scene = Scene::new(&others()).await;
    let link = scene.link("hello").await;
    for _ in 0..3 {
        assert_eq!(scene.status(&link).await, 200);
    }
    assert_eq!(scene.world.requests("media.download").await, 1);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takedown_ends_the_links_and_covers_what_is_uploaded_again() {
    let scene = Scene::new("").await;
    let (link, other) = (scene.link("denied").await, scene.link("allowed").await);
    let told = scene.runs(&["takedown", &url(&link), "--reason", "a court"]);
    assert!(
        told.contains("1 links revoked") && told.contains(&hex("denied")),
        "{told}"
    );
    assert_eq!(scene.status(&link).await, 410);
    let request = json!({"mxc": link["mxc"], "room_id": scene.world.room_id});
    scene.becomes(&scene.link("denied").await, 403).await;
    let (status, answer) = scene.asked(&request).await;
    assert_eq!(status, 403, "{answer}");
    assert_eq!(scene.status(&other).await, 200);
    let listed = scene.runs(&["deny", "list"]);
    assert_eq!(listed.matches("a court").count(), 2, "{listed}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takedown_of_a_file_needs_no_link() {
    let scene = Scene::new("").await;
    let path = scene.world.folder.path().join("bad");
    std::fs::write(&path, "denied").expect("written");
    scene.runs(&["takedown", "--file", path.to_str().expect("UTF-8")]);
    scene.becomes(&scene.link("denied").await, 403).await;
    let (is_done, told) = scene.says(&["takedown", "--file", "/does/not/exist"]);
    assert!(!is_done && told.contains("cannot be read"), "{told}");
    let long = "x".repeat(501);
    let (is_done, told) = scene.says(&["takedown", "--file", "/dev/null", "--reason", &long]);
    assert!(!is_done && told.contains("found 501 bytes"), "{told}");
    let (is_done, told) = scene.says(&["takedown"]);
    assert!(!is_done && told.contains("links or --file"), "{told}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takedown_of_media_that_cannot_be_had_still_ends_its_links() {
    let scene = Scene::of(World::new().await, "").await;
    let link: Value = scene.link("denied").await;
    let gone = scene.world.stop_homeserver().await;
    let link_id = link["link_id"].as_str().expect("an ID");
    let (is_done, told) = scene.says(&["takedown", link_id]);
    assert!(!is_done && told.contains("could not be had"), "{told}");
    assert_eq!(scene.status(&link).await, 410);
    drop(gone);
    scene.end().await;
}
