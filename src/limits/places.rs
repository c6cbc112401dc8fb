//! Answers with media that are under way at the same time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::client::ClientNetwork;

/// Counts answers that are under way: those of each client, and all together.
#[derive(Debug, Default)]
pub(super) struct Places {
    per_client: Option<u32>,
    total: Option<u32>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: u32,
    of_clients: HashMap<ClientNetwork, u32>,
}

/// Which places are all taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Those of the client.
    OfClient,
    /// All.
    Total,
}

/// The place of one answer, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    client: ClientNetwork,
}

impl Places {
    /// As many places; `None` without any limit.
    pub(super) fn new(per_client: Option<u32>, total: Option<u32>) -> Option<Arc<Self>> {
        let is_limited = per_client.is_some() || total.is_some();
        is_limited.then(|| {
            Arc::new(Self {
                per_client,
                total,
                taken: Mutex::default(),
            })
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for an answer to a client.
    pub(super) fn take(self: &Arc<Self>, client: ClientNetwork) -> Result<Place, Full> {
        let mut taken = self.lock();
        if self.total.is_some_and(|most| taken.total >= most) {
            return Err(Full::Total);
        }
        let of_client = taken.of_clients.get(&client).copied().unwrap_or(0);
        if self.per_client.is_some_and(|most| of_client >= most) {
            return Err(Full::OfClient);
        }
        taken.total += 1;
        taken.of_clients.insert(client, of_client + 1);
        Ok(Place {
            places: Arc::clone(self),
            client,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.total -= 1;
        if let Some(of_client) = taken.of_clients.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                taken.of_clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_answer_ends() {
        let [one, two] = ["192.0.2.1", "192.0.2.2"]
            .map(|text| ClientNetwork::from(text.parse::<IpAddr>().expect("an address")));
        let places = Places::new(Some(2), Some(3)).expect("limits");
        let first = places.take(one).expect("free");
        let second = places.take(one).expect("free");
        assert_eq!(places.take(one).err(), Some(Full::OfClient));
        let third = places.take(two).expect("free");
        assert_eq!(places.take(two).err(), Some(Full::Total));
        drop(first);
        assert!(places.take(two).is_ok());
        assert!(places.take(one).is_ok());
        drop((second, third));
        assert!(places.lock().of_clients.is_empty());
        assert_eq!(places.lock().total, 0);
        assert!(Places::new(None, None).is_none());
    }
}
