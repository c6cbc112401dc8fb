//! `POST /v1/events`: a corpus of events, and what is answered.

use std::{fs, path::Path};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::harness::{Service, World, answer};

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events");

async fn link_text(service: &Service, body: String) -> (StatusCode, Value) {
    answer(service.api(Method::POST, "/v1/events").body(body)).await
}

/// An answer without what differs from run to run: tokens, ports and times.
fn steady(service: &Service, answer: &Value) -> String {
    let mut text = serde_json::to_string_pretty(answer).expect("JSON");
    let mut tokens = Vec::new();
    for entry in answer["links"].as_array().into_iter().flatten() {
        let Some(link) = entry["link"].as_object() else {
            continue;
        };
        let url = link["url"].as_str().expect("a URL");
        let token = url.split('/').nth(4).expect("a token").to_owned();
        for (name, value) in link {
            if name.ends_with("_ts") || name == "link_id" {
                text = text.replace(&format!("\"{name}\": {value}"), &format!("\"{name}\": …"));
            }
        }
        if !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    for (n, token) in tokens.iter().enumerate() {
        text = text.replace(token.as_str(), &format!("TOKEN{n}"));
    }
    text.replace(&service.public, "https://media.example.org")
}

#[tokio::test]
async fn every_event_of_the_corpus_is_answered_as_written_down() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let mut names: Vec<_> = fs::read_dir(EVENTS)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    assert!(names.len() > 40, "the corpus is there");
    for path in names {
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name");
        let body = fs::read_to_string(&path).expect("a file");
        let (status, answer) = link_text(&service, body).await;
        let told = format!("{} {}", status.as_u16(), steady(&service, &answer));
        insta::with_settings!({snapshot_path => Path::new(EVENTS).join("../events-answers"), prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, told);
        });
    }
    service.stop().await;
}
