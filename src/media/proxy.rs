//! Opens media: from the cache where there is one, otherwise from the homeserver.

use std::sync::Arc;

use crate::{
    config::{BridgeConfig, Config, MediaConfig},
    homeserver::{Download, Features, HomeserverError, MediaClient, MediaKind, MediaRequest},
};
use medialink_link::{
    LinkClaims,
    matrix::{FileKeys, MxcUri, ServerName, UserId},
};

use super::{
    MediaBody, MediaError, SafeHeaders, Thumbnailer, Wanted,
    body::PIECE_BYTES,
    cache::{Cache, Fetched, Found, ReadError, Source},
    conditions::{Selected, Validators},
    decrypt::{Decryption, Keystream, derived_keys},
    head::Head,
    identity::{Names, ObjectKey},
    limited::{LimitedBody, Pieces},
    serve::{Rescue, first_bytes, stream},
    sniff::SNIFFED_BYTES,
    upstream::{Asked, Upstream},
};

/// Which media, and who asks the homeserver for it.
#[derive(Debug, Clone)]
pub struct Order {
    /// The bridge.
    pub bridge: Arc<BridgeConfig>,
    /// What its link says of the media.
    pub claims: Arc<LinkClaims>,
    /// The copy that is asked for in place of the media (MSC3911).
    pub copy: Option<MxcUri>,
    /// Who shared the media.
    pub sender: Option<String>,
    /// The media itself, or a thumbnail.
    pub kind: MediaKind,
    /// How long it may be, in bytes, by the policy of its room.
    pub max_bytes: Option<u64>,
}

impl Order {
    /// Whether it is made here: the homeserver cannot read what is encrypted.
    fn is_made_here(&self) -> bool {
        self.claims.file.is_some() && self.kind != MediaKind::Original
    }

    /// What decrypts the bytes that the cache holds of it.
    fn keys(&self) -> Option<FileKeys> {
        let file = self.claims.file.as_ref()?;
        Some(match self.kind {
            MediaKind::Original => file.clone(),
            // Another version may make other bytes, which must not be encrypted alike.
            MediaKind::Thumbnail {
                width,
                height,
                method,
            } => derived_keys(
                file,
                &format!(
                    "thumbnail {width}x{height} {method} {}",
                    env!("CARGO_PKG_VERSION")
                ),
            ),
        })
    }

    /// The digest that the homeserver's bytes have to have.
    fn sha256(&self) -> Option<[u8; 32]> {
        let file = self.claims.file.as_ref();
        file.filter(|_| self.kind == MediaKind::Original)
            .map(|file| file.sha256)
    }
}

/// What of the media is given.
pub enum Given {
    /// All of it: its length in bytes, where it is known, and the bytes.
    Whole(Option<u64>, MediaBody),
    /// The bytes from the first to the last one, of this whole length.
    Part(u64, u64, Option<u64>, MediaBody),
    /// Nothing, since whoever asks has it.
    NotModified,
    /// Nothing, since no byte is in the range; the length of the media.
    Unsatisfiable(Option<u64>),
}

/// Media, ready to be sent.
pub struct Media {
    /// What of it is given.
    pub given: Given,
    /// Its type, and how it is to be shown.
    pub headers: SafeHeaders,
    /// Its strong entity tag, quoted.
    pub etag: String,
    /// When it was changed last, in the format of HTTP.
    pub last_modified: Option<String>,
    /// Whether ranges of it can be asked for.
    pub ranges: bool,
    /// Whether the homeserver was asked for it.
    pub is_download: bool,
}

impl Media {
    /// Whether it may be longer than that: what nobody tells the length of may be.
    fn may_exceed(&self, max_bytes: u64) -> bool {
        let length = match &self.given {
            Given::Whole(length, _) | Given::Part(_, _, length, _) => *length,
            // Nothing of it is given.
            Given::NotModified | Given::Unsatisfiable(_) => return false,
        };
        length.is_none_or(|length| length > max_bytes)
    }
}

/// Gets media from the cache and from the homeserver.
#[derive(Clone)]
pub struct MediaProxy {
    homeserver: Arc<MediaClient>,
    cache: Option<Cache>,
    names: Names,
    thumbnailer: Thumbnailer,
    features: Features,
    server_name: ServerName,
    config: MediaConfig,
}

impl MediaProxy {
    /// A proxy for the media of a homeserver.
    #[must_use]
    pub fn new(
        homeserver: Arc<MediaClient>,
        cache: Option<Cache>,
        names: Names,
        thumbnailer: Thumbnailer,
        features: Features,
        config: &Config,
    ) -> Self {
        Self {
            homeserver,
            cache,
            names,
            thumbnailer,
            features,
            server_name: config.homeserver.server_name.clone(),
            config: config.media.clone(),
        }
    }

