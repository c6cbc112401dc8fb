//! What tests know of the inside of a service, each in one place: a change of its parts changes
//! nothing but this file.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use medialink::{
    app::Application,
    config::Settings,
    homeserver::{Features, Homeserver},
    key_store::KeyStore,
    links::{Effect, Links},
    storage::{
        Database, StorageError, history,
        links::LinkRow,
        media_references,
        meta_events::{self, MetaEventSummary},
        missing_media::{self, AskedMedium},
        purge_log, room_policies, seen_media, touches,
    },
    usage::{ReconcileReport, ReconcileScope, Reconciler},
};
use medialink_link::{
    KeyRing, LinkClaims,
    matrix::{EventId, MxcUri, RoomId},
    sign_self_contained,
};
use serde_json::Value;

use super::running::Service;
use crate::waiting::eventually;

pub use medialink::links::POLICY_EVENT_TYPE;

/// The parts of a running service that tests look into.
pub struct Inside {
    database: Database,
    keys: KeyStore,
    features: Features,
    links: Links,
    config: Settings,
}

impl Inside {
    pub fn of(application: &Application) -> Self {
        Self {
            database: application.database().clone(),
            keys: application.keys().clone(),
            features: application.features().clone(),
            links: application.links().clone(),
            config: application.config().clone(),
        }
    }
}

impl Service {
    pub fn database(&self) -> &Database {
        &self.inside.database
    }

    /// The keys that it signs and verifies with now.
    pub fn key_ring(&self) -> Arc<KeyRing> {
        self.inside.keys.ring()
    }

    /// A link of the API as it is stored.
    pub async fn stored(&self, link: &Value) -> Arc<LinkRow> {
        let id = link["link_id"].as_str().expect("a link ID");
        let row = self.database().link(id).await.expect("reads");
        row.expect("a link")
    }

    /// The copy that a link serves.
    pub async fn copy_of(&self, link: &Value) -> Option<String> {
        let row = self.stored(link).await;
        row.copy.as_ref().map(ToString::to_string)
    }

    /// Waits until it knows that its homeserver attaches media to events.
    pub async fn knows_linked_media(&self) {
        eventually("the homeserver's features", async || {
            self.inside.features.links_media().then_some(())
        })
        .await;
    }

    /// Waits until it knows that its homeserver has a feature, by its name in `/versions`.
    pub async fn knows_feature(&self, name: &str) {
        eventually("the homeserver's features", async || {
            self.inside.features.has(name).then_some(())
        })
        .await;
    }

    /// How many caches follow the log of purges.
    pub async fn count_caches(&self) -> usize {
        let cursors = purge_log::seen_before(self.database().reader(), i64::MAX).await;
        cursors.expect("reads").len()
    }

    /// Waits until the object store follows the log of purges: the first service at a store empties it before that,
    /// with all that was stored meanwhile.
    pub async fn follows_for_store(&self) {
        eventually("the object store to be emptied", async || {
            let cursors = purge_log::seen_before(self.database().reader(), i64::MAX).await;
            let followed = |(cache, _): &(String, i64)| {
                cache.starts_with("store ") && !cache.ends_with(" emptying")
            };
            cursors.expect("reads").iter().any(followed).then_some(())
        })
        .await;
    }

    /// How many purges are in the log.
    pub async fn count_logged(&self) -> usize {
        let entries = purge_log::after(self.database().reader(), 0, 1000).await;
        entries.expect("reads").len()
    }

    /// How much waits to be sent, redacted or looked at.
    pub async fn count_waiting(&self) -> i64 {
        let waiting = meta_events::count_waiting(self.database().reader()).await;
        waiting.expect("counts")
    }

    /// Has a write panic; what its caller gets.
    pub async fn panic_in_a_write(&self) -> Result<(), StorageError> {
        let writer = self.database().writer();
        let written = writer.write(|_| Box::pin(async { panic!("on purpose") }));
        written.await
    }

    /// How much is to be done by now, where usage that was wanted before `gathered_before` is
    /// gathered.
    pub async fn count_due(&self, gathered_before: i64, now: i64) -> i64 {
        let due = meta_events::count_due(self.database().reader(), gathered_before, now).await;
        due.expect("counts")
    }

    /// The newest meta events, so many at most.
    pub async fn newest_meta_events(&self, limit: i64) -> Vec<MetaEventSummary> {
        let rows = meta_events::list(self.database().reader(), None, limit).await;
        rows.expect("rows")
    }

    /// Tries failed usage again, as the command does; how much it was.
    pub async fn retry_failed(&self) -> u64 {
        let now = self.clock.now_ms();
        let writer = self.database().writer();
        let retried = writer.write::<_, StorageError, _>(move |connection| {
            Box::pin(media_references::retry_failed(connection, None, now))
        });
        retried.await.expect("retried")
    }

    /// Compares usage with what the rooms of the homeserver at this URL hold.
    pub async fn compare(&self, url: &str) -> ReconcileReport {
        let mut settings = self.inside.config.homeserver.clone();
        settings.url = url.parse().expect("a URL");
        let homeserver = Arc::new(Homeserver::new(settings).expect("a client"));
        let (config, clock) = (self.inside.config.clone(), self.clock.clone());
        let database = self.database().clone();
        let reconciler = Reconciler::new(database, config, clock, homeserver);
        let report = reconciler.compare(ReconcileScope::default()).await;
        report.expect("the database answers")
    }

