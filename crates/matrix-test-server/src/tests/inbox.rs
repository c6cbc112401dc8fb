//! An appservice that keeps its transactions.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

#[derive(Default)]
pub(super) struct Received {
    pub(super) refusals: u32,
    pub(super) transactions: Vec<(String, Value)>,
}

type Inbox = web::Data<Arc<Mutex<Received>>>;

async fn transaction(req: HttpRequest, body: web::Bytes, inbox: Inbox) -> HttpResponse {
    let mut inbox = inbox.lock().unwrap();
    let token = req
        .headers()
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    assert_eq!(token, Some("Bearer hs"));
    if inbox.refusals > 0 {
        inbox.refusals -= 1;
        return HttpResponse::InternalServerError().finish();
    }
    let body = serde_json::from_slice(&body).unwrap();
    inbox.transactions.push((req.path().to_owned(), body));
    HttpResponse::Ok().json(json!({}))
}

/// An appservice that writes down what it is sent, after some refusals.
pub(super) fn appservice(refusals: u32) -> (String, Arc<Mutex<Received>>) {
    let inbox = Arc::new(Mutex::new(Received {
        refusals,
        ..Received::default()
    }));
    let shared = Arc::clone(&inbox);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let data = web::Data::new(Arc::clone(&shared));
                App::new()
                    .app_data(data)
                    .default_service(web::to(transaction))
            };
            let server = HttpServer::new(app).workers(1).disable_signals();
            server.listen(listener).unwrap().run().await.unwrap();
        });
    });
    (url, inbox)
}