    /// The name of an order's bytes. A copy has those of its original. Where media is linked to
    /// events, what one bridge may see is not for another.
    fn key(&self, order: &Order) -> ObjectKey {
        let linked = self.features.links_media();
        let bridge = linked.then_some(order.bridge.id.as_str());
        self.names.key(&order.claims, order.kind, bridge)
    }

    /// Opens media.
    ///
    /// # Errors
    /// If the homeserver does not give it, or it is too large.
    pub async fn open(&self, order: &Order, wanted: Wanted<'_>) -> Result<Media, MediaError> {
        let media = self.find(order, wanted).await?;
        match order.max_bytes {
            Some(max) if media.may_exceed(max) => Err(MediaError::TooLargeForRoom),
            _ => Ok(media),
        }
    }

    /// Whether the homeserver would give media now, whatever the cache holds. If it cannot say, it
    /// would.
    pub async fn is_there(&self, order: &Order) -> bool {
        !matches!(self.ask(order, true, None).await, Err(MediaError::Gone))
    }

    /// Media of any length that is allowed at all.
    async fn find(&self, order: &Order, wanted: Wanted<'_>) -> Result<Media, MediaError> {
        let key = self.key(order);
        if let Some(cache) = &self.cache {
            match self.cached(cache, &key, order, wanted).await {
                Ok(Some(media)) => return Ok(media),
                Err(ReadError::Media(error)) => return Err(error),
                Ok(None) | Err(ReadError::Unusable) => {}
            }
        }
        self.streamed(&key, order, wanted).await
    }

    /// `None`: the cache does not know it, and all that is wanted is to be told of it.
    async fn cached(
        &self,
        cache: &Cache,
        key: &ObjectKey,
        order: &Order,
        wanted: Wanted<'_>,
    ) -> Result<Option<Media>, ReadError> {
        let (found, is_download) = match cache.find(key).await {
            Some(found) => (found, false),
            None if wanted.head_only => return Ok(None),
            None => {
                if wanted.may_be_unmodified()
                    && !order.is_made_here()
                    && let Some(media) = self.unmodified(key, order, wanted).await?
                {
                    return Ok(Some(media));
                }
                let (proxy, order) = (self.clone(), order.clone());
                let sha256 = order.sha256();
                let open = || async move { proxy.fetch(&order).await };
                cache.find_or_fetch(key, sha256, open).await
            }
        };
        let (head, mut source, length) = match found {
            Found::Whole(head, source, length) => (head, source, Some(length)),
            Found::Growing(mut reader) => {
                let head = reader.head().await?;
                let length = head.length;
                (head, Source::Growing(reader), length)
            }
        };
        let etag = key.etag(head.length);
        let validators = Validators {
            etag: &etag,
            last_modified: head.last_modified.as_deref(),
        };
        let selected = wanted.select(validators, length);
        let keys = order.keys();
        let file = keys.as_ref();
        if let (Selected::Part(..), Some(_), Source::Growing(reader)) =
            (selected, file, &mut source)
        {
            // No part of encrypted media before all of it is known to be genuine.
            reader.ended().await?;
        }
        let first = match selected {
            Selected::NotModified | Selected::Unsatisfiable => None,
            _ => Some(first_bytes(&mut source, SNIFFED_BYTES, file).await?),
        };
        let rescue = |cache: &Cache| Rescue {
            proxy: self.clone(),
            cache: cache.clone(),
            key: *key,
            order: order.clone(),
            length,
        };
        let given = match selected {
            Selected::NotModified => Given::NotModified,
            Selected::Unsatisfiable => Given::Unsatisfiable(length),
            Selected::Whole if wanted.head_only => Given::Whole(length, MediaBody::empty()),
            Selected::Whole => {
                let body = stream(source, 0, u64::MAX, file, rescue(cache));
                Given::Whole(length, body)
            }
            Selected::Part(from, to) => {
                let body = stream(source, from, to - from + 1, file, rescue(cache));
                Given::Part(from, to, length, body)
            }
        };
        Ok(Some(Media {
            given,
            headers: safe_headers(order, &head, first.as_deref()),
            last_modified: head.last_modified.clone(),
            etag,
            ranges: length.is_some(),
            // Its original may have come from the cache.
            is_download: is_download && !order.is_made_here(),
        }))
    }

    /// Asks the homeserver whether somebody has the media already, without fetching it.
    async fn unmodified(
        &self,
        key: &ObjectKey,
        order: &Order,
        wanted: Wanted<'_>,
    ) -> Result<Option<Media>, ReadError> {
        let asked = self.ask(order, true, None).await;
        let Upstream::Whole(head, _) = asked.map_err(ReadError::Media)? else {
            return Ok(None);
        };
        let etag = key.etag(head.length);
        let validators = Validators {
            etag: &etag,
            last_modified: head.last_modified.as_deref(),
        };
        Ok(wanted.is_unmodified(validators).then(|| Media {
            given: Given::NotModified,
            headers: safe_headers(order, &head, None),
            last_modified: head.last_modified.clone(),
            etag,
            ranges: true,
            is_download: true,
        }))
    }

