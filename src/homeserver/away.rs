//! Hosts that cannot be connected to, remembered for a short, growing time: questions that an answer
//! does not need fail at once, and to hosts that do not even refuse connections, so does everything
//! else. One request at a time looks whether the host is back.

use std::{
    collections::HashMap,
    error::Error,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::telemetry::ForeignText;

use super::HomeserverError;

/// How long a host is taken to be away after the first failure, and at most. It doubles.
const AWAY_FOR: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How many hosts are remembered. Redirects may lead to any number of them.
const MAX_HOSTS: usize = 256;

/// How much depends on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// There is an answer without it, or it is asked again later.
    Optional,
    /// Somebody waits for it. It is tried as long as trying costs no time.
    Required,
}

/// How a connection has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// At once, such as one that is refused.
    Refused,
    /// The host has said nothing within the time for connecting.
    Silent,
}

impl Failure {
    /// By the causes of an error: the time for connecting may be over for one of them first.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let io = error.downcast_ref::<io::Error>();
            if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
                return Self::Silent;
            }
            // Its source is that of the error inside, and not that error.
            let inside = io.and_then(io::Error::get_ref);
            cause = inside.map_or_else(|| error.source(), |error| Some(error));
        }
        Self::Refused
    }
}

/// The hosts that are away. Clones share what they know; a look at a host that is there costs one
/// load.
#[derive(Debug, Clone)]
pub(super) struct Away(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The origin of the configured homeserver.
    homeserver: String,
    /// How long connecting may take.
    connect_within: Duration,
    /// Whether somebody looks for those who have given up.
    is_looked_for: AtomicBool,
    any: AtomicBool,
    hosts: Mutex<HashMap<String, Absence>>,
}

#[derive(Debug)]
struct Absence {
    failure: Failure,
    wait: Duration,
    until: Instant,
    /// Until when nobody else looks whether the host is back.
    probed_until: Option<Instant>,
}

impl Away {
    /// Nobody is away. `homeserver`: the origin of the configured homeserver.
    pub(super) fn new(homeserver: String, connect_within: Duration) -> Self {
        metrics::gauge!("medialink_homeserver_away").set(0.0);
        Self(Arc::new(Shared {
            homeserver,
            connect_within,
            is_looked_for: AtomicBool::new(false),
            any: AtomicBool::new(false),
            hosts: Mutex::default(),
        }))
    }

