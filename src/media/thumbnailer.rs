//! Makes thumbnails of encrypted images, which the homeserver cannot read.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::Semaphore;

use crate::homeserver::MediaVariant;

use super::{
    MediaBody, MediaError,
    head::MediaHead,
    order::Order,
    reopen::Reopen,
    thumbnail::{DECODE_WITHIN, MAX_SOURCE_BYTES, make},
};

/// Makes thumbnails, one at a time, so that memory is bounded. Clones share that bound.
#[derive(Clone)]
pub struct Thumbnailer(Arc<Semaphore>);

impl Default for Thumbnailer {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Thumbnailer {
    /// A thumbnail of the decrypted and verified original.
    pub(super) async fn make(
        &self,
        originals: &impl Reopen,
        order: &Order,
    ) -> Result<(MediaHead, Bytes), MediaError> {
        let MediaVariant::Thumbnail {
            width,
            height,
            method,
            ..
        } = order.variant
        else {
            return Err(MediaError::NoThumbnail);
        };
        let body = originals.original(order).await?;
        // Only once the homeserver has answered: a slow one must not hold up others.
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let source = collect(body).await?;
        let work = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if the request is gone.
            let _turn = turn;
            make(&source, width, height, method == "crop")
        });
        let made = tokio::time::timeout(DECODE_WITHIN * 2, work)
            .await
            .map_err(|_| MediaError::NoThumbnail)?
            .ok()
            .flatten()
            .ok_or(MediaError::NoThumbnail)?;
        let head = MediaHead {
            length: Some(made.bytes.len() as u64),
            content_type: Some(made.content_type.to_owned()),
            ..MediaHead::default()
        };
        Ok((head, made.bytes))
    }
}

async fn collect(mut body: MediaBody) -> Result<Vec<u8>, MediaError> {
    let mut all = Vec::new();
    while let Some(piece) = body.next().await.transpose()? {
        if (all.len() + piece.len()) as u64 > MAX_SOURCE_BYTES {
            return Err(MediaError::NoThumbnail);
        }
        all.extend_from_slice(&piece);
    }
    Ok(all)
}
