//! Every event of the corpus is read and rendered as its snapshot in `tests/renderings` shows.

use std::{fmt::Write as _, fs, path::Path};

use medialink_event::{
    EventInput, MediaLink, RenderStyle, SharedEvent, SharedMedia, TextTemplate, render,
};
use serde_json::Value;

/// Media with made-up URLs of it and of its page; `None`: its address is of no use.
fn urls(media: &SharedMedia) -> Option<(&SharedMedia, String, String)> {
    let id = media.mxc.as_ref().ok()?.media_id();
    let url = |kind| format!("https://media.example.org/{kind}/{id}");
    Some((media, url("m"), url("v")))
}

/// One paragraph for each medium, one for each rendering.
fn described(body: &Value) -> Result<String, String> {
    let input = EventInput {
        event: &body["event"],
        decrypted: body.get("decrypted"),
        room_id: body.get("room_id").and_then(Value::as_str),
    };
    let event = SharedEvent::read(&input).map_err(|error| error.to_string())?;
    let urls: Vec<_> = event.media.iter().filter_map(urls).collect();
    let links: Vec<_> = urls
        .iter()
        .map(|(media, url, page_url)| MediaLink {
            media,
            url,
            page_url,
        })
        .collect();
    let style = RenderStyle {
        template: &TextTemplate::default(),
        max_bytes: None,
        sender_name: "alice",
        network: "Libera.Chat",
    };
    let rendering = render(&event, &links, &style);
    let mut shown = String::new();
    for media in &event.media {
        writeln!(shown, "{} at {}", media.kind.as_str(), media.path).expect("memory");
        writeln!(shown, "{:?}", media.details).expect("memory");
        if let Err(problem) = &media.mxc {
            writeln!(shown, "of no use: {problem}").expect("memory");
        }
        if let Some(file) = &media.file {
            writeln!(shown, "encrypted: {file:?}").expect("memory");
        }
        if let Some(token) = &media.content_token {
            writeln!(shown, "content token: {}", token.expose()).expect("memory");
        }
        shown.push('\n');
    }
    let xmpp = rendering.xmpp.as_deref().unwrap_or("nothing");
    let (text, html) = (&rendering.text, &rendering.html);
    write!(shown, "text: {text}\n\nHTML: {html}\n\nXMPP: {xmpp}").expect("memory");
    Ok(shown)
}

#[test]
fn every_event_of_the_corpus_is_rendered_as_its_snapshot_shows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/events");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(paths.len() > 40, "the corpus is there");
    for path in paths {
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name");
        let body = fs::read(&path).expect("a file");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        let shown = described(&body).unwrap_or_else(|error| format!("refused: {error}"));
        insta::with_settings!({snapshot_path => "renderings", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, shown);
        });
    }
}
