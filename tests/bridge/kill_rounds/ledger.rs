//! What was acknowledged, and whether an answer agrees with it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use serde_json::Value;
use support::Xorshift;

use super::breaking::{GRACE, REPLICAS};

/// How soon a revocation holds everywhere.
const SOON: Duration = Duration::from_secs(1);
/// How many of the links that were served last are ended sooner than others, and of those that ended last followed
/// more often.
const JUST: usize = 16;

/// What is known of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    Live,
    /// It may be either: what would end it was not answered, or was on its way.
    Open,
    /// Its end was acknowledged then.
    Ended(Instant),
}

#[derive(Debug, Clone)]
pub struct Known {
    pub id: String,
    pub link: Value,
    pub medium: usize,
    pub event: Event,
    pub promise: Promise,
}

/// An event of a room, which has media.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    pub room: usize,
    pub number: u64,
}

impl Event {
    pub fn id(&self) -> String {
        format!("$event{}", self.number)
    }
}

/// What is known of an event for which links were asked for.
#[derive(Debug, Default)]
struct Shared {
    links: Vec<String>,
    /// Its links are being ended, or have been.
    is_ending: bool,
    redacted: Option<Instant>,
}

#[derive(Default)]
pub struct Counts {
    pub issued: u64,
    pub followed: u64,
    pub refused: u64,
    pub revoked: u64,
    pub redacted: u64,
    pub one_time: u64,
    /// Requests without an answer, or answered by 503.
    pub unanswered: u64,
    /// The longest time for which a link was served after its end, by a replica in contact and by one cut off.
    pub stalest: [Duration; 2],
}

#[derive(Default)]
struct Pages {
    links: BTreeMap<String, Known>,
    events: BTreeMap<Event, Shared>,
    /// When each replica was away, or lost something.
    away: [Vec<(Instant, Option<Instant>)>; REPLICAS],
    /// Some replica remembers them.
    just_served: VecDeque<String>,
    just_ended: VecDeque<String>,
    counts: Counts,
    faults: Vec<String>,
}

#[derive(Default)]
pub struct Ledger(Mutex<Pages>);

