//! The cost of a whole event, by its size: `cargo bench --bench events`. Twice the size should cost
//! twice the time, whatever is in it.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use medialink_event::{EventInput, MediaLink, RenderStyle, SharedEvent, TextTemplate, render};
use serde_json::{Value, json};

fn event(content: Value) -> Value {
    json!({"type": "m.room.message", "room_id": "!r:example.org", "event_id": "$e", "sender": "@alice:example.org", "content": content})
}

/// Content of this many bytes, of one kind.
fn content(kind: &str, bytes: usize) -> Value {
    let repeated = |piece: &str| piece.repeat(bytes / piece.len());
    let html = |html: String| json!({"msgtype": "m.text", "body": "x", "format": "org.matrix.custom.html", "formatted_body": html});
    match kind {
        "text" => json!({"msgtype": "m.text", "body": repeated("some words of a text ")}),
        "images" => html(
            (0..bytes / 32)
                .map(|n| format!("<img src='mxc://e.org/{n:08}'>"))
                .collect(),
        ),
        "open tags" => html(repeated("<b>")),
        "open formatting" => html(repeated("<p><i>")),
        "attributes" => html(format!("<img {}>", repeated("a=b "))),
        "gallery" => {
            let item = |n| json!({"itemtype": "m.image", "body": "a.png", "url": format!("mxc://e.org/{n}"), "info": {"w": 1, "h": 1}});
            let items: Vec<Value> = (0..bytes / 100).map(item).collect();
            json!({"msgtype": "m.gallery", "body": "x", "itemtypes": items, "m.spoiler": true})
        }
        "deep" => {
            let list: Vec<Value> = (0..bytes / 40)
                .map(|n| json!(format!("mxc://e.org/{n}")))
                .collect();
            (0..100).fold(
                json!(list),
                |inner, _| json!({ ("n".repeat(bytes / 200)): inner, "content_token": {} }),
            )
        }
        _ => {
            json!({"msgtype": "m.image", "body": repeated("caption "), "filename": repeated("name"), "url": "mxc://e.org/a"})
        }
    }
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("event");
    for kind in [
        "text",
        "images",
        "open tags",
        "open formatting",
        "attributes",
        "gallery",
        "deep",
        "caption",
    ] {
        for kib in [16, 32, 64] {
            let event = event(content(kind, kib << 10));
            group.throughput(Throughput::Bytes(
                u64::try_from(event.to_string().len()).expect("small"),
            ));
            group.bench_with_input(
                BenchmarkId::new(kind, format!("{kib} KiB")),
                &event,
                |b, event| {
                    b.iter(|| answered(black_box(event)));
                },
            );
        }
    }
    group.finish();
}

/// The length of the renderings, with a link for each medium.
fn answered(event: &Value) -> usize {
    let input = EventInput {
        event,
        decrypted: None,
        room_id: None,
    };
    let event = SharedEvent::read(&input).expect("an event");
    let url = "https://media.example.org/m/EQFqsTuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/a.png";
    let page_url = "https://media.example.org/v/EQFqsTuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/a.png";
    let linked = event.media.iter().map(|media| MediaLink {
        media,
        url,
        page_url,
    });
    let linked: Vec<_> = linked.collect();
    let style = RenderStyle {
        template: &TextTemplate::default(),
        max_bytes: Some(400),
        sender_name: "alice",
        network: "Libera.Chat",
    };
    let rendering = render(&event, &linked, &style);
    rendering.text.len() + rendering.html.len()
}

criterion_group!(benches, read);
criterion_main!(benches);
