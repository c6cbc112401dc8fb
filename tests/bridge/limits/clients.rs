//! Requests of one client, and its guesses.

use support::url;

use super::{limited, link_of, retry_after, sent};

#[tokio::test]
async fn each_client_makes_so_many_requests_and_is_told_when_to_come_back() {
    let (world, service) = limited("{per_client: {requests: 3/min}}").await;
    let link = link_of(&world, &service, 10).await;
    let dead = link_of(&world, &service, 11).await;
    service.revoke(&dead).await;
    let get = |link| service.client.get(url(link));
    let client = "198.51.100.1";
    for request in [get(&link), service.client.head(url(&link)), get(&dead)] {
        let status = sent(request, client).await.status();
        assert_ne!(status, 429);
    }
    let limited = sent(get(&link), client).await;
    let wait = retry_after(&limited);
    assert!((1..=20).contains(&wait), "{wait}");
    let headers = limited.headers();
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["access-control-allow-origin"], "*");
    let told: serde_json::Value = limited.json().await.expect("JSON");
    assert_eq!(told["errcode"], "M_LIMIT_EXCEEDED");
    let page = sent(get(&link).header("Accept", "text/html"), client).await;
    assert_eq!(page.status(), 429);
    let page = page.text().await.expect("a page");
    assert!(page.contains("Try again in "), "{page}");
    assert_eq!(
        sent(get(&dead), client).await.status(),
        410,
        "it stays dead"
    );
    // What a client writes into the header itself is not believed.
    for forged in [
        "203.0.113.7, 198.51.100.1",
        "198.51.100.1:4711",
        "junk, 198.51.100.1",
    ] {
        assert_eq!(sent(get(&link), forged).await.status(), 429, "{forged}");
    }
    for other in ["198.51.100.2", "2001:db8::1"] {
        assert_eq!(sent(get(&link), other).await.status(), 200, "{other}");
    }
    service
        .clock
        .advance(i64::try_from(wait).expect("fits") * 1000);
    assert_eq!(sent(get(&link), client).await.status(), 200);
    assert_eq!(sent(get(&link), client).await.status(), 429);
    service.stop().await;
}

#[tokio::test]
async fn an_ipv6_network_is_one_client() {
    let (world, service) = limited("{per_client: {requests: 2/min}}").await;
    let link = link_of(&world, &service, 10).await;
    let mut statuses = Vec::new();
    for client in [
        "2001:db8:1:2::1",
        "2001:db8:1:2:a:b:c:d",
        "[2001:db8:1:2::9]:80",
        "2001:db8:1:3::1",
    ] {
        let response = sent(service.client.get(url(&link)), client).await;
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429, 200]);
    service.stop().await;
}

#[tokio::test]
async fn only_the_configured_header_of_a_trusted_proxy_counts() {
    let limits = "{per_client: {requests: 1/hour}, client_header: forwarded}";
    let (world, service) = limited(limits).await;
    let link = link_of(&world, &service, 10).await;
    let with = |name: &'static str, value: &'static str| {
        service.client.get(url(&link)).header(name, value)
    };
    for (request, status) in [
        (with("Forwarded", "for=198.51.100.1"), 200),
        (
            with("Forwarded", "for=\"[2001:db8::1]:80\";proto=https"),
            200,
        ),
        (with("Forwarded", "for=6.6.6.6, for=198.51.100.1"), 429),
        (with("X-Forwarded-For", "198.51.100.3"), 200),
        (with("X-Forwarded-For", "198.51.100.4"), 429),
    ] {
        assert_eq!(request.send().await.expect("an answer").status(), status);
    }
    service.stop().await;
    let limits = "{per_client: {requests: 1/hour}, trusted_proxies: [192.0.2.0/24]}";
    let service = world.service(&format!("limits: {limits}")).await;
    let link = link_of(&world, &service, 12).await;
    for (client, status) in [("198.51.100.1", 200), ("198.51.100.2", 429)] {
        assert_eq!(
            sent(service.client.get(url(&link)), client).await.status(),
            status
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn guesses_stop_further_guesses_and_no_good_link() {
    let (world, service) = limited("{per_client: {bad_links: 5/min}}").await;
    let link = link_of(&world, &service, 10).await;
    let client = "198.51.100.1";
    let mut statuses = Vec::new();
    for n in 0..8 {
        let guess = format!("{}/m/AQFqs{n}guess", service.public);
        let response = sent(service.client.get(guess), client).await;
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [404, 404, 404, 404, 404, 429, 429, 429]);
    for _ in 0..3 {
        assert_eq!(
            sent(service.client.get(url(&link)), client).await.status(),
            200
        );
    }
    let guess = format!("{}/v/AQFqsother", service.public);
    assert_eq!(
        sent(service.client.get(guess), "198.51.100.2")
            .await
            .status(),
        404
    );
    service.stop().await;
}

#[tokio::test]
async fn limits_that_are_reached_are_counted() {
    let (world, service) = limited("{per_client: {requests: 1/hour}}").await;
    let link = link_of(&world, &service, 10).await;
    for status in [200, 429, 429] {
        assert_eq!(service.follow(&link).await.status(), status);
    }
    let metrics = format!("{}/metrics", service.internal);
    let text = service.client.get(metrics).send().await.expect("an answer");
    let text = text.text().await.expect("text");
    assert!(
        text.contains("medialink_limited_total{limit=\"per_client.requests\"}"),
        "{text}"
    );
    service.stop().await;
}
