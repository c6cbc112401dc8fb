//! New links.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use medialink_event::{Appearance, Warning};
use medialink_link::{
    KeyId, LinkClaims, LinkForm, LinkState,
    matrix::{EventId, MxcUri},
};

use super::{
    super::{
        StorageError,
        engine::{Connection, Kind, QueryBuilder, Rows, Value, query_scalar, storable},
        matrix_ids,
        usage_state::NotedUsage,
    },
    columns::{NO_KEY, duration, file_secret, is_spoiler, non_empty, warning},
    row::{LinkRow, Paste},
};

/// A new link.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// Its name in the API and in logs; it does not open the link.
    pub link_id: String,
    /// Its form.
    pub form: LinkForm,
    /// The key that signed it; `None`: none of ours.
    pub key_id: Option<KeyId>,
    /// Of a self-contained link: nonce and lifetime in seconds.
    pub sealed: Option<([u8; 12], u32)>,
    /// The bridge that asked for it.
    pub bridge: String,
    /// The usage of media that it is part of.
    pub media_reference_id: i64,
    /// Media, room and event, with the secrets to get the media.
    pub claims: LinkClaims,
    /// The user who shared the media.
    pub sender: Option<String>,
    /// The size of the media in bytes, by what the bridge said.
    pub size: Option<i64>,
    /// How its event presents the media.
    pub appearance: Appearance,
    /// The edit that brought the media, if one did.
    pub shown_by: Option<EventId>,
    /// Milliseconds since the epoch.
    pub issued_at: i64,
    /// Milliseconds since the epoch; `None`: never.
    pub expires_at: Option<i64>,
    /// How often it may be followed.
    pub max_follows: Option<i64>,
    /// The size that the policy of its room allows, in bytes.
    pub max_size: Option<i64>,
    /// Whether its room wants people to be led to the page.
    pub pages_only: bool,
    /// Live, or the state in which it had ended before it was first seen.
    pub state: LinkState,
    /// Set if its media is a text of the bridge that we have uploaded.
    pub paste: Option<NewPaste>,
}

/// A paste that is to be linked.
#[derive(Debug, Clone)]
pub struct NewPaste {
    /// A keyed digest of the request, by which a repeated one is known.
    pub digest: [u8; 32],
    /// The language of the text, in the bridge's word.
    pub language: Option<String>,
}

impl NewLink {
    /// The link as it is once it is stored, as this row and part of this usage.
    ///
    /// # Errors
    /// If the usage has an impossible copy.
    pub fn stored(self, id: i64, usage: &NotedUsage) -> Result<LinkRow, StorageError> {
        let copy = usage.copy.as_deref().map(MxcUri::parse).transpose();
        let mut claims = self.claims;
        claims.filename = claims.filename.map(storable);
        claims.mimetype = claims.mimetype.map(storable);
        Ok(LinkRow {
            id,
            link_id: self.link_id,
            form: self.form,
            key_id: self.key_id,
            sealed: self.sealed,
            bridge: self.bridge,
            media_reference_id: usage.id,
            claims: Arc::new(claims),
            sender: self.sender,
            size: self.size,
            appearance: stored_appearance(self.appearance),
            shown_by: self.shown_by,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            max_follows: self.max_follows,
            max_size: self.max_size,
            pages_only: self.pages_only,
            state: self.state,
            is_doubted: false,
            decided: None,
            follows: 0,
            bytes_served: 0,
            last_followed_at: None,
            usage_state: usage.state,
            usage_event_id: usage.event_id.clone(),
            copy: copy.map_err(|_| StorageError::Corrupt("copy's mxc URI"))?,
            // A note about its media stands, and is asked about when it is due.
            may_be_missing: false,
            paste: self.paste.map(|paste| Paste {
                language: paste.language.map(storable),
            }),
        })
    }
}

/// An appearance as its columns hold it.
fn stored_appearance(appearance: Appearance) -> Appearance {
    Appearance {
        duration_ms: duration(&appearance).and_then(|duration| u64::try_from(duration).ok()),
        blurhash: appearance.blurhash.map(storable),
        warning: appearance.warning.map(|warning| Warning {
            reason: warning.reason.map(storable).and_then(non_empty),
            ..warning
        }),
        ..appearance
    }
}

const COLUMNS: [(&str, Kind); 28] = [
    ("link_id", Kind::Text),
    ("form", Kind::Text),
    ("key_id", Kind::Integer),
    ("nonce", Kind::Bytes),
    ("lifetime_s", Kind::Integer),
    ("bridge", Kind::Text),
    ("media_reference_id", Kind::Integer),
    ("event_id", Kind::Text),
    ("sender", Kind::Integer),
    ("file", Kind::Bytes),
    ("filename", Kind::Text),
    ("mimetype", Kind::Text),
    ("size", Kind::Integer),
    ("issued_at", Kind::Integer),
    ("expires_at", Kind::Integer),
    ("max_follows", Kind::Integer),
    ("state", Kind::Text),
    ("max_size", Kind::Integer),
    ("pages_only", Kind::Integer),
    ("paste_digest", Kind::Bytes),
    ("language", Kind::Text),
    ("width", Kind::Integer),
    ("height", Kind::Integer),
    ("duration_ms", Kind::Integer),
    ("blurhash", Kind::Text),
    ("warning", Kind::Text),
    ("is_spoiler", Kind::Integer),
    ("shown_by", Kind::Text),
];

