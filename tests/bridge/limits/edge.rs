//! Many requests at the moment at which a limit is reached, and a restart just before it.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World, url};

use super::{limited, link_of, retry_after, sent};
use medialink::clock::Clock;

/// How many come at once.
const CROWD: usize = 64;
const KIB: usize = 1 << 10;
const DAY_S: u64 = 86_400;

/// What a crowd of clients is answered that follow a link, and how many bytes they get.
async fn crowd(service: &Service, link: &str) -> (usize, usize, usize) {
    let answers = (0..CROWD).map(async |number| {
        let client = format!("198.51.100.{number}");
        let answer = sent(service.client.get(link), &client).await;
        let status = answer.status().as_u16();
        (status, answer.bytes().await.expect("the whole").len())
    });
    let answers = join_all(answers).await;
    let of = |wanted| answers.iter().filter(move |(status, _)| *status == wanted);
    let bytes = of(200).map(|(_, bytes)| bytes).sum();
    (of(200).count(), of(429).count(), bytes)
}

/// The service again, at an address of its own, and where a link is at it.
async fn again(world: &World, service: Service, limits: &str, link: &Value) -> (Service, String) {
    service.stop().await;
    let more = format!("limits: {limits}");
    let (folder, clock) = (world.folder.path(), Clock::default());
    let service = Service::start_at(folder, &world.url, "", &more, &clock).await;
    let link = url(link);
    let path = &link[link.find("/m/").expect("a path")..];
    let link = format!("{}{path}", service.public);
    (service, link)
}

#[tokio::test]
async fn a_client_makes_exactly_as_many_requests_as_it_may() {
    let (world, service) = limited("{per_client: {requests: 10/hour}}").await;
    let link = url(&link_of(&world, &service, 10).await);
    let answers = (0..CROWD).map(async |_| {
        let answer = sent(service.client.get(&link), "198.51.100.1").await;
        answer.status().as_u16()
    });
    let mut answers = join_all(answers).await;
    answers.sort_unstable();
    assert_eq!(answers, [[200; 10].as_slice(), &[429; CROWD - 10]].concat());
    service.stop().await;
}

#[tokio::test]
async fn a_link_is_followed_exactly_as_often_as_it_may_be() {
    let limits = "{per_link: {follows: 10/day}}";
    let (world, service) = limited(limits).await;
    let link = link_of(&world, &service, 10).await;
    for _ in 0..4 {
        assert_eq!(service.follow(&link).await.status(), 200);
    }
    let (service, path) = again(&world, service, limits, &link).await;
    let (ok, limited, _) = crowd(&service, &path).await;
    assert_eq!((ok, limited), (6, CROWD - 6));
    let (service, path) = again(&world, service, limits, &link).await;
    let (ok, limited, _) = crowd(&service, &path).await;
    assert_eq!((ok, limited), (0, CROWD));
    service.stop().await;
}

#[tokio::test]
async fn a_room_gets_exactly_as_many_links_as_it_may() {
    let limits = "{per_room: {links: 10/day}}";
    let (world, service) = limited(limits).await;
    let issue = async |service: &Service| {
        let bodies = (0..CROWD).map(async |_| {
            let (mxc, token) = world.upload("a text", "text/plain").await;
            json!({"mxc": mxc, "content_token": token, "room_id": world.room_id})
        });
        let bodies = join_all(bodies).await;
        let answers = bodies
            .iter()
            .map(|body| service.call(Method::POST, "/v1/links", body));
        let answers = join_all(answers).await;
        let of = |wanted| answers.iter().filter(move |(status, _)| *status == wanted);
        (of(201).count(), of(429).count())
    };
    let link = link_of(&world, &service, 10).await;
    let (service, _) = again(&world, service, limits, &link).await;
    assert_eq!(issue(&service).await, (9, CROWD - 9));
    let (service, _) = again(&world, service, limits, &link).await;
    assert_eq!(issue(&service).await, (0, CROWD));
    service.stop().await;
}

#[tokio::test]
async fn bytes_that_a_crowd_gets_beyond_a_budget_are_waited_for() {
    const BUDGET: usize = 100 * KIB;
    let limits = "{per_link: {bytes: 100KiB/day}}";
    let (world, service) = limited(limits).await;
    let link = link_of(&world, &service, 10 * KIB).await;
    for _ in 0..4 {
        let whole = service.follow(&link).await.bytes().await;
        assert_eq!(whole.expect("the whole").len(), 10 * KIB);
    }
    let (service, path) = again(&world, service, limits, &link).await;
    let (ok, limited, bytes) = crowd(&service, &path).await;
    assert_eq!(ok + limited, CROWD);
    // What has begun within the budget comes whole, and none of it is forgotten.
    assert_eq!(bytes, ok * 10 * KIB);
    let given = bytes + 40 * KIB;
    assert!(given >= BUDGET, "{given}");
    let (service, path) = again(&world, service, limits, &link).await;
    let wait = retry_after(&sent(service.client.get(&path), "198.51.100.1").await);
    let beyond = u64::try_from(given - BUDGET).expect("fits");
    let due = beyond * DAY_S / u64::try_from(BUDGET).expect("fits");
    assert!(wait <= due + 60 && wait + 60 >= due, "{wait} {due}");
    service.stop().await;
}