impl Ledger {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().expect("no panic")
    }

    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.pages().counts);
    }

    /// Something that must not be.
    pub fn fault(&self, what: String) {
        eprintln!("FAULT: {what}");
        self.pages().faults.push(what);
    }

    pub fn faults(&self) -> Vec<String> {
        self.pages().faults.clone()
    }

    pub fn go_away(&self, replicas: &[usize]) {
        let mut pages = self.pages();
        for replica in replicas {
            pages.away[*replica].push((Instant::now(), None));
        }
    }

    pub fn come_back(&self, replicas: &[usize]) {
        let mut pages = self.pages();
        for replica in replicas {
            let last = pages.away[*replica].last_mut().expect("was away");
            last.1 = Some(Instant::now());
        }
    }

    /// An issue is on its way.
    pub fn asks(&self, event: &Event) {
        self.pages().events.entry(event.clone()).or_default();
    }

    /// An issue that was asked for then was acknowledged.
    pub fn issued(&self, link: Value, medium: usize, event: Event, began: Instant) {
        let id = link["link_id"].as_str().expect("an ID").to_owned();
        let mut pages = self.pages();
        pages.counts.issued += 1;
        let shared = pages.events.entry(event.clone()).or_default();
        let promise = match (shared.redacted, shared.is_ending) {
            (Some(at), _) => Promise::Ended(at.max(Instant::now())),
            (None, true) => Promise::Open,
            (None, false) => Promise::Live,
        };
        let is_redacted = shared.redacted.is_some_and(|at| at < began);
        if !shared.links.contains(&id) {
            shared.links.push(id.clone());
        }
        let known = Known {
            id: id.clone(),
            link,
            medium,
            event,
            promise,
        };
        let known = pages.links.entry(id).or_insert(known).clone();
        let has_ended = matches!(known.promise, Promise::Ended(at) if at < began);
        if is_redacted || has_ended {
            let fault =
                format!("a link whose end was acknowledged is acknowledged as live: {known:?}");
            pages.faults.push(fault);
        }
    }

    /// An issue was refused since its event is redacted, which somebody must have told.
    pub fn refused(&self, event: &Event) {
        let mut pages = self.pages();
        if !pages.events[event].is_ending {
            let fault = format!("a link was refused for an event that nobody redacts: {event:?}");
            pages.faults.push(fault);
        }
    }

    /// A link that is said to be live, to be ended by its ID: from now on it may be either.
    pub fn pick_to_revoke(&self, staying: usize, random: &mut Xorshift) -> Option<Known> {
        let mut pages = self.pages();
        let live = |known: &&Known| known.promise == Promise::Live && known.medium >= staying;
        let served = pages.just_served.iter().map(|id| &pages.links[id]);
        let known = pick(served.filter(live), random);
        let known = known.or_else(|| pick(pages.links.values().filter(live), random));
        let known = known?.clone();
        pages.links.get_mut(&known.id).expect("known").promise = Promise::Open;
        Some(known)
    }

    /// An event with links, to end all of them: from now on they may be either.
    pub fn pick_to_end(&self, staying: usize, random: &mut Xorshift) -> Option<Event> {
        let mut pages = self.pages();
        let Pages { events, links, .. } = &*pages;
        let mutable = |shared: &Shared| {
            let mut media = shared.links.iter().map(|id| links[id].medium);
            !shared.is_ending && !shared.links.is_empty() && media.all(|medium| medium >= staying)
        };
        let may_end = events.iter().filter(|(_, shared)| mutable(shared));
        let event = pick(may_end.map(|(event, _)| event), random)?.clone();
        let shared = pages.events.get_mut(&event).expect("known");
        shared.is_ending = true;
        for id in shared.links.clone() {
            let known = pages.links.get_mut(&id).expect("known");
            if known.promise == Promise::Live {
                known.promise = Promise::Open;
            }
        }
        Some(event)
    }

    /// The end of a link was acknowledged.
    pub fn revoked(&self, id: &str) {
        let mut pages = self.pages();
        pages.counts.revoked += 1;
        end(&mut pages, id);
    }

    /// The links of an event are ended by whoever asks for this, and by nobody else.
    pub fn sets_apart(&self, event: &Event) {
        let mut pages = self.pages();
        let shared = pages.events.get_mut(event).expect("known");
        shared.is_ending = true;
        for id in shared.links.clone() {
            pages.links.get_mut(&id).expect("known").promise = Promise::Open;
        }
    }

    /// The links of an event that were known when its revocation began.
    pub fn links_of(&self, event: &Event) -> Vec<String> {
        self.pages().events[event].links.clone()
    }

    /// The end of these links of an event was acknowledged.
    pub fn revoked_all(&self, links: &[String]) {
        let mut pages = self.pages();
        pages.counts.revoked += 1;
        for id in links {
            end(&mut pages, id);
        }
    }

    /// The redaction of an event was acknowledged: whatever links it has or gets are dead.
    pub fn redacted(&self, event: &Event) {
        let mut pages = self.pages();
        pages.counts.redacted += 1;
        let shared = pages.events.get_mut(event).expect("known");
        shared.redacted = Some(Instant::now());
        for id in shared.links.clone() {
            end(&mut pages, &id);
        }
    }

    /// Any event that was redacted.
    pub fn pick_redacted(&self, random: &mut Xorshift) -> Option<Event> {
        let pages = self.pages();
        let redacted = pages
            .events
            .iter()
            .filter(|(_, shared)| shared.redacted.is_some());
        pick(redacted.map(|(event, _)| event), random).cloned()
    }

    /// Any link, as it is known now; half of the time one that has just ended, which a replica may not know yet.
    pub fn pick(&self, random: &mut Xorshift) -> Option<Known> {
        let pages = self.pages();
        if random.below(2) == 0
            && let Some(id) = pick(pages.just_ended.iter(), random)
        {
            return pages.links.get(id).cloned();
        }
        pick(pages.links.values(), random).cloned()
    }

    /// What is known of a link.
    pub fn known(&self, id: &str) -> Known {
        self.pages().links[id].clone()
    }

    /// A link that was known as this one was asked for then, and answered by this status.
    pub fn judge(&self, before: &Known, replica: usize, began: Instant, status: u16) {
        let mut pages = self.pages();
        let now = pages.links[&before.id].promise;
        match (before.promise, status) {
            (Promise::Ended(at), 200) => pages.judge_stale(before, replica, at, began),
            (_, 200) => {
                pages.counts.followed += 1;
                note(&mut pages.just_served, &before.id);
            }
            (Promise::Live, 410 | 404) if now == Promise::Live => {
                let fault = format!("replica {replica} answers {status} for {before:?}");
                pages.faults.push(fault);
            }
            (_, 410) => pages.counts.refused += 1,
            (_, 503) => pages.counts.unanswered += 1,
            _ => {
                let fault = format!("replica {replica} answers {status} for {before:?}");
                pages.faults.push(fault);
            }
        }
    }

    /// What it has come to: the counts are taken out.
    pub fn counts(&self) -> Counts {
        std::mem::take(&mut self.pages().counts)
    }

    pub fn all(&self) -> Vec<Known> {
        self.pages().links.values().cloned().collect()
    }
}

impl Pages {
    /// A link was served after its end: that may be so for a moment.
    fn judge_stale(&mut self, known: &Known, replica: usize, ended: Instant, began: Instant) {
        let stale = began.saturating_duration_since(ended);
        let mut away = self.away[replica].iter();
        let was_away = away.any(|(from, to)| *from <= began && to.is_none_or(|to| to >= ended));
        let kind = usize::from(was_away);
        self.counts.stalest[kind] = self.counts.stalest[kind].max(stale);
        let allowed = if was_away { GRACE + SOON } else { SOON };
        if stale > allowed {
            let fault =
                format!("replica {replica} (away: {was_away}) serves after {stale:?}: {known:?}");
            eprintln!("FAULT: {fault}");
            self.faults.push(fault);
        }
    }
}

fn end(pages: &mut Pages, id: &str) {
    let known = pages.links.get_mut(id).expect("known");
    if !matches!(known.promise, Promise::Ended(_)) {
        known.promise = Promise::Ended(Instant::now());
        note(&mut pages.just_ended, id);
    }
}

/// Adds a link to the newest ones.
fn note(newest: &mut VecDeque<String>, id: &str) {
    newest.push_back(id.to_owned());
    if newest.len() > JUST {
        newest.pop_front();
    }
}

fn pick<T>(from: impl Iterator<Item = T>, random: &mut Xorshift) -> Option<T> {
    let all: Vec<T> = from.collect();
    let at = random.below(u64::try_from(all.len()).ok().filter(|count| *count > 0)?);
    all.into_iter().nth(usize::try_from(at).ok()?)
}
