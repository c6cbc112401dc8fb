//! Opens media: from the cache where there is one, otherwise from the homeserver.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;

use super::{
    MediaBody, MediaError, MediaSummary, RecentAnswers, RequestConditions, Screener, Thumbnailer,
    answer::{Media, describe},
    availability::{may_serve, may_serve_unvouched},
    cache::{Cache, CachedObject, ReadError},
    cached,
    decision::Decision,
    decrypt::{Decryption, Keystream},
    fetch::Fetcher,
    head::MediaHead,
    limited::{BodySource, LimitedBody},
    maker::MadeThumbnail,
    object_key::{ObjectKey, ObjectKeys},
    order::Order,
    reopen::Reopen,
    shared_fetch,
    store::SharedStore,
    streamed,
    upstream::FetchedMedia,
};

/// Opens media from the cache and from the homeserver. Clones share both.
#[derive(Clone)]
pub struct MediaProxy {
    fetcher: Arc<Fetcher>,
    cache: Option<Cache>,
    object_keys: ObjectKeys,
    thumbnailer: Thumbnailer,
    recent: RecentAnswers,
    store: Option<SharedStore>,
    screener: Option<Screener>,
}

impl MediaProxy {
    /// A proxy for the media that a fetcher gets.
    #[must_use]
    pub fn new(
        fetcher: Fetcher,
        cache: Option<Cache>,
        object_keys: ObjectKeys,
        thumbnailer: Thumbnailer,
        recent: RecentAnswers,
    ) -> Self {
        Self {
            fetcher: Arc::new(fetcher),
            cache,
            object_keys,
            thumbnailer,
            recent,
            store: None,
            screener: None,
        }
    }

    /// The same, with an object store behind the cache.
    #[must_use]
    pub fn with_store(self, store: Option<SharedStore>) -> Self {
        Self { store, ..self }
    }

    /// The same, which looks into media before it is served.
    #[must_use]
    pub fn with_screener(self, screener: Screener) -> Self {
        let screener = Some(screener);
        Self { screener, ..self }
    }

    /// Looks into the media of an order, or into that of which a thumbnail is wanted, if the operator wants it.
    ///
    /// # Errors
    /// If it may not be served, or cannot be opened.
    pub async fn screen(&self, order: &Order) -> Result<(), MediaError> {
        match self.screener.as_ref().filter(|it| it.is_needed()) {
            None => Ok(()),
            Some(screener) => Box::pin(self.screen_by(screener, order)).await,
        }
    }

    async fn screen_by(&self, screener: &Screener, order: &Order) -> Result<(), MediaError> {
        let original = order.for_original();
        let key = self.key(&original);
        let open = || async {
            let all = RequestConditions::default();
            let media = self.open_of_any_length(&original, all).await?;
            Ok(media.body)
        };
        let screened = screener.screen(original.plain_key(&key), open).await;
        if let (Some(cache), Err(MediaError::Denied(_) | MediaError::Infected)) =
            (&self.cache, &screened)
        {
            cache.forget(&key);
        }
        screened
    }

    /// Opens media, once it was looked into.
    ///
    /// # Errors
    /// If the homeserver does not deliver the media, it is too large, or it may not be served.
    pub async fn open(
        &self,
        order: &Order,
        request: RequestConditions<'_>,
    ) -> Result<Media, MediaError> {
        self.screen(order).await?;
        let media = self.open_of_any_length(order, request).await?;
        match order.max_bytes {
            Some(max) if media.may_exceed(max) => Err(MediaError::TooLargeForRoom),
            _ => Ok(media),
        }
    }

    /// Whether media may be served from the cache, since the homeserver has it.
    pub async fn may_serve(&self, order: &Order) -> bool {
        may_serve(&self.fetcher, order).await
    }

    /// The same for media that no event vouches for, unless `is_vouched_for` finds one: only the
    /// homeserver's answer of a moment ago counts.
    pub async fn may_serve_unvouched(
        &self,
        order: &Order,
        is_vouched_for: impl Future<Output = bool>,
    ) -> bool {
        may_serve_unvouched(&self.fetcher, order, is_vouched_for).await
    }

