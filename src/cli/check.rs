//! `check`: problems of a configuration that show before it runs, and of its database.

use std::{path::Path, process::ExitCode};

use crate::{
    app::Stores,
    config::Config,
    homeserver::{Homeserver, HomeserverError},
    telemetry::masked,
};

use super::check_database;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Looks through the database, also while a service runs on it, and changes nothing: exit 1 if something is not as
    /// it has to be, 2 if it cannot be opened.
    #[arg(long)]
    database: bool,
    /// Prints what was found in the database as one JSON object.
    #[arg(long, requires = "database")]
    json: bool,
}

pub(super) async fn run(
    path: &Path,
    config: &Config,
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
    if arguments.database {
        return check_database::run(&config.database, arguments.json).await;
    }
    let mut problems = Vec::new();
    if let Err(error) = Stores::look_at_keys(config).await {
        problems.push(format!("{error:#}"));
    }
    problems.extend(fallback_room(config).await);
    if problems.is_empty() {
        println!("{}: ok", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    for problem in problems {
        let problem = masked(&problem).unwrap_or(problem);
        eprintln!("{}: {problem}", path.display());
    }
    Ok(ExitCode::from(2))
}

/// Content tokens are sent into the fallback room, so nobody but the bridges may see them there.
pub(super) async fn fallback_room(config: &Config) -> Option<String> {
    let room_id = config.usage.fallback_room.as_ref()?.as_str();
    let bridge = config.bridges.first()?;
    let state = async {
        let homeserver = Homeserver::new(config.homeserver.clone())?;
        let rules = homeserver
            .room_state(bridge, room_id, "m.room.join_rules")
            .await?;
        let create = homeserver
            .room_state(bridge, room_id, "m.room.create")
            .await?;
        Ok::<_, HomeserverError>((rules, create))
    };
    let (rules, create) = match state.await {
        Ok(state) => state,
        Err(error) => {
            return Some(format!(
                "usage.fallback_room: {room_id} cannot be looked at as {}: {error}; it has to be an invite-only, unfederated room of that user",
                bridge.user_id
            ));
        }
    };
    let rule = rules
        .as_ref()
        .and_then(|content| content.get("join_rule")?.as_str())
        .unwrap_or("invite");
    if rule != "invite" {
        return Some(format!(
            "usage.fallback_room: {room_id} has the join rule {rule:?}; allowed is \"invite\""
        ));
    }
    let federates = create
        .as_ref()
        .and_then(|content| content.get("m.federate")?.as_bool())
        .unwrap_or(true);
    federates.then(|| {
        format!("usage.fallback_room: {room_id} is federated; allowed is a room made with \"creation_content\": {{\"m.federate\": false}}")
    })
}
