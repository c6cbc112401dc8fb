//! A homeserver that has every room and every medium.

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::TcpListener,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::{Method, header},
    web,
};
use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub struct Asked {
    /// Where it listens; port 0 takes a free one. It prints its URL.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// How large each medium is, in bytes.
    #[arg(long, default_value_t = 10_240)]
    size: usize,
}

struct Homeserver {
    medium: Bytes,
    events: AtomicU64,
    asked: Mutex<BTreeMap<&'static str, u64>>,
}

/// Answers until it is killed.
pub fn run(asked: &Asked) -> anyhow::Result<()> {
    let listener = TcpListener::bind(&asked.listen)?;
    println!("http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let mut medium = vec![0; asked.size.max(3)];
    // As a JPEG begins: the type is what the first bytes say.
    medium[..3].copy_from_slice(&[0xFF, 0xD8, 0xFF]);
    let homeserver = Arc::new(Homeserver {
        medium: medium.into(),
        events: AtomicU64::new(0),
        asked: Mutex::default(),
    });
    actix_web::rt::System::new().block_on(async move {
        let shared = web::Data::from(homeserver);
        let server = HttpServer::new(move || {
            let app = App::new().app_data(shared.clone());
            app.default_service(web::to(answer))
        });
        server.workers(1).listen(listener)?.run().await
    })?;
    Ok(())
}

async fn answer(
    request: HttpRequest,
    // Whatever was sent is read, and forgotten.
    _body: Bytes,
    homeserver: web::Data<Homeserver>,
) -> HttpResponse {
    let path = request.path();
    if path == "/asked" {
        return HttpResponse::Ok().json(&*homeserver.asked());
    }
    let is_known = request.headers().contains_key(header::IF_NONE_MATCH);
    let kind = kind(request.method(), path, is_known);
    *homeserver.asked().entry(kind).or_default() += 1;
    match kind {
        "versions" => HttpResponse::Ok().json(json!({"versions": ["v1.11"]})),
        "download" => HttpResponse::Ok()
            .content_type("image/jpeg")
            .body(homeserver.medium.clone()),
        "touch" => HttpResponse::NotModified().finish(),
        "send" | "redact" => {
            let number = homeserver.events.fetch_add(1, Ordering::Relaxed);
            HttpResponse::Ok().json(json!({"event_id": format!("$sent{number:039}")}))
        }
        "device" => HttpResponse::Ok().json(json!({})),
        "messages" => HttpResponse::Ok().json(json!({"chunk": [], "start": "0"})),
        _ => nothing(),
    }
}

impl Homeserver {
    fn asked(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked for, by the end of its path.
fn kind(method: &Method, path: &str, is_known: bool) -> &'static str {
    let has = |part: &str| path.contains(part);
    match () {
        () if path == "/_matrix/client/versions" => "versions",
        () if has("/media/download/") && is_known => "touch",
        () if has("/media/download/") => "download",
        () if has("/send/") && *method == Method::PUT => "send",
        () if has("/redact/") => "redact",
        () if has("/devices/") => "device",
        () if has("/messages") => "messages",
        () if has("/state/") => "state",
        () => "other",
    }
}

fn nothing() -> HttpResponse {
    let error: Value = json!({"errcode": "M_NOT_FOUND", "error": "nothing"});
    HttpResponse::NotFound().json(error)
}