    /// The whole, for the cache.
    async fn fetch(&self, order: &Order) -> Result<Fetched, MediaError> {
        if order.is_made_here() {
            return self.make(order).await;
        }
        match self.ask(order, false, None).await? {
            Upstream::Whole(head, body) => Ok(Fetched { head, body }),
            Upstream::Part(..) | Upstream::Unsatisfiable(_) => Err(MediaError::Failed(
                "the homeserver gave a part that was not asked for".to_owned(),
            )),
        }
    }

    /// A thumbnail of our own, encrypted.
    async fn make(&self, order: &Order) -> Result<Fetched, MediaError> {
        let (head, plaintext) = self.thumbnailer.make(self, order).await?;
        let bytes = match order.keys() {
            Some(keys) => Keystream::at(&keys, 0).decrypt(plaintext),
            None => plaintext,
        };
        let body = LimitedBody {
            allowed: bytes.len() as u64,
            is_length_told: true,
            pieces: Pieces::Made(bytes),
            stall: self.homeserver.stall(),
        };
        Ok(Fetched { head, body })
    }

    /// The same, without the cache.
    async fn made(
        &self,
        key: &ObjectKey,
        order: &Order,
        wanted: Wanted<'_>,
    ) -> Result<Media, MediaError> {
        let (head, bytes) = self.thumbnailer.make(self, order).await?;
        let etag = key.etag(head.length);
        let validators = Validators {
            etag: &etag,
            last_modified: None,
        };
        let (length, first) = (head.length, bytes.clone());
        let given = match wanted.select(validators, length) {
            Selected::NotModified => Given::NotModified,
            Selected::Unsatisfiable => Given::Unsatisfiable(length),
            Selected::Whole if wanted.head_only => Given::Whole(length, MediaBody::empty()),
            Selected::Whole => Given::Whole(length, MediaBody::Whole(bytes)),
            Selected::Part(from, to) => {
                let part = MediaBody::Whole(bytes).part(from, to - from + 1);
                Given::Part(from, to, length, part)
            }
        };
        Ok(Media {
            given,
            headers: safe_headers(order, &head, Some(&first)),
            etag,
            last_modified: None,
            ranges: true,
            is_download: false,
        })
    }

    /// Streams from the homeserver, without the cache.
    async fn streamed(
        &self,
        key: &ObjectKey,
        order: &Order,
        wanted: Wanted<'_>,
    ) -> Result<Media, MediaError> {
        if order.is_made_here() {
            return self.made(key, order, wanted).await;
        }
        if wanted.may_be_unmodified() && !wanted.head_only {
            match self.unmodified(key, order, wanted).await {
                Ok(Some(media)) => return Ok(media),
                Err(ReadError::Media(error)) => return Err(error),
                Ok(None) | Err(ReadError::Unusable) => {}
            }
        }
        let file = order.claims.file.as_ref();
        // Ciphertext is verified from its first byte to its last, so no range of it is given.
        let wanted = Wanted {
            range: wanted.range.filter(|_| file.is_none()),
            ..wanted
        };
        let forwarded = wanted
            .range
            .filter(|_| wanted.if_range.is_none() && !wanted.head_only);
        let upstream = self.ask(order, wanted.head_only, forwarded).await?;
        let (head, given, first) = match upstream {
            Upstream::Unsatisfiable(head) => {
                let length = head.length;
                (head, Given::Unsatisfiable(length), None)
            }
            Upstream::Part(head, (from, to), body) => {
                let length = head.length;
                let body = MediaBody::of_homeserver(body, None);
                let needed = if from == 0 { SNIFFED_BYTES } else { 1 };
                let (bytes, body) = body.begun(needed).await?;
                let first = (from == 0).then_some(bytes);
                (head, Given::Part(from, to, length, body), first)
            }
            Upstream::Whole(head, body) => {
                let etag = key.etag(head.length);
                let validators = Validators {
                    etag: &etag,
                    last_modified: head.last_modified.as_deref(),
                };
                let length = head.length;
                match wanted.select(validators, length) {
                    Selected::NotModified => (head, Given::NotModified, None),
                    Selected::Unsatisfiable => (head, Given::Unsatisfiable(length), None),
                    Selected::Whole if wanted.head_only => {
                        (head, Given::Whole(length, MediaBody::empty()), None)
                    }
                    selected => {
                        let body = MediaBody::of_homeserver(body, file.map(Decryption::new));
                        // What is small comes whole, and leaves in one piece.
                        let small = length.filter(|length| *length <= PIECE_BYTES as u64);
                        let all = small.and_then(|length| usize::try_from(length).ok());
                        let needed = all.map_or(SNIFFED_BYTES, |length| length + 1);
                        let (first, body) = body.begun(needed).await?;
                        let given = match selected {
                            Selected::Part(from, to) => {
                                Given::Part(from, to, length, body.part(from, to - from + 1))
                            }
                            _ => Given::Whole(length, body),
                        };
                        (head, given, Some(first))
                    }
                }
            }
        };
        Ok(Media {
            given,
            headers: safe_headers(order, &head, first.as_deref()),
            etag: key.etag(head.length),
            ranges: file.is_none() && head.length.is_some(),
            last_modified: head.last_modified,
            is_download: true,
        })
    }

