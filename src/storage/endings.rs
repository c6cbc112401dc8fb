//! Decisions by which many links end. From its commit on, a decision holds for all links that it is about,
//! whoever reads them; their rows follow some at a time. Decisions are carried out in their order, so that each
//! counts the links that have ended by it, and no other. Every function here fails only if the database does.

use medialink_link::{KeyId, LinkState};

use super::{
    StorageError,
    engine::{Connection, Reader, pick, query, query_as, query_scalar},
    links::{self, Criteria, Range},
};

/// A decision whose rows are not done.
pub(super) struct OpenEnding {
    pub(super) id: i64,
    pub(super) state: LinkState,
    pub(super) bridge: Option<String>,
    pub(super) criteria: Criteria,
    pub(super) decided_at: i64,
    up_to: i64,
    looked_up_to: i64,
}

/// What is decided about links.
pub(super) struct Decision<'a> {
    /// Whose links; `None`: those of every bridge.
    pub(super) bridge: Option<&'a str>,
    /// Which of them.
    pub(super) criteria: &'a Criteria,
    /// The state that they end in.
    pub(super) state: LinkState,
}

/// Notes a decision about all links that there are now, of which so many have ended by it, up to a row.
pub(super) async fn note(
    connection: &mut Connection,
    decision: &Decision<'_>,
    ended: i64,
    looked_up_to: i64,
    now: i64,
) -> Result<i64, StorageError> {
    let criteria = decision.criteria;
    let up_to = links::last(connection).await?;
    query_scalar(
        "INSERT INTO endings (state, bridge, room_id, event_id, shown_by, mxc, sender, key_id, issued_before_at, \
         up_to, looked_up_to, ended, decided_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         RETURNING id",
    )
    .bind(decision.state.as_str())
    .bind(decision.bridge)
    .bind(&criteria.room_id)
    .bind(&criteria.event_id)
    .bind(&criteria.shown_by)
    .bind(&criteria.mxc)
    .bind(&criteria.sender)
    .bind(criteria.key_id.map(i64::from))
    .bind(criteria.issued_before)
    .bind(up_to)
    .bind(looked_up_to)
    .bind(ended)
    .bind(now)
    .fetch_one(connection)
    .await
}

/// Whether any decision is still to be carried out.
pub async fn is_any_open(reader: &Reader) -> Result<bool, StorageError> {
    query_scalar("SELECT EXISTS (SELECT 1 FROM endings WHERE finished_at IS NULL)")
        .fetch_one(reader)
        .await
}

#[derive(sqlx::FromRow)]
struct Columns {
    id: i64,
    state: String,
    bridge: Option<String>,
    room_id: Option<String>,
    event_id: Option<String>,
    shown_by: Option<String>,
    mxc: Option<String>,
    sender: Option<String>,
    key_id: Option<i64>,
    issued_before_at: Option<i64>,
    up_to: i64,
    looked_up_to: i64,
    decided_at: i64,
}

impl TryFrom<Columns> for OpenEnding {
    type Error = StorageError;

    fn try_from(columns: Columns) -> Result<Self, StorageError> {
        let key_id = columns.key_id.map(KeyId::try_from).transpose();
        Ok(Self {
            id: columns.id,
            state: LinkState::parse(&columns.state).ok_or(StorageError::Corrupt("link state"))?,
            bridge: columns.bridge,
            criteria: Criteria {
                room_id: columns.room_id,
                event_id: columns.event_id,
                shown_by: columns.shown_by,
                mxc: columns.mxc,
                sender: columns.sender,
                key_id: key_id.map_err(|_| StorageError::Corrupt("key ID"))?,
                issued_before: columns.issued_before_at,
                state: None,
            },
            decided_at: columns.decided_at,
            up_to: columns.up_to,
            looked_up_to: columns.looked_up_to,
        })
    }
}

impl OpenEnding {
    /// The links that are to be looked at next.
    pub(super) fn range(&self, limit: i64) -> Range {
        Range {
            after: self.looked_up_to,
            up_to: self.up_to,
            limit,
            is_new: false,
        }
    }
}

/// The oldest decision that is still to be carried out. Nobody else carries it out until the end of this write.
pub(super) async fn oldest_open(
    connection: &mut Connection,
) -> Result<Option<OpenEnding>, StorageError> {
    let columns: Option<Columns> = query_as(pick(
        "SELECT * FROM endings WHERE finished_at IS NULL ORDER BY id LIMIT 1",
        "SELECT * FROM endings WHERE finished_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE",
    ))
    .fetch_optional(connection)
    .await?;
    columns.map(OpenEnding::try_from).transpose()
}

/// So many more links have ended by a decision, up to a row; `finished_at`: they were the last ones.
pub(super) async fn advance(
    connection: &mut Connection,
    id: i64,
    ended: i64,
    looked_up_to: i64,
    finished_at: Option<i64>,
) -> Result<(), StorageError> {
    query(
        "UPDATE endings SET ended = ended + $1, looked_up_to = $2, finished_at = $3 WHERE id = $4",
    )
    .bind(ended)
    .bind(looked_up_to)
    .bind(finished_at)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// How many links have ended by a decision, once it is carried out.
pub async fn outcome(reader: &Reader, id: i64) -> Result<Option<i64>, StorageError> {
    query_scalar("SELECT ended FROM endings WHERE id = $1 AND finished_at IS NOT NULL")
        .bind(id)
        .fetch_optional(reader)
        .await
}

/// Forgets decisions that were carried out before a time.
pub async fn forget(connection: &mut Connection, finished_before: i64) -> Result<(), StorageError> {
    query("DELETE FROM endings WHERE finished_at < $1")
        .bind(finished_before)
        .execute(connection)
        .await?;
    Ok(())
}
