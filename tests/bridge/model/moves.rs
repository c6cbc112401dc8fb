//! One step, in the model and in the world.

use reqwest::Method;
use serde_json::{Value, json};
use support::{BOT, eventually, url};

use super::{
    state::{DAY, Event, Link, Walk, choose},
    steps::Step,
};

impl Walk {
    pub async fn take(&mut self, step: &Step) {
        match *step {
            Step::Issue {
                room,
                medium,
                new_event,
                for_a_day,
                sealed,
                once,
            } => {
                let (room, medium) = (room % self.rooms.len(), medium % self.media.len());
                let event = self.event(room, medium, new_event).await;
                self.issue(event, for_a_day, sealed, once && !sealed).await;
            }
            Step::Repeat(n) => {
                if let Some(at) = choose(n, &self.links) {
                    let link = &self.links[at];
                    let (event, body, is_once) = (link.event, link.body.clone(), link.is_once);
                    self.issue_body(event, body, is_once).await;
                }
            }
            Step::Follow(n) => {
                if let Some(at) = choose(n, &self.links) {
                    self.follow(at).await;
                }
            }
            Step::Expire => {
                self.clock.advance(2 * DAY);
                // `release_after` counts from when the end is noted down.
                self.until_nothing_is_due().await;
            }
            Step::Revoke(n) => self.revoke(n).await,
            Step::RevokeMedium(n) => self.revoke_medium(n).await,
            Step::Redact(n) => self.redact(n).await,
            Step::Leave(n) => {
                let room = n % self.rooms.len();
                if std::mem::take(&mut self.rooms[room].is_bot_in) {
                    self.world.by_bot(&self.rooms[room].home, "leave").await;
                }
            }
            Step::Rejoin(n) => {
                let room = n % self.rooms.len();
                if !self.rooms[room].is_bot_in {
                    self.invite(room).await;
                }
            }
            Step::Upgrade(n) => self.upgrade(n).await,
            Step::Restart => {
                self.service()
                    .leave_unfinished("the next service goes on with it");
                self.stop().await;
                self.start().await;
            }
        }
    }

    async fn redact(&mut self, n: usize) {
        if let Some(at) = choose(n, &self.events) {
            let event = &self.events[at];
            // Whoever is not in the room is not told.
            if self.rooms[event.room].is_bot_in && !event.is_redacted {
                self.world.redact(&event.room_id, &event.event_id).await;
                self.events[at].is_redacted = true;
                let links = &self.links;
                let of_event: Vec<usize> =
                    (0..links.len()).filter(|l| links[*l].event == at).collect();
                self.end(|index, _| of_event.contains(&index), "redacted");
            }
        }
    }

    async fn revoke(&mut self, n: usize) {
        if let Some(at) = choose(n, &self.links) {
            let path = format!("/v1/links/{}", self.links[at].id);
            let told = self.service().call(Method::DELETE, &path, &json!({})).await;
            assert_eq!(told.0, 200, "{}", told.1);
            self.end(|index, _| index == at, "revoked");
        }
    }

    async fn revoke_medium(&mut self, n: usize) {
        let medium = n % self.media.len();
        let body = json!({"mxc": self.media[medium].0});
        let told = self
            .service()
            .call(Method::POST, "/v1/revocations", &body)
            .await;
        assert_eq!(told.0, 200, "{}", told.1);
        self.end(|_, event| event.medium == medium, "revoked");
    }

    async fn upgrade(&mut self, n: usize) {
        let room = n % self.rooms.len();
        // Who is away is not told, either.
        if self.rooms[room].is_bot_in {
            let home = self.rooms[room].home.clone();
            self.rooms[room].home = self.world.replace_room(&home, &home).await;
            self.invite(room).await;
        }
    }

