//! The model and the world compared, once nothing is to come.

use std::{collections::BTreeMap, time::Duration};

use proptest::{prelude::*, test_runner::TestCaseError};
use reqwest::Method;
use support::{answer, eventually};

use super::state::{DAY, Event, Link, Mode, Walk, quickly};

pub const HOUR: i64 = 3_600_000;

pub const WINDOW_MS: i64 = 20;

impl Walk {
    /// Moves the clock on until nothing is to come: what merely expires may stay counted for
    /// `release_after`.
    pub async fn settle(&self) {
        quickly("the pushes", async || self.has_heard_all()).await;
        // A link expires once, so each round but the last ones is for another link.
        for _ in 0..4 * (self.links.len() + 1) {
            self.clock.advance(2 * HOUR);
            self.until_nothing_is_due().await;
            let now = self.now();
            let expired_lately = |link: &Link| {
                let end = link.expires_at.unwrap_or(i64::MAX);
                (now - 4 * HOUR..=now).contains(&end)
            };
            if !self.links.iter().any(expired_lately) {
                return;
            }
        }
        panic!("links expire for ever");
    }

    pub fn has_heard_all(&self) -> Option<()> {
        self.world.homeserver.has_pushed_everything().then_some(())
    }

    /// Waits until nothing is due, and nothing will be in a moment.
    pub async fn until_nothing_is_due(&self) {
        // What was done may bring something to be pushed, and that something to be done.
        for _ in 0..2 {
            quickly("an empty outbox", async || {
                let now = self.now();
                let due = self.service().count_due(now, now + 2 * WINDOW_MS).await;
                (due == 0).then_some(())
            })
            .await;
            quickly("the pushes", async || self.has_heard_all()).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Compares everything.
    pub async fn check(&mut self) -> Result<(), TestCaseError> {
        let now = self.now();
        let states = self.service().api(Method::GET, "/v1/links?limit=1000");
        let states = answer(states).await.1;
        let told: BTreeMap<&str, &str> = states["links"]
            .as_array()
            .expect("links")
            .iter()
            .filter_map(|link| Some((link["link_id"].as_str()?, link["state"].as_str()?)))
            .collect();
        let known: BTreeMap<&str, &str> = self
            .links
            .iter()
            .map(|link| (link.id.as_str(), link.state_at(now)))
            .collect();
        prop_assert_eq!(told, known);

        let mut live: BTreeMap<(String, usize), bool> = BTreeMap::new();
        for link in &self.links {
            let event = &self.events[link.event];
            *live
                .entry((event.room_id.clone(), event.medium))
                .or_default() |= link.state_at(now) == "live";
        }
        for ((room_id, medium), is_live) in live {
            let of_room = |event: &&Event| event.room_id == room_id;
            let room = self
                .events
                .iter()
                .find(of_room)
                .expect("it has an event")
                .room;
            if self.rooms[room].is_bot_in {
                self.counted.insert((room_id, medium), is_live);
            }
        }
        for (medium, (mxc, _)) in self.media.iter().enumerate() {
            let expected = self
                .counted
                .iter()
                .filter(|((_, m), counted)| *m == medium && **counted);
            let expected = i64::try_from(expected.count()).expect("few");
            let told = self.world.media(mxc).await;
            let count = match self.mode {
                Mode::Plain => continue,
                Mode::Tokens => &told["references"],
                Mode::Linked => &told["copies"],
            };
            prop_assert_eq!(
                count.as_i64(),
                Some(expected),
                "medium {}: {}",
                medium,
                told
            );
        }
        Ok(())
    }

    /// On a homeserver that does not count, what is live is touched, and nothing else.
    pub async fn check_touches(&self) -> Result<(), TestCaseError> {
        let now = self.now();
        let mut before = Vec::new();
        for (mxc, _) in &self.media {
            before.push(self.world.media(mxc).await["not_modified"].as_i64());
        }
        self.clock.advance(8 * DAY);
        let later = now + 8 * DAY;
        let is_live = |medium: usize| {
            let of_medium = |link: &&Link| self.events[link.event].medium == medium;
            self.links
                .iter()
                .filter(of_medium)
                .any(|link| link.state_at(later) == "live")
        };
        for (medium, (mxc, _)) in self.media.iter().enumerate() {
            if is_live(medium) {
                eventually("a touch", async || {
                    (self.world.media(mxc).await["not_modified"].as_i64() > before[medium])
                        .then_some(())
                })
                .await;
            }
        }
        for (medium, (mxc, _)) in self.media.iter().enumerate() {
            if !is_live(medium) {
                let now = self.world.media(mxc).await["not_modified"].as_i64();
                prop_assert_eq!(now, before[medium], "nobody has a live link to it");
            }
        }
        Ok(())
    }
}
