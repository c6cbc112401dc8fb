//! The page of a paste.

use serde_json::json;

use super::scene::{Mode, Scene};

#[tokio::test]
async fn the_page_shows_the_text_whatever_it_is() {
    let scene = Scene::new(Mode::Tokens).await;
    let link = scene.paste(json!({"language": "rust"})).await;
    let page = scene.page(&link).await;
    for part in [
        "<div id=\"L2\"><a href=\"#L2\">2</a><code>",
        "<span class=\"k\">fn</span>",
        "&#60;hello&#62; &#38; &#39;goodbye&#39; ünï",
        "<dd>Text <span class=\"muted\">(Rust)</span>",
        "<title>Shared text</title>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    for text in [
        "</code></div></main><script>alert(1)</script>",
        "<!-- \u{202e} --> ]]> \" onload='x'",
        "{{ 7 * 7 }} {% include %}",
    ] {
        for language in ["html", "nonsense", "rust"] {
            let link = scene
                .paste(json!({"text": text, "language": language, "filename": "<b>.html"}))
                .await;
            let page = support::without_own_script(&scene.page(&link).await);
            for markup in ["<script", "<!--", "<b>", "onload='", "style=", "\u{202e}"] {
                assert!(!page.contains(markup), "{markup} in {page}");
            }
            assert_eq!(scene.text(&link).await, (200, text.to_owned()));
        }
    }
    let long = "let x = 1;\n".repeat(60_000);
    let link = scene.paste(json!({"text": long, "language": "rust"})).await;
    let page = scene.page(&link).await;
    assert!(page.contains("id=\"L20000\"") && !page.contains("id=\"L20001\""));
    assert!(page.contains("This page shows the first 20,000 lines."));

    // What is gone is told as everywhere.
    let gone = scene.paste(json!({"text": "gone"})).await;
    scene.revoke(&gone).await;
    let url = gone["page_url"].as_str().expect("a URL");
    assert_eq!(
        scene
            .service
            .client
            .get(url)
            .send()
            .await
            .expect("an answer")
            .status(),
        410
    );
    scene.service.stop().await;
}