    /// The origin of the configured homeserver.
    pub(super) fn homeserver(&self) -> &str {
        &self.0.homeserver
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Absence>> {
        self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request may be tried now.
    ///
    /// # Errors
    /// If the host is away, and either nothing depends on the request or it would have to wait for
    /// the host's silence.
    pub(super) fn admit(
        &self,
        host: &str,
        need: Need,
        now: Instant,
    ) -> Result<(), HomeserverError> {
        if !self.0.any.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut hosts = self.hosts();
        let Some(absence) = hosts.get_mut(host) else {
            return Ok(());
        };
        let is_probed = absence.probed_until.is_some_and(|until| now < until);
        let fails_at_once = need == Need::Optional || absence.failure == Failure::Silent;
        if (now < absence.until || is_probed) && fails_at_once {
            metrics::counter!("medialink_homeserver_skipped_total").increment(1);
            return Err(HomeserverError::Unreachable(ForeignText::new(
                "it was away a moment ago, and is tried again soon",
            )));
        }
        // A question is followed by the request itself, which is the probe.
        if need == Need::Required && now >= absence.until {
            absence.probed_until = Some(now + self.0.connect_within);
        }
        Ok(())
    }

    /// Begins to look for those who have given up; `false`: somebody does already.
    pub(super) fn begin_look(&self) -> bool {
        !self.0.is_looked_for.swap(true, Ordering::Relaxed)
    }

    /// Ends it.
    pub(super) fn end_look(&self) {
        self.0.is_looked_for.store(false, Ordering::Relaxed);
    }

    /// Notes that no connection could be made.
    pub(super) fn failed(&self, host: &str, failure: Failure, now: Instant) {
        let mut hosts = self.hosts();
        let (first, most) = AWAY_FOR;
        if let Some(absence) = hosts.get_mut(host) {
            absence.failure = failure;
            absence.probed_until = None;
            // Requests that were on their way at the same time tell nothing new.
            if now >= absence.until {
                absence.wait = (absence.wait * 2).min(most);
                absence.until = now + absence.wait;
            }
            return;
        }
        if hosts.len() >= MAX_HOSTS {
            let earliest = hosts.iter().min_by_key(|(_, absence)| absence.until);
            if let Some(earliest) = earliest.map(|(host, _)| host.clone()) {
                hosts.remove(&earliest);
            }
        }
        let absence = Absence {
            failure,
            wait: first,
            until: now + first,
            probed_until: None,
        };
        hosts.insert(host.to_owned(), absence);
        self.0.any.store(true, Ordering::Relaxed);
        if host == self.0.homeserver {
            metrics::gauge!("medialink_homeserver_away").set(1.0);
        }
    }

    /// Notes that a host has answered.
    pub(super) fn answered(&self, host: &str) {
        if !self.0.any.load(Ordering::Relaxed) {
            return;
        }
        let mut hosts = self.hosts();
        if hosts.remove(host).is_some() && host == self.0.homeserver {
            metrics::gauge!("medialink_homeserver_away").set(0.0);
        }
        self.0.any.store(!hosts.is_empty(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "http://homeserver";
    const CONNECT: Duration = Duration::from_secs(5);
    const SECOND: Duration = Duration::from_secs(1);

    fn away() -> Away {
        Away::new(HOST.to_owned(), CONNECT)
    }

    fn admits(away: &Away, need: Need, now: Instant) -> bool {
        away.admit(HOST, need, now).is_ok()
    }

    #[test]
    fn what_is_needed_is_tried_with_a_host_that_refuses_and_what_is_not_fails_at_once() {
        let (away, start) = (away(), Instant::now());
        assert!(admits(&away, Need::Optional, start));
        away.failed(HOST, Failure::Refused, start);
        for _ in 0..3 {
            assert!(admits(&away, Need::Required, start));
            assert!(!admits(&away, Need::Optional, start));
        }
        assert!(away.admit("http://other", Need::Optional, start).is_ok());
        away.answered(HOST);
        assert!(admits(&away, Need::Optional, start));
    }

    #[test]
    fn a_silent_host_is_looked_at_by_one_request_at_a_time() {
        let (away, start) = (away(), Instant::now());
        away.failed(HOST, Failure::Silent, start);
        assert!(!admits(&away, Need::Required, start));
        let later = start + SECOND;
        // The question and its request.
        assert!(admits(&away, Need::Optional, later));
        assert!(admits(&away, Need::Required, later));
        assert!(!admits(&away, Need::Optional, later));
        assert!(!admits(&away, Need::Required, later + CONNECT / 2));
        // One that was given up holds up nobody for ever.
        assert!(admits(&away, Need::Required, later + CONNECT));
        away.answered(HOST);
        assert!(admits(&away, Need::Required, later + CONNECT));
    }

    #[test]
    fn the_time_grows_with_each_probe_and_not_with_each_failure() {
        let (away, mut now) = (away(), Instant::now());
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            for _ in 0..5 {
                away.failed(HOST, Failure::Silent, now);
            }
            now += Duration::from_secs(wait);
            assert!(!admits(&away, Need::Required, now - SECOND / 2), "{wait}");
            assert!(admits(&away, Need::Required, now), "{wait}");
        }
        away.answered(HOST);
        away.failed(HOST, Failure::Silent, now);
        assert!(admits(&away, Need::Required, now + SECOND));
    }

    #[test]
    fn silence_is_known_by_the_cause_of_an_error() {
        let of = |kind: io::ErrorKind| Failure::of(&io::Error::other(io::Error::from(kind)));
        assert_eq!(of(io::ErrorKind::TimedOut), Failure::Silent);
        assert_eq!(of(io::ErrorKind::ConnectionRefused), Failure::Refused);
    }

    #[test]
    fn no_number_of_hosts_fills_the_memory() {
        let (away, start) = (away(), Instant::now());
        for n in 0..2 * MAX_HOSTS {
            let at = start + SECOND / 1000 * u32::try_from(n).expect("small");
            away.failed(&format!("http://{n}"), Failure::Silent, at);
        }
        assert_eq!(away.hosts().len(), MAX_HOSTS);
        let last = format!("http://{}", 2 * MAX_HOSTS - 1);
        assert!(away.admit(&last, Need::Optional, start).is_err());
        assert!(away.admit("http://0", Need::Optional, start).is_ok());
    }
}
