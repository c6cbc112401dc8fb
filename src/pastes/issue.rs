//! Uploading texts and linking them.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;

use crate::{
    clock::Clock,
    config::{BridgeConfig, Config, Settings, UsageMode},
    homeserver::{Features, Homeserver, Upload},
    links::{IssueError, IssuedLink, Links, PasteRequest, UploadedText},
    media::encrypt,
    random,
    storage::{Database, StorageError, links::NewPaste},
};

use super::{
    digest::Digests,
    encryption::Encryption,
    text::{MAX_TEXT_BYTES, PasteError, PasteText},
};

/// How many pastes are on their way at once.
const AT_ONCE: usize = 64;

/// Uploads texts and links them.
#[derive(Clone)]
pub struct Pastes(Arc<Inner>);

struct Inner {
    links: Links,
    homeserver: Arc<Homeserver>,
    config: Settings,
    features: Features,
    clock: Clock,
    encryption: Encryption,
    digests: Digests,
    /// Requests for the same text take turns: the second one gets the link of the first.
    turns: [Mutex<()>; AT_ONCE],
}

impl Pastes {
    /// Pastes that these links lead to.
    pub async fn open(
        links: Links,
        database: &Database,
        homeserver: Arc<Homeserver>,
        config: Settings,
        features: Features,
        clock: Clock,
    ) -> Result<Self, StorageError> {
        let secret = database.secret("pastes", random::bytes()).await?;
        Ok(Self(Arc::new(Inner {
            encryption: Encryption::new(Arc::clone(&homeserver)),
            digests: Digests::new(&secret),
            turns: std::array::from_fn(|_| Mutex::default()),
            links,
            homeserver,
            config,
            features,
            clock,
        })))
    }

    /// Uploads a text and links it; the link is durable. While a link to the same text of
    /// the same message lives, that one is returned. It goes on where the caller stops waiting.
    ///
    /// # Errors
    /// [`PasteError`], if there is no link.
    pub async fn issue(
        &self,
        bridge: &Arc<BridgeConfig>,
        paste: PasteText,
    ) -> Result<IssuedLink, PasteError> {
        let (inner, bridge) = (Arc::clone(&self.0), Arc::clone(bridge));
        let work = tokio::spawn(async move { inner.issue(&bridge, paste).await });
        work.await
            .unwrap_or_else(|_| Err(IssueError::from(StorageError::Closed).into()))
    }
}

impl Inner {
    async fn issue(
        &self,
        bridge: &Arc<BridgeConfig>,
        paste: PasteText,
    ) -> Result<IssuedLink, PasteError> {
        let max = longest(&self.config);
        if paste.text.len() as u64 > max {
            return Err(PasteError::TooLong(max));
        }
        let digest = self.digests.of(&bridge.id, &paste);
        let PasteText { text, room_id, .. } = paste;
        let request = PasteRequest {
            event_id: paste.event_id,
            sender: paste.sender,
            filename: paste.filename,
            size: i64::try_from(text.len()).unwrap_or(i64::MAX),
            lifetime: paste.lifetime,
            paste: NewPaste {
                digest,
                language: paste.language,
            },
            room_id,
        };
        self.links
            .learn_policies(bridge, [&request.room_id])
            .await
            .map_err(IssueError::from)?;
        let _turn = self.turns[usize::from(digest[0]) % AT_ONCE].lock().await;
        if let Some(issued) = self.links.find_paste(&bridge.id, request.clone()).await? {
            return Ok(issued);
        }
        let reserved = self.links.reserve_paste(&bridge.id, &request)?;
        let uploaded = self.upload(bridge, &request, text).await?;
        let issued = self
            .links
            .issue_paste(&bridge.id, request, uploaded)
            .await?;
        reserved.keep();
        Ok(issued)
    }

    /// Uploads a text, encrypted where its room is.
    async fn upload(
        &self,
        bridge: &BridgeConfig,
        request: &PasteRequest,
        text: String,
    ) -> Result<UploadedText, PasteError> {
        let is_encrypted = self.encryption.is_needed(bridge, &request.room_id).await;
        let to_be_attached = self.will_be_attached(is_encrypted);
        let only_restricted = self.features.takes_restricted_uploads_only();
        if only_restricted && !to_be_attached {
            return Err(PasteError::NeverAttached);
        }
        let (file, bytes) = if is_encrypted {
            let (file, ciphertext) = encrypt(text.into(), random::bytes(), random::bytes());
            (Some(file), ciphertext)
        } else {
            (None, Bytes::from(text))
        };
        let now = self.clock.now_ms();
        let upload = Upload {
            bytes,
            content_type: match is_encrypted {
                true => "application/octet-stream",
                false => "text/plain; charset=utf-8",
            },
            filename: request.filename.as_deref().filter(|_| !is_encrypted),
            to_be_attached,
            only_restricted,
        };
        let uploaded = self.homeserver.upload(bridge, &upload).await;
        let uploaded = uploaded.map_err(PasteError::Upload)?;
        Ok(UploadedText {
            mxc: uploaded.mxc,
            content_token: uploaded.content_token,
            file,
            to_be_attached_since: uploaded.to_be_attached.then_some(now),
        })
    }

    /// Whether a meta event will be sent that the text can be attached to (MSC3911). Where none is,
    /// the homeserver would delete what waits for one.
    fn will_be_attached(&self, is_encrypted: bool) -> bool {
        let usage = &self.config.usage;
        self.features.links_media()
            && usage.mode != UsageMode::Never
            && (usage.encrypted_rooms || !is_encrypted)
    }
}

/// The longest text that is taken and served, in bytes.
fn longest(config: &Config) -> u64 {
    config.media.max_size_bytes.min(MAX_TEXT_BYTES as u64)
}
