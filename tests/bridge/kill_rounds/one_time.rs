//! Links for one follow: whoever asks, and whatever breaks, one gets it.

use std::sync::{Mutex, MutexGuard};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use support::Xorshift;

use super::{
    breaking::REPLICAS,
    ledger::Event,
    load::{Load, MEDIA, any},
};

/// How many follow such a link at once.
const FOLLOWERS: usize = 4;

/// A link for one follow, and how it was followed.
#[derive(Debug)]
struct OneTime {
    link: Value,
    medium: usize,
    served: usize,
    /// Follows without an answer, or answered by 503: one of them may have used it up.
    unclear: usize,
}

#[derive(Default)]
pub struct OneTimeLinks(Mutex<Vec<OneTime>>);

impl OneTimeLinks {
    fn all(&self) -> MutexGuard<'_, Vec<OneTime>> {
        self.0.lock().expect("no panic")
    }

    /// Issues such a link, and has several follow it at once, at any replicas.
    pub async fn any(&self, load: &Load, random: &mut Xorshift) {
        let medium = any(MEDIA, random);
        let event = Event { room: 0, number: 0 };
        load.ledger.asks(&event);
        let mut body = load.body(medium, &event);
        body["max_follows"] = json!(1);
        let request = load.api(any(REPLICAS, random), Method::POST, "/v1/links");
        let Some((status, link)) = load.asked(request.json(&body)).await else {
            return;
        };
        if status != 201 {
            let fault = format!("{status} for a link for one follow: {link}");
            return load.ledger.fault(fault);
        }
        load.ledger.count(|counts| counts.one_time += 1);
        let replicas: Vec<_> = (0..FOLLOWERS).map(|_| any(REPLICAS, random)).collect();
        let follows = replicas
            .iter()
            .map(|replica| load.follow(*replica, &link, medium));
        let answers = join_all(follows).await;
        let count =
            |wanted: Option<u16>| answers.iter().filter(|answer| **answer == wanted).count();
        let followed = OneTime {
            served: count(Some(200)),
            unclear: count(None) + count(Some(503)),
            medium,
            link,
        };
        let refused = count(Some(410));
        if followed.served > 1 || followed.served + followed.unclear + refused < FOLLOWERS {
            load.ledger.fault(format!(
                "a link for one follow was answered by {answers:?}: {followed:?}"
            ));
        }
        if followed.served == 0 && followed.unclear == 0 {
            load.ledger
                .fault(format!("nobody got a link for one follow: {followed:?}"));
        }
        self.all().push(followed);
    }

    /// Follows all of them once more, one after the other at each replica; how many nobody had got before.
    pub async fn check(&self, load: &Load) -> usize {
        let all = std::mem::take(&mut *self.all());
        let mut late = 0;
        for OneTime {
            link,
            medium,
            mut served,
            unclear,
        } in all
        {
            for replica in 0..REPLICAS {
                let answer = load.follow_at_last(replica, &link, medium).await;
                if answer == Some(200) {
                    served += 1;
                    late += 1;
                } else if answer != Some(410) {
                    load.ledger
                        .fault(format!("{answer:?} for a link for one follow: {link}"));
                }
            }
            if served > 1 || (served == 0 && unclear == 0) {
                load.ledger
                    .fault(format!("a link for one follow gave {served}: {link}"));
            }
        }
        late
    }
}