    /// Ends the links of an event, as if the homeserver had told of its redaction.
    pub async fn redact(&self, room_id: &str, event_id: &str) {
        let redactions = vec![(room_id.to_owned(), event_id.to_owned())];
        self.inside.links.redact(redactions).await.expect("redacts");
    }

    /// Whether events have shown this media to a bridge whose links are unsigned.
    pub async fn has_seen(&self, bridge: &str, mxc: &str) -> bool {
        let mxc = MxcUri::parse(mxc).expect("valid");
        let seen = seen_media::find(self.database().reader(), bridge, &mxc).await;
        seen.expect("reads").is_some()
    }

    /// Notes links as expired whose time is over, as far as the time is sure.
    pub async fn expire_links(&self) {
        self.inside.links.expire().await.expect("noted");
    }

    /// Forgets what events have shown, where its time is over.
    pub async fn forget_shown(&self) {
        self.inside.links.forget_shown(1000).await.expect("forgets");
    }

    /// Whether a transaction of the homeserver is remembered.
    pub async fn remembers_transaction(&self, bridge: &str, id: &str) -> bool {
        let known = history::transaction_status(self.database().reader(), bridge, id, None).await;
        known.expect("reads") != history::TransactionStatus::New
    }

    /// Has media touched, as soon as it is linked.
    pub async fn schedule_touches(&self, media: &[String]) {
        let media = media.to_vec();
        let writer = self.database().writer();
        let scheduled = writer.write::<_, StorageError, _>(move |connection| {
            Box::pin(async move {
                for mxc in media {
                    touches::schedule(connection, &mxc, 0).await?;
                }
                Ok(())
            })
        });
        scheduled.await.expect("scheduled");
    }

    /// Notes that the homeserver does not have a medium, as if it had said so a moment before the yes
    /// that is remembered.
    pub async fn note_missing(&self, mxc: &str) {
        let medium = AskedMedium {
            bridge: "irc".to_owned(),
            mxc: mxc.to_owned(),
            content_token: String::new(),
            copy_mxc: String::new(),
        };
        let (writer, now) = (self.database().writer(), self.clock.now_ms());
        let noted = writer.write::<_, StorageError, _>(move |connection| {
            Box::pin(async move { missing_media::note(connection, &medium, now, now).await })
        });
        noted.await.expect("noted");
    }

    /// Whether any medium is noted that the homeserver does not have.
    pub async fn has_missing(&self) -> bool {
        let due = missing_media::next_due(self.database().reader(), i64::MAX, &[], &[]).await;
        due.expect("reads").is_some()
    }

    /// The media that is touched next.
    pub async fn next_touched(&self) -> Option<String> {
        let bridges = self.inside.config.bridges.iter();
        let bridges: Vec<&str> = bridges.map(|bridge| bridge.id.as_str()).collect();
        let asked = touches::TouchQuery {
            now: i64::MAX,
            bridges: &bridges,
            busy: &[],
            busy_servers: &[],
        };
        let touch = touches::next_due(self.database().reader(), asked).await;
        touch.expect("reads").map(|touch| touch.mxc)
    }

    /// Notes a link policy, as if the homeserver had told of it.
    pub async fn note_policy(
        &self,
        bridge: &str,
        room: &str,
        event: Option<&str>,
        content: &Value,
    ) {
        let noted = self.inside.links.note_policy(bridge, room, event, content);
        noted.await.expect("noted");
    }

    /// Asks the rooms again whose policy is not known.
    pub async fn ask_rooms(&self) {
        self.inside.links.ask_unanswered().await.expect("asked");
    }

    /// When the next room with open questions is asked, in milliseconds since the epoch.
    pub async fn next_question_at(&self) -> Option<i64> {
        let next = self.inside.links.next_questioned().await;
        next.expect("reads")
    }

    /// Takes the redaction of an event; whether the room is asked for its policy again.
    pub async fn doubts_policy(&self, room_id: &str, event_id: &str) -> bool {
        let redacted = Effect::Redacted {
            room_id: RoomId::parse(room_id).expect("valid"),
            event_id: EventId::parse(event_id).expect("valid"),
        };
        let links = &self.inside.links;
        let taken = links.take_transaction("irc", event_id, [0; 32], vec![redacted]);
        assert!(taken.await.expect("written"), "it is new");
        let known = room_policies::find(self.database().reader(), room_id).await;
        known.expect("reads").expect("known").must_ask
    }
}

/// A self-contained link as a bridge signs it by itself, issued now; its URL.
pub fn signed_elsewhere(service: &Service, claims: &LinkClaims, lifetime_s: u32) -> String {
    static NONCE: AtomicU32 = AtomicU32::new(0);
    let mut nonce = [7; 12];
    nonce[..4].copy_from_slice(&NONCE.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    let now_s = u32::try_from(service.clock.now_ms() / 1000).expect("this century");
    let ring = service.key_ring();
    let token = sign_self_contained(ring.active(), claims, now_s, lifetime_s, nonce);
    format!("{}/m/{}", service.public, token.expect("it fits").expose())
}
