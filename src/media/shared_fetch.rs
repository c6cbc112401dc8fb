//! Media for the cache, from the object store that replicas share, or from the homeserver.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream::unfold};

use super::{
    MediaError,
    availability::may_serve,
    fetch::Fetcher,
    limited::{BodySource, LimitedBody},
    object_key::ObjectKey,
    order::Order,
    store::{Shared, SharedStore, StoredObject},
    upstream::FetchedMedia,
};

/// The longest time between two pieces: of a request to the store that fails, and the homeserver's after it.
const STALL: Duration = Duration::from_secs(180);

/// The whole, and whether it was downloaded, or made, for this.
pub(super) async fn fetch(
    store: Option<&SharedStore>,
    fetcher: &Arc<Fetcher>,
    key: &ObjectKey,
    order: &Order,
    download: impl Future<Output = Result<FetchedMedia, MediaError>>,
) -> Result<(FetchedMedia, bool), MediaError> {
    let shared = match store {
        Some(store) => store.find(key).await,
        None => Shared::Missing(None),
    };
    let turn = match shared {
        Shared::There(object) if is_taken(fetcher, &object, order).await => {
            metrics::counter!("medialink_shared_objects_total").increment(1);
            return Ok((stored(fetcher, *object, order), false));
        }
        Shared::There(_) => None,
        Shared::Missing(turn) => turn,
    };
    let fetched = download.await?;
    Ok((FetchedMedia { turn, ..fetched }, true))
}

/// Whether an object of the store is given: if the homeserver has the media, and is the one to give the rest if the
/// store fails on the way.
async fn is_taken(fetcher: &Arc<Fetcher>, object: &StoredObject, order: &Order) -> bool {
    let can_be_mended = object.is_here() || !order.is_made_here();
    let is_small_enough = object.length <= fetcher.max_bytes();
    can_be_mended && is_small_enough && may_serve(fetcher, order).await
}

fn stored(fetcher: &Arc<Fetcher>, object: StoredObject, order: &Order) -> FetchedMedia {
    let (head, length) = (object.head.clone(), object.length);
    let pieces = Pieces {
        object: Some(object),
        at: 0,
        length,
        fetcher: Arc::clone(fetcher),
        order: order.clone(),
        rest: None,
    };
    let pieces = unfold(Some(pieces), |pieces| async {
        let mut pieces = pieces?;
        match pieces.next().await.transpose()? {
            Ok(piece) => Some((Ok(piece), Some(pieces))),
            Err(error) => Some((Err(error), None)),
        }
    });
    let body = LimitedBody {
        pieces: BodySource::Shared(pieces.boxed_local()),
        allowed: length,
        is_length_known: true,
        stall: STALL,
    };
    FetchedMedia::new(head, body)
}

/// The bytes of an object of the store; of the homeserver from where the store fails.
struct Pieces {
    object: Option<StoredObject>,
    /// How many bytes have come.
    at: u64,
    length: u64,
    fetcher: Arc<Fetcher>,
    order: Order,
    /// The homeserver's, of which so many bytes are left out.
    rest: Option<(LimitedBody, u64)>,
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, MediaError> {
        if let Some(object) = &mut self.object {
            if let Ok(piece) = object.next().await {
                self.at += piece.as_ref().map_or(0, |piece| piece.len() as u64);
                return Ok(piece);
            }
            self.object = None;
        }
        let (body, skip) = match &mut self.rest {
            Some(rest) => rest,
            None => {
                let rest = self.ask_homeserver().await?;
                self.rest.insert(rest)
            }
        };
        while let Some(mut piece) = body.next().await? {
            let skipped = (*skip).min(piece.len() as u64);
            *skip -= skipped;
            let piece = piece.split_off(usize::try_from(skipped).unwrap_or(usize::MAX));
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    async fn ask_homeserver(&self) -> Result<(LimitedBody, u64), MediaError> {
        let asked = self.fetcher.fetch_from(&self.order, self.at);
        let (FetchedMedia { head, body, .. }, begins) = asked.await?;
        if head.length.is_some_and(|length| length != self.length) {
            return Err(MediaError::Failed(
                "the homeserver gave media of another length than before".to_owned(),
            ));
        }
        Ok((body, self.at - begins))
    }
}