    /// Type and length of media, as the homeserver told them lately.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn summary(&self, order: &Order) -> Result<MediaSummary, MediaError> {
        self.screen(order).await?;
        let head = RequestConditions {
            is_head: true,
            ..RequestConditions::default()
        };
        let ask = async {
            // The bound of a room is not the media's, and others have asked as well.
            let media = self.open_of_any_length(order, head).await?;
            Ok(MediaSummary {
                length: media.decision.content_length(media.representation.length),
                content_type: media.headers.content_type,
            })
        };
        let key = order.plain_key(&self.key(order));
        let is_bounded = order.max_bytes.is_some();
        let summary = self.recent.summary(&key, is_bounded, ask).await?;
        match order.max_bytes {
            Some(max) if summary.length.is_none_or(|length| length > max) => {
                Err(MediaError::TooLargeForRoom)
            }
            _ => Ok(summary),
        }
    }

    /// The key of an order's bytes. A copy has that of its original. Where media is linked to events,
    /// each bridge has objects of its own: another bridge may not see the same events.
    fn key(&self, order: &Order) -> ObjectKey {
        let linked = self.fetcher.features().links_media();
        let bridge = linked.then_some(order.bridge.id.as_str());
        self.object_keys.key(&order.claims, order.variant, bridge)
    }

    async fn open_of_any_length(
        &self,
        order: &Order,
        request: RequestConditions<'_>,
    ) -> Result<Media, MediaError> {
        let key = self.key(order);
        let opened = self.open_object(&key, order, &request).await;
        if let Err(error) = &opened {
            let is_remote = order.claims.mxc.server_name() != self.fetcher.server_name().as_str();
            let key = order.plain_key(&key);
            self.recent.note(&key, order, is_remote, error);
        }
        opened
    }

    async fn open_object(
        &self,
        key: &ObjectKey,
        order: &Order,
        request: &RequestConditions<'_>,
    ) -> Result<Media, MediaError> {
        if let Some(cache) = &self.cache {
            match self.cached(cache, key, order, request).await {
                Ok(Some(media)) => return Ok(media),
                Err(ReadError::Media(error)) => return Err(error),
                Ok(None) | Err(ReadError::Unusable) => {}
            }
        }
        self.recent.check(&order.plain_key(key))?;
        if order.is_made_here() {
            return Box::pin(self.made(key, order, request)).await;
        }
        Box::pin(streamed::stream(&self.fetcher, key, order, request)).await
    }

    /// From the cache, which fetches it first where it has to: for a request for the head too, whose
    /// answer tells the type that the first bytes show. `None`: it may not be served from there.
    async fn cached(
        &self,
        cache: &Cache,
        key: &ObjectKey,
        order: &Order,
        request: &RequestConditions<'_>,
    ) -> Result<Option<Media>, ReadError> {
        let object = match cache.find(key).await {
            // Of media that is being fetched, the homeserver has just said that it has it.
            Some(object @ CachedObject::Growing(_)) => object,
            Some(_) if !self.may_serve(order).await => return Ok(None),
            Some(object) => object,
            None => {
                let fetched = self.fetched(cache, key, order, request);
                return Box::pin(fetched).await.map(Some);
            }
        };
        let media = cached::answer(object, key, order, request, self).await?;
        Ok(Some(media))
    }

    /// The same, fetched into the cache.
    async fn fetched(
        &self,
        cache: &Cache,
        key: &ObjectKey,
        order: &Order,
        request: &RequestConditions<'_>,
    ) -> Result<Media, ReadError> {
        self.recent.check(&order.plain_key(key))?;
        if request.preconditions.is_any()
            && !order.is_made_here()
            && let Some(media) =
                streamed::without_media(&self.fetcher, key, order, request, true).await?
        {
            return Ok(media);
        }
        let (proxy, ordered, named) = (self.clone(), order.clone(), *key);
        let is_shared = Arc::new(AtomicBool::new(false));
        let note = Arc::clone(&is_shared);
        let open = || async move {
            let (store, fetcher) = (proxy.store.as_ref(), &proxy.fetcher);
            let download = proxy.fetch(&ordered);
            let fetched = shared_fetch::fetch(store, fetcher, &named, &ordered, download);
            let (fetched, is_download) = fetched.await?;
            note.store(!is_download, Ordering::Relaxed);
            Ok(fetched)
        };
        let (object, is_fetched) = cache.find_or_fetch(key, order.sha256(), open).await;
        let media = cached::answer(object, key, order, request, self).await?;
        Ok(Media {
            // The original of a thumbnail that is made here may have come from the cache.
            is_download: is_fetched && !order.is_made_here() && !is_shared.load(Ordering::Relaxed),
            ..media
        })
    }

    /// The whole, for the cache.
    async fn fetch(&self, order: &Order) -> Result<FetchedMedia, MediaError> {
        if !order.is_made_here() {
            return self.fetcher.fetch(order).await;
        }
        let (head, plaintext) = self.make(&self.key(order), order).await?;
        let bytes = match order.cache_keys() {
            Some(keys) => Keystream::at(&keys, 0).decrypt(plaintext),
            None => plaintext,
        };
        let body = LimitedBody {
            allowed: bytes.len() as u64,
            is_length_known: true,
            pieces: BodySource::Made(bytes),
            stall: self.fetcher.stall(),
        };
        Ok(FetchedMedia::new(head, body))
    }

    /// A thumbnail of encrypted media, without the cache.
    async fn made(
        &self,
        key: &ObjectKey,
        order: &Order,
        request: &RequestConditions<'_>,
    ) -> Result<Media, MediaError> {
        let (head, bytes) = self.make(key, order).await?;
        let representation = describe(order, key, &head, head.length, true);
        Ok(Media::of_bytes(
            order,
            representation,
            request,
            &head,
            bytes,
        ))
    }

    async fn make(&self, key: &ObjectKey, order: &Order) -> Result<(MediaHead, Bytes), MediaError> {
        let key = order.plain_key(key);
        let MadeThumbnail {
            bytes,
            content_type,
        } = self.thumbnailer.make(&key, self, order).await?;
        let head = MediaHead {
            length: Some(bytes.len() as u64),
            content_type: Some(content_type.to_owned()),
            ..MediaHead::default()
        };
        Ok((head, bytes))
    }

    /// All bytes from `from` on, decrypted, straight from the homeserver: of media of the length
    /// that was announced before, where one was.
    async fn rest_from_homeserver(
        &self,
        order: &Order,
        length: Option<u64>,
        from: u64,
    ) -> Result<MediaBody, MediaError> {
        if order.is_made_here() {
            let (_, bytes) = self.make(&self.key(order), order).await?;
            return Ok(MediaBody::Whole(bytes).part(from, u64::MAX));
        }
        let (FetchedMedia { head, body, .. }, begins) =
            self.fetcher.fetch_from(order, from).await?;
        if let (Some(before), Some(now)) = (length, head.length)
            && before != now
        {
            return Err(MediaError::Failed(
                "the homeserver gave media of another length than before".to_owned(),
            ));
        }
        let decryption = order.claims.file.as_ref().map(Decryption::new);
        Ok(MediaBody::of_homeserver(body, decryption).part(from - begins, u64::MAX))
    }
}

impl Reopen for MediaProxy {
    fn original<'a>(
        &'a self,
        thumbnail: &'a Order,
    ) -> LocalBoxFuture<'a, Result<MediaBody, MediaError>> {
        Box::pin(async {
            let original = thumbnail.for_original();
            let media = self.open(&original, RequestConditions::default()).await?;
            match media.decision {
                Decision::Whole => Ok(media.body),
                _ => Err(MediaError::NoThumbnail),
            }
        })
    }

    fn rest<'a>(
        &'a self,
        key: &'a ObjectKey,
        order: &'a Order,
        length: Option<u64>,
        from: u64,
    ) -> LocalBoxFuture<'a, Result<MediaBody, MediaError>> {
        if let Some(cache) = &self.cache {
            cache.forget(key);
        }
        Box::pin(self.rest_from_homeserver(order, length, from))
    }
}
