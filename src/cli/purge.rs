//! `purge`: what is known of a user or of a room is erased, because somebody has asked for it.

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use futures_util::FutureExt;
use serde_json::json;

use crate::{
    app::Stores,
    clock::Clock,
    config::Config,
    links::Revoker,
    operations::Auditor,
    storage::{
        Database, StorageError, erasure,
        links::Criteria,
        thinning::{self, Place, Whose},
    },
};

use super::progress::shown;

/// How many links one write looks at.
const AT_ONCE: i64 = 500;
/// How often to look whether the service has released what the links have used.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The user who shared the media.
    #[arg(long)]
    user: Option<String>,
    /// The room of the links; together with a user: of that user in that room.
    #[arg(long)]
    room: Option<String>,
    /// Only says how many links would go.
    #[arg(long)]
    dry_run: bool,
    /// Prints what was done, or would be, as one JSON object.
    #[arg(long)]
    json: bool,
    /// For how many seconds to wait until the homeserver is told that the media is not used any more, and the caches
    /// are purged, which takes a good minute.
    #[arg(long, default_value_t = 120)]
    wait: u32,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { user, room, .. } = &arguments;
    if user.is_none() && room.is_none() {
        bail!("nothing is given; at least one of --user and --room is needed");
    }
    for (name, id, begin) in [("--user", user, '@'), ("--room", room, '!')] {
        if let Some(id) = id
            .as_ref()
            .filter(|id| !id.starts_with(begin) || id.len() > 255)
        {
            bail!("{name}: found {id:?}; allowed is an ID that begins with {begin}");
        }
    }
    let database = Stores::open_database(config).await?;
    let whose = Whose {
        user_id: arguments.user,
        room_id: arguments.room,
    };
    let (live, all) = erasure::count(database.reader(), &whose).await?;
    if arguments.dry_run {
        if arguments.json {
            println!("{}", json!({"links": all, "live": live}));
        } else {
            println!("{all} links would go, {live} of them live");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let criteria = Criteria {
        sender: whose.user_id.clone(),
        room_id: whose.room_id.clone(),
        ..Criteria::default()
    };
    let clock = Clock::default();
    let auditor = Auditor::of_command(&database, &clock);
    let revoker = Revoker::new(database.clone(), config, clock);
    let revoking = revoker.revoke(None, criteria);
    let revoking = auditor.during("purge", kind_of(&whose), revoking, |revoked| revoked.links);
    let revoked = shown("revoking", revoking).await?;
    let tells = !arguments.json;
    if tells {
        println!("{} links revoked", revoked.links);
    }
    let left = shown("erasing", erase(&database, &whose, arguments.wait)).await?;
    if tells {
        println!("{} of {all} links erased", all - left);
    } else {
        println!(
            "{}",
            json!({"links": all, "revoked": revoked.links, "erased": all - left})
        );
    }
    if left > 0 {
        eprintln!(
            "medialink: {left} wait until the homeserver is told, or the cache purged, by the running service: run this again then"
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// What is purged, without its name, which is to be forgotten.
fn kind_of(whose: &Whose) -> &'static str {
    match (&whose.user_id, &whose.room_id) {
        (Some(_), Some(_)) => "a user in a room",
        (Some(_), None) => "a user",
        (None, _) => "a room",
    }
}

/// Erases what nothing needs any more, until all has gone or the time is over; how many links are left.
async fn erase(database: &Database, whose: &Whose, wait: u32) -> Result<i64, StorageError> {
    for round in 0..=wait {
        if round > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        thin(database, whose).await?;
        let (_, left) = erasure::count(database.reader(), whose).await?;
        if left == 0 || round == wait {
            let whose = whose.clone();
            let erased = database.writer().write::<_, StorageError, _>(move |c| {
                let whose = whose.clone();
                async move { erasure::erase(c, &whose).await }.boxed()
            });
            erased.await?;
            return Ok(left);
        }
    }
    Ok(0)
}

async fn thin(database: &Database, whose: &Whose) -> Result<(), StorageError> {
    let mut from = Some(Place::START);
    while let Some(place) = from {
        let whose = whose.clone();
        let thinned = database.writer().write::<_, StorageError, _>(move |c| {
            let whose = whose.clone();
            async move { thinning::links_of(c, &whose, place, AT_ONCE).await }.boxed()
        });
        from = thinned.await?.next;
    }
    Ok(())
}
