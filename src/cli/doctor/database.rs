//! The database, and whether the keys are those that belong to it.

use crate::{app::Stores, clock::Clock, config::Config};

use super::finding::Findings;

pub(super) async fn look(config: &Config, clock: &Clock, findings: &mut Findings) {
    let tried = format!("the database {}", config.database);
    let trial = findings.of("database", tried);
    match Stores::open_database(config).await {
        Ok(database) => {
            let noted = crate::storage::history::newest(database.reader()).await;
            match noted {
                Ok(newest) if newest.is_some_and(|newest| newest > clock.now_ms()) => trial.warning(
                    "opens, and its newest entry is of the future",
                    "set the clock of this machine (timedatectl); or the entry was made by a clock that was wrong",
                ),
                Ok(_) => trial.ok("opens, and its tables are those of this version"),
                Err(error) => trial.fault(error, "medialink check --database says what is damaged"),
            }
        }
        Err(error) => trial.fault(
            format_args!("{error:#}"),
            "mend what the error names; before the first start of medialink serve there is no database",
        ),
    }
    let has_no_file = findings.has_fault("key_file");
    let trial = findings.of("keys", format_args!("the link keys, {}", config.key_file));
    if has_no_file {
        return trial.warning(
            "not looked at: the key file cannot be taken",
            "mend the key file first",
        );
    }
    match Stores::look_at_keys(config).await {
        Ok(()) => trial.ok("nothing contradicts the links that were signed"),
        Err(error) => trial.fault(
            format_args!("{error:#}"),
            "restore the key file or the root secret that belongs to this database",
        ),
    }
}
