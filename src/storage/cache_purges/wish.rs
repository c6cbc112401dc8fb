//! The wish for a purge.

use crate::storage::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Rows},
};

/// Asks for the media of these usages to be purged from the cache.
pub async fn wish(
    connection: &mut Connection,
    usages: &[i64],
    now: i64,
) -> Result<(), StorageError> {
    if usages.is_empty() {
        return Ok(());
    }
    let mut query =
        QueryBuilder::new("INSERT INTO cache_purges (media_reference_id, purge_at) SELECT id, ");
    query
        .push_bind(now)
        .push(" FROM ")
        .push_rows(Rows::of(&[("id", Kind::Integer)], usages))
        .push(
            " AS usages WHERE TRUE ON CONFLICT (media_reference_id) \
             DO UPDATE SET purge_at = excluded.purge_at, is_last = FALSE",
        );
    query.build().execute(connection).await?;
    Ok(())
}
