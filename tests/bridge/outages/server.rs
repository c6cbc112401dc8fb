//! The server crashes, and comes back.

use serde_json::Value;
use support::{PostgresServer, Service, World, eventually, only_on_postgres};

use super::scene::{body, is_followed, is_not_issued, is_remembered, is_told, start};

#[tokio::test]
async fn a_crash_of_the_server_is_weathered() {
    if !only_on_postgres("a file does not crash") {
        return;
    }
    let world = World::new().await;
    let server = PostgresServer::start();
    let more = "usage: {batch_window: 20ms}\ndatabase_grace: 1h";
    let service = start(&world, more, &server.url()).await;
    let mut issued = Vec::new();
    for round in 0..3 {
        let name = format!("media {round}");
        let link = service.issue(body(&world, &name).await).await;
        is_counted(&service, &link).await;
        is_remembered(&service, &link).await;
        issued.push((link, name));
        let wanted = body(&world, &format!("wanted {round}")).await;
        server.kill();
        is_told(&service, 503, "cannot be reached").await;
        is_not_issued(&service, &wanted).await;
        let (link, name) = issued.last().expect("one");
        for _ in 0..10 {
            is_followed(&service, link, name).await;
        }
        server.restart();
        is_told(&service, 200, "ok").await;
        let link = service.issue(wanted).await;
        issued.push((link, format!("wanted {round}")));
    }
    for (link, name) in &issued {
        is_followed(&service, link, name).await;
        let mxc = link["mxc"].as_str().expect("a URI");
        is_counted(&service, link).await;
        assert_eq!(world.references(mxc).await, 1, "{name}");
    }
    service.stop().await;
}

/// Waits until the media of a link is counted. Claims that could not be settled run out meanwhile.
async fn is_counted(service: &Service, link: &Value) {
    eventually("a count", async || {
        service.clock.advance(60_000);
        let state = service.link(link).await["usage"]["state"].clone();
        (state == "counted").then_some(())
    })
    .await;
}
