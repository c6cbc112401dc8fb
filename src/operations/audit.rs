//! Who has done what: the log of what operators do.

use std::{fmt::Display, future::Future, sync::Arc};

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    storage::{
        Connection, Database, StorageError,
        audit::{self, NewEntry},
    },
};

/// The most bytes of a name.
const MAX_NAME: usize = 100;
/// The most bytes of what a deed is about.
const MAX_SUBJECT: usize = 1000;

/// Notes what one operator does. Clones note for the same.
#[derive(Debug, Clone)]
pub struct Auditor {
    database: Database,
    clock: Clock,
    actor: Arc<str>,
}

impl Auditor {
    /// Notes what the user of a command does.
    #[must_use]
    pub fn of_command(database: &Database, clock: &Clock) -> Self {
        let actor = format!("command line:{}", one_line(&system_user(), MAX_NAME));
        Self::new(database, clock, actor)
    }

    /// Notes what a user of the console does, who is known by a name or only by the token.
    #[must_use]
    pub fn of_console(database: &Database, clock: &Clock, user: Option<&str>) -> Self {
        let actor = match user {
            // A user of this name is told from whoever has the token.
            Some("token") => "console:user token".to_owned(),
            Some(user) => format!("console:{}", one_line(user, MAX_NAME)),
            None => "console:token".to_owned(),
        };
        Self::new(database, clock, actor)
    }

    fn new(database: &Database, clock: &Clock, actor: String) -> Self {
        Self {
            database: database.clone(),
            clock: clock.clone(),
            actor: actor.into(),
        }
    }

    /// Who it is.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// An entry, to be noted in the transaction of the deed. `subject` holds no secret.
    #[must_use]
    pub fn entry(&self, deed: &'static str, subject: impl Display) -> NewEntry {
        NewEntry {
            actor: self.actor.to_string(),
            deed,
            subject: one_line(&subject.to_string(), MAX_SUBJECT),
            affected: None,
            done_at: self.clock.now_ms(),
        }
    }

    /// Notes a deed before it is done, and afterwards on how many it was done. One that fails stays noted, without a
    /// number.
    ///
    /// # Errors
    /// If the deed fails, or cannot be noted, in which case it is not done.
    pub async fn during<T, E: From<StorageError>>(
        &self,
        deed: &'static str,
        subject: impl Display,
        work: impl Future<Output = Result<T, E>>,
        affected: impl FnOnce(&T) -> usize,
    ) -> Result<T, E> {
        let entry = self.entry(deed, subject);
        let writer = self.database.writer();
        let noted = writer.write::<_, StorageError, _>(move |c| {
            let entry = entry.clone();
            async move { audit::note(c, &entry).await }.boxed()
        });
        let id = noted.await?;
        let done = work.await?;
        let affected = number(affected(&done));
        let concluded = writer.write::<_, StorageError, _>(move |c| {
            async move { audit::conclude(c, id, affected).await }.boxed()
        });
        // It is done, whatever becomes of the number.
        if let Err(error) = concluded.await {
            tracing::warn!(%error, deed, "on how many it was done could not be noted");
        }
        Ok(done)
    }
}

/// Notes a deed that is done in the same transaction, on so many.
pub(super) async fn note_done(
    connection: &mut Connection,
    entry: &NewEntry,
    affected: usize,
) -> Result<(), StorageError> {
    let entry = NewEntry {
        affected: Some(number(affected)),
        ..entry.clone()
    };
    audit::note(connection, &entry).await.map(drop)
}

fn number(count: usize) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// A text of others as part of one line.
fn one_line(text: &str, max_bytes: usize) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let line: String = text.chars().map(shown).collect();
    match line.len() > max_bytes {
        false => line,
        true => format!("{}…", &line[..line.floor_char_boundary(max_bytes)]),
    }
}

/// The name of the user as whom this process runs, by the system's list of users; its number where that has none.
#[must_use]
pub fn system_user() -> String {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&users, &uid).unwrap_or(uid)
}

/// The name of a user in `passwd` (5).
fn name_of(users: &str, uid: &str) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nodd\nmedialink:x:992:992::/:/bin/false\n";
        assert_eq!(name_of(users, "992").as_deref(), Some("medialink"));
        assert_eq!(name_of(users, "0").as_deref(), Some("root"));
        assert_eq!(name_of(users, "1"), None);
    }

    #[test]
    fn texts_of_others_stay_one_short_line() {
        assert_eq!(one_line("a\r\nb", 10), "a\u{fffd}\u{fffd}b");
        assert_eq!(one_line("äää", 3), "ä…");
    }
}
