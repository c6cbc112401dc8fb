//! Rooms and users as numbers: what many rows share stands once.
//!
//! Every function here fails only if the database does.

use std::collections::{BTreeSet, HashMap};

use super::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Rows},
};

/// The numbers of these Matrix IDs, which are noted if they are new. The empty text is one of them: no room.
pub(super) async fn numbers(
    connection: &mut Connection,
    ids: BTreeSet<&str>,
) -> Result<HashMap<String, i64>, StorageError> {
    let mut known = known(connection, &ids).await?;
    let new: BTreeSet<&str> = ids
        .into_iter()
        .filter(|id| !known.contains_key(*id))
        .collect();
    if new.is_empty() {
        return Ok(known);
    }
    let mut query = QueryBuilder::new("INSERT INTO matrix_ids (matrix_id) SELECT matrix_id FROM ");
    query
        .push_rows(rows(&new))
        .push(" AS new WHERE TRUE ON CONFLICT (matrix_id) DO NOTHING");
    query.build().execute(&mut *connection).await?;
    // Others may have noted some of them meanwhile.
    known.extend(self::known(connection, &new).await?);
    Ok(known)
}

async fn known(
    connection: &mut Connection,
    ids: &BTreeSet<&str>,
) -> Result<HashMap<String, i64>, StorageError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = QueryBuilder::packed("matrix_id, id");
    query
        .push("FROM matrix_ids WHERE matrix_id IN ")
        .push_rows(rows(ids));
    let known: Vec<(String, i64)> = query.fetch_packed(connection).await?;
    Ok(known.into_iter().collect())
}

fn rows(ids: &BTreeSet<&str>) -> Rows {
    Rows::of(&[("matrix_id", Kind::Text)], ids.iter().copied())
}

/// The number of one of those that were just noted.
pub(super) fn number(numbers: &HashMap<String, i64>, id: &str) -> Result<i64, StorageError> {
    let number = numbers.get(id).copied();
    number.ok_or(StorageError::Corrupt(
        "Matrix ID, gone as soon as it was noted",
    ))
}
