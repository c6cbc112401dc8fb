//! Makes thumbnails of encrypted images, which the homeserver cannot read: each once for all who want
//! it, and no more at the same time than memory allows.

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use futures_util::StreamExt;
use moka::future::Cache;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::homeserver::MediaVariant;

use super::{
    MediaBody, MediaError, ThumbnailMethod,
    maker::{MadeThumbnail, Maker},
    object_key::ObjectKey,
    order::Order,
    reopen::Reopen,
    thumbnail::MAX_SOURCE_BYTES,
};

/// How many thumbnails are being made or waited for at once.
const MAX_ORDERS: usize = 32;
/// How much of their images is held in memory, in units.
const MAX_HELD_UNITS: usize = 1024;
/// A unit of memory, in bytes.
const UNIT_BYTES: usize = 64 << 10;
/// By how many units the buffer of a large image grows.
const MAX_STEP_UNITS: usize = 16;
/// The longest time in which an image arrives, once the homeserver has begun to send it.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// The longest time to wait for the turn of an image that is there.
const TURN_WITHIN: Duration = Duration::from_secs(20);
/// How long a thumbnail is cached in memory after it was made.
const CACHED_FOR: Duration = Duration::from_secs(60);
/// How many bytes of thumbnails are.
const MAX_CACHED_BYTES: u64 = 8 << 20;

/// Makes thumbnails. Clones share what bounds them.
#[derive(Clone)]
pub struct Thumbnailer(Arc<Shared>);

struct Shared {
    maker: Maker,
    orders: Semaphore,
    held: Arc<Semaphore>,
    turn: Semaphore,
    /// The latest ones, for where there is no other cache. Who asks for one that is being made waits
    /// for it.
    made: Cache<ObjectKey, MadeThumbnail>,
}

impl Thumbnailer {
    /// `program`: this program, which is run once more for each thumbnail.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        let weight = |_: &ObjectKey, made: &MadeThumbnail| {
            u32::try_from(made.bytes.len()).unwrap_or(u32::MAX)
        };
        Self(Arc::new(Shared {
            maker: Maker::new(program),
            orders: Semaphore::new(MAX_ORDERS),
            held: Arc::new(Semaphore::new(MAX_HELD_UNITS)),
            turn: Semaphore::new(1),
            made: Cache::builder()
                .max_capacity(MAX_CACHED_BYTES)
                .weigher(weight)
                .time_to_live(CACHED_FOR)
                .build(),
        }))
    }

    /// A thumbnail of the decrypted and verified original.
    pub(super) async fn make(
        &self,
        key: &ObjectKey,
        originals: &impl Reopen,
        order: &Order,
    ) -> Result<MadeThumbnail, MediaError> {
        let make = self.0.make(originals, order);
        let made = self.0.made.try_get_with(*key, make).await;
        made.map_err(|error| (*error).clone())
    }
}

impl Shared {
    async fn make(
        &self,
        originals: &impl Reopen,
        order: &Order,
    ) -> Result<MadeThumbnail, MediaError> {
        let MediaVariant::Thumbnail {
            width,
            height,
            method,
            ..
        } = order.variant
        else {
            return Err(MediaError::NoThumbnail);
        };
        let method = ThumbnailMethod::parse(method).ok_or(MediaError::NoThumbnail)?;
        let _order = self.orders.try_acquire().map_err(|_| MediaError::Busy)?;
        // All of it first: a homeserver that is slow with one image holds up no other.
        let source = self.read(originals.original(order)).await?;
        let turn = timeout(TURN_WITHIN, self.turn.acquire()).await;
        let _turn = turn.map_err(|_| MediaError::Busy)?;
        let size = (width, height);
        self.maker.make(&source.bytes, size, method).await
    }

    async fn read(
        &self,
        original: impl Future<Output = Result<MediaBody, MediaError>>,
    ) -> Result<HeldImage, MediaError> {
        let mut body = original.await?;
        let mut image = HeldImage::default();
        let all = async {
            while let Some(piece) = body.next().await.transpose()? {
                image.append(&piece, &self.held)?;
            }
            Ok(())
        };
        timeout(READ_WITHIN, all)
            .await
            .map_err(|_| MediaError::Slow)??;
        Ok(image)
    }
}

/// An image in memory, with its share of what all may take.
#[derive(Default)]
struct HeldImage {
    bytes: Vec<u8>,
    share: Option<OwnedSemaphorePermit>,
}

impl HeldImage {
    fn append(&mut self, piece: &[u8], memory: &Arc<Semaphore>) -> Result<(), MediaError> {
        let length = self.bytes.len() + piece.len();
        if length as u64 > MAX_SOURCE_BYTES {
            return Err(MediaError::NoThumbnail);
        }
        if length > self.bytes.capacity() {
            self.grow(length, memory)?;
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// Makes room for `length` bytes and some more, if there is memory: nobody waits for it, since all
    /// might.
    fn grow(&mut self, length: usize, memory: &Arc<Semaphore>) -> Result<(), MediaError> {
        let has = self
            .share
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let needs = length
            .div_ceil(UNIT_BYTES)
            .max(has + has.min(MAX_STEP_UNITS));
        let more = u32::try_from(needs - has).map_err(|_| MediaError::NoThumbnail)?;
        let more = Arc::clone(memory).try_acquire_many_owned(more);
        let more = more.map_err(|_| MediaError::Busy)?;
        match &mut self.share {
            None => self.share = Some(more),
            Some(share) => share.merge(more),
        }
        self.bytes
            .reserve_exact(needs * UNIT_BYTES - self.bytes.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_share_a_bounded_memory() {
        let memory = Arc::new(Semaphore::new(8));
        let piece = [7; UNIT_BYTES / 2 + 1];
        let mut image = HeldImage::default();
        for _ in 0..6 {
            image.append(&piece, &memory).expect("room");
        }
        assert_eq!(image.bytes.len(), 6 * piece.len());
        assert!(image.bytes.capacity() <= (8 - memory.available_permits()) * UNIT_BYTES);
        let mut other = HeldImage::default();
        let filled = (0..20).map(|_| other.append(&piece, &memory));
        let errors: Vec<_> = filled.filter_map(Result::err).collect();
        assert_eq!(errors.first(), Some(&MediaError::Busy));
        drop((image, other));
        assert_eq!(memory.available_permits(), 8);
    }

    #[test]
    fn an_image_that_is_too_long_is_not_held() {
        let memory = Arc::new(Semaphore::new(MAX_HELD_UNITS));
        let mut image = HeldImage::default();
        let piece = vec![0; 1 << 20];
        let appended = (0..40).map(|_| image.append(&piece, &memory));
        let errors: Vec<_> = appended.filter_map(Result::err).collect();
        assert_eq!(errors, [const { MediaError::NoThumbnail }; 8]);
    }
}
