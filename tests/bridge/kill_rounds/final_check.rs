//! What is there when all is quiet: compared with what was acknowledged, and with the homeserver's counts.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use medialink::storage::{Database, meta_events};
use reqwest::Method;
use serde_json::json;

use super::{
    breaking::REPLICAS,
    ledger::{Known, Promise},
    load::{Load, STAYING},
};

/// How long the claims of those that were killed may take to run out, and what follows from it.
const QUIET_WITHIN: Duration = Duration::from_secs(300);

/// Waits until nothing waits to be sent, redacted or looked at.
pub async fn quiet(database: &Database, is_short: bool) {
    if is_short {
        // As after minutes.
        let free = database
            .writer()
            .write(|connection| Box::pin(meta_events::free_all_claims(connection)));
        free.await.expect("freed");
    }
    let until = Instant::now() + QUIET_WITHIN;
    loop {
        let waiting = meta_events::count_waiting(database.reader()).await;
        let waiting = waiting.expect("counts");
        if waiting == 0 {
            return;
        }
        assert!(Instant::now() < until, "{waiting} things still wait");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Follows all links that were acknowledged at all replicas; how many are live, and how many have ended.
pub async fn links(load: &Load) -> [usize; 2] {
    let live_places = live_places(load).await;
    let mut checked = [0, 0];
    let all = load.ledger.all();
    for known in &all {
        match known.promise {
            Promise::Live => {
                checked[0] += 1;
                let place = (
                    load.media[known.medium].mxc.clone(),
                    load.rooms[known.event.room].clone(),
                );
                if !live_places.contains(&place) {
                    load.ledger
                        .fault(format!("a live link is not listed: {known:?}"));
                }
            }
            Promise::Ended(_) => checked[1] += 1,
            Promise::Open => {}
        }
    }
    let follows = all
        .iter()
        .flat_map(|known| (0..REPLICAS).map(move |replica| (known, replica)));
    let follows = follows.map(|(known, replica)| is_as_promised(load, known, replica));
    stream::iter(follows)
        .buffer_unordered(8)
        .collect::<()>()
        .await;
    checked
}

async fn is_as_promised(load: &Load, known: &Known, replica: usize) {
    let answer = load.follow_at_last(replica, &known.link, known.medium);
    let answer = answer.await;
    let is_right = match known.promise {
        Promise::Live => answer == Some(200),
        Promise::Ended(_) => answer == Some(410),
        Promise::Open => matches!(answer, Some(200 | 410)),
    };
    if !is_right {
        load.ledger.fault(format!(
            "at the end, replica {replica} answers {answer:?} for {known:?}"
        ));
    }
}

/// The homeserver counts each medium once for each room with a live link, and what was always linked was
/// always counted.
pub async fn counts(load: &Load) {
    let live_places = live_places(load).await;
    for (number, medium) in load.media.iter().enumerate() {
        let expected = live_places
            .iter()
            .filter(|(mxc, _)| *mxc == medium.mxc)
            .count();
        let counted = load.scene.world.media(&medium.mxc).await;
        if counted["references"] != json!(expected) {
            load.ledger.fault(format!(
                "medium {number} is linked in {expected} rooms: {counted}"
            ));
        }
        let lowest = counted["min_references_since_counted"].as_i64();
        if number < STAYING && lowest < Some(1) {
            load.ledger.fault(format!(
                "medium {number} was uncounted while it was linked: {counted}"
            ));
        }
    }
}

/// Media and room of every link that the replicas say is live.
async fn live_places(load: &Load) -> BTreeSet<(String, String)> {
    let mut live_places = BTreeSet::new();
    let mut from = String::new();
    for page in 0.. {
        let path = format!("/v1/links?state=live&limit=1000{from}");
        let request = load
            .api(page % REPLICAS, Method::GET, &path)
            .json(&json!({}));
        let (status, page) = load.asked(request).await.expect("an answer");
        assert_eq!(status, 200, "{page}");
        for link in page["links"].as_array().expect("links") {
            let text = |name: &str| link[name].as_str().expect("a text").to_owned();
            live_places.insert((text("mxc"), text("room_id")));
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        from = format!("&from={next}");
    }
    live_places
}
