//! From a transaction's bytes to the meaning of its events. Nothing here asks anybody: where a room
//! has to be known to decide, the occurrence holds both possibilities.

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{
    event::{occurrence, shown},
    occurrence::Occurrence,
};

/// A transaction of the homeserver.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// The meaning of its events, in their order.
    pub occurrences: Vec<Occurrence>,
    /// A digest of the IDs of its events: a homeserver that was restored from a backup reuses the
    /// IDs of transactions.
    pub digest: [u8; 32],
}

/// Why a body is not a transaction.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// It is not JSON, or of the wrong shape.
    #[error("the body is not a transaction: {0}")]
    Malformed(String),
    /// It has no events.
    #[error("events is missing: a list of events")]
    NoEvents,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    events: Option<&'a RawValue>,
}

/// The part of an event by which it differs from all others.
#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow)]
    event_id: Option<&'a RawValue>,
}

impl Transaction {
    /// Reads the body of `PUT /_matrix/app/v1/transactions/{txnId}`.
    ///
    /// # Errors
    /// If it is not an object with a list of events.
    pub fn read(body: &[u8]) -> Result<Self, TransactionError> {
        Self::read_by(body, |event| occurrence(event).into_iter().collect())
    }

    /// The same, with the media that its events show.
    ///
    /// # Errors
    /// If it is not an object with a list of events.
    pub fn read_with_media(body: &[u8]) -> Result<Self, TransactionError> {
        Self::read_by(body, |event| {
            shown(event).into_iter().chain(occurrence(event)).collect()
        })
    }

    fn read_by(
        body: &[u8],
        occurrences: impl Fn(&RawValue) -> Vec<Occurrence>,
    ) -> Result<Self, TransactionError> {
        // A list would be read as an object's values without their names.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(TransactionError::Malformed("allowed is an object".into()));
        }
        let malformed = |error: serde_json::Error| {
            TransactionError::Malformed(format!("line {}, column {}", error.line(), error.column()))
        };
        let body: Body<'_> = serde_json::from_slice(body).map_err(malformed)?;
        let events = body.events.ok_or(TransactionError::NoEvents)?;
        let events: Vec<&RawValue> =
            serde_json::from_str(events.get()).map_err(|_| TransactionError::NoEvents)?;
        let mut digest = Sha256::new();
        for event in &events {
            let id = serde_json::from_str::<Identity<'_>>(event.get());
            let id = id.ok().and_then(|identity| identity.event_id);
            digest.update(id.map_or("", RawValue::get));
            digest.update([0]);
        }
        Ok(Self {
            occurrences: events.into_iter().flat_map(occurrences).collect(),
            digest: digest.finalize().into(),
        })
    }
}

#[cfg(test)]
mod tests;
