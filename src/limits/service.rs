//! All limits of the configuration, as the listeners and the issue of links ask for them.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    clock::Clock,
    config::{LimitsConfig, Rate},
    storage::{Database, StorageError},
};

use super::{
    allowance::MS,
    budgets::Budgets,
    client::{ClientNetwork, Proxies},
    limited::{Limit, Limited},
    meter::Meter,
    places::{Full, Places},
    requests::Requests,
    reservation::Reservation,
};

/// How long an answer waits for a download that may begin.
const FETCH_WITHIN: Duration = Duration::from_secs(5);
/// After which time to try again where nobody knows when an answer ends.
const PLACE_RETRY: i64 = 2_000 * MS;

/// All limits. Clones are the same ones.
#[derive(Clone)]
pub struct Limits(Arc<Current>);

struct Current {
    shared: ArcSwap<Shared>,
    /// Whether requests of people are limited at all. Looked at before all else: it costs next to nothing.
    is_any: AtomicBool,
}

struct Shared {
    config: LimitsConfig,
    clock: Clock,
    proxies: Proxies,
    requests: Option<Arc<Requests>>,
    bad_links: Option<Arc<Requests>>,
    reports: Arc<Requests>,
    places: Option<Arc<Places>>,
    budgets: Arc<Budgets>,
    fetches: Option<Arc<Semaphore>>,
}

/// How many reports a client makes.
const REPORTS: Rate = Rate {
    amount: 10,
    per: Duration::from_hours(1),
};

/// The place of a download from the homeserver, until it is dropped.
#[derive(Debug)]
pub struct FetchPlace {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Whose media a link shares.
#[derive(Debug, Clone, Copy)]
pub struct Sharer<'a> {
    /// The bridge.
    pub bridge: &'a str,
    /// The room.
    pub room_id: &'a str,
    /// The user, where the bridge has named one.
    pub sender: Option<&'a str>,
}

impl Limits {
    /// The limits of a configuration. `secret`: under which the database names those who have used something.
    #[must_use]
    pub fn new(config: &LimitsConfig, secret: &[u8; 32], clock: &Clock) -> Self {
        let requests = |rate: Option<Rate>| rate.map(|rate| Arc::new(Requests::new(rate, clock)));
        let fetches = config.total.upstream_fetches;
        let shared = Shared {
            config: config.clone(),
            clock: clock.clone(),
            proxies: Proxies::new(&config.trusted_proxies, config.client_header),
            requests: requests(config.per_client.requests),
            bad_links: requests(config.per_client.bad_links),
            reports: Arc::new(Requests::new(REPORTS, clock)),
            places: Places::new(config.per_client.streams, config.total.streams),
            budgets: Arc::new(Budgets::new(config, secret, clock)),
            fetches: fetches.map(|most| Arc::new(Semaphore::new(most as usize))),
        };
        let is_any = AtomicBool::new(shared.limits_people());
        Self(Arc::new(Current {
            shared: ArcSwap::from_pointee(shared),
            is_any,
        }))
    }

    /// Takes other limits over. What was counted by limits that stay goes on counting; of budgets that change, as much
    /// stays used as before, as a share of the whole.
    ///
    /// # Errors
    /// If the database fails, in which what was used is noted.
    pub async fn configure(
        &self,
        config: &LimitsConfig,
        database: &Database,
    ) -> Result<(), StorageError> {
        let old = self.0.shared.load_full();
        if old.config == *config {
            return Ok(());
        }
        // Other limits hold whatever the database says.
        let known = self.share(database).await;
        let secret = [0; 32];
        let new = Self::new(config, &secret, &old.clock).0.shared.load_full();
        let (was, is) = (&old.config, config);
        old.budgets.configure(config);
        let shared = Shared {
            config: config.clone(),
            clock: old.clock.clone(),
            proxies: new.proxies.clone(),
            requests: kept(
                was.per_client.requests == is.per_client.requests,
                &old.requests,
                &new.requests,
            ),
            bad_links: kept(
                was.per_client.bad_links == is.per_client.bad_links,
                &old.bad_links,
                &new.bad_links,
            ),
            reports: Arc::clone(&old.reports),
            places: kept(
                (was.per_client.streams, was.total.streams)
                    == (is.per_client.streams, is.total.streams),
                &old.places,
                &new.places,
            ),
            budgets: Arc::clone(&old.budgets),
            fetches: kept(
                was.total.upstream_fetches == is.total.upstream_fetches,
                &old.fetches,
                &new.fetches,
            ),
        };
        let is_any = shared.limits_people();
        self.0.shared.store(Arc::new(shared));
        self.0.is_any.store(is_any, Ordering::Release);
        known?;
        self.load(database).await
    }

