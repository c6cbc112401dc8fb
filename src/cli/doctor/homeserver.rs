//! The homeserver: whether it answers, what it can do, and what its clock says.

use serde_json::Value;

use crate::{
    clock::Clock,
    config::Config,
    homeserver::{FEATURES, Features, Homeserver, HomeserverError, announces},
};

use super::finding::Findings;

/// The versions of the specification from which on media needs authentication.
const AUTHENTICATED_MEDIA: (u32, u32) = (1, 11);
/// By how much clocks may differ, in milliseconds: without a word, and without a fault.
const SKEW_MS: (i64, i64) = (5_000, 60_000);

/// Asks for its versions; its features, or `None` if it does not answer.
pub(super) async fn look(
    homeserver: &Homeserver,
    config: &Config,
    clock: &Clock,
    findings: &mut Findings,
) -> Option<Features> {
    let url = &config.homeserver.url;
    let trial = findings.of("homeserver", format_args!("{url}_matrix/client/versions"));
    let versions = match homeserver.versions().await {
        Ok(versions) => versions,
        Err(error) => {
            trial.fault(&error, hint(&error));
            return None;
        }
    };
    match newest(&versions) {
        Some(newest) if newest >= AUTHENTICATED_MEDIA => {
            trial.ok(format_args!(
                "answers, and knows Matrix v{}.{}",
                newest.0, newest.1
            ));
        }
        Some((major, minor)) => trial.warning(
            format_args!("answers, and knows nothing newer than Matrix v{major}.{minor}"),
            "media needs no authentication there; update the homeserver to Matrix v1.11 or later",
        ),
        None => trial.fault(
            "answers, but not as a homeserver: versions is missing",
            "homeserver.url has to lead to the client API of the homeserver",
        ),
    }
    look_at_clock(homeserver, clock, findings).await;
    let features = Features::default();
    for name in FEATURES {
        features.set(name, announces(&versions, name));
    }
    let trial = findings.of("features", "what it announces for media");
    trial.ok(match (features.links_media(), features.deletes_media()) {
        (true, _) => "MSC3911: media is linked to events",
        (false, true) => "MSC4322: users delete their media",
        (false, false) => "nothing beyond the specification",
    });
    Some(features)
}

async fn look_at_clock(homeserver: &Homeserver, clock: &Clock, findings: &mut Findings) {
    let trial = findings.of("clock", "the homeserver's clock and ours");
    let told = homeserver.told_time().await;
    let now = clock.now_ms();
    let todo = "set both clocks by NTP (timedatectl set-ntp true): links end, and redactions count, by them";
    match told {
        Ok(Some(told)) => {
            let skew = now - told;
            let (small, large) = SKEW_MS;
            let found = format!(
                "ours is {} s {}",
                skew.abs() / 1000,
                if skew < 0 { "behind" } else { "ahead" }
            );
            if skew.abs() >= large {
                trial.fault(found, todo);
            } else if skew.abs() >= small {
                trial.warning(found, todo);
            } else {
                trial.ok("they agree to a few seconds");
            }
        }
        Ok(None) => trial.warning(
            "its answers have no Date header",
            "have the proxy before the homeserver hand it on, if it is to be compared",
        ),
        Err(error) => trial.fault(&error, hint(&error)),
    }
}

/// The newest version of the specification that it knows; `None`: that cannot be read.
fn newest(versions: &Value) -> Option<(u32, u32)> {
    let named = versions.get("versions")?.as_array()?.iter();
    let read = |name: &Value| {
        let name = name.as_str()?;
        match name.strip_prefix('v') {
            // Before v1.1, versions were called r0.
            None => Some((0, 0)),
            Some(number) => {
                let (major, minor) = number.split_once('.')?;
                Some((major.parse().ok()?, minor.parse().ok()?))
            }
        }
    };
    named.filter_map(read).max()
}

/// What to do if the homeserver does not answer.
pub(super) fn hint(error: &HomeserverError) -> &'static str {
    match error {
        HomeserverError::Unreachable(_) => {
            "start the homeserver, or name in homeserver.url where it is reached from here"
        }
        HomeserverError::Slow | HomeserverError::Broken(_) => {
            "look into the log of the homeserver, and of the proxy before it"
        }
        HomeserverError::Refused { .. }
        | HomeserverError::NotAtOldEndpoint
        | HomeserverError::InvalidResponse(_) => {
            "homeserver.url has to lead to the client API of the homeserver; a proxy before it may answer in its place"
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_version_is_found_by_its_numbers() {
        let of = |versions: Value| newest(&json!({"versions": versions}));
        assert_eq!(of(json!(["r0.6.1", "v1.2", "v1.11"])), Some((1, 11)));
        assert_eq!(of(json!(["r0.6.1"])), Some((0, 0)));
        assert_eq!(of(json!(["v1", 3, "vx.y"])), None);
        assert_eq!(of(json!("v1.11")), None);
        assert_eq!(newest(&json!([])), None);
    }
}