    /// All bytes from `from` on, decrypted, straight from the homeserver: of media of the length
    /// that was told before, where one was.
    pub(super) async fn rest_from(
        &self,
        order: &Order,
        length: Option<u64>,
        from: u64,
    ) -> Result<MediaBody, MediaError> {
        if order.is_made_here() {
            let (_, bytes) = self.thumbnailer.make(self, order).await?;
            return Ok(MediaBody::Whole(bytes).part(from, u64::MAX));
        }
        let Fetched { head, body } = self.fetch(order).await?;
        if let (Some(before), Some(now)) = (length, head.length)
            && before != now
        {
            return Err(MediaError::Failed(
                "the homeserver gave media of another length than before".to_owned(),
            ));
        }
        let decryption = order.claims.file.as_ref().map(Decryption::new);
        Ok(MediaBody::of_homeserver(body, decryption).part(from, u64::MAX))
    }

    async fn ask(
        &self,
        order: &Order,
        head_only: bool,
        range: Option<super::ByteRange>,
    ) -> Result<Upstream, MediaError> {
        let range_header = range.map(|range| range.to_string());
        let original = MediaRequest {
            what: order.kind,
            mxc: &order.claims.mxc,
            content_token: order.claims.content_token.as_ref(),
            as_user: None,
            head_only,
            range: range_header.as_deref(),
            if_none_match: None,
        };
        let mut request = original;
        if let Some(copy) = &order.copy {
            request.mxc = copy;
            request.content_token = None;
        }
        let mut download = self.download(order, request).await;
        if order.copy.is_some() && download.as_ref().is_err_and(|error| error.status() == 404) {
            request = original;
            download = self.download(order, request).await;
        }
        let download = download.map_err(|error| {
            let restricted = self.features.links_media() && request.content_token.is_none();
            MediaError::of(error, order.kind, restricted)
        })?;
        let asked = Asked {
            head_only,
            range,
            max_bytes: self.config.max_size_bytes,
            stall: self.homeserver.stall(),
        };
        Upstream::check(download, asked)
    }

    /// Asks as the bridge's user; for media of an event that it may not see, as its sender, who
    /// may: the homeserver allows that for users of the bridge.
    async fn download(
        &self,
        order: &Order,
        request: MediaRequest<'_>,
    ) -> Result<Download, HomeserverError> {
        let refusal = match self.homeserver.download(&order.bridge, request).await {
            Err(error)
                if error.status() == 403
                    && matches!(error.errcode(), "M_UNAUTHORIZED" | "M_FORBIDDEN")
                    && self.features.links_media() =>
            {
                error
            }
            outcome => return outcome,
        };
        let Some(sender) = order
            .sender
            .as_deref()
            .filter(|sender| self.is_ours(sender))
        else {
            return Err(refusal);
        };
        let request = MediaRequest {
            as_user: Some(sender),
            ..request
        };
        let again = self.homeserver.download(&order.bridge, request).await;
        again.map_err(|_| refusal)
    }

    fn is_ours(&self, user_id: &str) -> bool {
        UserId::parse(user_id).is_ok_and(|user| user.server_name() == self.server_name.as_str())
    }
}

/// Of plain media the homeserver knows the type; of encrypted media only the event did. The file
/// name is the link's, or else the homeserver's; a thumbnail is another file and has none.
fn safe_headers(order: &Order, head: &Head, first_bytes: Option<&[u8]>) -> SafeHeaders {
    let first_bytes = first_bytes.map(|bytes| &bytes[..bytes.len().min(SNIFFED_BYTES)]);
    let claims = &order.claims;
    let told = head
        .content_type
        .as_deref()
        .filter(|kind| !kind.starts_with("application/octet-stream"));
    if order.kind != MediaKind::Original {
        return SafeHeaders::judge(told, first_bytes, None);
    }
    let declared = match claims.file {
        Some(_) => claims.mimetype.as_deref(),
        None => told.or(claims.mimetype.as_deref()),
    };
    SafeHeaders::judge(
        declared,
        first_bytes,
        claims.filename.as_deref().or(head.filename.as_deref()),
    )
}