    fn shared(&self) -> Guard<Arc<Shared>> {
        self.0.shared.load()
    }

    /// What limits requests of people, if anything does.
    fn of_people(&self) -> Option<Guard<Arc<Shared>>> {
        let is_any = self.0.is_any.load(Ordering::Acquire);
        is_any.then(|| self.shared())
    }

    /// No limits, as commands have none.
    #[must_use]
    pub fn none(clock: &Clock) -> Self {
        Self::new(&LimitsConfig::default(), &[0; 32], clock)
    }

    /// The header about the client that is read; `None`: nothing is counted by client.
    #[must_use]
    pub fn client_header(&self) -> Option<&'static str> {
        self.of_people().map(|shared| shared.proxies.header())
    }

    /// The header about the client that proxies send.
    #[must_use]
    pub fn proxy_header(&self) -> &'static str {
        self.shared().proxies.header()
    }

    /// Counts a report.
    ///
    /// # Errors
    /// If the client makes too many.
    pub fn report(&self, client: ClientNetwork) -> Result<(), Limited> {
        count(&self.shared().reports, Limit::Reports, client)
    }

    /// Whom a request comes from; `lines`: the values of [`Self::client_header`], in their order.
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        lines: impl DoubleEndedIterator<Item = &'a str>,
    ) -> ClientNetwork {
        self.shared().proxies.client(peer, lines).into()
    }

    /// Counts a request.
    ///
    /// # Errors
    /// If the client makes too many.
    pub fn request(&self, client: ClientNetwork) -> Result<(), Limited> {
        match self.of_people() {
            None => Ok(()),
            Some(shared) => count_if(&shared.requests, Limit::ClientRequests, client),
        }
    }

    /// Counts a request for what is no link.
    ///
    /// # Errors
    /// If the client makes too many.
    pub fn bad_link(&self, client: ClientNetwork) -> Result<(), Limited> {
        match self.of_people() {
            None => Ok(()),
            Some(shared) => count_if(&shared.bad_links, Limit::ClientBadLinks, client),
        }
    }

    /// Begins an answer with media of a link, if the client, the link and its room have bytes left; `None`: nothing is
    /// limited.
    ///
    /// # Errors
    /// If one of them has not, or too many answers are under way.
    pub fn begin(
        &self,
        client: ClientNetwork,
        link_id: &str,
        room_id: &str,
    ) -> Result<Option<Meter>, Limited> {
        let Some(shared) = self.of_people() else {
            return Ok(None);
        };
        let budgets = &shared.budgets;
        let client_name = match budgets.are_none() {
            true => String::new(),
            false => client.to_string(),
        };
        let all = [
            (Limit::ClientBytes, &*client_name),
            (Limit::LinkBytes, link_id),
            (Limit::RoomBytes, room_id),
        ];
        let of = all
            .into_iter()
            .filter_map(|(limit, whose)| budgets.of(limit, whose));
        let meter = Meter::begin(Arc::clone(budgets), of)?;
        let place = match &shared.places {
            None => None,
            Some(places) => Some(places.take(client).map_err(|full| {
                let limit = match full {
                    Full::OfClient => Limit::ClientStreams,
                    Full::Total => Limit::TotalStreams,
                };
                Limited::new(limit, PLACE_RETRY)
            })?),
        };
        Ok(Some(meter.at(place)))
    }

    /// Counts an answer with the whole media of a link.
    ///
    /// # Errors
    /// If there were too many.
    pub fn follow(&self, link_id: &str) -> Result<(), Limited> {
        let Some(shared) = self.of_people() else {
            return Ok(());
        };
        match shared.budgets.of(Limit::LinkFollows, link_id) {
            None => Ok(()),
            Some(budget) => shared.budgets.take(&[(budget, 1)]),
        }
    }

    /// Reserves a new link.
    ///
    /// # Errors
    /// If the sender, the room or the bridge has had too many.
    pub fn reserve_link(&self, of: Sharer<'_>) -> Result<Reservation, Limited> {
        self.reserve(of, None)
    }

    /// Reserves a new paste, which is a new link as well.
    ///
    /// # Errors
    /// If the sender, the room or the bridge has had too many.
    pub fn reserve_paste(&self, of: Sharer<'_>) -> Result<Reservation, Limited> {
        self.reserve(of, Some((Limit::BridgePastes, of.bridge)))
    }

    fn reserve(&self, of: Sharer<'_>, more: Option<(Limit, &str)>) -> Result<Reservation, Limited> {
        let budgets = Arc::clone(&self.shared().budgets);
        let sender = of.sender.map(|sender| (Limit::SenderLinks, sender));
        let room = (Limit::RoomLinks, of.room_id);
        let bridge = (Limit::BridgeLinks, of.bridge);
        let all = [sender, Some(room), Some(bridge), more]
            .into_iter()
            .flatten();
        let of = all.filter_map(|(limit, whose)| Some((budgets.of(limit, whose)?, 1)));
        let of: Vec<_> = of.collect();
        budgets.take(&of)?;
        Ok(Reservation::new(Arc::clone(&budgets), of))
    }

    /// Waits for a place to download from the homeserver, but not for long.
    ///
    /// # Errors
    /// If too many downloads are under way.
    pub async fn fetch(&self) -> Result<FetchPlace, Limited> {
        let Some(places) = self.shared().fetches.clone() else {
            return Ok(FetchPlace { _permit: None });
        };
        let place = places.acquire_owned();
        match tokio::time::timeout(FETCH_WITHIN, place).await {
            Ok(Ok(permit)) => Ok(FetchPlace {
                _permit: Some(permit),
            }),
            Ok(Err(_)) | Err(_) => Err(Limited::new(Limit::TotalFetches, PLACE_RETRY)),
        }
    }

    /// Tells the database what was used here, and learns what was used elsewhere.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn share(&self, database: &Database) -> Result<(), StorageError> {
        let budgets = Arc::clone(&self.shared().budgets);
        match budgets.are_none() {
            true => Ok(()),
            false => budgets.share(database).await,
        }
    }

    /// Learns what was used before this process has started.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(&self, database: &Database) -> Result<(), StorageError> {
        let budgets = Arc::clone(&self.shared().budgets);
        budgets.load(database).await
    }

    /// Has the database forget what has flowed back.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget(&self, database: &Database) -> Result<(), StorageError> {
        let budgets = Arc::clone(&self.shared().budgets);
        budgets.forget(database).await
    }
}

impl Shared {
    /// Whether requests of people are limited.
    fn limits_people(&self) -> bool {
        self.requests.is_some()
            || self.bad_links.is_some()
            || self.places.is_some()
            || !self.budgets.are_none()
    }
}

/// What counts for a limit: what has counted so far, if the limit stays.
fn kept<T>(stays: bool, old: &Option<Arc<T>>, new: &Option<Arc<T>>) -> Option<Arc<T>> {
    if stays { old.clone() } else { new.clone() }
}

fn count_if(
    requests: &Option<Arc<Requests>>,
    limit: Limit,
    client: ClientNetwork,
) -> Result<(), Limited> {
    match requests {
        None => Ok(()),
        Some(requests) => count(requests, limit, client),
    }
}

fn count(requests: &Requests, limit: Limit, client: ClientNetwork) -> Result<(), Limited> {
    requests
        .count(client)
        .map_err(|wait| Limited::new(limit, i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX)))
}
