//! The plan of every statement: none looks through a whole table that grows, or through all that a bridge
//! has. Statements are found in the source, so that none is overlooked.

mod calls;
mod console_calls;
mod database;
mod denial_calls;
mod erasure_calls;
mod judge;
mod missing_calls;
mod report_calls;
mod sites;

use std::collections::{BTreeMap, BTreeSet};

use crate::storage::{
    engine::{Site, noted_statements},
    test_database::open,
};

/// Statements that run on PostgreSQL alone, by how they begin.
const POSTGRES_ALONE: [&str; 2] = [
    "SELECT id FROM media_references WHERE id IN ",
    "SELECT r.id FROM media_references r WHERE ",
];

/// The same of those that run on SQLite alone.
const SQLITE_ALONE: [&str; 2] = [
    "link_id, id",
    "r.id, r.room, r.mxc, r.content_token, r.state, r.pending_at, r.counted_by, r.copy_mxc",
];

/// Whether it reads or changes rows.
fn has_plan(text: &str) -> bool {
    let words = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];
    words.iter().any(|word| text.starts_with(word))
}

#[tokio::test]
async fn no_statement_looks_through_a_table_that_grows() {
    let (_folder, database) = open().await;
    calls::run_all(&database).await;
    let is_sqlite = !support::is_postgres();
    let mut noted: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for (site, text) in noted_statements() {
        noted.entry(site).or_default().insert(text);
    }
    let mut texts: BTreeMap<String, Site> = BTreeMap::new();
    let mut faults = vec![];
    for made in sites::all("src/storage") {
        let of_site = match made.texts {
            Some([sqlite, postgres]) => BTreeSet::from([if is_sqlite { sqlite } else { postgres }]),
            None => noted.remove(&made.site).unwrap_or_default(),
        };
        let of_other: &[&str] = if is_sqlite {
            &POSTGRES_ALONE
        } else {
            &SQLITE_ALONE
        };
        let is_for_other = of_other.contains(&&*made.start);
        if of_site.is_empty() && !is_for_other {
            let site = &made.site;
            faults.push(format!("{}:{}: run it in calls.rs", site.file, site.line));
        }
        let of_site = of_site.into_iter().filter(|text| has_plan(text));
        texts.extend(of_site.map(|text| (text, made.site.clone())));
    }
    assert!(texts.len() > 100, "{} statements were found", texts.len());
    for has_statistics in [false, true] {
        if has_statistics {
            database::fill(&database).await;
        } else if !is_sqlite {
            // A server gets statistics before its tables are large.
            continue;
        }
        let mut connection = database.reader().acquire().await.expect("a connection");
        for (text, site) in &texts {
            let plan = database::plan(&mut connection, text).await;
            for fault in judge::faults(text, &plan, is_sqlite) {
                let place = format!("{}:{}", site.file, site.line);
                faults.push(format!(
                    "{place}: {fault}\n    {text}\n    {}",
                    plan.join("\n    ")
                ));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{}:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
