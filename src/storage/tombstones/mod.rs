//! What is left of links that ended long ago: cause and time of the end, by a digest of bridge and link ID.
//! Thirteen bytes each, some dozens of them sorted into a row, so that neither a row nor an entry of an index has
//! to be paid for each link. Every function here fails only if the database does.

mod page;
mod tombstone;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    StorageError,
    engine::{Connection, Kind, On, QueryBuilder, Rows},
};
use page::{Page, split};

pub use tombstone::{Name, Tombstone};

/// The tombstone of a link, whichever of these bridges it was of.
pub async fn find<'e>(
    reader: impl Into<On<'e>>,
    bridges: &[&str],
    link_id: &str,
) -> Result<Option<Tombstone>, StorageError> {
    let names = bridges.iter().map(|bridge| Name::of(bridge, link_id));
    let names: Vec<Name> = names.collect();
    let pages = pages(reader, &names).await?;
    let of_name = |name: &Name| {
        let page = pages.range(..=name.0).next_back();
        page.and_then(|(_, page)| page.get(*name))
    };
    Ok(names.iter().find_map(of_name))
}

/// Notes what is left of links. It replaces what was noted of them before.
pub async fn bury(
    connection: &mut Connection,
    links: &[(Name, Tombstone)],
) -> Result<(), StorageError> {
    if links.is_empty() {
        return Ok(());
    }
    let names: Vec<Name> = links.iter().map(|(name, _)| *name).collect();
    let mut pages = pages(&mut *connection, &names).await?;
    pages.entry(0).or_default();
    let mut changed = BTreeSet::new();
    for (name, tombstone) in links {
        if let Some((first, page)) = pages.range_mut(..=name.0).next_back() {
            page.put(*name, *tombstone);
            changed.insert(*first);
        }
    }
    let mut rows = Rows::new(&[("first", Kind::Integer), ("ended", Kind::Bytes)]);
    for (first, page) in pages {
        if changed.contains(&first) {
            for (first, page) in split(first, page) {
                rows.push([first.into(), page.into_bytes().into()]);
            }
        }
    }
    let mut query =
        QueryBuilder::new("INSERT INTO tombstones (first, ended) SELECT first, ended FROM ");
    query
        .push_rows(rows)
        .push(" AS pages WHERE TRUE ON CONFLICT (first) DO UPDATE SET ended = excluded.ended");
    query.build().execute(connection).await?;
    Ok(())
}

/// The rows that hold these names, if they are there, by the lowest name that they may hold.
async fn pages<'e>(
    reader: impl Into<On<'e>>,
    names: &[Name],
) -> Result<BTreeMap<i64, Page>, StorageError> {
    let names = names.iter().map(|name| name.0);
    let mut query = QueryBuilder::new(
        "SELECT t.first, t.ended FROM (SELECT DISTINCT \
         (SELECT MAX(u.first) FROM tombstones u WHERE u.first <= names.name) AS first FROM ",
    );
    query
        .push_rows(Rows::of(&[("name", Kind::Integer)], names))
        .push(" AS names) AS here CROSS JOIN tombstones t WHERE t.first = here.first");
    let rows: Vec<(i64, Vec<u8>)> = query.build_query_as().fetch_all(reader).await?;
    let pages = rows.into_iter().map(|(first, bytes)| {
        let page = Page::read(bytes).ok_or(StorageError::Corrupt("tombstone"))?;
        Ok((first, page))
    });
    pages.collect()
}

#[cfg(test)]
mod tests;
