//! One download for all who follow at the same time, and nothing half.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::StreamExt;
use support::{
    eventually,
    raw::{Plan, say_all},
    url,
};
use tokio::sync::Semaphore;

use super::scene::{Scene, in_two, media};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_followers_cost_one_download_and_read_while_it_grows() {
    const FOLLOWERS: usize = 1000;
    let gate = Arc::new(Semaphore::new(0));
    let body = media(600_000);
    let (held, whole) = (Arc::clone(&gate), body.clone());
    let scene = Scene::new(move |_| in_two(&whole, 300_000, &held)).await;
    let began = Arc::new(AtomicUsize::new(0));
    let followers: Vec<_> = (0..FOLLOWERS)
        .map(|_| {
            let (client, link) = (scene.service.client.clone(), url(&scene.link));
            let (began, body) = (Arc::clone(&began), body.clone());
            tokio::spawn(async move {
                let response = client.get(link).send().await.expect("an answer");
                let mut pieces = response.bytes_stream();
                let mut read = pieces
                    .next()
                    .await
                    .expect("a piece")
                    .expect("bytes")
                    .to_vec();
                began.fetch_add(1, Ordering::SeqCst);
                while let Some(piece) = pieces.next().await {
                    read.extend_from_slice(&piece.expect("bytes"));
                }
                assert!(read == body, "{} bytes", read.len());
            })
        })
        .collect();
    eventually("everybody's first bytes", async || {
        (began.load(Ordering::SeqCst) == FOLLOWERS).then_some(())
    })
    .await;
    gate.add_permits(1);
    for follower in followers {
        follower.await.expect("read");
    }
    assert_eq!(scene.downloads(), 1);
    let later = scene.service.follow(&scene.link).await;
    assert!(later.bytes().await.expect("whole") == body);
    assert_eq!(scene.downloads(), 1, "and nothing later");
    scene.service.stop().await;
}

#[tokio::test]
async fn a_range_waits_for_its_bytes_and_downloads_nothing_twice() {
    let gate = Arc::new(Semaphore::new(0));
    let body = media(400_000);
    let (held, whole) = (Arc::clone(&gate), body.clone());
    let scene = Scene::new(move |_| in_two(&whole, 1000, &held)).await;
    let range = |range: &'static str| {
        let request = scene.service.client.get(url(&scene.link));
        tokio::spawn(request.header("Range", range).send())
    };
    let whole = scene.service.follow(&scene.link).await;
    let first = range("bytes=0-9")
        .await
        .expect("no panic")
        .expect("at once");
    assert_eq!(first.status(), 206);
    assert!(first.bytes().await.expect("a part") == body[..10]);
    let late = [
        range("bytes=-5"),
        range("bytes=399990-399999"),
        range("bytes=0-"),
    ];
    gate.add_permits(1);
    for (late, from) in late.into_iter().zip([399_995, 399_990, 0]) {
        let response = late.await.expect("no panic").expect("an answer");
        assert_eq!(response.status(), 206);
        assert!(
            response.bytes().await.expect("a part") == body[from..],
            "{from}"
        );
    }
    assert!(whole.bytes().await.expect("all of it") == body);
    assert_eq!(scene.downloads(), 1);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_failure_reaches_every_reader_and_the_next_follow_starts_anew() {
    let gate = Arc::new(Semaphore::new(0));
    let (held, asked) = (Arc::clone(&gate), AtomicUsize::new(0));
    let (first, second) = (vec![1; 500_000], vec![2; 400_000]);
    let other = second.clone();
    let scene = Scene::new(move |head| {
        if !head.contains("/download/") || asked.fetch_add(1, Ordering::SeqCst) > 0 {
            return say_all("200 OK", &other);
        }
        match in_two(&first, 200_000, &held) {
            Plan::SayInTwo(head, gate, _) => Plan::SayInTwo(head, gate, Vec::new()),
            plan => plan,
        }
    })
    .await;
    let mut readers = Vec::new();
    for _ in 0..10 {
        let response = scene.service.follow(&scene.link).await;
        assert_eq!(response.status(), 200);
        readers.push(tokio::spawn(response.bytes()));
    }
    gate.add_permits(1);
    for reader in readers {
        assert!(reader.await.expect("no panic").is_err(), "visibly broken");
    }
    assert_eq!(scene.downloads(), 1);
    let anew = scene.service.follow(&scene.link).await;
    assert!(
        anew.bytes().await.expect("whole") == second,
        "nothing is mixed"
    );
    assert_eq!(scene.downloads(), 2);
    eventually("the end", async || (scene.growing() == 0).then_some(())).await;
    scene.service.stop().await;
}

#[tokio::test]
async fn a_download_that_nobody_reads_any_more_is_given_up() {
    let scene = Scene::new(|_| {
        let mut begin = b"HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n".to_vec();
        begin.extend(media(1_000_000));
        Plan::SayAndWait(begin)
    })
    .await;
    let response = scene.service.follow(&scene.link).await;
    let mut pieces = response.bytes_stream();
    pieces.next().await.expect("a piece").expect("bytes");
    assert_eq!(scene.growing(), 1);
    drop(pieces);
    eventually("the file to go", async || {
        (scene.growing() == 0).then_some(())
    })
    .await;
    let again = scene.service.follow(&scene.link).await;
    assert_eq!((again.status().as_u16(), scene.downloads()), (200, 2));
    scene.service.stop().await;
}
