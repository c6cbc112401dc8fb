//! Each bridge: whether the homeserver knows its token and its user, and reaches us for it.

use crate::{
    config::{BridgeConfig, CheckEvent, Config},
    homeserver::{Homeserver, HomeserverError},
    telemetry::ForeignText,
};

use super::{finding::Findings, homeserver::hint};

/// Whether the homeserver takes the bridge for its user.
pub(super) async fn look(
    homeserver: &Homeserver,
    bridge: &BridgeConfig,
    findings: &mut Findings,
) -> bool {
    let (id, user_id) = (&bridge.id, &bridge.user_id);
    let asked = homeserver.whoami(bridge).await;
    let sender = match &asked {
        Err(error) if error.status() == 403 => homeserver.sender(bridge).await.ok(),
        _ => None,
    };
    let tried = format!("the as_token of bridge {id}, as {user_id}");
    let trial = findings.of("as_token", tried);
    match asked {
        Ok(told) if told == user_id.as_str() => {
            trial.ok("the homeserver knows it");
            return true;
        }
        Ok(_) => trial.fault(
            "the homeserver takes it for another user",
            "as_token has to be that of an appservice's registration, and no access token of a user",
        ),
        Err(error) if error.status() == 401 => trial.fault(
            &error,
            "as_token has to be that of the registration that the homeserver has loaded; after a change of that file, \
             restart the homeserver",
        ),
        Err(error) if error.status() == 403 => {
            let sender = ForeignText::new(sender.as_deref().unwrap_or("unknown"));
            trial.fault(
                format_args!("{error}; the token itself is good, and belongs to {sender}"),
                refused_user(&error, bridge, sender.as_str()),
            );
        }
        Err(error) => trial.fault(&error, hint(&error)),
    }
    false
}

/// What to do if the token is good and the user is refused.
fn refused_user(error: &HomeserverError, bridge: &BridgeConfig, sender: &str) -> String {
    let user_id = &bridge.user_id;
    let is_unregistered = matches!(
        error,
        HomeserverError::Refused { message, .. } if message.as_str().contains("registered")
    );
    if is_unregistered {
        format!("register {user_id} (the bridge does so at its start), or set user_id to {sender}")
    } else {
        format!(
            "set user_id to {sender}, or put {user_id} into namespaces.users of the registration and restart the \
             homeserver"
        )
    }
}

/// Whether the homeserver reaches the bridge's appservice, which is us.
pub(super) async fn look_at_ping(
    homeserver: &Homeserver,
    bridge: &BridgeConfig,
    config: &Config,
    runs: bool,
    findings: &mut Findings,
) {
    let tried = format!("a ping of the homeserver for bridge {}", bridge.id);
    let trial = findings.of("ping", tried);
    if !runs {
        return trial.warning(
            "not asked for: the service does not run",
            "start the service first",
        );
    }
    let error = match homeserver.ping(bridge, "medialink-doctor").await {
        Ok(duration_ms) => return trial.ok(format_args!("it reaches us, in {duration_ms} ms")),
        Err(error) => error,
    };
    let todo = match error.errcode() {
        "M_URL_NOT_SET" => {
            "set url in the registration to where the homeserver reaches listen.internal, and restart it"
        }
        "M_FORBIDDEN" => {
            "set appservice_id to the id of the registration with this as_token; without it, it is not known whether \
             redactions arrive"
        }
        "M_CONNECTION_FAILED" | "M_CONNECTION_TIMEOUT" => {
            "url in the registration has to lead from the homeserver to listen.internal"
        }
        "M_BAD_STATUS" => {
            "url in the registration leads to something else, or hs_token is not that of the registration"
        }
        _ => {
            trial.warning(
                &error,
                "the homeserver knows no pings: look into the log of the service for its transactions",
            );
            return;
        }
    };
    // An ID that does not fit says nothing about the way; and where events are asked for, none is needed.
    if error.errcode() == "M_FORBIDDEN" || config.links.check_event != CheckEvent::Push {
        trial.warning(&error, todo);
    } else {
        trial.fault(&error, todo);
    }
}
