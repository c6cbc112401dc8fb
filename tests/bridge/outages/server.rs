//! The server crashes, and comes back.

use serde_json::Value;
use support::{PostgresServer, Process, Service, World, eventually, only_on_postgres, url};

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

/// What was used of a budget is in the database; other limits hold without it.
#[tokio::test(flavor = "multi_thread")]
async fn limits_that_are_read_again_meanwhile_hold() {
    if !only_on_postgres("a file does not crash") {
        return;
    }
    let world = World::new().await;
    let server = PostgresServer::start();
    let more = "usage: {mode: never, touch: never}\ndatabase_grace: 1h\n\
         limits: {per_client: {requests: 1000/hour}, per_link: {follows: 1000/day}}";
    let mut process = Process::new(world.folder.path(), &world.url, more);
    process.use_database(&server.url());
    process.start().await;
    let link = url(&process.issue(body(&world, "media").await).await);
    let follow = async || {
        process
            .client
            .get(&link)
            .send()
            .await
            .map(|told| told.status())
    };
    assert_eq!(follow().await.expect("an answer"), 200);
    server.kill();
    eventually("the outage to be noticed", async || {
        process.log().contains("cannot be reached").then_some(())
    })
    .await;
    process.edit("requests: 1000/hour", "requests: 2/hour");
    process.edit("follows: 1000/day", "follows: 999/day");
    process.signal("HUP");
    eventually("the new limit to hold", async || {
        (follow().await.expect("an answer") == 429).then_some(())
    })
    .await;
    let told = "what was used of new limits could not be read";
    assert!(process.log().contains(told), "{}", process.log());
    server.restart();
    eventually("the end of the outage", async || {
        let ready = process.client.get(format!("{}/ready", process.internal));
        let told = ready.send().await.ok()?;
        told.status().is_success().then_some(())
    })
    .await;
    assert!(process.terminate().await.success());
}
