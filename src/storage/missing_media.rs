//! Media of which the homeserver has said once that it does not have it.
//!
//! Every function here fails with [`StorageError`] if the database does.

use std::fmt;

use super::{
    StorageError,
    engine::{Connection, On, Opened, QueryBuilder, Reader, query, query_scalar},
    sealer::{Sealing, Secret},
};

/// A medium with all that decides about the homeserver's answer. Rooms do not.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AskedMedium {
    /// The bridge as whose user the homeserver is asked.
    pub bridge: String,
    /// The URI of the media.
    pub mxc: String,
    /// Its content token; empty: it has none.
    pub content_token: String,
    /// The copy that is asked for first (MSC3911); empty: none.
    pub copy_mxc: String,
}

impl fmt::Debug for AskedMedium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskedMedium")
            .field("bridge", &self.bridge)
            .field("mxc", &self.mxc)
            .field("copy_mxc", &self.copy_mxc)
            .finish_non_exhaustive()
    }
}

impl AskedMedium {
    /// Its content token as a value of a statement.
    pub(super) fn secret(&self) -> Secret {
        Secret::token(&self.mxc, &self.content_token)
    }
}

/// A statement about the note of one medium, which takes its first four parameters.
macro_rules! of_medium {
    ($statement:literal) => {
        concat!(
            $statement,
            " WHERE bridge = $1 AND mxc = $2 AND content_token = $3 AND copy_mxc = $4"
        )
    };
}

/// Since when the homeserver has been known not to have it; `None`: it is not known.
pub async fn since<'e>(
    reader: impl Into<On<'e>>,
    medium: &AskedMedium,
) -> Result<Option<i64>, StorageError> {
    let query = of_medium!("SELECT missing_since FROM missing_media");
    query_scalar(query)
        .bind(&medium.bridge)
        .bind(&medium.mxc)
        .bind(medium.secret())
        .bind(&medium.copy_mxc)
        .fetch_optional(reader)
        .await
}

/// Notes that the homeserver does not have it, as if it were the first time.
pub async fn note(
    connection: &mut Connection,
    medium: &AskedMedium,
    now: i64,
    ask_at: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO missing_media (bridge, mxc, content_token, copy_mxc, missing_since, ask_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (bridge, mxc, content_token, copy_mxc) \
         DO UPDATE SET missing_since = excluded.missing_since, ask_at = excluded.ask_at",
    )
    .bind(&medium.bridge)
    .bind(&medium.mxc)
    .bind(medium.secret())
    .bind(&medium.copy_mxc)
    .bind(now)
    .bind(ask_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes of linked media that somebody else says is missing, of all of its links, unless that is noted.
pub async fn doubt(
    connection: &mut Connection,
    mxc: &str,
    now: i64,
    ask_at: i64,
) -> Result<(), StorageError> {
    let mut query = QueryBuilder::new(
        "INSERT INTO missing_media (bridge, mxc, content_token, copy_mxc, missing_since, ask_at) \
         SELECT DISTINCT r.bridge, r.mxc, r.content_token, COALESCE(r.copy_mxc, ''), CAST(",
    );
    query
        .push_bind(now)
        .push(" AS BIGINT), CAST(")
        .push_bind(ask_at)
        .push(" AS BIGINT) FROM media_references r WHERE ")
        .push_is_mxc("r.mxc", mxc)
        .push(
            " AND EXISTS (SELECT 1 FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live') \
             ON CONFLICT (bridge, mxc, content_token, copy_mxc) DO NOTHING",
        );
    query.build().execute(connection).await?;
    Ok(())
}

/// Has it asked for at another time; nothing else of the note changes.
pub async fn postpone(
    connection: &mut Connection,
    medium: &AskedMedium,
    ask_at: i64,
) -> Result<(), StorageError> {
    query(of_medium!("UPDATE missing_media SET ask_at = $5"))
        .bind(&medium.bridge)
        .bind(&medium.mxc)
        .bind(medium.secret())
        .bind(&medium.copy_mxc)
        .bind(ask_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets the note: the homeserver has it, or no link leads to it any more.
pub async fn forget(connection: &mut Connection, medium: &AskedMedium) -> Result<(), StorageError> {
    query(of_medium!("DELETE FROM missing_media"))
        .bind(&medium.bridge)
        .bind(&medium.mxc)
        .bind(medium.secret())
        .bind(&medium.copy_mxc)
        .execute(connection)
        .await?;
    Ok(())
}

/// A medium that is to be asked for again.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DueQuestion {
    /// The medium.
    #[sqlx(flatten)]
    pub medium: AskedMedium,
    /// Whether a link to it is live.
    pub is_linked: bool,
}

impl Opened for DueQuestion {
    type Row = Self;

    fn open(mut due: Self, sealing: &Sealing) -> Result<Self, StorageError> {
        let medium = &mut due.medium;
        let stored = std::mem::take(&mut medium.content_token);
        medium.content_token = sealing.open_token(&medium.mxc, stored)?;
        Ok(due)
    }
}

/// The medium that is to be asked for first, of those that are due: none of `busy` media, and none of
/// `busy_servers`.
pub async fn next_due(
    reader: &Reader,
    now: i64,
    busy: &[&str],
    busy_servers: &[&str],
) -> Result<Option<DueQuestion>, StorageError> {
    let mut query = QueryBuilder::new(
        "SELECT m.bridge, m.mxc, m.content_token, m.copy_mxc, EXISTS (SELECT 1 \
         FROM media_references r JOIN links l ON l.media_reference_id = r.id WHERE ",
    );
    query
        .push_same_mxc("r.mxc", "m.mxc")
        .push(
            " AND r.bridge = m.bridge AND r.content_token = m.content_token \
             AND COALESCE(r.copy_mxc, '') = m.copy_mxc AND l.state = 'live' \
             AND (l.expires_at IS NULL OR l.expires_at > ",
        )
        .push_bind(now)
        .push(")) AS is_linked FROM missing_media m WHERE m.ask_at <= ")
        .push_bind(now);
    without(&mut query, "m.mxc", busy, busy_servers);
    query.push(" ORDER BY m.ask_at LIMIT 1");
    query.build_query_opened().fetch_optional(reader).await
}

/// Leaves out these media, and all media of these servers.
pub(super) fn without(
    query: &mut QueryBuilder,
    column: &'static str,
    media: &[&str],
    servers: &[&str],
) {
    for mxc in media {
        query.push(" AND ").push(column).push(" <> ");
        query.push_bind((*mxc).to_owned());
    }
    for server in servers {
        let start = format!("mxc://{server}/");
        query
            .push(" AND SUBSTR(")
            .push(column)
            .push(", 1, CAST(")
            .push_bind(i64::try_from(start.len()).unwrap_or(i64::MAX))
            .push(" AS INTEGER)) <> ")
            .push_bind(start);
    }
}
