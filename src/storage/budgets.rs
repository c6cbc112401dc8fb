//! What is used of budgets, which services on one database share and which survives restarts. A row is there as long
//! as something is used.
//!
//! Every function here fails with [`StorageError`] if the database does.

use super::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Reader, Rows, query, query_as},
};

/// A change of what is used of a budget.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BudgetChange {
    /// A digest of the budget and of whose it is.
    pub digest: String,
    /// How much later nothing is used any more, in nanoseconds.
    pub later_by: i64,
}

/// What is used of a budget.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UsedBudget {
    /// A digest of the budget and of whose it is.
    pub digest: String,
    /// When nothing is used any more, in nanoseconds since the epoch.
    pub free_at: i64,
}

/// Adds up changes; returns what is used of their budgets then. `now`: in nanoseconds.
pub async fn change(
    connection: &mut Connection,
    changes: &[BudgetChange],
    now: i64,
) -> Result<Vec<UsedBudget>, StorageError> {
    let mut rows = Rows::new(&[("budget", Kind::Text), ("later_by", Kind::Integer)]);
    for change in changes {
        rows.push([change.digest.as_str().into(), change.later_by.into()]);
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO budgets (digest, free_at, changed_at) SELECT budget, later_by + ",
    );
    query
        .push_bind(now)
        .push(", ")
        .push_bind(now)
        .push(" FROM ")
        .push_rows(rows)
        .push(
            " AS here WHERE TRUE ON CONFLICT (digest) DO UPDATE SET changed_at = excluded.changed_at, \
             free_at = excluded.free_at + CASE WHEN budgets.free_at > excluded.changed_at \
             THEN budgets.free_at - excluded.changed_at ELSE 0 END RETURNING digest, free_at",
        );
    query.build_query_as().fetch_all(connection).await
}

/// The budgets that were changed at or after a time, in nanoseconds.
pub async fn changed_since(reader: &Reader, since: i64) -> Result<Vec<UsedBudget>, StorageError> {
    query_as("SELECT digest, free_at FROM budgets WHERE changed_at >= $1")
        .bind(since)
        .fetch_all(reader)
        .await
}

/// Forgets budgets of which nothing is used any more.
pub async fn forget(connection: &mut Connection, now: i64) -> Result<(), StorageError> {
    query("DELETE FROM budgets WHERE free_at <= $1")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::storage::test_database::open;

    #[tokio::test]
    async fn changes_of_several_services_add_up_and_what_is_free_is_forgotten() {
        let (_folder, database) = open().await;
        let change_at = async |later_by: &[(&str, i64)], now: i64| {
            let changes: Vec<BudgetChange> = later_by
                .iter()
                .map(|(digest, later_by)| BudgetChange {
                    digest: (*digest).to_owned(),
                    later_by: *later_by,
                })
                .collect();
            let write = database.writer().write(move |connection| {
                async move { change(connection, &changes, now).await }.boxed()
            });
            let mut used = write.await.expect("writes");
            used.sort_by(|a, b| a.digest.cmp(&b.digest));
            used.into_iter()
                .map(|used| used.free_at)
                .collect::<Vec<_>>()
        };
        let now = 1_790_000_000_000_000_000;
        assert_eq!(
            change_at(&[("a", 50), ("b", 7)], now).await,
            [now + 50, now + 7]
        );
        assert_eq!(change_at(&[("a", 5)], now + 10).await, [now + 55]);
        // What has flowed back is not owed.
        assert_eq!(change_at(&[("b", 1)], now + 20).await, [now + 21]);
        assert_eq!(change_at(&[("a", -5)], now + 20).await, [now + 50]);
        let changed = changed_since(database.reader(), now + 20)
            .await
            .expect("reads");
        assert_eq!(changed.len(), 2);
        let forget_at = database
            .writer()
            .write(move |connection| forget(connection, now + 49).boxed());
        forget_at.await.expect("writes");
        let left = changed_since(database.reader(), 0).await.expect("reads");
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].digest, "a");
    }
}