    /// The invite is accepted by the service.
    pub async fn invite(&mut self, room: usize) {
        let home = self.rooms[room].home.clone();
        self.world
            .by_alice(&home, "invite", &json!({"user_id": BOT}))
            .await;
        let path = format!("/_matrix/client/v3/rooms/{home}/joined_members");
        eventually("the bridge's user to join", async || {
            let (_, members) = self.world.as_alice(Method::GET, &path, &json!({})).await;
            members["joined"].get(BOT).map(drop)
        })
        .await;
        self.rooms[room].is_bot_in = true;
    }

    /// A message that shares a medium.
    pub async fn event(&mut self, room: usize, medium: usize, is_new: bool) -> usize {
        let is_known = |event: &Event| event.room == room && event.medium == medium;
        let known = self.events.iter().position(is_known).filter(|_| !is_new);
        if let Some(known) = known {
            return known;
        }
        let (room_id, mxc) = (self.rooms[room].home.clone(), &self.media[medium].0);
        let content = json!({"msgtype": "m.file", "body": "x", "url": mxc, "n": self.events.len()});
        let event_id = self.world.send(&room_id, "m.room.message", &content).await;
        self.events.push(Event {
            room,
            room_id,
            medium,
            event_id,
            is_redacted: false,
        });
        self.events.len() - 1
    }

    pub async fn issue(&mut self, event: usize, for_a_day: bool, sealed: bool, once: bool) {
        let shared = &self.events[event];
        let (mxc, token) = &self.media[shared.medium];
        let mut body = json!({"mxc": mxc, "room_id": shared.room_id, "event_id": shared.event_id,
            "form": if sealed { "self_contained" } else { "short" },
            "lifetime_ms": if for_a_day { DAY } else { 0 }});
        if !token.is_empty() {
            body["content_token"] = json!(token);
        }
        if once {
            body["max_follows"] = json!(1);
        }
        self.issue_body(event, body, once).await;
    }

    pub async fn issue_body(&mut self, event: usize, body: Value, is_once: bool) {
        let told = self.service().call(Method::POST, "/v1/links", &body).await;
        let (status, link) = (told.0.as_u16(), told.1);
        if self.events[event].is_redacted {
            assert_eq!((status, &link["errcode"]), (410, &json!("M_GONE")));
            return;
        }
        let id = link["link_id"]
            .as_str()
            .unwrap_or_else(|| panic!("{status} {link}"))
            .to_owned();
        let known = self.links.iter().position(|link| link.id == id);
        assert_eq!(known.is_some(), status == 200, "{link}");
        let is_sealed = body["form"] == "self_contained";
        if let Some(known) = known {
            assert_eq!(
                self.links[known].state_at(self.now()),
                "live",
                "only what is live is given again"
            );
            self.links[known].expires_at = link["expires_ts"].as_i64();
            self.links[known].body = body;
            return;
        }
        let now = self.now();
        let twin = |link: &Link| {
            link.event == event
                && link.is_sealed == is_sealed
                && !link.is_once
                && link.state_at(now) == "live"
        };
        assert!(
            is_once || is_sealed || !self.links.iter().any(twin),
            "one live link each"
        );
        self.links.push(Link {
            id,
            path: url(&link).replacen(&self.service().public, "", 1),
            event,
            expires_at: link["expires_ts"].as_i64(),
            body,
            is_once,
            is_sealed,
            ended: None,
        });
    }

    pub async fn follow(&mut self, at: usize) {
        let link = &self.links[at];
        let state = link.state_at(self.now());
        let url = format!("{}{}", self.service().public, link.path);
        let response = self.service().client.get(url).send().await;
        let response = response.expect("an answer");
        let expected = if state == "live" { 200 } else { 410 };
        assert_eq!(response.status(), expected, "{state}");
        if state == "live" {
            let medium = self.events[link.event].medium;
            let body = response.text().await.expect("whole");
            assert_eq!(body, format!("medium {medium}"));
            if link.is_once {
                self.end(|index, _| index == at, "spent");
            }
        }
    }
}