/// `sender`: its number.
fn values(link: &NewLink, sender: Option<i64>) -> [Value; 28] {
    let claims = &link.claims;
    let paste = link.paste.as_ref();
    [
        (&link.link_id).into(),
        link.form.as_str().into(),
        link.key_id.map_or(NO_KEY, i64::from).into(),
        link.sealed.map(|(nonce, _)| nonce.to_vec()).into(),
        link.sealed.map(|(_, lifetime)| lifetime).into(),
        (&link.bridge).into(),
        link.media_reference_id.into(),
        claims.event_id.as_ref().map_or("", EventId::as_str).into(),
        sender.into(),
        file_secret(claims.file.as_ref(), link.media_reference_id).into(),
        (&claims.filename).into(),
        (&claims.mimetype).into(),
        link.size.into(),
        link.issued_at.into(),
        link.expires_at.into(),
        link.max_follows.into(),
        link.state.as_str().into(),
        link.max_size.into(),
        i64::from(link.pages_only).into(),
        paste.map(|paste| paste.digest.to_vec()).into(),
        paste.and_then(|paste| paste.language.as_deref()).into(),
        link.appearance.width.into(),
        link.appearance.height.into(),
        duration(&link.appearance).into(),
        (&link.appearance.blurhash).into(),
        warning(&link.appearance).into(),
        is_spoiler(&link.appearance).into(),
        link.shown_by.as_ref().map_or("", EventId::as_str).into(),
    ]
}

/// Stores a new link; `false`: its ID is taken.
///
/// # Errors
/// If the database fails.
pub async fn insert(connection: &mut Connection, link: &NewLink) -> Result<bool, StorageError> {
    Ok(!insert_all(connection, [link]).await?.is_empty())
}

fn sender(link: &NewLink) -> Option<&str> {
    link.sender.as_deref().filter(|sender| !sender.is_empty())
}

/// Stores new links, in this order; returns the rows by link ID. Links whose ID is taken are left out.
///
/// # Errors
/// If the database fails.
pub async fn insert_all<'l>(
    connection: &mut Connection,
    links: impl IntoIterator<Item = &'l NewLink>,
) -> Result<HashMap<String, i64>, StorageError> {
    let links: Vec<&NewLink> = links.into_iter().collect();
    let senders: BTreeSet<&str> = links.iter().filter_map(|link| sender(link)).collect();
    let senders = matrix_ids::numbers(connection, senders).await?;
    let mut rows = Rows::new(&COLUMNS);
    for link in links {
        let sender = sender(link).map(|sender| matrix_ids::number(&senders, sender));
        rows.push(values(link, sender.transpose()?));
    }
    let last = match connection.is_sqlite() {
        true => Some(last_id(connection).await?),
        false => None,
    };
    let mut query = QueryBuilder::new(
        "INSERT INTO links (link_id, form, key_id, nonce, lifetime_s, bridge, media_reference_id, event_id, sender, \
         file, filename, mimetype, size, issued_at, expires_at, max_follows, state, max_size, pages_only, paste_digest, \
         language, width, height, duration_ms, blurhash, warning, is_spoiler, shown_by, room) \
         SELECT new.*, (SELECT room FROM media_references WHERE id = new.media_reference_id) FROM ",
    );
    query
        .push_rows(rows)
        .push(" AS new WHERE TRUE ON CONFLICT (link_id) DO NOTHING");
    let stored: Vec<(String, i64)> = match last {
        Some(last) => {
            query.build().execute(&mut *connection).await?;
            stored_after(connection, last).await?
        }
        None => {
            query.push(" RETURNING link_id, id");
            query.build_query_as().fetch_all(connection).await?
        }
    };
    Ok(stored.into_iter().collect())
}

/// The row of the newest link of a SQLite file, which others come after.
async fn last_id(connection: &mut Connection) -> Result<i64, StorageError> {
    query_scalar("SELECT COALESCE(MAX(id), 0) FROM links")
        .fetch_one(connection)
        .await
}

/// The links of a SQLite file that were stored after this one: nobody else stores any meanwhile.
async fn stored_after(
    connection: &mut Connection,
    last: i64,
) -> Result<Vec<(String, i64)>, StorageError> {
    let mut query = QueryBuilder::packed("link_id, id");
    query.push("FROM links WHERE id > ").push_bind(last);
    query.fetch_packed(connection).await
}
