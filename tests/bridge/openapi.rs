//! The description of the API is that of the API.

use std::collections::BTreeSet;

use medialink::http::{Listener, openapi, routes_of};

use support::{Service, World, faulty::Faulty};

#[tokio::test]
async fn routes_and_description_are_the_same() {
    let routes: BTreeSet<(String, String)> = routes_of(Listener::Internal)
        .into_iter()
        .map(|(method, path)| (method.to_string().to_lowercase(), path))
        .collect();
    let description = serde_json::to_value(openapi()).expect("JSON");
    let mut described = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            described.insert((method.clone(), path.clone()));
        }
    }
    assert_eq!(routes, described);

    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let service = Service::start(world.folder.path(), &faulty.url, "").await;
    let get = |path: &str| {
        service
            .client
            .get(format!("{}{path}", service.internal))
            .send()
    };
    let served: serde_json::Value = get("/openapi.json")
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(served, description);
    let page = get("/docs")
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a page")
        .replace("<wbr>", "");
    for (_, path) in routes.iter().filter(|(_, path)| !path.contains('{')) {
        assert!(page.contains(path.as_str()), "{path} is not on the page");
    }
    for path in ["/health", "/ready", "/metrics"] {
        assert_eq!(get(path).await.expect("an answer").status(), 200, "{path}");
    }
    // The port of a homeserver that has stopped may be another test's by now.
    faulty.set_away(true);
    assert_eq!(get("/ready").await.expect("an answer").status(), 503);
    assert_eq!(get("/health").await.expect("an answer").status(), 200);
    service.stop().await;
}
