//! The listener for whoever watches the service.

use support::{Process, World, process::free_port};

#[tokio::test]
async fn it_answers_metrics_and_health_and_nothing_else() {
    let world = World::new().await;
    let mut process = Process::new(world.folder.path(), &world.url, "");
    let at = format!("127.0.0.1:{}", free_port());
    process.watch_at(&at);
    process.start().await;
    let get = async |path: &str| {
        let url = format!("http://{at}{path}");
        let response = process.client.get(url).send().await.expect("an answer");
        (
            response.status().as_u16(),
            response.text().await.expect("text"),
        )
    };
    assert_eq!(get("/health").await.0, 200);
    assert_eq!(get("/ready").await.0, 200);
    let (status, metrics) = get("/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("medialink_requests_total"), "{metrics}");
    assert!(metrics.contains("listener=\"metrics\""), "{metrics}");
    for path in [
        "/",
        "/v1/links",
        "/docs",
        "/openapi.json",
        "/robots.txt",
        "/m/abc",
    ] {
        let (status, told) = get(path).await;
        assert_eq!(status, 404, "{path}");
        assert!(told.contains("M_UNRECOGNIZED"), "{told}");
    }
    let post = process
        .client
        .post(format!("http://{at}/metrics"))
        .send()
        .await;
    assert_eq!(post.expect("an answer").status(), 405);
    assert!(process.terminate().await.success());
}
